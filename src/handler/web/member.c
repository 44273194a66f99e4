/* SPDX-License-Identifier: MIT */
/* Members: a customer's users, and what usage can be told apart by. */
#include "handler/web/member.h"
#include "domain/label.h"
#include "domain/user.h"
#include "handler/web/manage.h"
#include "handler/web/page.h"
#include "handler/web/settings.h"
#include "handler/web/view.h"
#include "handler/web/web.h"
#include "http/param.h"

#define LIST_MAX 40 /* of each kind: what a page of 60 KB has room for */

/* ---- one member ---- */

static const char *const role_options[] = {
	"viewer|Viewer: sees usage and keys", "developer|Developer: makes keys",
	"billing|Billing: sees usage and bills", "owner|Owner: does everything",
	NULL
};

static const struct form_field fields[] = {
	{ .name = "name",
	    .label = "Name",
	    .control = FORM_TEXT,
	    .flags = FORM_NEEDED },
	{ .name = "email",
	    .label = "E-mail address",
	    .control = FORM_EMAIL,
	    .flags = FORM_NEEDED | FORM_NEW },
	{ .name = "role",
	    .label = "Role",
	    .control = FORM_SELECT,
	    .flags = FORM_NEEDED,
	    .options = role_options },
	{ .name = "is_active",
	    .label = "May sign in and use keys",
	    .control = FORM_CHECK,
	    .flags = FORM_EDIT },
	{ .name = "current_password",
	    .label = "Your password",
	    .hint = "Needed to change a role, or for another owner.",
	    .control = FORM_SECRET,
	    .flags = FORM_ASIDE },
};

static void
defaults(void *row)
{
	struct user *u = row;

	u->is_active = true;
	u->role = USER_VIEWER;
}

/* Who may do what is not changed by whoever finds a screen unlocked. */
static enum err
confirm(struct app *app, const struct request *rq, struct response *rs,
    const void *row, const struct web_form *form, struct error *e)
{
	const struct user *u = row;
	struct str role = web_form_sent(form, "role");
	bool is_new = u->user_id == 0;

	if (is_new ? !str_eq(role, str_from(user_role_names[USER_OWNER]))
		   : str_eq(role, str_from(user_role_names[u->role])))
		return OK;
	return web_settings_confirm(app, rq, rs,
	    web_form_sent(form, "current_password"), e);
}

/* With a link to set the first password. */
static enum err
show_made(struct app *app, const struct request *rq, struct response *rs,
    const struct web_place *place, struct manager *m, const void *row,
    struct error *e)
{
	const struct user *u = row;

	return web_member_link_page(app, rq, rs, place, m, u->user_id, e);
}

static const struct web_thing member = {
	.resource = &user_resource,
	.path = "members",
	.list_path = "members",
	.list_name = "Members and projects",
	.new_title = "New member",
	.fields = fields,
	.n_fields = ARRAY_LEN(fields),
	.made = "member_made",
	.saved = "member_saved",
	.ended = "member_ended",
	.act_verb = "link",
	.act_name = "Make a link",
	.act_text = "By a link the member sets a password: the first one, or "
		    "another if it is forgotten. It works once.",
	.act = web_member_link_page,
	.confirm = confirm,
	.show_made = show_made,
	.end_verb = "archive",
	.end_name = "Archive this member",
	.end_text = "Signed out at once, and the keys of this member are "
		    "refused. Usage stays. This can't be undone.",
	.defaults = defaults,
};

WEB_THING_HANDLERS(member, &member)

enum err
web_member_link(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	return web_thing_act(app, rq, rs, &member, e);
}

/* ---- all of them ---- */

/* clang-format off */
#define LABEL_LIST_KEYS(path) \
	{ path, TVAL_OBJECT }, { path ".key", TVAL_TEXT }, { path ".title", TVAL_TEXT }, \
	{ path ".about", TVAL_TEXT }, { path ".new_name", TVAL_TEXT }, { path ".new_href", TVAL_TEXT }, \
	{ path ".has_rows", TVAL_BOOL }, { path ".rows", TVAL_LIST }, { path ".rows.id", TVAL_TEXT }, \
	{ path ".rows.name", TVAL_TEXT }, { path ".rows.edit_href", TVAL_TEXT }, \
	VIEW_DAY_KEYS(path ".rows.since"), { path ".is_rest", TVAL_BOOL }, { path ".first_href", TVAL_TEXT }, \
	{ path ".has_more", TVAL_BOOL }, { path ".more_href", TVAL_TEXT }
