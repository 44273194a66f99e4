/* SPDX-License-Identifier: MIT */
/* Parts of a summary, and the series that are made of them, against the whole:
 * which groups are the greatest, those in full, and the rest. CHECKLIST B38. */
#include "db/fixture_sums.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "domain/usage_series.h"

#define FIRST_MONTH SUMS_FIRST_MONTH_MS

static int
setup(void **state)
{
	if (sums_setup(state) != 0)
		return -1;
	sums_fill_usage();
	return 0;
}

static bool
is_among(const uint64_t *ids, size_t n, uint64_t id)
{
	for (size_t i = 0; i < n; i++)
		if (ids[i] == id)
			return true;
	return false;
}

/* What a page shows of a group. */
static struct usage_group
as_shown(const struct usage_group *g)
{
	struct usage_group shown = { .refusals = g->refusals,
		.failed_requests = g->failed_requests,
		.sums = { .requests = g->sums.requests,
		    .cost_pusd = g->sums.cost_pusd,
		    .latency = g->sums.latency } };

	memcpy(shown.by, g->by, sizeof(shown.by));
	memcpy(shown.sums.tok, g->sums.tok, sizeof(shown.sums.tok));
	return shown;
}

/* Days and hours alone, which groups of days are made of. */
static void
assert_same_by_day(struct fixture *x, const struct usage_wish *w)
{
	static const enum usage_dimension by_day[USAGE_BY_MAX] = { USAGE_BY_DAY,
		USAGE_BY_CUSTOMER };
	struct arena_mark mark = arena_mark(&x->a);
	struct usage_report full, days;

	assert_db_ok(x, usage_report(x->db, w->by, &w->filter, SUMS_LAST_MS,
			    &x->a, &full, &x->e));
	assert_db_ok(x, usage_report(x->db, by_day, &w->filter, SUMS_LAST_MS,
			    &x->a, &days, &x->e));
	assert_int_equal(full.total.sums.requests, days.total.sums.requests);
	for (size_t i = 0; i < full.n; i++) {
		struct usage_group sum = { 0 };

		for (size_t k = 0; k < days.n; k++)
			if (days.groups[k].by[1] == full.groups[i].by[1])
				assert_ok(usage_group_add(&sum, &days.groups[k],
				    &x->e));
		memcpy(sum.by, full.groups[i].by, sizeof(sum.by));
		assert_memory_equal(&sum, &full.groups[i], sizeof(sum));
	}
	arena_rewind(&x->a, mark);
}

/* What a page asks for: which groups are the greatest, then those in full. */
static void
assert_parts(struct fixture *x, const struct usage_wish *asked,
    const struct usage_metric *m)
{
	struct arena_mark mark = arena_mark(&x->a);
	struct usage_wish w = *asked;
	struct usage_report full, part;
	uint64_t ids[USAGE_AMONG_MAX], n;

	assert_db_ok(x, usage_report(x->db, w.by, &w.filter, SUMS_LAST_MS,
			    &x->a, &full, &x->e));
	w.rank = usage_metric_rank(m);
	assert_db_ok(x,
	    usage_report_wish(x->db, &w, SUMS_LAST_MS, &x->a, &part, &x->e));
	assert_int_equal(part.n, full.n);
	assert_int_equal(part.has_refusals, full.has_refusals);
	for (size_t i = 0; i < full.n; i++) {
		const struct usage_group *a = &full.groups[i],
					 *b = &part.groups[i];

		assert_memory_equal(a->by, b->by, sizeof(a->by));
		assert_int_equal(a->sums.requests, b->sums.requests);
		assert_int_equal(a->refusals, b->refusals);
		if (m->unit != USAGE_UNIT_MS)
			assert_int_equal(usage_metric_value(m, a),
			    usage_metric_value(m, b));
	}
	w.rank = USAGE_RANK_NONE;
	w.ids = ids;
	for (size_t i = 0; i < full.n && w.n_ids < 3; i += 2)
		if (!is_among(ids, w.n_ids, full.groups[i].by[1]))
			ids[w.n_ids++] = full.groups[i].by[1];
	if (w.n_ids == 0)
		return;
	assert_db_ok(x,
	    usage_report_wish(x->db, &w, SUMS_LAST_MS, &x->a, &part, &x->e));
	for (size_t i = 0, k = 0; i < full.n; i++) {
		if (is_among(ids, w.n_ids, full.groups[i].by[1]))
			assert_memory_equal(&full.groups[i], &part.groups[k++],
			    sizeof(part.groups[0]));
		if (i + 1 == full.n)
			assert_int_equal(k, part.n);
	}
	w.shown_only = true;
	assert_db_ok(x,
	    usage_report_wish(x->db, &w, SUMS_LAST_MS, &x->a, &part, &x->e));
	for (size_t i = 0, k = 0; i < full.n; i++) {
		struct usage_group shown = as_shown(&full.groups[i]);

		if (is_among(ids, w.n_ids, shown.by[1]))
			assert_memory_equal(&shown, &part.groups[k++],
			    sizeof(shown));
	}
	w.rank = usage_metric_rank(m);
	n = part.total.sums.requests;
	assert_db_ok(x,
	    usage_report_wish(x->db, &w, SUMS_LAST_MS, &x->a, &part, &x->e));
	assert_int_equal(part.total.sums.requests, n);
	arena_rewind(&x->a, mark);
}

