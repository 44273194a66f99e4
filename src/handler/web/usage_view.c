/* SPDX-License-Identifier: MIT */
/* How the page Usage reads. */
#include "handler/web/usage.h"

#include <string.h>

#include "base/clock.h"
#include "base/money.h"
#include "domain/usage_text.h"
#include "handler/web/chart.h"
#include "handler/web/page.h"
#include "handler/web/view.h"

#define HREF_BYTES_MAX KIB(4)

/* A table whose cells are numbers. */
#define ROW_KEYS(path)                                             \
 { path ".cells", TVAL_LIST }, { path ".cells.exact", TVAL_TEXT }, \
 {                                                                 \
  path ".cells.text", TVAL_TEXT                                    \
 }
static const struct tmpl_key usage_keys[] = {
	VIEW_TIME_KEYS("as_of"),
	VIEW_TIME_KEYS("delayed"),
	{ "action_href", TVAL_TEXT },
	{ "csv_href", TVAL_TEXT },
	{ "requests_href", TVAL_TEXT },
	{ "wider_href", TVAL_TEXT },
	WEB_USAGE_SELECT_KEYS("views"),
	WEB_USAGE_FILTER_KEYS,
	VIEW_TIME_KEYS("since"),
	VIEW_TIME_KEYS("until"),
	{ "has_usage", TVAL_BOOL },
	{ "is_coarser", TVAL_BOOL },
	{ "is_file_long", TVAL_BOOL },
	{ "has_rest", TVAL_BOOL },
	{ "is_ungrouped", TVAL_BOOL },
	{ "is_everybodys", TVAL_BOOL },
	{ "groups_max", TVAL_TEXT },
	{ "period_name", TVAL_TEXT },
	{ "has_unpriced", TVAL_BOOL },
	{ "unpriced", TVAL_TEXT },
	{ "has_estimated", TVAL_BOOL },
	{ "estimated", TVAL_TEXT },
	{ "is_unknown", TVAL_BOOL },
	{ "is_percentile", TVAL_BOOL },
	{ "metric_name", TVAL_TEXT },
	{ "figures", TVAL_LIST },
	{ "figures.name", TVAL_TEXT },
	{ "figures.exact", TVAL_TEXT },
	{ "figures.text", TVAL_TEXT },
	CHART_KEYS("chart"),
	{ "group_name", TVAL_TEXT },
	{ "columns", TVAL_LIST },
	{ "columns.name", TVAL_TEXT },
	{ "columns.is_chosen", TVAL_BOOL },
	{ "groups", TVAL_LIST },
	{ "groups.name", TVAL_TEXT },
	{ "groups.only_href", TVAL_TEXT },
	ROW_KEYS("groups"),
	{ "total", TVAL_OBJECT },
	ROW_KEYS("total"),
	{ "series", TVAL_LIST },
	{ "series.", TVAL_TEXT },
	{ "periods", TVAL_LIST },
	VIEW_DAY_KEYS("periods.start"),
	{ "periods.only_href", TVAL_TEXT },
	ROW_KEYS("periods"),
	{ "periods_total", TVAL_OBJECT },
	ROW_KEYS("periods_total"),
};
const struct tmpl_page page_usage = PAGE("dashboard/usage", usage_keys);

const char *const usage_period_names[ROLLUP_PERIOD__N] = {
	[ROLLUP_HOUR] = "hour",
	[ROLLUP_DAY] = "day",
	[ROLLUP_MONTH] = "month",
};

struct str
usage_period_text(struct arena *a, enum rollup_period period, int64_t start_ms)
{
	if (period == ROLLUP_HOUR)
		return view_time_text(a, start_ms);
	if (period == ROLLUP_DAY)
		return view_day_text(a, start_ms);
	return view_month_text(a, start_ms);
}

struct str
usage_group_text(const struct usage_question *q, uint64_t value,
    struct arena *a)
{
	if (q->group->by == USAGE_BY_NOTHING)
		return S("All");
	if (q->group->by == USAGE_BY_STATUS)
		return value >= 1 && value <= USAGE_STATUS__MAX
			   ? web_usage_status_text(
				 usage_status_names[value - 1])
			   : S("none");
	return web_usage_name(&q->f, (enum name_kind)q->group->kind, value, a);
}

struct str
usage_number_text(struct arena *a, enum usage_unit unit, int64_t v)
{
	switch (unit) {
	case USAGE_UNIT_USD:
		return view_money_text(a, v);
	case USAGE_UNIT_MS:
		return view_duration_text(a, v);
	case USAGE_UNIT_COUNT:
		break;
	}
	return v < 0 ? S("–") : view_count_text(a, (uint64_t)v);
}

