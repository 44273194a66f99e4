/* SPDX-License-Identifier: MIT */
/* The drawing of the page Usage. */
#include "handler/web/usage.h"

#include "base/clock.h"
#include "handler/web/chart.h"
#include "handler/web/view.h"

#define HOURS_EACH 48 /* hours at most are told by their hour */

static const char *const fills[CHART_SERIES_OWN] = { "series-1", "series-2",
	"series-3", "series-4", "series-5", "series-6", "series-7",
	"series-8" };

/* The beginnings of days, if bars are hours of some days; else each or every
 * n-th bar, counted from the last. */
static bool
has_tick(const struct usage_question *q, const struct usage_series *s, size_t i)
{
	size_t n = s->n_periods, back = n - 1 - i;

	if (q->period == ROLLUP_HOUR && n > HOURS_EACH)
		return s->starts_ms[i] % DAY_MS == 0;
	if (q->period == ROLLUP_DAY && n > 14 && n <= 62)
		return back % 7 == 0;
	return back % (n <= 8 ? 1 : (n + 4) / 5) == 0;
}

static struct str
tick_text(struct arena *a, const struct usage_question *q,
    const struct usage_series *s, size_t i)
{
	struct clock_parts p;

	if (!has_tick(q, s, i))
		return S("");
	if (q->period == ROLLUP_MONTH)
		return view_month_text(a, s->starts_ms[i]);
	if (q->period == ROLLUP_DAY || s->n_periods > HOURS_EACH)
		return view_short_day_text(a, s->starts_ms[i]);
	clock_split(s->starts_ms[i], &p);
	return arena_printf(a, "%02d:00", p.hour);
}

/* "22 Nov 2026: $1.20; gpt2: $1.00; other: $0.20" */
static struct str
bar_label(struct arena *a, const struct usage_question *q,
    const struct usage_series *s, size_t i)
{
	const int64_t *v = &s->values[i * usage_series_width(s)];
	size_t all = usage_series_width(s) - 1;
	struct buf b;

	buf_init(&b, a, KIB(8));
	buf_add(&b, usage_period_text(a, q->period, s->starts_ms[i]));
	buf_add(&b, S(": "));
	buf_add(&b, usage_number_text(a, q->metric->unit, v[all]));
	for (size_t k = 0; k < all && all > 1; k++) {
		if (v[k] <= 0)
			continue;
		buf_add(&b, S("\n"));
		buf_add(&b, usage_series_text(q, s, k, a));
		buf_add(&b, S(": "));
		buf_add(&b, usage_number_text(a, q->metric->unit, v[k]));
	}
	return buf_str(&b);
}

void
usage_chart_add(struct tval *o, const struct usage_question *q,
    const struct usage_found *found)
{
	static const enum chart_unit units[] = {
		[USAGE_UNIT_COUNT] = CHART_COUNT,
		[USAGE_UNIT_USD] = CHART_USD,
		[USAGE_UNIT_MS] = CHART_MS,
	};
	const struct usage_series *s = &found->series;
	size_t width = usage_series_width(s);
	/* Percentiles can't be stacked: all together are one series. */
	bool is_one = q->metric->unit == USAGE_UNIT_MS || width == 1;
	struct chart_series series[CHART_SERIES_MAX];
	struct chart_bar *bars;
	uint64_t *values;
	struct chart c = {
		.id = "chart",
		.unit = units[q->metric->unit],
		.series = series,
		.n_series = is_one ? 1 : width - 1,
		.n_bars = s->n_periods,
	};

	if (!o)
		return;
	bars = arena_array(o->a, struct chart_bar, c.n_bars);
	values = arena_array(o->a, uint64_t, c.n_bars * c.n_series);
	if (!bars || !values)
		return; /* which the arena remembers */
	for (size_t k = 0; k < c.n_series; k++) {
		bool is_other = !is_one && k == s->n_own;

		series[k] = (struct chart_series){
			is_one ? S("All") : usage_series_text(q, s, k, o->a),
			is_other ? "series-other" : fills[k]
		};
	}
	for (size_t i = 0; i < c.n_bars; i++) {
		bars[i] = (struct chart_bar){ bar_label(o->a, q, s, i),
			tick_text(o->a, q, s, i) };
		for (size_t k = 0; k < c.n_series; k++) {
			int64_t v =
			    s->values[i * width + (is_one ? width - 1 : k)];

			values[i * c.n_series + k] = v > 0 ? (uint64_t)v : 0;
		}
	}
	c.bars = bars;
	c.values = values;
	c.title = arena_printf(o->a, "%s by %s%s%s", q->metric->name,
	    usage_period_names[q->period],
	    is_one || q->group->by == USAGE_BY_NOTHING ? "" : " and ",
	    is_one || q->group->by == USAGE_BY_NOTHING ? "" : q->group->word);
	c.desc = arena_printf(o->a,
	    "A bar for each %s from %" PRI_STR " to %" PRI_STR
	    " UTC; in all %" PRI_STR ". The tables below have the numbers.",
	    usage_period_names[q->period],
	    STR_ARG(view_time_text(o->a, found->report.from_ms)),
	    STR_ARG(view_time_text(o->a, found->report.to_ms)),
	    STR_ARG(usage_number_text(o->a, q->metric->unit,
		usage_metric_value(q->metric, &found->report.total))));
	chart_build(tval_set_object(o, "chart"), &c);
}