/* What usage_ranks tell must be what the others do, wherever a time begins and
 * ends: in the middle of an hour's day, a day's pentad, a pentad's month. */
static void
usage_report_wish__everybody_s_customers__rank_alike_at_any_time(void **state)
{
	static const struct usage_filter filters[] = { { .from_ms = 0 },
		{ .model_id = 3 }, { .provider_id = 1 },
		{ .status = { "timeout", 7 } },
		{ .model_id = 2, .status = { "ok", 2 } },
		{ .model_id = 3, .provider_id = 1 },
		{ .provider_id = 1, .status = { "timeout", 7 } },
		{ .model_id = 1, .provider_id = 1, .status = { "ok", 2 } } };
	struct fixture x;

	(void)state;
	fixture_init(&x, FIXTURE_APP);
	for (int64_t i = 0; i < 160; i++) {
		const struct usage_metric *m =
		    &usage_metrics[i % USAGE_METRICS_N];
		struct usage_wish w = {
			.by = { USAGE_BY_NOTHING, USAGE_BY_CUSTOMER },
			.filter = filters[(size_t)i % ARRAY_LEN(filters)],
		};
		struct usage_wish rank = w;

		w.filter.from_ms = FIRST_MONTH + i * 13 * HOUR_MS;
		w.filter.to_ms = w.filter.from_ms + (1 + i * i % 79) * DAY_MS -
				 i % 3 * HOUR_MS;
		rank.filter = w.filter;
		rank.rank = usage_metric_rank(m);
		assert_true(usage_summary_has_ranks(&rank));
		assert_parts(&x, &w, m);
		assert_same_by_day(&x, &w);
	}
	fixture_fini(&x);
}

/* November 4 to 21: of each of two customers, and where they are kept of
 * everybody, the month, less the pentad of the 1st without two days and the last
 * one, and the day before that. */
