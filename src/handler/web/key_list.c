/* SPDX-License-Identifier: MIT */
/* A customer's keys, by pages, narrowed down by a form. */
#include <string.h>

#include "base/clock.h"
#include "domain/budget_period.h"
#include "domain/catalogue.h"
#include "handler/key_read.h"
#include "handler/web/called.h"
#include "handler/web/key.h"
#include "handler/web/limit_view.h"
#include "handler/web/page.h"
#include "handler/web/view.h"
#include "handler/web/web.h"
#include "http/param.h"
#include "http/url.h"
#include "store/label.h"

#define PER_PAGE    25
#define OPTIONS_MAX 200 /* of projects, members and models */

enum {
	Q_AFTER,
	Q_STATE,
	Q_NAME,
	Q_PREFIX,
	Q_PROJECT,
	Q_USER,
	Q_CREATED_FROM,
	Q_CREATED_TO,
	Q_USED_FROM,
	Q_USED_TO,
	Q_MODEL,
	Q_PROJECT_CALLED,
	Q_USER_CALLED,
	Q_DONE,
	Q__N
};
/* clang-format off */
static const struct param_spec query_spec[Q__N] = {
	[Q_AFTER] = { .name = "after", .type = PARAM_U64, .max = INT64_MAX },
	[Q_STATE] = { .name = "state", .type = PARAM_ENUM, .choices = "active|inactive|expired|revoked" },
	[Q_NAME] = { .name = "name", .type = PARAM_TEXT, .min = 1, .max = KEY_NAME_BYTES },
	[Q_PREFIX] = { .name = "prefix", .type = PARAM_TEXT, .min = 1, .max = 14 },
	[Q_PROJECT] = { .name = "project_id", .type = PARAM_U64, .min = 1, .max = UINT32_MAX },
	[Q_USER] = { .name = "user_id", .type = PARAM_U64, .min = 1, .max = UINT32_MAX },
	[Q_CREATED_FROM] = { .name = "created_from", .type = PARAM_TIME },
	[Q_CREATED_TO] = { .name = "created_to", .type = PARAM_TIME },
	[Q_USED_FROM] = { .name = "last_used_from", .type = PARAM_TIME },
	[Q_USED_TO] = { .name = "last_used_to", .type = PARAM_TIME },
	[Q_MODEL] = { .name = "model_id", .type = PARAM_U64, .min = 1, .max = UINT32_MAX },
	[Q_PROJECT_CALLED] = { .name = "project", .type = PARAM_TEXT, .min = 1, .max = WEB_CALLED_BYTES },
	[Q_USER_CALLED] = { .name = "user", .type = PARAM_TEXT, .min = 1, .max = WEB_CALLED_BYTES },
	[Q_DONE] = WEB_DONE_PARAM,
};

#define OPTION_KEYS(path) \
	{ path, TVAL_LIST }, { path ".value", TVAL_TEXT }, { path ".text", TVAL_TEXT }, { path ".is_on", TVAL_BOOL }

