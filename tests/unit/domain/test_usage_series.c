/* SPDX-License-Identifier: MIT */
/* Sums as series: the greatest apart, the rest together, nothing lost. */
#include "support/cmocka_tg.h"

#include <string.h>

#include "base/clock.h"
#include "domain/usage_series.h"

#define FIRST_MS INT64_C(1793491200000) /* 2026-11-01 */
#define N_DAYS   3
#define N_IDS    12

static struct arena a;
static struct usage_group groups[N_DAYS * N_IDS], days[N_DAYS], sums[N_IDS];
static struct usage_report own, all, shown;

static const struct usage_metric *
metric(const char *word)
{
	for (size_t i = 0; i < USAGE_METRICS_N; i++)
		if (strcmp(usage_metrics[i].word, word) == 0)
			return &usage_metrics[i];
	fail_msg("no metric %s", word);
	return NULL;
}

/* The first and the last day of three: id n has 1000 n requests on each. And
 * there is a group more than what is shown, which has 500 a day. */
static int
set_up(void **state)
{
	struct error e;

	(void)state;
	arena_init(&a, MIB(4));
	own = (struct usage_report){ .groups = groups,
		.from_ms = FIRST_MS,
		.to_ms = FIRST_MS + N_DAYS * DAY_MS };
	all = shown = own;
	all.groups = days;
	shown.groups = sums;
	shown.n = N_IDS;
	for (uint64_t id = 1; id <= N_IDS; id++)
		sums[id - 1] = (struct usage_group){ .by = { 0, id } };
	for (int day = 0; day < N_DAYS; day += 2) {
		uint64_t start = (uint64_t)(FIRST_MS + day * DAY_MS) / 1000;
		struct usage_group *sum = &days[all.n++];

		*sum = (struct usage_group){ .by = { start, 0 },
			.sums = { .requests = 500 } };
		for (uint64_t id = 1; id <= N_IDS; id++) {
			struct usage_group *g = &groups[own.n++];

			*g = (struct usage_group){
				.by = { start, id },
				.failed_requests = id,
				.sums = { .requests = 1000 * id,
				    .cost_pusd = (int64_t)(N_IDS - id) },
			};
			g->sums.tok[TOK_LONG][TOK_OUT_REASONING] = id;
			histogram_count(&g->sums.latency, (int64_t)id * 100);
			assert_ok(usage_group_add(sum, g, &e));
			assert_ok(usage_group_add(&sums[id - 1], g, &e));
		}
		assert_ok(usage_group_add(&all.total, sum, &e));
	}
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	arena_fini(&a);
	return 0;
}

static struct usage_series_wish
series_wish(const char *word, enum rollup_period period)
{
	return (struct usage_series_wish){ .period = period,
		.by = USAGE_BY_KEY,
		.metric = metric(word) };
}

static struct usage_series
build(const char *word, enum rollup_period period)
{
	struct usage_series_wish w = series_wish(word, period);
	struct usage_series s;
	struct error e;

	assert_ok(usage_series_sort(&shown, w.metric, &a, &e));
	assert_ok(
	    usage_series_build(&all, &shown, &own, N_IDS + 1, &w, &a, &s, &e));
	return s;
}

static void
series__of_more_than_eight__are_the_greatest_and_the_others(void **state)
{
	struct usage_series s = build("requests", ROLLUP_DAY);

	(void)state;
	assert_int_equal(s.n_shown, N_IDS);
	assert_int_equal(s.n_groups, N_IDS + 1);
	assert_int_equal(s.n_own, USAGE_SERIES_OWN);
	assert_true(s.has_other);
	assert_int_equal(usage_series_width(&s), USAGE_SERIES_OWN + 2);
	for (size_t i = 0; i < N_IDS; i++) {
		assert_int_equal(s.groups[i].by[1], N_IDS - i);
		assert_int_equal(s.groups[i].sums.requests, 2000 * (N_IDS - i));
	}
	assert_int_equal(s.other.sums.requests, 1000 + 2000 * (1 + 2 + 3 + 4));
	assert_int_equal(s.rest.sums.requests, 1000);
	assert_int_equal(histogram_total(&s.rest.sums.latency), 0);
	/* By another number others are the greatest; equal ones by id. */
	s = build("cost", ROLLUP_DAY);
	assert_int_equal(s.groups[0].by[1], 1);
	s = build("in", ROLLUP_DAY);
	assert_int_equal(s.groups[0].by[1], 1);
	assert_int_equal(s.groups[N_IDS - 1].by[1], N_IDS);
}