static void
usage_report_wish__everybody_s_customers__reads_months_pentads_and_days(
    void **state)
{
	static const struct {
		const char *table;
		enum usage_rank rank;
		uint64_t n_rows, model_id;
		size_t n_ids, n_customers;
	} cases[] = {
		{ "usage_ranks WHERE model_id = 0 AND provider_id = 0 AND "
		  "request_status = 'all'",
		    USAGE_RANK_COST, 2 * 7, 0, 0, 2 },
		{ "usage_sums WHERE TRUE", USAGE_RANK_NONE, 3 * 7, 0, 0, 2 },
		{ "usage_sums WHERE customer_id = 2", USAGE_RANK_NONE, 7, 0, 1,
		    1 },
		{ "usage_totals WHERE customer_id = 2", USAGE_RANK_NONE, 0, 3,
		    1, 1 }
	};
	static const uint64_t ids[] = { 2 };
	struct fixture x;

	(void)state;
	fixture_init(&x, FIXTURE_APP);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct usage_wish w = {
			.by = { USAGE_BY_NOTHING, USAGE_BY_CUSTOMER },
			.filter = { .model_id = cases[i].model_id,
			    .from_ms = FIRST_MONTH + 3 * DAY_MS,
			    .to_ms = FIRST_MONTH + 21 * DAY_MS },
			.rank = cases[i].rank,
			.no_refusals = true,
			.ids = ids,
			.n_ids = cases[i].n_ids,
		};
		uint64_t own, before, read, n;
		struct usage_report r;
		char should[400];

		(void)snprintf(should, sizeof(should),
		    "SELECT COUNT(*) FROM %s AND (period = 'month' AND start = "
		    "'2026-11-01' OR period = 'pentad' AND start IN "
		    "('2026-11-01', '2026-11-21', '2026-11-26') OR period = "
		    "'day' AND start IN ('2026-11-04', '2026-11-05', "
		    "'2026-11-21'))",
		    cases[i].table);
		n = fixture_number(sums_root, should);
		assert_in_range(n, 7, 700);
		if (cases[i].n_rows)
			assert_int_equal(n, cases[i].n_rows);
		own = sums_rows_read(x.db);
		before = sums_rows_read(x.db);
		own = before - own; /* what looking costs */
		assert_db_ok(&x,
		    usage_report_wish(x.db, &w, SUMS_NEVER_MS, &x.a, &r, &x.e));
		assert_int_equal(r.n, cases[i].n_customers);
		/* Each of five statements looks once for where it begins. What
		 * the index tells to be of other models is not all read. */
		read = sums_rows_read(x.db) - before - own;
		assert_in_range(read, cases[i].n_rows ? n + 5 : 7, n + 5);
	}
	fixture_fini(&x);
}

/* The days of a month in periods of five, the last with what is left. */
static void
pentads__of_each_month__are_six_and_leave_nothing(void **state)
{
	int64_t t = FIRST_MONTH;

	(void)state;
	for (int month = 0; month < 50; month++) {
		int64_t next = rollup_next_ms(t, ROLLUP_MONTH);

		for (int i = 0; i < 6; i++) {
			int64_t end = rollup_next_ms(t, ROLLUP_PENTAD);

			assert_true(i == 5 || end - t == 5 * DAY_MS);
			assert_int_equal(rollup_start_ms(end - 1,
					     ROLLUP_PENTAD),
			    t);
			assert_int_equal(rollup_start_ms(t, ROLLUP_PENTAD), t);
			t = end;
		}
		assert_int_equal(t, next);
	}
}

static void
usage_report_wish__a_number_or_some_groups__is_part_of_all(void **state)
{
	static const enum usage_dimension first[] = { USAGE_BY_NOTHING,
		USAGE_BY_MONTH, USAGE_BY_DAY, USAGE_BY_HOUR };
	struct fixture x;

	(void)state;
	fixture_init(&x, FIXTURE_APP);
	for (unsigned d = USAGE_BY_KEY; d <= USAGE_BY_STATUS; d++)
		for (unsigned m = 0; m < USAGE_METRICS_N; m++) {
			/* Each with each filter at some time. */
			unsigned k = d + m;
			struct usage_wish w = {
				.by = { first[m % 4], (enum usage_dimension)d },
				.filter = { .customer_id = k % 3,
				    .api_key_id = k % 5 ? 0 : k % 20,
				    .model_id = k % 4 ? 0 : k % 8,
				    .status = k % 7 ? (struct str){ NULL, 0 }
						    : S("ok"),
				    .from_ms = FIRST_MONTH + 20 * DAY_MS +
					       5 * HOUR_MS,
				    .to_ms = FIRST_MONTH + 34 * DAY_MS },
			};

			assert_parts(&x, &w, &usage_metrics[m]);
		}
	fixture_fini(&x);
}