static const struct tmpl_key list_keys[] = {
	VIEW_TIME_KEYS("as_of"),
	{ "list_href", TVAL_TEXT }, { "new_href", TVAL_TEXT }, { "may_make", TVAL_BOOL },
	{ "is_filtered", TVAL_BOOL },
	OPTION_KEYS("states"), OPTION_KEYS("projects"), OPTION_KEYS("members"), OPTION_KEYS("models"),
	{ "options_max", TVAL_TEXT }, { "is_unclear", TVAL_BOOL },
	{ "has_other_projects", TVAL_BOOL }, { "project", TVAL_TEXT }, { "project_message", TVAL_TEXT },
	{ "has_other_members", TVAL_BOOL }, { "user", TVAL_TEXT }, { "user_message", TVAL_TEXT },
	{ "name", TVAL_TEXT }, { "prefix", TVAL_TEXT },
	{ "created_from", TVAL_TEXT }, { "created_to", TVAL_TEXT },
	{ "last_used_from", TVAL_TEXT }, { "last_used_to", TVAL_TEXT },
	{ "has_keys", TVAL_BOOL },
	{ "keys", TVAL_LIST },
	{ "keys.name", TVAL_TEXT }, { "keys.key_href", TVAL_TEXT }, { "keys.key_text", TVAL_TEXT },
	{ "keys.state", TVAL_TEXT }, { "keys.is_active", TVAL_BOOL },
	{ "keys.project", TVAL_TEXT },
	{ "keys.limits", TVAL_LIST }, { "keys.limits.", TVAL_TEXT },
	VIEW_MONEY_KEYS("keys.month"),
	VIEW_TIME_KEYS("keys.last_used"), VIEW_TIME_KEYS("keys.expires"),
	{ "is_later", TVAL_BOOL }, { "first_href", TVAL_TEXT },
	{ "has_more", TVAL_BOOL }, { "more_href", TVAL_TEXT },
};
/* clang-format on */
const struct tmpl_page page_key_list = PAGE("dashboard/key_list", list_keys);

struct list {
	struct param_value q[Q__N];
	struct key *keys;
	size_t n_keys, n_shown;
	uint64_t next; /* behind which the next page begins; 0: there is none */
	struct limit_set limits[PER_PAGE]; /* in force */
	struct key_cost *costs;
	size_t n_costs;
	struct label *projects; /* to choose from */
	size_t n_projects;
	struct user *users;
	size_t n_users;
	struct name *names; /* of what is chosen, and of the keys' projects */
	size_t n_names;
	struct name *user; /* who is chosen */
	size_t n_user;
	struct str no_project, no_user; /* why not what is typed; n == 0: so */
};

/* ---- loading ---- */

static enum err
load_keys(struct web_key *v, struct list *l, struct error *e)
{
	const struct param_value *q = l->q;
	struct key_filter f = {
		.project_id = q[Q_PROJECT].u64,
		.user_id = q[Q_USER].u64,
		.name = q[Q_NAME].text,
		.state = q[Q_STATE].is_set ? q[Q_STATE].u64 + 1 : 0,
		.created_from_ms = q[Q_CREATED_FROM].time_ms,
		.created_to_ms = q[Q_CREATED_TO].time_ms,
		.last_used_from_ms = q[Q_USED_FROM].time_ms,
		.last_used_to_ms = q[Q_USED_TO].time_ms,
		.model_id = q[Q_MODEL].u64,
		/* "May use the model": not without the scope to ask one. */
		.scopes = q[Q_MODEL].is_set ? KEY_SCOPE_INFER : 0,
	};
	enum err err = q[Q_PREFIX].is_set
			   ? key_read_prefix(q[Q_PREFIX].text, &f.prefix, e)
			   : OK;

	if (err)
		return err;
	/* One more tells whether there is a next page. */
	err = store_key_page(v->m.db, v->m.tenant, &f, q[Q_AFTER].u64,
	    PER_PAGE + 1, v->rq->arena, &l->keys, &l->n_keys, &l->next, e);
	l->n_shown = l->n_keys < PER_PAGE ? l->n_keys : PER_PAGE;
	if (l->n_keys > l->n_shown)
		l->next = l->keys[l->n_shown - 1].api_key_id;
	return err;
}

static enum err
load_costs(struct web_key *v, struct list *l, struct error *e)
{
	const struct budget_starts now = budget_starts_of(v->m.now_ms);
	uint64_t ids[PER_PAGE];

	for (size_t i = 0; i < l->n_shown; i++)
		ids[i] = l->keys[i].api_key_id;
	return store_key_costs_some(v->m.db, v->m.tenant,
	    now.start_ms[BUDGET_MONTH], ids, l->n_shown, v->rq->arena,
	    &l->costs, &l->n_costs, e);
}

