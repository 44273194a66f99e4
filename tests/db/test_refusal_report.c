/* SPDX-License-Identifier: MIT */
/* Summaries of refusals against the rows, how few rows of their sums they
 * read, and whether reconcile compares those. CHECKLIST B38. */
#include "db/fixture_sums.h"

#include <stdio.h>

#include "base/clock.h"
#include "domain/usage_report.h"
#include "store/reconcile.h"
#include "store/rollup.h"

static int
setup(void **state)
{
	struct fixture f;

	if (sums_setup(state) != 0)
		return -1;
	fixture_init(&f, FIXTURE_APP);
	(void)fixture_customer(&f, 1);
	(void)fixture_customer(&f, 2);
	fixture_fini(&f);
	sums_fill_refusals();
	return 0;
}

static void
assert_refusals(struct fixture *x, enum usage_dimension by0,
    enum usage_dimension by1, const struct usage_filter *f)
{
	const enum usage_dimension by[USAGE_BY_MAX] = { by0, by1 };
	struct arena_mark mark = arena_mark(&x->a);
	struct usage_report r;
	char query[600];
	uint64_t n = 0;

	(void)snprintf(query, sizeof(query),
	    "SELECT COALESCE(SUM(refusals), 0) FROM usage_refusals WHERE "
	    "hour >= '1970-01-01' + INTERVAL %lld SECOND AND hour < "
	    "'1970-01-01' + INTERVAL %lld SECOND AND (%llu = 0 OR customer_id "
	    "= %llu) AND (%llu = 0 OR api_key_id = %llu) AND (%llu = 0 OR "
	    "model_id = %llu)",
	    (long long)(f->from_ms / 1000), (long long)(f->to_ms / 1000),
	    (unsigned long long)f->customer_id,
	    (unsigned long long)f->customer_id,
	    (unsigned long long)f->api_key_id,
	    (unsigned long long)f->api_key_id, (unsigned long long)f->model_id,
	    (unsigned long long)f->model_id);
	assert_db_ok(x,
	    usage_report(x->db, by, f, SUMS_LAST_MS, &x->a, &r, &x->e));
	assert_true(r.has_refusals);
	for (size_t i = 0; i < r.n; i++)
		n += r.groups[i].refusals;
	assert_int_equal(n, r.total.refusals);
	assert_int_equal(n, fixture_number(sums_root, query));
	arena_rewind(&x->a, mark);
}

static void
usage_report__refusals_by_anything__add_up_to_the_rows(void **state)
{
	static const enum usage_dimension by[][USAGE_BY_MAX] = {
		{ USAGE_BY_NOTHING }, { USAGE_BY_KEY }, { USAGE_BY_CUSTOMER },
		{ USAGE_BY_MODEL }, { USAGE_BY_HOUR },
		{ USAGE_BY_DAY, USAGE_BY_MODEL },
		{ USAGE_BY_MONTH, USAGE_BY_KEY },
		{ USAGE_BY_MONTH, USAGE_BY_CUSTOMER },
		{ USAGE_BY_KEY, USAGE_BY_MODEL }
	};
	static const int64_t times[][2] = { { -31 * DAY_MS, 61 * DAY_MS },
		{ DAY_MS, 29 * DAY_MS }, { 5 * HOUR_MS, 33 * DAY_MS + HOUR_MS },
		{ 37 * HOUR_MS, 38 * HOUR_MS } };
	struct fixture x;

	(void)state;
	fixture_init(&x, FIXTURE_APP);
	for (size_t i = 0; i < ARRAY_LEN(by); i++)
		for (size_t k = 0; k < ARRAY_LEN(times) * 8; k++) {
			const struct usage_filter f = {
				.customer_id = k & 1,
				.api_key_id = k & 2 ? 3 : 0,
				.model_id = k & 4 ? 2 : 0,
				.from_ms = SUMS_FIRST_MONTH_MS +
					   times[k / 8][0],
				.to_ms = SUMS_FIRST_MONTH_MS + times[k / 8][1],
			};

			assert_refusals(&x, by[i][0], by[i][1], &f);
		}
	fixture_fini(&x);
}

