/* SPDX-License-Identifier: MIT */
/*
 * A customer's dashboard: what was used, what it cost, how fast it was, by
 * day, by model, by key. Everything on it is also text.
 */
#include "handler/web/dashboard.h"

#include "base/clock.h"
#include "handler/web/chart.h"
#include "handler/web/page.h"
#include "handler/web/view.h"
#include "handler/web/web.h"
#include "http/param.h"

#define P50 500
#define P95 950

#define TICK_EVERY 7 /* days, counted from the last */

static const struct tmpl_key dashboard_keys[] = {
	{ "customers_href", TVAL_TEXT },
	{ "api_url", TVAL_TEXT },
	VIEW_TIME_KEYS("as_of"),
	{ "has_usage", TVAL_BOOL },
	{ "has_unpriced", TVAL_BOOL },
	{ "unpriced", TVAL_TEXT },
	{ "has_estimated", TVAL_BOOL },
	{ "estimated", TVAL_TEXT },
	{ "ranges", TVAL_LIST },
	{ "ranges.name", TVAL_TEXT },
	{ "ranges.requests", TVAL_TEXT },
	{ "ranges.failed", TVAL_TEXT },
	{ "ranges.has_failed", TVAL_BOOL },
	{ "ranges.refusals", TVAL_TEXT },
	{ "ranges.has_refusals", TVAL_BOOL },
	{ "ranges.in_tokens", TVAL_TEXT },
	{ "ranges.out_tokens", TVAL_TEXT },
	{ "ranges.tokens", TVAL_TEXT },
	VIEW_MONEY_KEYS("ranges.cost"),
	{ "ranges.p50", TVAL_TEXT },
	{ "ranges.p95", TVAL_TEXT },
	CHART_KEYS("requests_chart"),
	CHART_KEYS("cost_chart"),
	{ "days", TVAL_LIST },
	VIEW_DAY_KEYS("days.day"),
	{ "days.requests", TVAL_TEXT },
	{ "days.failed", TVAL_TEXT },
	{ "days.in_tokens", TVAL_TEXT },
	{ "days.out_tokens", TVAL_TEXT },
	VIEW_MONEY_KEYS("days.cost"),
	{ "days_total", TVAL_OBJECT },
	{ "days_total.requests", TVAL_TEXT },
	{ "days_total.failed", TVAL_TEXT },
	{ "days_total.in_tokens", TVAL_TEXT },
	{ "days_total.out_tokens", TVAL_TEXT },
	VIEW_MONEY_KEYS("days_total.cost"),
	{ "has_models", TVAL_BOOL },
	{ "models", TVAL_LIST },
	{ "models.name", TVAL_TEXT },
	{ "models.requests", TVAL_TEXT },
	{ "models.failed", TVAL_TEXT },
	{ "models.in_tokens", TVAL_TEXT },
	{ "models.out_tokens", TVAL_TEXT },
	{ "models.mean", TVAL_TEXT },
	VIEW_MONEY_KEYS("models.cost"),
	{ "has_refusals", TVAL_BOOL },
	{ "refusals", TVAL_LIST },
	{ "refusals.reason", TVAL_TEXT },
	{ "refusals.count", TVAL_TEXT },
	{ "has_keys", TVAL_BOOL },
	{ "keys", TVAL_LIST },
	{ "keys.name", TVAL_TEXT },
	{ "keys.public_id", TVAL_TEXT },
	{ "keys.state", TVAL_TEXT },
	{ "keys.is_active", TVAL_BOOL },
	{ "keys.limits", TVAL_LIST },
	{ "keys.limits.", TVAL_TEXT },
	{ "keys.requests", TVAL_TEXT },
	VIEW_MONEY_KEYS("keys.cost"),
	VIEW_TIME_KEYS("keys.last_used"),
	VIEW_TIME_KEYS("keys.expires"),
};
const struct tmpl_page page_dashboard = PAGE("dashboard/show", dashboard_keys);