/* clang-format on */

static const struct tmpl_key members_keys[] = {
	VIEW_TIME_KEYS("as_of"),
	{ "may_manage", TVAL_BOOL },
	{ "may_make", TVAL_BOOL },
	{ "new_href", TVAL_TEXT },
	{ "members", TVAL_LIST },
	{ "members.name", TVAL_TEXT },
	{ "members.email", TVAL_TEXT },
	{ "members.role", TVAL_TEXT },
	{ "members.state", TVAL_TEXT },
	{ "members.is_active", TVAL_BOOL },
	{ "members.edit_href", TVAL_TEXT },
	VIEW_TIME_KEYS("members.last_sign_in"),
	{ "is_rest", TVAL_BOOL },
	{ "first_href", TVAL_TEXT },
	{ "has_more", TVAL_BOOL },
	{ "more_href", TVAL_TEXT },
	LABEL_LIST_KEYS("projects"),
	LABEL_LIST_KEYS("agents"),
	LABEL_LIST_KEYS("connectors"),
};
const struct tmpl_page page_members = PAGE("dashboard/member", members_keys);

/* Each list goes on behind an id, and begins anew when another one does. */
enum {
	Q_LABELS_AFTER, /* a kind each */
	Q_MEMBERS_AFTER = Q_LABELS_AFTER + LABEL__N,
	Q_DONE,
	Q__N
};
#define AFTER(of)                                          \
 {                                                         \
  .name = of "_after", .type = PARAM_U64, .max = INT64_MAX \
 }
static const struct param_spec query_spec[Q__N] = {
	[Q_LABELS_AFTER + LABEL_PROJECT] = AFTER("projects"),
	[Q_LABELS_AFTER + LABEL_AGENT] = AFTER("agents"),
	[Q_LABELS_AFTER + LABEL_CONNECTOR] = AFTER("connectors"),
	[Q_MEMBERS_AFTER] = AFTER("members"),
	[Q_DONE] = WEB_DONE_PARAM,
};

/* A row more than is shown tells that there are more. */
struct all {
	struct user *users;
	size_t n_users;
	struct label *labels[LABEL__N];
	size_t n_labels[LABEL__N];
	const struct param_value *query;
};

static enum err
load(const struct manager *m, struct arena *a, struct all *ret, struct error *e)
{
	static const struct user_filter users = { 0 };
	static const struct label_filter labels = { 0 };
	enum err err = store_user_page(m->db, m->tenant, &users,
	    ret->query[Q_MEMBERS_AFTER].u64, LIST_MAX + 1, a, &ret->users,
	    &ret->n_users, e);

	for (unsigned k = 0; !err && k < LABEL__N; k++)
		err = store_label_page(m->db, (enum label_kind)k, m->tenant,
		    &labels, ret->query[Q_LABELS_AFTER + k].u64, LIST_MAX + 1,
		    a, &ret->labels[k], &ret->n_labels[k], e);
	return err;
}

/* The links to what follows the last row shown, if anything does, and back to
 * the beginning. */
static void
add_more(struct tval *o, const struct app *app, const struct web_place *place,
    const char *of, bool is_rest, bool has_more, uint64_t last)
{
	struct str base = web_place_href(app, o->a, place, "members", 0, NULL);

	tval_set_bool(o, "is_rest", is_rest);
	tval_set_textf(o, "first_href", "%" PRI_STR "#%s-head", STR_ARG(base),
	    of);
	tval_set_bool(o, "has_more", has_more);
	tval_set_textf(o, "more_href", "%" PRI_STR "?%s_after=%llu#%s-head",
	    STR_ARG(base), of, (unsigned long long)last, of);
}

