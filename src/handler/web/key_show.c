/* SPDX-License-Identifier: MIT */
/* A key's page: what it is and spends, and the form of its settings. */
#include "handler/web/key.h"

#include "domain/budget_period.h"
#include "handler/key_read.h"
#include "handler/web/audit_actor.h"
#include "handler/web/budget_view.h"
#include "handler/web/limit_view.h"
#include "handler/web/page.h"
#include "handler/web/view.h"
#include "handler/web/web.h"
#include "http/param.h"
#include "http/url.h"
#include "store/label.h"

static const struct tmpl_key key_keys[] = {
	{ "list_href", TVAL_TEXT },
	{ "key_text", TVAL_TEXT },
	{ "state", TVAL_TEXT },
	{ "is_active", TVAL_BOOL },
	{ "is_over", TVAL_BOOL },
	{ "member", TVAL_TEXT },
	{ "project", TVAL_TEXT },
	{ "maker", TVAL_TEXT },
	VIEW_TIME_KEYS("as_of"),
	VIEW_TIME_KEYS("made"),
	VIEW_TIME_KEYS("last_used"),
	VIEW_TIME_KEYS("expires"),
	VIEW_TIME_KEYS("revoked"),
	VIEW_TIME_KEYS("previous_until"),
	VIEW_MONEY_KEYS("today"),
	VIEW_MONEY_KEYS("month"),
	{ "budgets", TVAL_LIST },
	BUDGET_KEYS("budgets.budget"),
	LIMITS_KEYS(""),
	{ "may_change", TVAL_BOOL },
	{ "may_end", TVAL_BOOL },
	{ "playground_href", TVAL_TEXT },
	{ "usage_href", TVAL_TEXT },
	{ "requests_href", TVAL_TEXT },
	{ "action_href", TVAL_TEXT },
	{ "rotate_href", TVAL_TEXT },
	{ "toggle_href", TVAL_TEXT },
	{ "revoke_href", TVAL_TEXT },
	{ "etag", TVAL_TEXT },
	{ "wanted", TVAL_TEXT },
	FORM_KEYS("form"),
};
const struct tmpl_page page_key = PAGE("dashboard/key_show", key_keys);

/* What the page shows beside the key itself. */
struct facts {
	struct key_spend spend;
	struct budget *budgets;
	size_t n_budgets;
	struct limit_set layers[KEY_LIMITS__N];
	struct str member, project, maker;
};

/* By the audit log; "" of a key that is older than it. */
static enum err
load_maker(struct web_key *v, struct facts *f, struct error *e)
{
	const struct audit_filter made = { .object = S("api_key"),
		.object_id = v->id,
		.action = S("key.add"),
		.is_success = -1 };
	struct arena *a = v->rq->arena;
	struct newest_end end;
	struct audit *row;
	size_t n;
	enum err err = store_audit_page(v->m.db, v->m.tenant, &made, 0, 1,
	    AUDIT_SEARCH_MAX, a, &row, &n, &end, e);

	f->maker = S("");
	return err || n == 0 ? err
			     : web_audit_actor(&v->m, row, a, &f->maker, e);
}

static enum err
load_names(struct web_key *v, struct facts *f, struct error *e)
{
	struct arena *a = v->rq->arena;
	struct user u = { 0 };
	struct label project = { 0 };
	enum err err = store_user_by_id(v->m.db, v->m.tenant, v->row.k.user_id,
	    a, &u, e);

	f->member = u.name;
	if (err || !v->row.k.project_id)
		return err;
	err = store_label_by_id(v->m.db, LABEL_PROJECT, v->m.tenant,
	    v->row.k.project_id, a, &project, e);
	f->project = project.name;
	return err;
}

static enum err
load_facts(struct web_key *v, struct facts *f, struct error *e)
{
	const struct budget_starts now = budget_starts_of(v->m.now_ms);
	const struct key *k = &v->row.k;
	struct arena *a = v->rq->arena;
	struct key_limits *limits = NULL;
	size_t n = 0;
	enum err err = store_key_spend(v->m.db, k->customer_id, k->api_key_id,
	    now.start_ms[BUDGET_DAY], now.start_ms[BUDGET_MONTH], a, &f->spend,
	    e);

	if (!err)
		err = store_budget_for_key(v->m.db, k->customer_id,
		    k->project_id, k->api_key_id, &now, a, &f->budgets,
		    &f->n_budgets, e);
	if (!err)
		err = store_key_limits(v->m.db, k->customer_id, k->api_key_id,
		    1, a, &limits, &n, e);
	for (unsigned i = 0; !err && n && i < KEY_LIMITS__N; i++)
		f->layers[i] = limits->layers[i];
	if (!err)
		err = load_maker(v, f, e);
	return err ? err : load_names(v, f, e);
}

static void
add_budgets(struct tval *o, const struct web_key *v, const struct facts *f)
{
	static const char *const names[BUDGET_SCOPE__N] = {
		[BUDGET_KEY] = "This key",
		[BUDGET_PROJECT] = "Its project",
		[BUDGET_CUSTOMER] = "The customer",
		[BUDGET_BALANCE] = "Prepaid balance",
	};
	struct tval *list = tval_set_list(o, "budgets");

	for (size_t i = 0; i < f->n_budgets; i++)
		web_budget_view(tval_set_object(tval_push_object(list),
				    "budget"),
		    str_from(names[f->budgets[i].scope]), &f->budgets[i],
		    v->m.now_ms);
}

