/* SPDX-License-Identifier: MIT */
/* What migrations make of the sums that older versions kept. CHECKLIST B38. */
#include "db/fixture_sums.h"

#include "store/reconcile.h"

/* A number that any difference of the sums of refusals changes. */
static uint64_t
refusal_sums(void)
{
	return fixture_number(sums_root,
	    "SELECT (SELECT SUM(CRC32(CONCAT_WS(',', customer_id, period, "
	    "start, model_id, reason, refusals))) FROM usage_refusal_totals) + "
	    "(SELECT SUM(CRC32(CONCAT_WS(',', customer_id, period, start, "
	    "api_key_id, refusals))) FROM usage_refusal_keys)");
}

/* The migration makes of usage_hourly what the flusher would have made. */
static void
migration__old_sums__become_all_rollups(void **state)
{
	struct reconcile_result r;
	uint64_t refused;
	struct fixture x;

	(void)state;
	sums_fill_usage();
	sums_fill_refusals();
	fixture_init(&x, FIXTURE_APP);
	refused = refusal_sums();
	fixture_sql(sums_root, "DROP TABLE usage_monthly, usage_totals, "
			       "usage_refusal_totals, usage_refusal_keys");
	fixture_sql(sums_root, "ALTER TABLE api_keys DROP KEY key_created");
	fixture_sql(sums_root,
	    "ALTER TABLE api_key_uses DROP KEY key_use_time");
	fixture_run_file(sums_root, "sql/schema/0015_summaries.sql");
	fixture_run_file(sums_root, "sql/schema/0019_time_first.sql");
	fixture_run_file(sums_root, "sql/schema/0024_refusal_sums.sql");
	fixture_run_file(sums_root, "sql/schema/0025_callers.sql");
	fixture_run_file(sums_root, "sql/schema/0026_sums.sql");
	fixture_run_file(sums_root, "sql/schema/0029_pentads.sql");
	fixture_run_file(sums_root, "sql/schema/0030_rank_filters.sql");
	assert_int_equal(refusal_sums(), refused);
	assert_int_equal(fixture_number(sums_root,
			     "SELECT SUM(requests) FROM usage_daily"),
	    SUMS_USAGE_ROWS);
	assert_int_equal(fixture_number(sums_root,
			     "SELECT SUM(requests) FROM "
			     "usage_totals WHERE customer_id = 0 AND period = "
			     "'month'"),
	    SUMS_USAGE_ROWS);
	assert_db_ok(&x, store_reconcile(x.db, &x.a, &r, &x.e));
	for (size_t i = 0; i < r.n_diffs; i++)
		assert_int_not_equal(r.diffs[i].check < RECONCILE_LEDGER, 1);
	fixture_fini(&x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(migration__old_sums__become_all_rollups),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, sums_setup, sums_teardown);
}
