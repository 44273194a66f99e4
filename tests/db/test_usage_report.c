/* SPDX-License-Identifier: MIT */
/* Summaries of usage against the rows, however their time is put together, and
 * how few rows of the rollups they read. CHECKLIST B38, B39. */
#include "db/fixture_sums.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "domain/usage_report.h"
#include "store/db_priv.h"

#define N_ROWS      SUMS_USAGE_ROWS
#define FIRST_MONTH SUMS_FIRST_MONTH_MS

static int
setup(void **state)
{
	if (sums_setup(state) != 0)
		return -1;
	sums_fill_usage();
	return 0;
}

/* An aggregate over the rows that f means; times are at full hours. */
static uint64_t
of_rows(const char *aggregate, const struct usage_filter *f)
{
	char query[600];

	(void)snprintf(query, sizeof(query),
	    "SELECT %s FROM usage_records WHERE request_timestamp >= "
	    "'1970-01-01' + INTERVAL %lld SECOND AND request_timestamp < "
	    "'1970-01-01' + INTERVAL %lld SECOND AND (%llu = 0 OR customer_id "
	    "= %llu) AND (%llu = 0 OR api_key_id = %llu) AND (%llu = 0 OR "
	    "agent_id = %llu) AND (%llu = 0 OR model_id = %llu)",
	    aggregate, (long long)(f->from_ms / 1000),
	    (long long)(f->to_ms / 1000), (unsigned long long)f->customer_id,
	    (unsigned long long)f->customer_id,
	    (unsigned long long)f->api_key_id,
	    (unsigned long long)f->api_key_id, (unsigned long long)f->agent_id,
	    (unsigned long long)f->agent_id, (unsigned long long)f->model_id,
	    (unsigned long long)f->model_id);
	return fixture_number(sums_root, query);
}

static void
assert_is_sum_of_rows(const struct usage_group *g, const struct usage_filter *f)
{
	assert_int_equal(g->sums.requests, of_rows("COUNT(*)", f));
	assert_int_equal(g->failed_requests,
	    of_rows("COALESCE(SUM(request_status NOT IN ('ok', "
		    "'client_closed')), 0)",
		f));
	assert_int_equal(g->sums.tok[TOK_NORMAL][TOK_IN],
	    of_rows("COALESCE(SUM(token_in_count), 0)", f));
	assert_int_equal(g->sums.cost_pusd,
	    of_rows("CAST(COALESCE(SUM(cost_in_usd), 0) * 1000000000000 AS "
		    "UNSIGNED)",
		f));
	assert_int_equal(g->sums.unpriced_requests,
	    of_rows("COALESCE(SUM(cost_in_usd IS NULL), 0)", f));
	assert_int_equal(histogram_total(&g->sums.latency), g->sums.requests);
	assert_int_equal(g->sums.latency.n[20],
	    of_rows("COALESCE(SUM("
		    "latency_ms > 2200 AND latency_ms <= 3300), 0)",
		f));
}

static void
assert_report(struct fixture *x, const enum usage_dimension by[USAGE_BY_MAX],
    const struct usage_filter *f, int64_t now_ms)
{
	struct arena_mark mark = arena_mark(&x->a);
	struct usage_report r;
	uint64_t n = 0;

	assert_db_ok(x, usage_report(x->db, by, f, now_ms, &x->a, &r, &x->e));
	for (size_t i = 0; i < r.n; i++) {
		assert_int_not_equal(r.groups[i].sums.requests, 0);
		assert_in_range(r.groups[i].sums.requests, 1, N_ROWS);
		n += r.groups[i].sums.requests;
	}
	assert_int_equal(n, r.total.sums.requests);
	assert_is_sum_of_rows(&r.total, f);
	arena_rewind(&x->a, mark);
}

/* Whatever the dimensions and however the time is cut into months, days and
 * hours, or made of more with some taken away. */
static void
usage_report__each_dimension_and_time__adds_up_to_the_rows(void **state)
{
	static const int64_t times[][2] = { { 0, 40 * DAY_MS },
		{ 5 * HOUR_MS, 3 * DAY_MS + 7 * HOUR_MS },
		{ DAY_MS, 2 * DAY_MS }, { 25 * HOUR_MS, 30 * HOUR_MS },
		{ 23 * HOUR_MS, 49 * HOUR_MS }, { 0, 61 * DAY_MS },
		{ 2 * DAY_MS, 29 * DAY_MS },
		{ DAY_MS + 5 * HOUR_MS, 29 * DAY_MS + 20 * HOUR_MS },
		{ -40 * DAY_MS, 58 * DAY_MS }, { 18 * DAY_MS, 47 * DAY_MS } };
	static const enum usage_dimension second[] = { USAGE_BY_NOTHING,
		USAGE_BY_DAY, USAGE_BY_MODEL };
	struct fixture x;

	(void)state;
	fixture_init(&x, FIXTURE_APP);
	for (int d = 0; d < USAGE_BY__N; d++)
		for (size_t i = 0; i < ARRAY_LEN(times); i++) {
			/* Each customer and second dimension at some time. */
			size_t k = (size_t)d + i;
			enum usage_dimension by[USAGE_BY_MAX] = {
				(enum usage_dimension)d, second[k % 3]
			};
			struct usage_filter f = { .customer_id = k / 3 % 3,
				.from_ms = FIRST_MONTH + times[i][0],
				.to_ms = FIRST_MONTH + times[i][1] };

			if (by[1] == by[0])
				by[1] = USAGE_BY_NOTHING;
			assert_report(&x, by, &f,
			    k % 2 ? SUMS_LAST_MS : SUMS_NEVER_MS);
		}
	fixture_fini(&x);
}

