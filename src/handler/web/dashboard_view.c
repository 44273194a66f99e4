/* SPDX-License-Identifier: MIT */
/*
 * The overview: what is left or was spent, what the month will cost, how much
 * was used and how fast it was, by day and by model, and the newest requests.
 * Everything on it is also text.
 */
#include "handler/web/dashboard.h"

#include "base/clock.h"
#include "base/money.h"
#include "domain/budget_period.h"
#include "domain/forecast.h"
#include "domain/principal.h"
#include "handler/web/budget_view.h"
#include "handler/web/chart.h"
#include "handler/web/limit_view.h"
#include "handler/web/page.h"
#include "handler/web/request.h"
#include "handler/web/view.h"

#define P50 500
#define P95 950

static const struct tmpl_key dashboard_keys[] = {
	{ "customers_href", TVAL_TEXT },
	{ "api_url", TVAL_TEXT },
	{ "tag", TVAL_TEXT },
	VIEW_TIME_KEYS("as_of"),
	VIEW_TIME_KEYS("delayed"),
	{ "is_prepaid", TVAL_BOOL },
	{ "has_budget", TVAL_BOOL },
	BUDGET_KEYS("balance"),
	BUDGET_KEYS("budget"),
	{ "limits_href", TVAL_TEXT },
	{ "billing_href", TVAL_TEXT },
	VIEW_MONEY_KEYS("month_spent"),
	VIEW_DAY_KEYS("month_first"),
	VIEW_DAY_KEYS("month_last"),
	{ "month_name", TVAL_TEXT },
	{ "has_forecast", TVAL_BOOL },
	VIEW_MONEY_KEYS("forecast"),
	{ "forecast_days", TVAL_TEXT },
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
	{ "ranges.error_rate", TVAL_TEXT },
	{ "ranges.limited", TVAL_TEXT },
	{ "ranges.has_limited", TVAL_BOOL },
	{ "ranges.in_tokens", TVAL_TEXT },
	{ "ranges.out_tokens", TVAL_TEXT },
	{ "ranges.tokens", TVAL_TEXT },
	VIEW_MONEY_KEYS("ranges.cost"),
	{ "ranges.p50", TVAL_TEXT },
	{ "ranges.p95", TVAL_TEXT },
	{ "ranges.ttft_p50", TVAL_TEXT },
	{ "ranges.ttft_p95", TVAL_TEXT },
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
	VIEW_MONEY_KEYS("models.cost"),
	{ "has_refusals", TVAL_BOOL },
	{ "refusals", TVAL_LIST },
	{ "refusals.what", TVAL_TEXT },
	{ "refusals.reason", TVAL_TEXT },
	{ "refusals.count", TVAL_TEXT },
	{ "refused_in_all", TVAL_TEXT },
	{ "has_key", TVAL_BOOL },
	{ "has_keys", TVAL_BOOL },
	{ "may_make_key", TVAL_BOOL },
	{ "keys_href", TVAL_TEXT },
	{ "new_key_href", TVAL_TEXT },
	{ "keys", TVAL_LIST },
	{ "keys.key_href", TVAL_TEXT },
	{ "keys.name", TVAL_TEXT },
	{ "keys.public_id", TVAL_TEXT },
	VIEW_TIME_KEYS("keys.expires"),
	{ "requests_href", TVAL_TEXT },
	{ "requests", TVAL_LIST },
	{ "requests.key", TVAL_TEXT },
	REQUEST_ROW_KEYS("requests"),
};
const struct tmpl_page page_dashboard = PAGE("dashboard/dashboard",
    dashboard_keys);

/* Link to a page of the customer's. */
static struct str
below(const struct app *app, struct arena *a, uint64_t customer_id,
    const char *path)
{
	return arena_printf(a, "%" PRI_STR "/%s",
	    STR_ARG(web_href(app, a, "/dashboard", customer_id)), path);
}

static const char *const range_names[DASHBOARD__RANGES] = {
	[DASHBOARD_TODAY] = "Today",
	[DASHBOARD_WEEK] = "7 days",
	[DASHBOARD_MONTH] = "30 days",
};

