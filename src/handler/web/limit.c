/* SPDX-License-Identifier: MIT */
/*
 * Limits and budgets: what bounds a customer, its projects and its keys, what
 * is left of each, and how often that refused a request.
 */
#include "base/clock.h"
#include "domain/budget_period.h"
#include "domain/customer.h"
#include "handler/key_read.h"
#include "handler/web/budget_fields.h"
#include "handler/web/budget_view.h"
#include "handler/web/key.h"
#include "handler/web/limit_view.h"
#include "handler/web/manage.h"
#include "handler/web/page.h"
#include "handler/web/view.h"
#include "handler/web/web.h"
#include "http/param.h"
#include "store/label.h"
#include "store/report.h"

#define PER_PAGE     25 /* keys */
#define PROJECTS_MAX 50 /* what a page of 60 KB has room for */
#define DAYS         30 /* of refusals, today among them */

/* ---- the customer's budget: operators set it ---- */

static const struct form_field budget_fields[] = { BUDGET_FIELDS };

static const struct web_thing budget = {
	.resource = &customer_resource,
	.path = "budget",
	.list_path = "limits",
	.list_name = "Limits and budgets",
	.fields = budget_fields,
	.n_fields = ARRAY_LEN(budget_fields),
	.saved = "budget_saved",
	.is_place = true,
};

enum err
web_budget_edit(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	return web_thing_edit(app, rq, rs, &budget, e);
}

enum err
web_budget_change(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	return web_thing_change(app, rq, rs, &budget, e);
}

/* ---- the page ---- */

static const struct tmpl_key limits_keys[] = {
	VIEW_TIME_KEYS("as_of"),
	{ "is_prepaid", TVAL_BOOL },
	{ "budget_href", TVAL_TEXT },
	{ "may_edit_customer", TVAL_BOOL },
	BUDGET_KEYS("budget"),
	BUDGET_KEYS("balance"),
	LIMITS_KEYS(""),
	{ "may_edit_projects", TVAL_BOOL },
	{ "members_href", TVAL_TEXT },
	{ "has_projects", TVAL_BOOL },
	{ "projects", TVAL_LIST },
	{ "projects.project_href", TVAL_TEXT },
	BUDGET_KEYS("projects.budget"),
	{ "is_later_projects", TVAL_BOOL },
	{ "first_projects_href", TVAL_TEXT },
	{ "has_more_projects", TVAL_BOOL },
	{ "more_projects_href", TVAL_TEXT },
	{ "keys_href", TVAL_TEXT },
	{ "has_keys", TVAL_BOOL },
	{ "keys", TVAL_LIST },
	{ "keys.key_href", TVAL_TEXT },
	{ "keys.key_text", TVAL_TEXT },
	{ "keys.limits", TVAL_LIST },
	{ "keys.limits.", TVAL_TEXT },
	BUDGET_KEYS("keys.budget"),
	{ "is_later", TVAL_BOOL },
	{ "first_href", TVAL_TEXT },
	{ "has_more", TVAL_BOOL },
	{ "more_href", TVAL_TEXT },
	{ "has_refusals", TVAL_BOOL },
	{ "refusals", TVAL_LIST },
	{ "refusals.what", TVAL_TEXT },
	{ "refusals.reason", TVAL_TEXT },
	{ "refusals.count", TVAL_TEXT },
	{ "refused_total", TVAL_TEXT },
	{ "refused_otherwise", TVAL_TEXT },
	{ "has_refused_otherwise", TVAL_BOOL },
};
const struct tmpl_page page_limits = PAGE("dashboard/limit", limits_keys);

/* Either list goes on behind an id, and begins anew when the other one does. */
enum {
	Q_AFTER, /* keys */
	Q_PROJECTS_AFTER,
	Q_DONE,
	Q__N
};
static const struct param_spec query_spec[Q__N] = {
	[Q_AFTER] = { .name = "after", .type = PARAM_U64, .max = INT64_MAX },
	[Q_PROJECTS_AFTER] = { .name = "projects_after",
	    .type = PARAM_U64,
	    .max = INT64_MAX },
	[Q_DONE] = WEB_DONE_PARAM,
};

/* Budgets of a scope, by the ids of what they bound. */
struct budgets {
	struct budget *rows;
	size_t n;
};

struct limits {
	struct budgets customer, balance, of_projects, of_keys;
	struct label *projects;
	size_t n_projects; /* shown */
	bool has_more_projects;
	struct key *keys; /* active ones */
	size_t n_keys, n_shown;
	uint64_t next; /* behind which the next page begins; 0: there is none */
	struct limit_set in_force[PER_PAGE];
	struct report_refusal *refusals;
	size_t n_refusals;
};