/* What is typed stands in the place of what is chosen. */
static enum err
load_called(struct web_key *v, struct list *l, unsigned from, unsigned to,
    enum name_kind kind, struct str *why_not, struct error *e)
{
	struct param_value *typed = &l->q[from];
	struct arena *a = v->rq->arena;
	uint64_t id;
	enum err err;

	*why_not = S("");
	if (!typed->is_set)
		return OK;
	err = web_called_find(&v->m, kind, v->m.tenant, typed->text, a, &id,
	    why_not, e);
	if (err || !id)
		return err;
	typed->is_set = false;
	l->q[to] = (struct param_value){ .is_set = true,
		.u64 = id,
		.text = arena_printf(a, "%llu", (unsigned long long)id) };
	return OK;
}

static enum err
load_names(struct web_key *v, struct list *l, struct error *e)
{
	uint64_t ids[PER_PAGE + 1];
	size_t n = 0;
	enum err err = OK;

	if (l->q[Q_PROJECT].u64)
		ids[n++] = l->q[Q_PROJECT].u64;
	for (size_t i = 0; i < l->n_shown; i++)
		if (l->keys[i].project_id)
			ids[n++] = l->keys[i].project_id;
	if (n)
		err = store_name_find(v->m.db, NAME_PROJECT, v->m.tenant, ids,
		    n, v->rq->arena, &l->names, &l->n_names, e);
	if (err || !l->q[Q_USER].u64)
		return err;
	return store_name_find(v->m.db, NAME_USER, v->m.tenant,
	    &l->q[Q_USER].u64, 1, v->rq->arena, &l->user, &l->n_user, e);
}

static enum err
load_choices(struct web_key *v, struct list *l, struct error *e)
{
	static const struct label_filter labels = { 0 };
	static const struct user_filter users = { 0 };
	struct arena *a = v->rq->arena;
	enum err err = store_label_page(v->m.db, LABEL_PROJECT, v->m.tenant,
	    &labels, 0, OPTIONS_MAX + 1, a, &l->projects, &l->n_projects, e);

	return err ? err
		   : store_user_page(v->m.db, v->m.tenant, &users, 0,
			 OPTIONS_MAX + 1, a, &l->users, &l->n_users, e);
}

static bool
is_unclear(const struct list *l)
{
	return l->no_project.n || l->no_user.n;
}

static enum err
load(struct web_key *v, struct list *l, struct error *e)
{
	enum err err = load_called(v, l, Q_PROJECT_CALLED, Q_PROJECT,
	    NAME_PROJECT, &l->no_project, e);

	if (!err)
		err = load_called(v, l, Q_USER_CALLED, Q_USER, NAME_USER,
		    &l->no_user, e);
	if (!err && !is_unclear(l))
		err = load_keys(v, l, e);
	if (!err && l->n_shown)
		err = web_key_limits(v, l->keys, l->n_shown, l->limits, e);
	if (!err && l->n_shown)
		err = load_costs(v, l, e);
	if (!err)
		err = load_names(v, l, e);
	return err ? err : load_choices(v, l, e);
}

/* ---- the view ---- */

static void
add_option(struct tval *list, struct str value, struct str text, bool is_on)
{
	struct tval *o = tval_push_object(list);

	tval_set_text(o, "value", value);
	tval_set_text(o, "text", text);
	tval_set_bool(o, "is_on", is_on);
}

static void
add_id_option(struct tval *list, uint64_t id, struct str text, uint64_t chosen)
{
	if (list)
		add_option(list,
		    arena_printf(list->a, "%llu", (unsigned long long)id), text,
		    id == chosen);
}

/* A day, as date fields of browsers have it. */
static struct str
day_text(struct arena *a, const struct param_value *q)
{
	char text[CLOCK_TEXT_BYTES];

	if (!q->is_set)
		return S("");
	clock_format(q->time_ms, text);
	return arena_strdup(a, str_make(text, 10));
}