/* "2.4 %": rounded down, but what is not 0 never reads so. */
static struct str
rate_text(struct arena *a, uint64_t part, uint64_t whole)
{
	uint64_t per_mille;

	if (whole == 0)
		return S("–");
	per_mille = part > UINT64_MAX / 1000 ? part / (whole / 1000 + 1)
					     : part * 1000 / whole;
	if (part > 0 && per_mille == 0)
		return S("<0.1 %");
	return arena_printf(a, "%llu.%llu %%",
	    (unsigned long long)(per_mille / 10),
	    (unsigned long long)(per_mille % 10));
}

static void
add_range(struct tval *r, const struct report_totals *t, uint64_t limited)
{
	if (!r)
		return;
	view_count(r, "requests", t->requests);
	view_count(r, "failed", t->failed_requests);
	tval_set_bool(r, "has_failed", t->failed_requests > 0);
	tval_set_text(r, "error_rate",
	    rate_text(r->a, t->failed_requests, t->requests));
	view_count(r, "limited", limited);
	tval_set_bool(r, "has_limited", limited > 0);
	view_count(r, "in_tokens", t->in_tok);
	view_count(r, "out_tokens", t->out_tok);
	view_count(r, "tokens", t->in_tok + t->out_tok);
	view_money(r, "cost", t->cost_pusd);
	view_duration(r, "p50", histogram_percentile_ms(&t->latency, P50));
	view_duration(r, "p95", histogram_percentile_ms(&t->latency, P95));
	view_duration(r, "ttft_p50", histogram_percentile_ms(&t->ttft, P50));
	view_duration(r, "ttft_p95", histogram_percentile_ms(&t->ttft, P95));
}

static void
add_ranges(struct tval *o, const struct dashboard_data *d)
{
	struct tval *list = tval_set_list(o, "ranges");

	for (unsigned i = 0; i < DASHBOARD__RANGES; i++) {
		struct tval *r = tval_push_object(list);

		tval_set_text(r, "name", str_from(range_names[i]));
		add_range(r, &d->totals[i], d->limited[i]);
	}
}

/* To the cent, below a dollar to three digits: more would be made up. */
static int64_t
round_forecast_pusd(int64_t amount_pusd)
{
	int64_t step_pusd = MONEY_PUSD_PER_USD / 100;

	while (step_pusd > 1 && amount_pusd / step_pusd < 100)
		step_pusd /= 10;
	return amount_pusd - amount_pusd % step_pusd;
}

static void
add_money(struct tval *o, const struct app *app, const struct request *rq,
    const struct dashboard_data *d)
{
	int64_t next_ms = budget_resets_ms(BUDGET_MONTH, d->now_ms);
	uint64_t id = d->customer.customer_id;

	tval_set_bool(o, "is_prepaid", d->balance != NULL);
	tval_set_bool(o, "has_budget", d->budget != NULL);
	web_budget_view(tval_set_object(o, "balance"), S("Credited"),
	    d->balance, d->now_ms);
	web_budget_view(tval_set_object(o, "budget"), S("All usage"), d->budget,
	    d->now_ms);
	tval_set_text(o, "limits_href", below(app, rq->arena, id, "limits"));
	tval_set_text(o, "billing_href", below(app, rq->arena, id, "billing"));
	view_money(o, "month_spent", d->month_pusd);
	view_day(o, "month_first", d->month_ms);
	view_day(o, "month_last", next_ms - DAY_MS);
	tval_set_text(o, "month_name", view_month_text(rq->arena, d->month_ms));
	tval_set_bool(o, "has_forecast", d->has_forecast);
	view_money(o, "forecast", round_forecast_pusd(d->forecast_pusd));
	view_count(o, "forecast_days", FORECAST_DAYS);
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
		view_money(row, "cost", m->cost_pusd);
	}
	uint64_t n_refused = 0;
	tval_set_bool(o, "has_refusals", d->n_refusals > 0);
	list = tval_set_list(o, "refusals");
	for (size_t i = 0; i < d->n_refusals; i++) {
		struct tval *row = tval_push_object(list);
		tval_set_text(row, "what",
		    str_from(web_refusal_text(d->refusals[i].reason)));
		tval_set_text(row, "reason", d->refusals[i].reason);
		view_count(row, "count", d->refusals[i].refusals);
		n_refused += d->refusals[i].refusals;
	}
	view_count(o, "refused_in_all", n_refused);
}