/* However many keys, models and reasons there were in each hour. */
static void
usage_report__refusals_of_a_month__are_read_from_its_sums(void **state)
{
	static const struct {
		enum usage_dimension by;
		uint64_t customer_id;
		const char *should;
	} cases[] = {
		{ USAGE_BY_MODEL, 1,
		    "usage_refusal_totals WHERE customer_id = 1" },
		{ USAGE_BY_MONTH, 0,
		    "usage_refusal_totals WHERE customer_id = 0" },
		{ USAGE_BY_CUSTOMER, 0,
		    "usage_refusal_totals WHERE customer_id <> 0" },
		{ USAGE_BY_KEY, 1, "usage_refusal_keys WHERE customer_id = 1" },
		{ USAGE_BY_KEY, 0, "usage_refusal_keys WHERE TRUE" },
	};
	struct fixture x;

	(void)state;
	fixture_init(&x, FIXTURE_APP);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const enum usage_dimension by[USAGE_BY_MAX] = { cases[i].by };
		/* October has no usage, so only refusals are read. */
		const struct usage_filter f = {
			.customer_id = cases[i].customer_id,
			.from_ms = rollup_start_ms(SUMS_FIRST_MONTH_MS - DAY_MS,
			    ROLLUP_MONTH),
			.to_ms = SUMS_FIRST_MONTH_MS,
		};
		uint64_t before, own, n;
		struct usage_report r;
		char query[300];

		(void)snprintf(query, sizeof(query),
		    "SELECT COUNT(*) FROM %s AND period = 'month' AND start = "
		    "'2026-10-01'",
		    cases[i].should);
		n = fixture_number(sums_root, query);
		assert_int_not_equal(n, 0);
		own = sums_rows_read(x.db);
		before = sums_rows_read(x.db);
		own = before - own;
		assert_db_ok(&x,
		    usage_report(x.db, by, &f, SUMS_NEVER_MS, &x.a, &r, &x.e));
		assert_int_not_equal(r.n, 0);
		assert_in_range(sums_rows_read(x.db), before,
		    before + own + 2 * n + 2 * r.n + 40);
	}
	fixture_fini(&x);
}

/* Add to one of the refusals that are kept in a table. */
static void
spoil(const char *table, const char *where, int by)
{
	char query[200];

	(void)snprintf(query, sizeof(query),
	    "UPDATE %s SET refusals = refusals + %d WHERE %s LIMIT 1", table,
	    by, where);
	fixture_sql(sums_root, query);
}

/* Each of the sums is compared, by model and reason and by key. */
static void
reconcile__a_sum_of_refusals_is_off__says_where(void **state)
{
	static const struct {
		const char *table, *where;
		uint64_t customer_id;
	} cases[] = {
		{ "usage_refusal_totals", "customer_id = 2 AND period = 'hour'",
		    2 },
		{ "usage_refusal_totals",
		    "customer_id = 0 AND period = 'month'", 0 },
		{ "usage_refusal_keys", "customer_id = 1 AND period = 'day'",
		    1 },
	};
	struct reconcile_result r;
	struct fixture x;

	(void)state;
	fixture_init(&x, FIXTURE_APP);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		spoil(cases[i].table, cases[i].where, 1);
		assert_db_ok(&x, store_reconcile(x.db, &x.a, &r, &x.e));
		assert_int_equal(r.n_diffs, 1);
		assert_int_equal(r.diffs[0].check, RECONCILE_REFUSED);
		assert_int_equal(r.diffs[0].customer_id, cases[i].customer_id);
		assert_int_equal(r.diffs[0].sums_requests,
		    r.diffs[0].rows_requests + 1);
		spoil(cases[i].table, cases[i].where, -1);
	}
	assert_db_ok(&x, store_reconcile(x.db, &x.a, &r, &x.e));
	assert_int_equal(r.n_diffs, 0);
	fixture_fini(&x);
}

/* A refusal that no sum has is missing in nine: its customer's and
 * everybody's by model, its customer's by key, of hour, day and month. */
static void
reconcile__a_refusal_is_in_no_sum__says_so_of_each(void **state)
{
	struct reconcile_result r;
	struct fixture x;

	(void)state;
	fixture_init(&x, FIXTURE_APP);
	spoil("usage_refusals", "customer_id = 1", 1);
	assert_db_ok(&x, store_reconcile(x.db, &x.a, &r, &x.e));
	assert_int_equal(r.n_diffs, 9);
	for (size_t i = 0; i < r.n_diffs; i++) {
		assert_int_equal(r.diffs[i].check, RECONCILE_REFUSED);
		assert_int_equal(r.diffs[i].rows_requests,
		    r.diffs[i].sums_requests + 1);
	}
	spoil("usage_refusals", "customer_id = 1", -1);
	fixture_fini(&x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    usage_report__refusals_by_anything__add_up_to_the_rows),
		cmocka_unit_test(
		    usage_report__refusals_of_a_month__are_read_from_its_sums),
		cmocka_unit_test(
		    reconcile__a_sum_of_refusals_is_off__says_where),
		cmocka_unit_test(
		    reconcile__a_refusal_is_in_no_sum__says_so_of_each),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, setup, sums_teardown);
}