/* From the beginning to the end of time, in whichever sums. */
static void
usage_report__all_there_is__is_not_nothing(void **state)
{
	static const enum usage_dimension by[][USAGE_BY_MAX] = {
		{ USAGE_BY_NOTHING, USAGE_BY_NOTHING },
		{ USAGE_BY_MONTH, USAGE_BY_KEY },
		{ USAGE_BY_DAY, USAGE_BY_NOTHING },
	};
	const struct usage_filter f = { .from_ms = 1,
		.to_ms = INT64_C(253402300799999) };
	struct usage_report r;
	struct fixture x;

	(void)state;
	fixture_init(&x, FIXTURE_APP);
	for (size_t i = 0; i < ARRAY_LEN(by); i++) {
		assert_db_ok(&x, usage_report(x.db, by[i], &f, SUMS_NEVER_MS,
				     &x.a, &r, &x.e));
		assert_int_equal(r.total.sums.requests, N_ROWS);
	}
	fixture_fini(&x);
}

static uint64_t
next_random(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return *seed >> 33;
}

static void
usage_report__random_filters__add_up_to_the_rows(void **state)
{
	uint64_t seed = 38;
	struct fixture x;

	(void)state;
	fixture_init(&x, FIXTURE_APP);
	for (unsigned i = 0; i < 100; i++) {
		enum usage_dimension by[USAGE_BY_MAX] = { (
		    enum usage_dimension)(next_random(&seed) % USAGE_BY__N) };
		uint64_t hours = next_random(&seed) % 1400;
		struct usage_filter f = {
			.customer_id = next_random(&seed) % 3,
			.api_key_id = i % 3 ? 0 : next_random(&seed) % 20,
			.agent_id = i % 4 ? 0 : next_random(&seed) % 23,
			.model_id = i % 5 ? 0 : next_random(&seed) % 8,
			.from_ms = FIRST_MONTH + (int64_t)hours * HOUR_MS,
		};

		f.to_ms = f.from_ms + HOUR_MS +
			  (int64_t)(next_random(&seed) % 1400) * HOUR_MS;
		assert_report(&x, by, &f, SUMS_LAST_MS);
	}
	fixture_fini(&x);
}

/* What it costs is what it reads: a month less a day, not 29 days. */
static void
usage_report__a_month_but_a_day__reads_the_month_and_the_day(void **state)
{
	static const struct {
		enum usage_dimension by;
		uint64_t customer_id;
		const char *should;
	} cases[] = {
		{ USAGE_BY_KEY, 1,
		    "SELECT COUNT(*) FROM usage_callers WHERE customer_id = 1 "
		    "AND start = '2026-11-01'" },
		{ USAGE_BY_AGENT, 0,
		    "SELECT COUNT(*) FROM usage_callers WHERE "
		    "start = '2026-11-01'" },
		{ USAGE_BY_CUSTOMER, 0,
		    "SELECT COUNT(*) FROM usage_sums WHERE customer_id <> 0 "
		    "AND (period = 'month' AND start = '2026-11-01' OR period "
		    "= 'day' AND start = '2026-11-01')" },
		{ USAGE_BY_MODEL, 0,
		    "SELECT COUNT(*) FROM usage_totals WHERE customer_id = 0 "
		    "AND (period = 'month' AND start = '2026-11-01' OR period "
		    "= 'day' AND start = '2026-11-01')" },
		{ USAGE_BY_DAY, 1,
		    "SELECT COUNT(*) FROM usage_sums WHERE customer_id = 1 "
		    "AND period = 'day' AND start BETWEEN '2026-11-02' AND "
		    "'2026-11-30'" },
		{ USAGE_BY_HOUR, 2,
		    "SELECT COUNT(*) FROM usage_sums WHERE customer_id = 2 "
		    "AND period = 'hour' AND start BETWEEN '2026-11-02' AND "
		    "'2026-11-30 23:00:00'" },
	};
	struct fixture x;

	(void)state;
	fixture_init(&x, FIXTURE_APP);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum usage_dimension by[USAGE_BY_MAX] = { cases[i].by };
		struct usage_filter f = { .customer_id = cases[i].customer_id,
			.from_ms = FIRST_MONTH + DAY_MS,
			.to_ms = FIRST_MONTH + 30 * DAY_MS };
		uint64_t n = fixture_number(sums_root, cases[i].should), before;
		uint64_t own = sums_rows_read(x.db), most;
		struct usage_report r;

		before = sums_rows_read(x.db);
		own = before - own; /* what looking costs */
		assert_db_ok(&x,
		    usage_report(x.db, by, &f, SUMS_NEVER_MS, &x.a, &r, &x.e));
		most = before + own + n + 40;
		assert_in_range(sums_rows_read(x.db), before, most);
		assert_is_sum_of_rows(&r.total, &f);
	}
	fixture_fini(&x);
}