static const char *const range_names[DASHBOARD__RANGES] = {
	[DASHBOARD_TODAY] = "Today",
	[DASHBOARD_WEEK] = "7 days",
	[DASHBOARD_MONTH] = "30 days",
};

static const char *const state_names[] = {
	[DASHBOARD_KEY_ACTIVE] = "Active",
	[DASHBOARD_KEY_OFF] = "Switched off",
	[DASHBOARD_KEY_EXPIRED] = "Expired",
	[DASHBOARD_KEY_REVOKED] = "Revoked",
};

static void
add_ranges(struct tval *o, const struct dashboard_data *d)
{
	struct tval *list = tval_set_list(o, "ranges");
	for (unsigned i = 0; i < DASHBOARD__RANGES; i++) {
		const struct report_totals *t = &d->totals[i];
		struct tval *r = tval_push_object(list);
		tval_set_text(r, "name", str_from(range_names[i]));
		view_count(r, "requests", t->requests);
		view_count(r, "failed", t->failed_requests);
		tval_set_bool(r, "has_failed", t->failed_requests > 0);
		view_count(r, "refusals", t->refusals);
		tval_set_bool(r, "has_refusals", t->refusals > 0);
		view_count(r, "in_tokens", t->in_tok);
		view_count(r, "out_tokens", t->out_tok);
		view_count(r, "tokens", t->in_tok + t->out_tok);
		view_money(r, "cost", t->cost_pusd);
		view_duration(r, "p50",
		    histogram_percentile_ms(&t->latency, P50));
		view_duration(r, "p95",
		    histogram_percentile_ms(&t->latency, P95));
	}
}

static struct str
bar_label(struct arena *a, const struct report_day *day, bool is_cost)
{
	struct str name = view_day_text(a, day->day_ms);
	if (is_cost)
		return arena_printf(a, "%" PRI_STR ": %" PRI_STR, STR_ARG(name),
		    STR_ARG(view_money_text(a, day->cost_pusd)));
	struct str n = view_count_text(a, day->requests);
	const char *noun = day->requests == 1 ? "request" : "requests";
	if (day->failed_requests == 0)
		return arena_printf(a, "%" PRI_STR ": %" PRI_STR " %s",
		    STR_ARG(name), STR_ARG(n), noun);
	return arena_printf(a,
	    "%" PRI_STR ": %" PRI_STR " %s, %" PRI_STR " failed", STR_ARG(name),
	    STR_ARG(n), noun,
	    STR_ARG(view_count_text(a, day->failed_requests)));
}

static void
add_chart(struct tval *o, const char *key, const struct dashboard_data *d,
    struct arena *a, bool is_cost)
{
	static const struct chart_series cost = { STR_INIT("Cost"),
		"series-1" };
	static const struct chart_series requests[] = {
		{ STR_INIT("Requests"), "series-1" },
		{ STR_INIT("Failed requests"), "series-failed" },
	};
	size_t n_series = is_cost ? 1 : ARRAY_LEN(requests);
	struct chart_bar bars[DASHBOARD_DAYS];
	uint64_t values[DASHBOARD_DAYS * ARRAY_LEN(requests)];
	const struct report_totals *t = &d->totals[DASHBOARD_MONTH];
	for (size_t i = 0; i < DASHBOARD_DAYS; i++) {
		const struct report_day *day = &d->days[i];
		uint64_t *v = &values[i * n_series];
		bars[i] = (struct chart_bar){
			.label = bar_label(a, day, is_cost),
			.tick = (DASHBOARD_DAYS - 1 - i) % TICK_EVERY == 0
				    ? view_short_day_text(a, day->day_ms)
				    : S(""),
		};
		if (is_cost) {
			v[0] = day->cost_pusd > 0 ? (uint64_t)day->cost_pusd
						  : 0;
			continue;
		}
		v[0] = day->requests - day->failed_requests;
		v[1] = day->failed_requests;
	}
	struct str total = is_cost ? view_money_text(a, t->cost_pusd)
				   : view_count_text(a, t->requests);
	const struct chart c = {
		.id = is_cost ? "chart-cost" : "chart-requests",
		.title = is_cost ? S("Cost per day") : S("Requests per day"),
		.desc = arena_printf(a,
		    "A bar for each day from %" PRI_STR " to %" PRI_STR
		    "; in all %" PRI_STR ". The table below has the numbers.",
		    STR_ARG(view_day_text(a, d->first_day_ms)),
		    STR_ARG(view_day_text(a, d->now_ms)), STR_ARG(total)),
		.unit = is_cost ? CHART_USD : CHART_COUNT,
		.series = is_cost ? &cost : requests,
		.n_series = n_series,
		.bars = bars,
		.n_bars = DASHBOARD_DAYS,
		.values = values,
	};
	chart_build(tval_set_object(o, key), &c);
}