/* As programs read it: the amount in USD, the count, milliseconds. */
static struct str
exact_text(struct arena *a, enum usage_unit unit, int64_t v)
{
	char text[MONEY_TEXT_BYTES];

	if (unit != USAGE_UNIT_USD)
		return v < 0 ? S("") : arena_printf(a, "%lld", (long long)v);
	money_to_text(v, text);
	return arena_strdup(a, str_from(text));
}

void
usage_number_set(struct tval *o, enum usage_unit unit, int64_t v)
{
	if (!o)
		return;
	tval_set_text(o, "exact", exact_text(o->a, unit, v));
	tval_set_text(o, "text", usage_number_text(o->a, unit, v));
}

const struct usage_metric *
usage_metric_of(const char *word)
{
	for (size_t i = 0; i < USAGE_METRICS_N; i++)
		if (strcmp(usage_metrics[i].word, word) == 0)
			return &usage_metrics[i];
	return NULL;
}

/* ---- the periods ---- */

struct str
usage_series_text(const struct usage_question *q, const struct usage_series *s,
    size_t i, struct arena *a)
{
	if (i == s->n_own)
		return S("Other");
	return usage_group_text(q, s->groups[i].by[1], a);
}

/* The last number of a period is that of all; alone it says the same. */
static size_t
first_shown(const struct usage_series *s)
{
	return usage_series_width(s) == 2 ? 1 : 0;
}

static void
add_periods(struct tval *o, const struct app *app,
    const struct web_place *place, const struct usage_question *q,
    const struct usage_found *found)
{
	static const size_t iso_chars[ROLLUP_PERIOD__N] = { 13, 10, 7 };
	const struct usage_series *s = &found->series;
	size_t width = usage_series_width(s), first = first_shown(s);
	struct tval *names = tval_set_list(o, "series");
	struct tval *list = tval_set_list(o, "periods");
	struct tval *total = tval_set_list(tval_set_object(o, "periods_total"),
	    "cells");

	if (!names || !list)
		return;
	for (size_t k = first; k < width; k++)
		tval_push_text(names,
		    k == width - 1 ? S("All")
				   : usage_series_text(q, s, k, list->a));
	for (size_t i = s->n_periods; i-- > 0;) {
		if (s->values[i * width + width - 1] <= 0)
			continue; /* as the table says */
		struct tval *row = tval_push_object(list);
		struct tval *start = tval_set_object(row, "start");
		struct tval *cells = tval_set_list(row, "cells");
		char iso[CLOCK_TEXT_BYTES];

		tval_set_text(row, "only_href",
		    usage_period_href(app, list->a, place, q, s->starts_ms[i]));
		clock_format(s->starts_ms[i], iso);
		tval_set_textf(start, "iso", "%.*s%s",
		    (int)iso_chars[q->period], iso,
		    q->period == ROLLUP_HOUR ? ":00Z" : "");
		tval_set_text(start, "text",
		    usage_period_text(list->a, q->period, s->starts_ms[i]));
		for (size_t k = first; k < width; k++)
			usage_number_set(tval_push_object(cells),
			    q->metric->unit, s->values[i * width + k]);
	}
	for (size_t k = first; k < width; k++)
		usage_number_set(tval_push_object(total), q->metric->unit,
		    usage_metric_value(q->metric,
			k == width - 1  ? &found->report.total
			: k == s->n_own ? &s->other
					: &s->groups[k]));
}

/* ---- the page ---- */

static void
add_figures(struct tval *o, const struct usage_report *r)
{
	static const struct {
		const char *word, *name;
	} shown[] = { { "cost", "Cost" }, { "requests", "Requests" },
		{ "tokens", "Tokens" }, { "errors", "Failed" },
		{ "latency_p50", "Duration p50" },
		{ "latency_p95", "Duration p95" } };
	struct tval *list = tval_set_list(o, "figures");

	for (size_t i = 0; i < ARRAY_LEN(shown); i++) {
		const struct usage_metric *m = usage_metric_of(shown[i].word);
		struct tval *f = tval_push_object(list);

		tval_set_text(f, "name", str_from(shown[i].name));
		usage_number_set(f, m->unit, usage_metric_value(m, &r->total));
	}
}

