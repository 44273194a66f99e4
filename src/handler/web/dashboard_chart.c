/* SPDX-License-Identifier: MIT */
/* The drawings of the overview: requests and cost by day. */
#include "handler/web/dashboard.h"

#include "base/clock.h"
#include "handler/web/chart.h"
#include "handler/web/view.h"

#define TICK_EVERY 7 /* days, counted from the last */

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

void
dashboard_charts_add(struct tval *o, const struct dashboard_data *d)
{
	if (!o)
		return;
	add_chart(o, "requests_chart", d, o->a, false);
	add_chart(o, "cost_chart", d, o->a, true);
}