static const struct {
	const char *key, *title, *about, *new_name;
} lists[LABEL__N] = {
	[LABEL_PROJECT] = { "projects", "Projects",
	    "Keys can belong to a project, which can have a budget.",
	    "New project" },
	[LABEL_AGENT] = { "agents", "Agents",
	    "Named by a request's header x-tollgate-agent-id.", "New agent" },
	[LABEL_CONNECTOR] = { "connectors", "Connectors",
	    "Named by a request's header x-tollgate-connector-id.",
	    "New connector" },
};

static void
add_labels(struct tval *o, const struct app *app, const struct web_place *place,
    const struct all *all, enum label_kind k)
{
	struct tval *l = tval_set_object(o, lists[k].key);
	struct tval *rows;

	if (!l)
		return;
	tval_set_text(l, "key", str_from(lists[k].key));
	tval_set_text(l, "title", str_from(lists[k].title));
	tval_set_text(l, "about", str_from(lists[k].about));
	tval_set_text(l, "new_name", str_from(lists[k].new_name));
	tval_set_text(l, "new_href",
	    web_place_href(app, l->a, place, lists[k].key, 0, "new"));
	tval_set_bool(l, "has_rows", all->n_labels[k] > 0);
	rows = tval_set_list(l, "rows");
	for (size_t i = 0; i < all->n_labels[k] && i < LIST_MAX; i++) {
		const struct label *label = &all->labels[k][i];
		struct tval *row = tval_push_object(rows);

		tval_set_textf(row, "id", "%llu",
		    (unsigned long long)label->label_id);
		tval_set_text(row, "name", label->name);
		tval_set_text(row, "edit_href",
		    web_place_href(app, l->a, place, lists[k].key,
			label->label_id, NULL));
		view_day(row, "since", label->created_at_ms);
	}
	add_more(l, app, place, lists[k].key,
	    all->query[Q_LABELS_AFTER + k].is_set, all->n_labels[k] > LIST_MAX,
	    all->n_labels[k] > LIST_MAX ? all->labels[k][LIST_MAX - 1].label_id
					: 0);
}

static void
add_members(struct tval *o, const struct app *app,
    const struct web_place *place, const struct all *all)
{
	struct tval *list = tval_set_list(o, "members");

	for (size_t i = 0; list && i < all->n_users && i < LIST_MAX; i++) {
		const struct user *u = &all->users[i];
		struct tval *row = tval_push_object(list);

		tval_set_text(row, "name", u->name);
		tval_set_text(row, "email", u->email);
		tval_set_text(row, "role", str_from(user_role_names[u->role]));
		tval_set_text(row, "state",
		    u->is_active ? S("Active") : S("Switched off"));
		tval_set_bool(row, "is_active", u->is_active);
		tval_set_text(row, "edit_href",
		    web_place_href(app, list->a, place, "members", u->user_id,
			NULL));
		view_time(row, "last_sign_in", u->last_sign_in_at_ms);
	}
	add_more(o, app, place, "members", all->query[Q_MEMBERS_AFTER].is_set,
	    all->n_users > LIST_MAX,
	    all->n_users > LIST_MAX ? all->users[LIST_MAX - 1].user_id : 0);
}

enum err
web_member_list(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct param_value query[Q__N];
	struct web_place place;
	struct manager m;
	struct all all = { .query = query };
	struct tval *o;
	enum err err = param_parse(rq->arena, query_spec, Q__N, rq->query,
	    query, e);

	if (!err)
		err = web_place_begin(app, rq, &place, &m, e);
	if (err)
		return err;
	err = load(&m, rq->arena, &all, e);
	manager_end(app, &m);
	if (err)
		return err;
	o = web_place_page(app, rq, &place, &page_members,
	    S("Members and projects"));
	view_time(o, "as_of", m.now_ms);
	tval_set_bool(o, "may_manage",
	    app->who->role == USER_OPERATOR || app->who->role == USER_OWNER);
	tval_set_bool(o, "may_make",
	    app->who->role == USER_OPERATOR || app->who->role == USER_OWNER ||
		app->who->role == USER_DEVELOPER);
	tval_set_text(o, "new_href",
	    web_place_href(app, rq->arena, &place, "members", 0, "new"));
	add_members(o, app, &place, &all);
	for (unsigned k = 0; k < LABEL__N; k++)
		add_labels(o, app, &place, &all, (enum label_kind)k);
	return web_page_send(app, rq, rs, 200, &page_members, o, e);
}