/* No other has more, of percentiles more requests, and they are in order. */
static void
assert_are_greatest(const struct usage_report *full,
    const struct usage_series *s, const struct usage_metric *m)
{
	const struct usage_metric *by = m->unit == USAGE_UNIT_MS
					    ? &usage_metrics[1]
					    : m;
	int64_t least = INT64_MAX;

	assert_string_equal(usage_metrics[1].word, "requests");
	for (size_t i = 0; i < s->n_shown; i++) {
		int64_t v = usage_metric_value(by, &s->groups[i]);

		least = v < least ? v : least;
		if (i > 0)
			assert_true(usage_metric_value(m, &s->groups[i]) <=
				    usage_metric_value(m, &s->groups[i - 1]));
	}
	for (size_t k = 0; k < full->n; k++) {
		bool is_shown = false;

		for (size_t i = 0; i < s->n_shown; i++)
			is_shown = is_shown ||
				   s->groups[i].by[1] == full->groups[k].by[1];
		if (!is_shown)
			assert_true(
			    usage_metric_value(by, &full->groups[k]) <= least);
	}
}

/* Of each period what a report of it says, and of all. */
static void
assert_own_are_theirs(struct fixture *x, const struct usage_series_wish *w,
    const struct usage_series *s)
{
	const enum usage_dimension by[] = { usage_period_dimension(w->period),
		w->by };
	size_t width = usage_series_width(s);
	struct usage_report r;
	size_t n_found = 0;

	assert_db_ok(x, usage_report(x->db, by, &w->filter, SUMS_LAST_MS, &x->a,
			    &r, &x->e));
	for (size_t i = 0; i < s->n_periods; i++) {
		uint64_t start = (uint64_t)(s->starts_ms[i] / 1000);
		struct usage_group all = { 0 };

		for (size_t g = 0; g < r.n; g++) {
			if (r.groups[g].by[0] != start)
				continue;
			assert_ok(usage_group_add(&all, &r.groups[g], &x->e));
			for (size_t k = 0; k < s->n_own; k++) {
				if (s->groups[k].by[1] != r.groups[g].by[1])
					continue;
				assert_int_equal(s->values[i * width + k],
				    usage_metric_value(w->metric,
					&r.groups[g]));
				n_found++;
			}
		}
		assert_int_equal(s->values[i * width + width - 1],
		    usage_metric_value(w->metric, &all));
	}
	assert_true(n_found > 0 || s->n_own == 0);
}

/* The greatest of all groups, each in full, and what is left. */
static void
assert_series(struct fixture *x, const struct usage_series_wish *w)
{
	const enum usage_dimension by[] = { USAGE_BY_NOTHING, w->by };
	struct arena_mark mark = arena_mark(&x->a);
	struct usage_report full, all;
	struct usage_series s;
	uint64_t n = 0;

	assert_db_ok(x, usage_report(x->db, by, &w->filter, SUMS_LAST_MS, &x->a,
			    &full, &x->e));
	assert_db_ok(x,
	    usage_series_load(x->db, w, SUMS_LAST_MS, &x->a, &all, &s, &x->e));
	assert_int_equal(s.n_groups, full.n);
	assert_int_equal(s.n_shown,
	    full.n < USAGE_SERIES_SHOWN ? full.n : USAGE_SERIES_SHOWN);
	assert_int_equal(all.total.sums.requests, full.total.sums.requests);
	assert_int_equal(all.total.refusals, full.total.refusals);
	for (size_t i = 0; i < s.n_shown; i++) {
		struct usage_group should, is = as_shown(&s.groups[i]);
		size_t k = 0;

		while (full.groups[k].by[1] != s.groups[i].by[1])
			k++;
		should = as_shown(&full.groups[k]);
		assert_memory_equal(&should, &is, sizeof(is));
		if (w->metric->number == USAGE_NUMBER_TTFT)
			assert_memory_equal(&full.groups[k], &s.groups[i],
			    sizeof(is));
		n += s.groups[i].sums.requests;
	}
	assert_int_equal(s.rest.sums.requests, all.total.sums.requests - n);
	assert_int_equal(histogram_total(&s.rest.sums.latency),
	    s.rest.sums.requests);
	assert_are_greatest(&full, &s, w->metric);
	assert_own_are_theirs(x, w, &s);
	arena_rewind(&x->a, mark);
}

