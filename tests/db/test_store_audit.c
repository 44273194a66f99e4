/* SPDX-License-Identifier: MIT */
/* The history only grows. CHECKLIST S31, B4. Who reads of it what:
 * test_newest_page. */
#include "db/fixture_store.h"

#include <string.h>

#include "store/audit.h"

static struct fixture *const f = &store_fixture;

/* CHECKLIST S31, B4: by the rights of the account that the workers have. */
static void
history__workers_account__adds_and_never_changes(void **state)
{
	static const char *const changes[] = {
		"UPDATE audit_log SET action = 'x'", "DELETE FROM audit_log",
		"REPLACE INTO audit_log (audit_id, actor, action, is_success) "
		"VALUES (1, 'system', 'x', 1)",
		"TRUNCATE TABLE audit_log", "DROP TABLE audit_log",
		"UPDATE ledger_transfers SET amount_usd = 0",
		"DELETE FROM ledger_transfers",
		"UPDATE usage_records SET cost_in_usd = 0",
		"DELETE FROM usage_records", "DELETE FROM usage_adjustments",
		"UPDATE usage_adjustments SET cost_in_usd = 0",
		"DELETE FROM notice_deliveries"
	};
	struct audit a = { .actor = AUDIT_SYSTEM, .action = S("history") };
	struct error e;

	(void)state;
	assert_db_ok(f, store_audit_insert(f->db, &a, &f->e));
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		if (!db_run_script_statement(f->db, str_from(changes[i]), &e))
			fail_msg("passed: %s", changes[i]);
		if (!strstr(e.internal, "denied"))
			fail_msg("%s: %s", changes[i], e.internal);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(history__workers_account__adds_and_never_changes),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