static void
periods__without_usage__are_there_and_all_add_up(void **state)
{
	struct usage_series s = build("requests", ROLLUP_DAY);
	size_t width = usage_series_width(&s);
	int64_t whole = 0;

	(void)state;
	assert_int_equal(s.n_periods, N_DAYS);
	for (size_t i = 0; i < s.n_periods; i++) {
		const int64_t *v = &s.values[i * width];
		int64_t sum = 0;

		assert_int_equal(s.starts_ms[i],
		    FIRST_MS + (int64_t)i * DAY_MS);
		for (size_t k = 0; k + 1 < width; k++)
			sum += v[k];
		assert_int_equal(sum, v[width - 1]);
		whole += sum;
	}
	assert_int_equal(s.values[1 * width], 0);
	assert_int_equal(s.values[0 * width], 12000);
	assert_int_equal(s.values[2 * width + USAGE_SERIES_OWN], 10500);
	assert_int_equal(whole, all.total.sums.requests);
}

/* A percentile of all is that of all durations, not a sum. */
static void
percentiles__of_others_and_all__are_of_their_durations(void **state)
{
	struct usage_series s = build("latency_p95", ROLLUP_DAY);
	size_t width = usage_series_width(&s);
	struct histogram whole = { 0 }, others = { 0 };

	(void)state;
	for (int64_t id = 1; id <= N_IDS; id++) {
		histogram_count(&whole, id * 100);
		if (id <= N_IDS - USAGE_SERIES_OWN)
			histogram_count(&others, id * 100);
	}
	assert_int_equal(s.values[width - 1],
	    histogram_percentile_ms(&whole, 950));
	assert_int_equal(s.values[width - 2],
	    histogram_percentile_ms(&others, 950));
	assert_int_equal(s.values[1 * width + width - 1], -1);
}

static void
metrics__of_a_class__count_both_contexts(void **state)
{
	(void)state;
	assert_int_equal(usage_metric_value(metric("out_reasoning"),
			     &groups[4]),
	    5);
	assert_int_equal(usage_metric_value(metric("tokens_out"), &groups[4]),
	    5);
	assert_int_equal(usage_metric_value(metric("tokens_in"), &groups[4]),
	    0);
	assert_int_equal(usage_metric_value(metric("errors"), &groups[4]), 5);
	assert_int_equal(usage_metric_value(metric("cost"), &groups[4]), 7);
	assert_int_equal(usage_metric_value(metric("ttft_p50"), &groups[4]),
	    -1);
}

/* The choices of a parameter are the table's words. */
static void
metrics__choices__are_in_the_tables_order(void **state)
{
	struct str rest = S(USAGE_METRIC_CHOICES), word;
	size_t n = 0;

	(void)state;
	while (str_split(&rest, '|', &word)) {
		assert_true(n < USAGE_METRICS_N);
		assert_str_is(word, usage_metrics[n].word);
		n++;
	}
	assert_int_equal(n, USAGE_METRICS_N);
}

static void
series__of_too_many_periods__are_refused(void **state)
{
	struct usage_series_wish w = series_wish("cost", ROLLUP_HOUR);
	struct usage_report none = { .from_ms = FIRST_MS,
		.to_ms = FIRST_MS + USAGE_PERIODS_MAX * HOUR_MS };
	struct usage_series s;
	struct error e;

	(void)state;
	assert_int_equal(usage_periods(none.from_ms, none.to_ms, ROLLUP_HOUR),
	    USAGE_PERIODS_MAX);
	assert_ok(usage_series_build(&none, &none, &none, 0, &w, &a, &s, &e));
	assert_int_equal(s.n_groups, 0);
	assert_int_equal(usage_series_width(&s), 1);
	none.to_ms += HOUR_MS;
	assert_int_equal(usage_series_build(&none, &none, &none, 0, &w, &a, &s,
			     &e),
	    ERR_BAD_PARAM);
	assert_string_equal(e.param, "granularity");
	assert_int_equal(usage_periods(FIRST_MS, FIRST_MS + 61 * DAY_MS,
			     ROLLUP_MONTH),
	    2);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(series__of_more_than_eight__are_the_greatest_and_the_others),
		T(periods__without_usage__are_there_and_all_add_up),
		T(percentiles__of_others_and_all__are_of_their_durations),
		T(metrics__of_a_class__count_both_contexts),
		T(metrics__choices__are_in_the_tables_order),
		T(series__of_too_many_periods__are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