static void
usage_series_load__each_dimension_and_metric__is_the_greatest_and_the_rest(
    void **state)
{
	struct fixture x;

	(void)state;
	fixture_init(&x, FIXTURE_APP);
	for (unsigned d = USAGE_BY_NOTHING; d <= USAGE_BY_STATUS; d++)
		for (unsigned m = 0; m < USAGE_METRICS_N; m++) {
			struct usage_series_wish w = {
				.by = (enum usage_dimension)d,
				.metric = &usage_metrics[m],
				.period = (d + m) % 3 ? ROLLUP_DAY
						      : ROLLUP_MONTH,
				.filter = { .customer_id = (d + m) % 2,
				    .model_id = m % 5 ? 0 : 3,
				    .from_ms = FIRST_MONTH + DAY_MS,
				    .to_ms = FIRST_MONTH + 40 * DAY_MS },
			};

			assert_series(&x, &w);
		}
	fixture_fini(&x);
}

static void
usage_report_wish__more_rows_than_wanted__is_known_before(void **state)
{
	struct usage_wish w = { .by = { USAGE_BY_NOTHING, USAGE_BY_KEY },
		.filter = { .from_ms = FIRST_MONTH + DAY_MS,
		    .to_ms = FIRST_MONTH + 40 * DAY_MS } };
	/* A month, less a day, and nine days. */
	uint64_t n = fixture_number(sums_root,
	    "SELECT COUNT(*) FROM usage_callers WHERE period = 'month' AND "
	    "start = '2026-11-01' OR period = 'day' AND (start = '2026-11-01' "
	    "OR start BETWEEN '2026-12-01' AND '2026-12-10')");
	uint64_t before, own;
	struct usage_report r;
	struct fixture x;

	(void)state;
	fixture_init(&x, FIXTURE_APP);
	w.rows_max = n;
	assert_db_ok(&x,
	    usage_report_wish(x.db, &w, SUMS_NEVER_MS, &x.a, &r, &x.e));
	w.rows_max = n - 1;
	assert_int_equal(usage_report_wish(x.db, &w, SUMS_NEVER_MS, &x.a, &r,
			     &x.e),
	    ERR_BAD_PARAM);
	assert_string_equal(x.e.param, "group_by");
	/* So few of them that the first piece is too much: no more is read. */
	w.rows_max = 3;
	own = sums_rows_read(x.db);
	before = sums_rows_read(x.db);
	own = before - own;
	assert_int_equal(usage_report_wish(x.db, &w, SUMS_NEVER_MS, &x.a, &r,
			     &x.e),
	    ERR_BAD_PARAM);
	assert_in_range(sums_rows_read(x.db), before, before + own + 12);
	/* One customer's are found by it. */
	w.filter.customer_id = 1;
	assert_db_ok(&x,
	    usage_report_wish(x.db, &w, SUMS_NEVER_MS, &x.a, &r, &x.e));
	fixture_fini(&x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    usage_report_wish__everybody_s_customers__rank_alike_at_any_time),
		cmocka_unit_test(
		    usage_report_wish__everybody_s_customers__reads_months_pentads_and_days),
		cmocka_unit_test(
		    pentads__of_each_month__are_six_and_leave_nothing),
		cmocka_unit_test(
		    usage_report_wish__a_number_or_some_groups__is_part_of_all),
		cmocka_unit_test(
		    usage_series_load__each_dimension_and_metric__is_the_greatest_and_the_rest),
		cmocka_unit_test(
		    usage_report_wish__more_rows_than_wanted__is_known_before),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, setup, sums_teardown);
}
