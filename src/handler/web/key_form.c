/* SPDX-License-Identifier: MIT */
/* The form of a key: what POST and PATCH of /api/keys take. */
#include "domain/catalogue.h"
#include "handler/web/budget_fields.h"
#include "handler/web/called.h"
#include "handler/web/key.h"
#include "handler/web/limit_fields.h"
#include "store/label.h"
#include "store/tier.h"
#include "store/user.h"

#define OPTIONS_MAX   200 /* of each kind; what a key has is always one */
#define ROW_BYTES_MAX KIB(256)

static const char *const scope_options[] = { "infer|send requests to models",
	"usage:read|read usage", "usage:write|record usage from elsewhere",
	"keys:read|list keys", "keys:write|make and change keys",
	"manage|manage everything that its member may", NULL };
/* clang-format off */
static const struct form_field fields[] = {
	{ .name = "name", .label = "Name", .control = FORM_TEXT, .flags = FORM_NEEDED,
	  .hint = "What it is for, such as the name of a program." },
	{ .name = "project_id", .label = "Project", .control = FORM_SELECT, .flags = FORM_NULL | FORM_NUMBERS,
	  .hint = "Its usage counts for the project, and for the project's budget." },
	{ .name = "project", .label = "Or another project", .control = FORM_TEXT, .flags = FORM_ASIDE,
	  .hint = "Its name or number, if it is not in the list." },
	{ .name = "user_id", .label = "Member", .control = FORM_SELECT, .flags = FORM_NUMBERS,
	  .hint = "The key acts in this member's role." },
	{ .name = "user", .label = "Or another member", .control = FORM_TEXT, .flags = FORM_ASIDE,
	  .hint = "Name, e-mail address or number, if not in the list." },
	{ .name = "expires_at", .label = "Expires at (UTC)", .control = FORM_TIME, .flags = FORM_NULL,
	  .hint = "Empty: never." },
	{ .name = "scopes", .label = "It may", .control = FORM_CHECKS, .options = scope_options, .legend = "Permissions" },
	{ .name = "allowed_models", .label = "Only these models", .control = FORM_CHECKS, .flags = FORM_NULL | FORM_NUMBERS,
	  .hint = "None ticked: all models, also those that come later." },
	{ .name = "allowed_ips", .label = "Only from these addresses", .control = FORM_LINES, .flags = FORM_NULL,
	  .hint = "Addresses or ranges, such as 192.0.2.0/24 or 2001:db8::/32. Empty: from anywhere." },
	{ .name = "idempotency", .label = "Heed the header Idempotency-Key", .control = FORM_CHECK,
	  .hint = "A request that is repeated gets the first one's answer and is charged once." },
	BUDGET_FIELDS,
	LIMIT_FIELDS("key_model", "Limits of the key, each model apart"),
	LIMIT_FIELDS("key", "Limits of the key, all models together"),
	LIMIT_FIELDS("customer", "Limits of all keys together, as this key meets them"),
	LIMIT_FIELDS("model", "Limits of all users of a model together, as this key meets them"),
	LIMIT_FIELDS("address", "Limits of one client address"),
	LIMIT_FIELDS_MORE("0: no limit. Empty: as its tier says."),
	/* The last one is for operators. */
	{ .name = "rate_limit_tier", .label = "Tier", .control = FORM_SELECT, .flags = FORM_NULL, .legend = "Tier",
	  .hint = "Set by operators only." },
};
/* clang-format on */
_Static_assert(ARRAY_LEN(fields) <= FORM_FIELD_MAX, "fields of a key");

/* ---- options ---- */

static struct form_option
numbered(struct arena *a, uint64_t id, struct str text)
{
	return (struct form_option){
		arena_printf(a, "%llu", (unsigned long long)id), text
	};
}

/* What the key has, if it is none of the n options: archived, or behind very
 * many others. There is room for one more. */
static enum err
add_own(const struct web_key *v, enum name_kind kind, uint64_t id,
    struct form_option *o, size_t *n, struct error *e)
{
	struct arena *a = v->rq->arena;
	struct form_option own = numbered(a, id, S(""));
	struct name *found;
	size_t n_found;
	enum err err;

	for (size_t i = 0; i < *n; i++)
		if (str_eq(o[i].value, own.value))
			return OK;
	err = id ? store_name_find(v->m.db, kind, v->m.tenant, &id, 1, a,
		       &found, &n_found, e)
		 : OK;
	if (!err && id && n_found) {
		own.text = found[0].name;
		o[(*n)++] = own;
	}
	return err;
}

static enum err
set_projects(struct web_key *v, struct web_form *f, struct error *e)
{
	static const struct label_filter all = { 0 };
	struct arena *a = v->rq->arena;
	struct form_option *o;
	struct label *rows;
	size_t n, n_shown = 0;
	enum err err = store_label_page(v->m.db, LABEL_PROJECT, v->m.tenant,
	    &all, 0, OPTIONS_MAX + 1, a, &rows, &n, e);

	if (err)
		return err;
	if (n <= OPTIONS_MAX)
		web_form_leave_out(f, "project");
	o = arena_array(a, struct form_option, n + 2);
	if (!o)
		return error_arena(e, a);
	o[n_shown++] = (struct form_option){ S(""), S("none") };
	for (size_t i = 0; i < n && i < OPTIONS_MAX; i++)
		o[n_shown++] = numbered(a, rows[i].label_id, rows[i].name);
	err = add_own(v, NAME_PROJECT, v->row.k.project_id, o, &n_shown, e);
	web_form_set_options(f, "project_id", o, n_shown);
	return err;
}