static enum err
load_budgets(struct web_key *v, enum budget_scope scope, uint64_t from,
    uint64_t to, struct budgets *ret, struct error *e)
{
	const struct budget_starts now = budget_starts_of(v->m.now_ms);

	return store_budget_page(v->m.db, scope, v->m.tenant, from, to, &now,
	    v->rq->arena, &ret->rows, &ret->n, e);
}

static enum err
load_projects(struct web_key *v, uint64_t after, struct limits *l,
    struct error *e)
{
	static const struct label_filter all = { 0 };
	enum err err = store_label_page(v->m.db, LABEL_PROJECT, v->m.tenant,
	    &all, after, PROJECTS_MAX + 1, v->rq->arena, &l->projects,
	    &l->n_projects, e);

	l->has_more_projects = l->n_projects > PROJECTS_MAX;
	l->n_projects -= l->has_more_projects;
	if (err || !l->n_projects)
		return err;
	return load_budgets(v, BUDGET_PROJECT, l->projects[0].label_id,
	    l->projects[l->n_projects - 1].label_id, &l->of_projects, e);
}

static enum err
load_keys(struct web_key *v, uint64_t after, struct limits *l, struct error *e)
{
	const struct key_filter active = { .state = KEY_ACTIVE + 1 };
	struct arena *a = v->rq->arena;
	enum err err = store_key_page(v->m.db, v->m.tenant, &active, after,
	    PER_PAGE + 1, a, &l->keys, &l->n_keys, &l->next, e);

	l->n_shown = l->n_keys < PER_PAGE ? l->n_keys : PER_PAGE;
	if (l->n_keys > l->n_shown)
		l->next = l->keys[l->n_shown - 1].api_key_id;
	if (!err && l->n_shown)
		err = web_key_limits(v, l->keys, l->n_shown, l->in_force, e);
	if (err || !l->n_shown)
		return err;
	return load_budgets(v, BUDGET_KEY, l->keys[0].api_key_id,
	    l->keys[l->n_shown - 1].api_key_id, &l->of_keys, e);
}

static enum err
load(struct web_key *v, const struct param_value *q, struct limits *l,
    struct error *e)
{
	uint64_t id = v->place.customer.customer_id;
	int64_t today_ms = v->m.now_ms - v->m.now_ms % DAY_MS;
	enum err err = load_budgets(v, BUDGET_CUSTOMER, id, id, &l->customer,
	    e);

	if (!err)
		err = load_budgets(v, BUDGET_BALANCE, id, id, &l->balance, e);
	if (!err)
		err = load_projects(v, q[Q_PROJECTS_AFTER].u64, l, e);
	if (!err)
		err = load_keys(v, q[Q_AFTER].u64, l, e);
	if (!err)
		err = store_report_refusals(v->m.db, id,
		    today_ms - (DAYS - 1) * DAY_MS, v->m.now_ms, v->rq->arena,
		    &l->refusals, &l->n_refusals, e);
	if (!err)
		l->n_refusals = web_refusals_sum_up(l->refusals, l->n_refusals);
	return err;
}

/* ---- the view ---- */

static const struct budget *
budget_of(const struct budgets *b, uint64_t id)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->rows[i].scope_id == id)
			return &b->rows[i];
	return NULL;
}

static void
add_customer(struct tval *o, const struct web_key *v, const struct limits *l)
{
	const struct customer *c = &v->place.customer;
	const struct limit_set defaults = default_limits(v->app);
	struct limit_set layers[KEY_LIMITS__N] = {
		[KEY_LIMITS_CUSTOMER] = c->limits,
	};
	const struct budget *balance = budget_of(&l->balance, c->customer_id);

	tval_set_bool(o, "is_prepaid", balance != NULL);
	tval_set_text(o, "budget_href",
	    web_place_href(v->app, v->rq->arena, &v->place, "budget", 0, NULL));
	tval_set_bool(o, "may_edit_customer",
	    principal_is_operator(v->app->who));
	web_budget_view(tval_set_object(o, "budget"), S("All usage together"),
	    budget_of(&l->customer, c->customer_id), v->m.now_ms);
	web_budget_view(tval_set_object(o, "balance"), S("Prepaid balance"),
	    balance, v->m.now_ms);
	web_limits_view(o, layers, &defaults, S(""));
}

static struct str
projects_href(const struct web_key *v, uint64_t after)
{
	struct str path = web_place_href(v->app, v->rq->arena, &v->place,
	    "limits", 0, NULL);

	return arena_printf(v->rq->arena,
	    "%" PRI_STR "?projects_after=%llu#projects-head", STR_ARG(path),
	    (unsigned long long)after);
}