static void
set_day_numbers(struct tval *o, const struct report_day *day)
{
	view_count(o, "requests", day->requests);
	view_count(o, "failed", day->failed_requests);
	view_count(o, "in_tokens", day->in_tok);
	view_count(o, "out_tokens", day->out_tok);
	view_money(o, "cost", day->cost_pusd);
}

/* The newest first, and their sum. */
static void
add_days(struct tval *o, const struct dashboard_data *d)
{
	const struct report_totals *t = &d->totals[DASHBOARD_MONTH];
	const struct report_day sum = {
		.requests = t->requests,
		.failed_requests = t->failed_requests,
		.in_tok = t->in_tok,
		.out_tok = t->out_tok,
		.cost_pusd = t->cost_pusd,
	};
	struct tval *list = tval_set_list(o, "days");
	for (size_t i = DASHBOARD_DAYS; i-- > 0;) {
		struct tval *row = tval_push_object(list);
		view_day(row, "day", d->days[i].day_ms);
		set_day_numbers(row, &d->days[i]);
	}
	set_day_numbers(tval_set_object(o, "days_total"), &sum);
}

static void
add_models(struct tval *o, const struct dashboard_data *d)
{
	tval_set_bool(o, "has_models", d->n_models > 0);
	struct tval *list = tval_set_list(o, "models");
	for (size_t i = 0; i < d->n_models; i++) {
		const struct report_model *m = &d->models[i];
		struct tval *row = tval_push_object(list);
		tval_set_text(row, "name", m->name);
		view_count(row, "requests", m->requests);
		view_count(row, "failed", m->failed_requests);
		view_count(row, "in_tokens", m->in_tok);
		view_count(row, "out_tokens", m->out_tok);
		view_duration(row, "mean",
		    m->requests > 0 ? (int64_t)(m->latency_ms / m->requests)
				    : -1);
		view_money(row, "cost", m->cost_pusd);
	}
	tval_set_bool(o, "has_refusals", d->n_refusals > 0);
	list = tval_set_list(o, "refusals");
	for (size_t i = 0; i < d->n_refusals; i++) {
		struct tval *row = tval_push_object(list);
		tval_set_text(row, "reason", d->refusals[i].reason);
		view_count(row, "count", d->refusals[i].refusals);
	}
}

static void
add_limits(struct tval *row, const struct limit_set *limits)
{
	static const struct {
		enum limit_metric metric;
		const char *unit;
	} shown[] = {
		{ LIMIT_KEY_MODEL_REQUESTS_MINUTE, "a minute" },
		{ LIMIT_KEY_MODEL_REQUESTS_HOUR, "an hour" },
		{ LIMIT_KEY_MODEL_REQUESTS_DAY, "a day" },
	};
	struct tval *list = tval_set_list(row, "limits");
	if (!list)
		return;
	for (unsigned i = 0; i < ARRAY_LEN(shown); i++) {
		int64_t max = limit_set_get(limits, shown[i].metric);
		if (max <= 0)
			continue;
		struct str n = view_count_text(list->a, (uint64_t)max);
		tval_push_text(list, arena_printf(list->a, "%" PRI_STR " %s",
					 STR_ARG(n), shown[i].unit));
	}
}