/* The first that are served, and the one that is chosen. */
static void
add_models(struct tval *list, const struct catalogue *c, uint64_t chosen)
{
	for (size_t i = 0; i < c->n_models; i++) {
		const struct model *m = &c->models[i].row;

		if ((m->is_enabled && i < OPTIONS_MAX) || m->model_id == chosen)
			add_id_option(list, m->model_id, m->name, chosen);
	}
}

static struct str
project_of(const struct list *l, uint64_t id)
{
	for (size_t i = 0; i < l->n_names; i++)
		if (l->names[i].id == id)
			return l->names[i].name;
	return S("");
}

/* Of what is chosen and none of the first. */
static void
add_chosen(struct tval *list, uint64_t chosen, struct str name)
{
	if (list)
		add_id_option(list, chosen,
		    name.n ? name
			   : arena_printf(list->a, "#%llu",
				 (unsigned long long)chosen),
		    chosen);
}

static void
add_projects(struct tval *o, const struct list *l)
{
	struct tval *list = tval_set_list(o, "projects");
	uint64_t chosen = l->q[Q_PROJECT].u64;
	bool is_among = chosen == 0;

	for (size_t i = 0; i < l->n_projects && i < OPTIONS_MAX; i++) {
		add_id_option(list, l->projects[i].label_id,
		    l->projects[i].name, chosen);
		is_among = is_among || l->projects[i].label_id == chosen;
	}
	if (!is_among)
		add_chosen(list, chosen, project_of(l, chosen));
	tval_set_bool(o, "has_other_projects",
	    l->n_projects > OPTIONS_MAX || l->no_project.n);
	tval_set_text(o, "project",
	    l->q[Q_PROJECT_CALLED].is_set ? l->q[Q_PROJECT_CALLED].text
					  : S(""));
	tval_set_text(o, "project_message", l->no_project);
}

static void
add_members(struct tval *o, const struct list *l)
{
	struct tval *list = tval_set_list(o, "members");
	uint64_t chosen = l->q[Q_USER].u64;
	bool is_among = chosen == 0;

	for (size_t i = 0; i < l->n_users && i < OPTIONS_MAX; i++) {
		add_id_option(list, l->users[i].user_id, l->users[i].name,
		    chosen);
		is_among = is_among || l->users[i].user_id == chosen;
	}
	if (!is_among)
		add_chosen(list, chosen, l->n_user ? l->user[0].name : S(""));
	tval_set_bool(o, "has_other_members",
	    l->n_users > OPTIONS_MAX || l->no_user.n);
	tval_set_text(o, "user",
	    l->q[Q_USER_CALLED].is_set ? l->q[Q_USER_CALLED].text : S(""));
	tval_set_text(o, "user_message", l->no_user);
}

static void
add_filter(struct tval *o, const struct web_key *v, const struct list *l)
{
	const struct param_value *q = l->q;
	struct arena *a = v->rq->arena;
	struct tval *list = tval_set_list(o, "states");
	bool is_filtered = false;

	for (unsigned s = 0; s < KEY_STATE__N; s++)
		add_option(list, str_from(key_state_names[s]),
		    web_key_state_text((enum key_state)s),
		    q[Q_STATE].is_set && q[Q_STATE].u64 == s);
	add_projects(o, l);
	add_members(o, l);
	view_count(o, "options_max", OPTIONS_MAX);
	tval_set_bool(o, "is_unclear", is_unclear(l));
	add_models(tval_set_list(o, "models"), v->app->catalogue,
	    q[Q_MODEL].u64);
	tval_set_text(o, "name", q[Q_NAME].text);
	tval_set_text(o, "prefix", q[Q_PREFIX].text);
	tval_set_text(o, "created_from", day_text(a, &q[Q_CREATED_FROM]));
	tval_set_text(o, "created_to", day_text(a, &q[Q_CREATED_TO]));
	tval_set_text(o, "last_used_from", day_text(a, &q[Q_USED_FROM]));
	tval_set_text(o, "last_used_to", day_text(a, &q[Q_USED_TO]));
	for (unsigned i = Q_STATE; i < Q_DONE; i++)
		is_filtered = is_filtered || q[i].is_set;
	tval_set_bool(o, "is_filtered", is_filtered);
}