/* Who is no owner makes keys of its own only. */
static enum err
load_users(struct web_key *v, struct user **ret, size_t *ret_n, struct error *e)
{
	static const struct user_filter all = { 0 };
	const struct principal *who = v->app->who;
	struct arena *a = v->rq->arena;
	struct user *self;
	enum err err;

	if (principal_is_operator(who) || principal_is_owner(who))
		return store_user_page(v->m.db, v->m.tenant, &all, 0,
		    OPTIONS_MAX + 1, a, ret, ret_n, e);
	self = arena_new(a, struct user);
	if (!self)
		return error_arena(e, a);
	err = store_user_by_id(v->m.db, v->m.tenant, who->user_id, a, self, e);
	*ret = self;
	*ret_n = 1;
	return err;
}

static enum err
set_users(struct web_key *v, struct web_form *f, struct error *e)
{
	struct arena *a = v->rq->arena;
	struct form_option *o;
	struct user *rows;
	size_t n, n_shown = 0;
	enum err err = load_users(v, &rows, &n, e);

	if (err)
		return err;
	if (n <= OPTIONS_MAX)
		web_form_leave_out(f, "user");
	o = arena_array(a, struct form_option, n + 2);
	if (!o)
		return error_arena(e, a);
	for (size_t i = 0; i < n && i < OPTIONS_MAX; i++)
		o[n_shown++] = numbered(a, rows[i].user_id,
		    arena_printf(a, "%" PRI_STR ", %s", STR_ARG(rows[i].name),
			user_role_names[rows[i].role]));
	err = add_own(v, NAME_USER, v->row.k.user_id, o, &n_shown, e);
	web_form_set_options(f, "user_id", o, n_shown);
	return err;
}

static enum err
set_models(struct web_key *v, struct web_form *f, struct error *e)
{
	const struct catalogue *c = v->app->catalogue;
	struct arena *a = v->rq->arena;
	struct form_option *o = arena_array(a, struct form_option,
	    c->n_models + 1);

	if (!o)
		return error_arena(e, a);
	for (size_t i = 0; i < c->n_models; i++)
		o[i] = numbered(a, c->models[i].row.model_id,
		    c->models[i].row.name);
	web_form_set_options(f, "allowed_models", o, c->n_models);
	return OK;
}

static enum err
set_tiers(struct web_key *v, struct web_form *f, struct error *e)
{
	static const struct str any = { NULL, 0 };
	struct arena *a = v->rq->arena;
	struct form_option *o;
	struct tier *rows;
	size_t n;
	enum err err = store_tier_page(v->m.db, any, false, 0, OPTIONS_MAX, a,
	    &rows, &n, e);

	if (err)
		return err;
	o = arena_array(a, struct form_option, n + 1);
	if (!o)
		return error_arena(e, a);
	o[0] = (struct form_option){ S(""), S("none") };
	for (size_t i = 0; i < n; i++)
		o[i + 1] = (struct form_option){ rows[i].name, rows[i].name };
	web_form_set_options(f, "rate_limit_tier", o, n + 1);
	return OK;
}

/* ---- the form ---- */

enum err
web_key_form(struct web_key *v, struct web_form *f, struct error *e)
{
	bool is_operator = principal_is_operator(v->app->who);
	enum err err = web_form_init(f, fields,
	    ARRAY_LEN(fields) - (is_operator ? 0 : 1), v->id == 0, v->rq->arena,
	    e);

	if (!err)
		err = set_projects(v, f, e);
	if (!err)
		err = set_users(v, f, e);
	if (!err)
		err = set_models(v, f, e);
	return err || !is_operator ? err : set_tiers(v, f, e);
}

/* @of  the field that it stands in for */
static enum err
read_called(struct web_key *v, enum name_kind kind, const char *name,
    const char *of, struct error *e)
{
	struct str typed = web_form_sent(&v->form, name), why_not;
	struct arena *a = v->rq->arena;
	uint64_t id;
	enum err err;

	if (!typed.n)
		return OK;
	err = web_called_find(&v->m, kind, v->m.tenant, typed, a, &id, &why_not,
	    e);
	if (!err && !id)
		err = error_public(e, ERR_BAD_PARAM, name, "%" PRI_STR,
		    STR_ARG(why_not));
	if (!err)
		web_form_set_text(&v->form, of, numbered(a, id, S("")).value);
	return err;
}

enum err
web_key_form_read(struct web_key *v, struct error *e)
{
	enum err err = web_form_read(&v->form, v->rq->body, v->rq->arena, e);

	if (!err)
		err = read_called(v, NAME_PROJECT, "project", "project_id", e);
	return err ? err : read_called(v, NAME_USER, "user", "user_id", e);
}

static enum err
row_json(const struct web_key *v, struct str *ret, struct error *e)
{
	struct json_out j;
	struct buf b;

	buf_init(&b, v->rq->arena, ROW_BYTES_MAX);
	json_out_init(&j, &b);
	json_out_object(&j);
	record_write(key_resource.record, &v->row,
	    principal_is_operator(v->app->who), &j);
	json_out_object_end(&j);
	return buf_finish(&b, ret, e);
}

enum err
web_key_fill(struct web_key *v, struct web_form *f, struct error *e)
{
	char etag[RECORD_ETAG_BYTES];
	struct arena *a = v->rq->arena;
	struct str json;
	enum err err = web_key_form(v, f, e);

	if (!err)
		err = row_json(v, &json, e);
	if (!err)
		err = web_form_fill(f, json, a, e);
	if (err)
		return err;
	record_etag(key_resource.record, &v->row, a, etag);
	f->etag = arena_strdup(a, str_from(etag));
	return OK;
}