static void
add_views(struct tval *o, const struct usage_question *q)
{
	/* The last two are for operators. */
	const char *groups[] = { "none|Nothing", "model|Model", "key|API key",
		"project|Project", "user|User", "agent|Agent",
		"connector|Connector", "status|Status", "customer|Customer",
		"provider|Provider", NULL };
	static const char *const periods[] = { "auto|Fitting", "hour|Hour",
		"day|Day", "month|Month", NULL };
	const char *metrics[USAGE_METRICS_N + 1] = { NULL };
	struct tval *list = tval_set_list(o, "views");

	if (!list)
		return;
	for (size_t i = 0; i < USAGE_METRICS_N; i++)
		metrics[i] = arena_printf(list->a, "%s|%s",
		    usage_metrics[i].word, usage_metrics[i].name)
				 .p;
	if (!metrics[USAGE_METRICS_N - 1])
		return; /* which the arena remembers */
	web_usage_select(list, "metric", "Show", metrics,
	    str_from(q->metric->word));
	if (!q->f.is_admin)
		groups[ARRAY_LEN(groups) - 3] = NULL;
	web_usage_select(list, "group_by", "By", groups,
	    str_from(q->asked->word));
	web_usage_select(list, "range", "Time (UTC)", web_range_options,
	    web_usage_range(&q->f));
	web_usage_select(list, "granularity", "A bar for each", periods,
	    q->is_auto ? S("auto") : str_from(usage_period_names[q->period]));
}

/* Requests are a customer's: of everybody's there is no page. */
static struct str
requests_href(const struct app *app, struct arena *a,
    const struct web_place *place, const struct usage_question *q)
{
	const struct web_place theirs = {
		.customer = { .customer_id = q->f.filter.customer_id },
	};
	struct web_usage_filter f = q->f;
	struct buf b;
	struct url u;

	if (!f.filter.customer_id)
		return S("");
	f.is_admin = false;
	buf_init(&b, a, HREF_BYTES_MAX);
	web_place_url(&u, &b, app, place->is_admin ? &theirs : place,
	    "requests");
	web_usage_filter_args(&f, &u, NULL);
	return buf_str(&b);
}

struct tval *
usage_view(const struct app *app, const struct request *rq,
    const struct web_place *place, const struct usage_question *q,
    const struct usage_found *found)
{
	const struct usage_report *r = &found->report;
	struct tval *o = web_place_page(app, rq, place, &page_usage,
	    place->is_admin ? S("All usage") : S("Usage"));
	struct arena *a = rq->arena;

	view_time(o, "as_of", found->now_ms);
	view_time(o, "delayed", found->delayed_since_ms);
	tval_set_text(o, "action_href",
	    web_place_href(app, a, place, "usage", 0, NULL));
	tval_set_text(o, "csv_href", usage_csv_href(app, a, place, q));
	tval_set_text(o, "requests_href", requests_href(app, a, place, q));
	tval_set_text(o, "wider_href",
	    arena_printf(a, "%" PRI_STR "?range=12m",
		STR_ARG(web_place_href(app, a, place, "usage", 0, NULL))));
	add_views(o, q);
	web_usage_filter_add(o, &q->f);
	view_time(o, "since", r->from_ms);
	view_time(o, "until", r->to_ms);
	tval_set_bool(o, "has_usage", r->n > 0);
	tval_set_bool(o, "is_coarser", q->is_coarser);
	tval_set_bool(o, "is_file_long", q->is_file_long);
	tval_set_bool(o, "has_rest",
	    found->series.n_groups > found->series.n_shown);
	tval_set_bool(o, "is_ungrouped", q->is_ungrouped);
	tval_set_bool(o, "is_everybodys", q->f.filter.customer_id == 0);
	view_count(o, "groups_max", USAGE_GROUPS_MAX);
	tval_set_text(o, "period_name",
	    str_from(usage_period_names[q->period]));
	tval_set_bool(o, "has_unpriced", r->total.sums.unpriced_requests > 0);
	view_count(o, "unpriced", r->total.sums.unpriced_requests);
	tval_set_bool(o, "has_estimated", r->total.sums.estimated_requests > 0);
	view_count(o, "estimated", r->total.sums.estimated_requests);
	tval_set_bool(o, "is_unknown",
	    q->metric->number == USAGE_NUMBER_REFUSALS && !r->has_refusals);
	tval_set_bool(o, "is_percentile", q->metric->unit == USAGE_UNIT_MS);
	tval_set_text(o, "metric_name", str_from(q->metric->name));
	tval_set_text(o, "group_name", str_from(q->group->name));
	add_figures(o, r);
	usage_chart_add(o, q, found);
	usage_groups_add(o, app, place, q, found);
	add_periods(o, app, place, q, found);
	return o;
}