static int64_t
cost_of(const struct list *l, uint64_t id)
{
	for (size_t i = 0; i < l->n_costs; i++)
		if (l->costs[i].api_key_id == id)
			return l->costs[i].cost_pusd;
	return 0;
}

static void
add_keys(struct tval *o, const struct web_key *v, const struct list *l)
{
	struct tval *list = tval_set_list(o, "keys");

	for (size_t i = 0; i < l->n_shown; i++) {
		struct key_row row;
		const struct key *k = &row.k;
		struct tval *t = tval_push_object(list);

		key_row_fill(&l->keys[i], v->m.now_ms, &row);
		tval_set_text(t, "name", k->name);
		tval_set_text(t, "key_href",
		    web_key_href(v, k->api_key_id, NULL));
		tval_set_text(t, "key_text",
		    web_key_text(v->rq->arena, k->public_id));
		tval_set_text(t, "state", web_key_state_text(row.state));
		tval_set_bool(t, "is_active", row.state == KEY_ACTIVE);
		tval_set_text(t, "project", project_of(l, k->project_id));
		web_limits_push(tval_set_list(t, "limits"), &l->limits[i]);
		view_money(t, "month", cost_of(l, k->api_key_id));
		view_time(t, "last_used", k->last_used_at_ms);
		view_time(t, "expires", k->expires_at_ms);
	}
	tval_set_bool(o, "has_keys", l->n_shown > 0);
}

/* The same list behind a key; 0: from its beginning. */
static struct str
page_href(const struct web_key *v, const struct list *l, uint64_t after)
{
	struct str path = web_key_href(v, 0, NULL);
	struct buf b;
	struct url u = { .b = &b };

	buf_init(&b, v->rq->arena, KIB(4));
	buf_add(&b, path);
	for (unsigned i = Q_STATE; i < Q_DONE; i++)
		if (l->q[i].is_set)
			url_arg(&u, query_spec[i].name, l->q[i].text);
	if (after)
		url_arg_u64(&u, "after", after);
	return buf_str(&b);
}

static struct tval *
view(const struct web_key *v, const struct list *l)
{
	bool has_more = l->next > 0;
	struct tval *o = web_place_page(v->app, v->rq, &v->place,
	    &page_key_list, S("API keys"));

	view_time(o, "as_of", v->m.now_ms);
	tval_set_text(o, "list_href", web_key_href(v, 0, NULL));
	tval_set_text(o, "new_href", web_key_href(v, 0, "new"));
	tval_set_bool(o, "may_make", web_key_may_change(v));
	add_filter(o, v, l);
	add_keys(o, v, l);
	tval_set_bool(o, "is_later", l->q[Q_AFTER].u64 > 0);
	tval_set_text(o, "first_href", page_href(v, l, 0));
	tval_set_bool(o, "has_more", has_more);
	tval_set_text(o, "more_href",
	    has_more ? page_href(v, l, l->next) : S(""));
	return o;
}

enum err
web_key_list(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct list *l = arena_new(rq->arena, struct list);
	struct web_key v;
	enum err err;

	if (!l)
		return error_arena(e, rq->arena);
	err = param_parse(rq->arena, query_spec, Q__N, rq->query, l->q, e);
	if (!err)
		err = web_key_begin(&v, app, rq, false, e);
	if (err)
		return err;
	err = load(&v, l, e);
	web_key_end(&v);
	return err ? err
		   : web_page_send(app, rq, rs,
			 is_unclear(l) ? err_info(ERR_BAD_PARAM)->http_status
				       : 200,
			 &page_key_list, view(&v, l), e);
}