static void
add_keys(struct tval *o, const struct dashboard_data *d)
{
	tval_set_bool(o, "has_keys", d->n_keys > 0);
	struct tval *list = tval_set_list(o, "keys");
	for (size_t i = 0; i < d->n_keys; i++) {
		const struct dashboard_key *k = &d->keys[i];
		struct tval *row = tval_push_object(list);
		tval_set_text(row, "name", k->row.name);
		tval_set_textf(row, "public_id", "tg_%" PRI_STR "_…",
		    STR_ARG(k->row.public_id));
		tval_set_text(row, "state", str_from(state_names[k->state]));
		tval_set_bool(row, "is_active",
		    k->state == DASHBOARD_KEY_ACTIVE);
		add_limits(row, &k->limits);
		view_count(row, "requests", k->row.requests);
		view_money(row, "cost", k->row.cost_pusd);
		view_time(row, "last_used", k->row.last_used_at_ms);
		view_time(row, "expires", k->row.expires_at_ms);
	}
}

struct tval *
dashboard_view(const struct app *app, const struct request *rq,
    const struct dashboard_data *d)
{
	const struct report_totals *month = &d->totals[DASHBOARD_MONTH];
	struct tval *o = web_page_begin_for(app, rq, &page_dashboard,
	    d->customer.name, d->customer.name);
	tval_set_text(o, "customers_href",
	    web_href(app, rq->arena, "/dashboard", 0));
	tval_set_text(o, "api_url", web_absolute(app, rq, S("")));
	view_time(o, "as_of", d->now_ms);
	tval_set_bool(o, "has_usage",
	    month->requests > 0 || month->refusals > 0);
	tval_set_bool(o, "has_unpriced", month->unpriced_requests > 0);
	view_count(o, "unpriced", month->unpriced_requests);
	tval_set_bool(o, "has_estimated", month->estimated_requests > 0);
	view_count(o, "estimated", month->estimated_requests);
	add_ranges(o, d);
	add_chart(o, "requests_chart", d, rq->arena, false);
	add_chart(o, "cost_chart", d, rq->arena, true);
	add_days(o, d);
	add_models(o, d);
	add_keys(o, d);
	return o;
}

/* Whose page may be seen: another customer's looks as if there was none. */
static enum err
check_access(const struct app *app, const struct request *rq,
    uint64_t *ret_customer_id, struct error *e)
{
	uint64_t id;
	if (!app->who)
		return error_set(e, ERR_UNAUTHORIZED, "nobody is signed in");
	if (!str_to_u64(rq->path_param[0], 1, INT64_MAX, &id))
		return error_set(e, ERR_NOT_FOUND, "no customer id");
	if (!principal_is_operator(app->who) && app->who->customer_id != id)
		return error_set(e, ERR_NOT_FOUND,
		    "customer %llu asked for customer %llu",
		    (unsigned long long)app->who->customer_id,
		    (unsigned long long)id);
	*ret_customer_id = id;
	return OK;
}

enum err
web_dashboard_show(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	uint64_t customer_id;
	enum err err = check_access(app, rq, &customer_id, e);
	if (err)
		return err;
	err = param_parse(rq->arena, NULL, 0, rq->query, NULL, e);
	if (err)
		return err;
	struct dashboard_data *d = arena_new(rq->arena, struct dashboard_data);
	if (!d)
		return error_arena(e, rq->arena);
	err = dashboard_load(app, customer_id, clock_now_ms(), rq->arena, d, e);
	if (err)
		return err;
	return web_page_send(app, rq, rs, 200, &page_dashboard,
	    dashboard_view(app, rq, d), e);
}