static void
add_projects(struct tval *o, const struct web_key *v, const struct limits *l,
    uint64_t after)
{
	struct tval *list = tval_set_list(o, "projects");

	tval_set_bool(o, "may_edit_projects",
	    principal_is_operator(v->app->who) ||
		principal_is_owner(v->app->who));
	tval_set_text(o, "members_href",
	    web_place_href(v->app, v->rq->arena, &v->place, "members", 0,
		NULL));
	tval_set_bool(o, "has_projects", l->n_projects > 0 || after > 0);
	tval_set_bool(o, "is_later_projects", after > 0);
	tval_set_text(o, "first_projects_href", projects_href(v, 0));
	tval_set_bool(o, "has_more_projects", l->has_more_projects);
	tval_set_text(o, "more_projects_href",
	    l->has_more_projects
		? projects_href(v, l->projects[l->n_projects - 1].label_id)
		: S(""));
	for (size_t i = 0; i < l->n_projects; i++) {
		const struct label *p = &l->projects[i];
		struct tval *row = tval_push_object(list);

		tval_set_text(row, "project_href",
		    web_place_href(v->app, v->rq->arena, &v->place, "projects",
			p->label_id, NULL));
		web_budget_view(tval_set_object(row, "budget"), p->name,
		    budget_of(&l->of_projects, p->label_id), v->m.now_ms);
	}
}

static struct str
page_href(const struct web_key *v, uint64_t after)
{
	struct str path = web_place_href(v->app, v->rq->arena, &v->place,
	    "limits", 0, NULL);

	return after ? arena_printf(v->rq->arena, "%" PRI_STR "?after=%llu",
			   STR_ARG(path), (unsigned long long)after)
		     : path;
}

static void
add_keys(struct tval *o, const struct web_key *v, const struct limits *l,
    uint64_t after)
{
	bool has_more = l->next > 0;
	struct tval *list = tval_set_list(o, "keys");

	tval_set_text(o, "keys_href", web_key_href(v, 0, NULL));
	tval_set_bool(o, "has_keys", l->n_shown > 0);
	for (size_t i = 0; i < l->n_shown; i++) {
		const struct key *k = &l->keys[i];
		struct tval *row = tval_push_object(list);

		tval_set_text(row, "key_href",
		    web_key_href(v, k->api_key_id, NULL));
		tval_set_text(row, "key_text",
		    web_key_text(v->rq->arena, k->public_id));
		web_limits_push(tval_set_list(row, "limits"), &l->in_force[i]);
		web_budget_view(tval_set_object(row, "budget"), k->name,
		    budget_of(&l->of_keys, k->api_key_id), v->m.now_ms);
	}
	tval_set_bool(o, "is_later", after > 0);
	tval_set_text(o, "first_href", page_href(v, 0));
	tval_set_bool(o, "has_more", has_more);
	tval_set_text(o, "more_href", has_more ? page_href(v, l->next) : S(""));
}

static void
add_refusals(struct tval *o, const struct limits *l)
{
	struct tval *list = tval_set_list(o, "refusals");
	uint64_t n_limited = 0, n_others = 0;

	for (size_t i = 0; i < l->n_refusals; i++) {
		const struct report_refusal *r = &l->refusals[i];
		const char *text = web_limit_refusal_text(r->reason);
		struct tval *row;

		if (!text) {
			n_others += r->refusals;
			continue;
		}
		n_limited += r->refusals;
		row = tval_push_object(list);
		tval_set_text(row, "what", str_from(text));
		tval_set_text(row, "reason", r->reason);
		view_count(row, "count", r->refusals);
	}
	tval_set_bool(o, "has_refusals", n_limited > 0);
	view_count(o, "refused_total", n_limited);
	tval_set_bool(o, "has_refused_otherwise", n_others > 0);
	view_count(o, "refused_otherwise", n_others);
}

enum err
web_limit_list(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct limits *l = arena_new(rq->arena, struct limits);
	struct param_value q[Q__N];
	struct web_key v;
	struct tval *o;
	enum err err;

	if (!l)
		return error_arena(e, rq->arena);
	err = param_parse(rq->arena, query_spec, Q__N, rq->query, q, e);
	if (!err)
		err = web_key_begin(&v, app, rq, false, e);
	if (err)
		return err;
	err = load(&v, q, l, e);
	web_key_end(&v);
	if (err)
		return err;
	o = web_place_page(app, rq, &v.place, &page_limits,
	    S("Limits and budgets"));
	view_time(o, "as_of", v.m.now_ms);
	add_customer(o, &v, l);
	add_projects(o, &v, l, q[Q_PROJECTS_AFTER].u64);
	add_keys(o, &v, l, q[Q_AFTER].u64);
	add_refusals(o, l);
	return web_page_send(app, rq, rs, 200, &page_limits, o, e);
}