static void
add_facts(struct tval *o, const struct web_key *v, const struct facts *f)
{
	const struct limit_set defaults = default_limits(v->app);
	const struct key *k = &v->row.k;

	tval_set_text(o, "key_text", web_key_text(v->rq->arena, k->public_id));
	tval_set_text(o, "state", web_key_state_text(v->row.state));
	tval_set_bool(o, "is_active", v->row.state == KEY_ACTIVE);
	tval_set_bool(o, "is_over",
	    v->row.state == KEY_REVOKED || v->row.state == KEY_EXPIRED);
	tval_set_text(o, "member", f->member);
	tval_set_text(o, "project", f->project);
	tval_set_text(o, "maker", f->maker);
	view_time(o, "as_of", v->m.now_ms);
	view_time(o, "made", k->created_at_ms);
	view_time(o, "last_used", k->last_used_at_ms);
	view_time(o, "expires", k->expires_at_ms);
	view_time(o, "revoked", k->revoked_at_ms);
	view_time(o, "previous_until",
	    k->previous_expires_at_ms > v->m.now_ms ? k->previous_expires_at_ms
						    : 0);
	view_money(o, "today", f->spend.day_pusd);
	view_money(o, "month", f->spend.month_pusd);
	add_budgets(o, v, f);
	web_limits_view(o, f->layers, &defaults, k->tier_name);
}

/* Another page of the customer's, of this key alone. */
static struct str
of_this_href(const struct web_key *v, const char *page)
{
	struct buf b;
	struct url u;

	buf_init(&b, v->rq->arena, KIB(1));
	web_place_url(&u, &b, v->app, &v->place, page);
	url_arg_u64(&u, "api_key_id", v->id);
	return buf_str(&b);
}

/* Where the key can be tried; "" for who may not, or while it can't ask. */
static struct str
playground_href(const struct web_key *v)
{
	struct buf b;
	struct url u;

	if (!web_key_may_change(v) || v->row.state != KEY_ACTIVE ||
	    !(v->row.k.scopes & KEY_SCOPE_INFER))
		return S("");
	buf_init(&b, v->rq->arena, KIB(4));
	web_place_url(&u, &b, v->app, &v->place, "playground");
	url_arg_u64(&u, "key_id", v->id);
	return buf_str(&b);
}

static enum err
show(struct web_key *v, struct response *rs, const struct error *refused,
    struct error *e)
{
	int status = refused ? err_info(refused->code)->http_status : 200;
	struct facts f = { 0 };
	enum err err = load_facts(v, &f, e);
	struct tval *o;

	if (err)
		return err;
	o = web_place_page(v->app, v->rq, &v->place, &page_key, v->row.k.name);
	tval_set_text(o, "list_href", web_key_href(v, 0, NULL));
	add_facts(o, v, &f);
	tval_set_bool(o, "may_change",
	    web_key_may_change(v) && v->row.state != KEY_REVOKED);
	tval_set_bool(o, "may_end",
	    v->app->who->role >= USER_OWNER ||
		v->app->who->role == USER_DEVELOPER);
	tval_set_text(o, "playground_href", playground_href(v));
	tval_set_text(o, "usage_href", of_this_href(v, "usage"));
	tval_set_text(o, "requests_href", of_this_href(v, "requests"));
	tval_set_text(o, "action_href", web_key_href(v, v->id, NULL));
	tval_set_text(o, "rotate_href", web_key_href(v, v->id, "rotate"));
	tval_set_text(o, "toggle_href", web_key_href(v, v->id, "toggle"));
	tval_set_text(o, "revoke_href", web_key_href(v, v->id, "revoke"));
	tval_set_text(o, "etag", v->form.etag);
	tval_set_text(o, "wanted", v->row.k.is_active ? S("off") : S("on"));
	web_form_view(tval_set_object(o, "form"), &v->form, refused);
	return web_page_send(v->app, v->rq, rs, status, &page_key, o, e);
}

enum err
web_key_refused(struct web_key *v, struct response *rs, bool was_typed,
    struct error *e)
{
	struct error refused = *e;
	enum err err;

	error_clear(e);
	err = resource_load(&key_resource, &v->m, v->id, v->rq->arena, &v->row,
	    e);
	if (!err && (!was_typed || refused.code == ERR_PRECONDITION))
		err = web_key_fill(v, &v->form, e);
	return err ? err : show(v, rs, &refused, e);
}

enum err
web_key_redirect(const struct web_key *v, struct response *rs, const char *done,
    struct error *e)
{
	struct str path = web_key_href(v, v->id, NULL);

	return web_page_redirect(rs,
	    arena_printf(v->rq->arena, "%" PRI_STR "?done=%s", STR_ARG(path),
		done),
	    e);
}

enum err
web_key_show(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	static const struct param_spec spec[] = { WEB_DONE_PARAM };
	struct param_value query[ARRAY_LEN(spec)];
	struct web_key v;
	enum err err = param_parse(rq->arena, spec, ARRAY_LEN(spec), rq->query,
	    query, e);

	if (!err)
		err = web_key_begin(&v, app, rq, true, e);
	if (err)
		return err;
	err = web_key_fill(&v, &v.form, e);
	if (!err)
		err = show(&v, rs, NULL, e);
	web_key_end(&v);
	return err;
}