/* The statement of all of November, with customer 1 and the period where it has
 * them. */
static void
explain(enum stmt id, bool is_of_one, char *ret, size_t ret_bytes)
{
	static const char *const values[] = { "1", "0", "1", "'month'",
		"'2026-11-01'", "'2026-12-01'" };
	bool has_period = id == STMT_SUMMARY_CALLERS ||
			  id == STMT_SUMMARY_CALLERS_OF ||
			  id == STMT_SUMMARY_CALLERS_AT ||
			  id == STMT_SUMMARY_ALL || id == STMT_SUMMARY_ALL_OF;
	char *text = stmt_text(id, 1);
	size_t n = 0;
	struct buf b;

	buf_init_fixed(&b, ret, ret_bytes - 1);
	buf_add(&b, S("EXPLAIN "));
	for (const char *p = text; *p; p++) {
		if (*p != '?') {
			buf_add_char(&b, *p);
			continue;
		}
		if (strncmp(p, "? = 0 OR ", 9) == 0) { /* no groups named */
			buf_add(&b, S("0"));
			continue;
		}
		n += n == 2 && !is_of_one;
		n += n == 3 && !has_period;
		if (n < ARRAY_LEN(values))
			buf_add(&b, str_from(values[n]));
		else
			buf_add(&b, S("NULL"));
		n++;
	}
	assert_int_equal(b.sticky, OK);
	ret[b.n] = '\0';
	free(text);
}

/* Everybody's time is one piece of the table; a customer's rows are found by
 * the customer, however many others there are. */
static void
usage_report__everybodys_and_one_customers__lead_by_time_and_customer(
    void **state)
{
	static const struct {
		enum stmt id;
		bool is_of_one;
		const char *index;
		uint64_t key_bytes; /* by which it is entered */
	} cases[] = {
		{ STMT_SUMMARY_DAYS, false, "PRIMARY", 3 },
		{ STMT_SUMMARY_DAYS_OF, true, "daily_customer", 7 },
		{ STMT_SUMMARY_DAYS_AT, true, "PRIMARY", 7 },
		{ STMT_SUMMARY_MONTHS, false, "PRIMARY", 3 },
		{ STMT_SUMMARY_MONTHS_OF, true, "monthly_customer", 7 },
		{ STMT_SUMMARY_MONTHS_AT, true, "PRIMARY", 7 },
		{ STMT_SUMMARY_ALL, false, "PRIMARY", 6 },
		{ STMT_SUMMARY_ALL_OF, true, "sums_customer", 10 },
		{ STMT_SUMMARY_CALLERS, false, "PRIMARY", 4 },
		{ STMT_SUMMARY_CALLERS_OF, true, "callers_customer", 8 },
		{ STMT_SUMMARY_CALLERS_AT, true, "PRIMARY", 8 },
		{ STMT_SUMMARY_HOURS, false, "usage_hour", 5 },
		{ STMT_SUMMARY_HOURS_OF, true, "PRIMARY", 9 },
	};
	static char query[65536];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		MYSQL_RES *res;
		MYSQL_ROW row;

		explain(cases[i].id, cases[i].is_of_one, query, sizeof(query));
		fixture_sql(sums_root, query);
		res = mysql_store_result(&sums_root->my);
		row = mysql_fetch_row(res);
		assert_string_equal(mysql_fetch_field_direct(res, 5)->name,
		    "key");
		assert_string_equal(row[5], cases[i].index);
		assert_int_equal(strtoull(row[6], NULL, 10),
		    cases[i].key_bytes);
		mysql_free_result(res);
	}
}

static void
usage_report__more_groups_than_allowed__names_group_by(void **state)
{
	static const enum usage_dimension by[] = { USAGE_BY_HOUR,
		USAGE_BY_AGENT };
	struct usage_filter f = { .from_ms = FIRST_MONTH,
		.to_ms = FIRST_MONTH + 70 * DAY_MS };
	struct usage_report r;
	struct fixture x;

	(void)state;
	fixture_init(&x, FIXTURE_APP);
	assert_int_equal(usage_report(x.db, by, &f, SUMS_NEVER_MS, &x.a, &r,
			     &x.e),
	    ERR_BAD_PARAM);
	assert_string_equal(x.e.param, "group_by");
	fixture_fini(&x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(usage_report__all_there_is__is_not_nothing),
		cmocka_unit_test(
		    usage_report__each_dimension_and_time__adds_up_to_the_rows),
		cmocka_unit_test(
		    usage_report__random_filters__add_up_to_the_rows),
		cmocka_unit_test(
		    usage_report__a_month_but_a_day__reads_the_month_and_the_day),
		cmocka_unit_test(
		    usage_report__everybodys_and_one_customers__lead_by_time_and_customer),
		cmocka_unit_test(
		    usage_report__more_groups_than_allowed__names_group_by),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, setup, sums_teardown);
}