static struct str
key_name(const struct dashboard_data *d, uint64_t id, struct arena *a)
{
	for (size_t i = 0; i < d->n_key_names; i++)
		if (d->key_names[i].id == id && d->key_names[i].name.n)
			return d->key_names[i].name;
	return id ? arena_printf(a, "#%llu", (unsigned long long)id)
		  : S("none");
}

static void
add_requests(struct tval *o, const struct app *app,
    const struct dashboard_data *d)
{
	struct tval *list = tval_set_list(o, "requests");
	struct str base = list ? below(app, list->a, d->customer.customer_id,
				     "requests")
			       : S("");

	tval_set_text(o, "requests_href", base);
	for (size_t i = 0; list && i < d->n_requests; i++) {
		const struct usage_view *v = &d->requests[i];
		struct tval *row = tval_push_object(list);

		request_row_add(row, base, v);
		tval_set_text(row, "key",
		    key_name(d, v->row.api_key_id, list->a));
	}
}

static void
add_keys(struct tval *o, const struct app *app, const struct request *rq,
    const struct dashboard_data *d)
{
	struct str base = below(app, rq->arena, d->customer.customer_id,
	    "keys");
	struct tval *list = tval_set_list(o, "keys");

	tval_set_bool(o, "has_key", d->has_key);
	tval_set_bool(o, "has_keys", d->n_keys > 0);
	tval_set_bool(o, "may_make_key",
	    principal_has_scopes(app->who, KEY_SCOPE_KEYS_WRITE));
	tval_set_text(o, "keys_href", base);
	tval_set_textf(o, "new_key_href", "%" PRI_STR "/new", STR_ARG(base));
	for (size_t i = 0; i < d->n_keys; i++) {
		const struct key *k = &d->keys[i];
		struct tval *row = tval_push_object(list);

		tval_set_textf(row, "key_href", "%" PRI_STR "/%llu",
		    STR_ARG(base), (unsigned long long)k->api_key_id);
		tval_set_text(row, "name", k->name);
		tval_set_textf(row, "public_id", "tg_%" PRI_STR "_…",
		    STR_ARG(k->public_id));
		view_time(row, "expires", k->expires_at_ms);
	}
}

struct tval *
dashboard_view(const struct app *app, const struct request *rq,
    const struct dashboard_data *d, struct str tag)
{
	const struct report_totals *month = &d->totals[DASHBOARD_MONTH];
	struct tval *o = web_page_begin_for(app, rq, &page_dashboard,
	    d->customer.name, d->customer.name);

	tval_set_text(o, "customers_href",
	    web_href(app, rq->arena, "/dashboard", 0));
	tval_set_text(o, "api_url", web_absolute(app, rq, S("")));
	tval_set_text(o, "tag", tag);
	view_second(o, "as_of", d->now_ms);
	view_time(o, "delayed", d->delayed_since_ms);
	tval_set_bool(o, "has_usage", month->requests > 0 || d->n_refusals > 0);
	tval_set_bool(o, "has_unpriced", month->unpriced_requests > 0);
	view_count(o, "unpriced", month->unpriced_requests);
	tval_set_bool(o, "has_estimated", month->estimated_requests > 0);
	view_count(o, "estimated", month->estimated_requests);
	add_money(o, app, rq, d);
	add_ranges(o, d);
	dashboard_charts_add(o, d);
	add_days(o, d);
	add_models(o, d);
	add_requests(o, app, d);
	add_keys(o, app, rq, d);
	return o;
}
