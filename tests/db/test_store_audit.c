/* SPDX-License-Identifier: MIT */
/* The history: it only grows, and who reads it reads their own. CHECKLIST S31,
 * B4. */
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

static void
audit__page__is_the_tenants_and_goes_backwards(void **state)
{
	uint64_t mine = fixture_customer(f, serial++);
	uint64_t theirs = fixture_customer(f, serial);
	struct audit a = { .actor = AUDIT_OPERATOR_KEY,
		.action = S("page.test"),
		.object = S("thing"),
		.is_success = true };
	struct audit_filter all = { .is_success = -1 };
	struct audit *rows;
	size_t n;

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		a.customer_id = i % 2 ? mine : theirs;
		a.object_id = i + 1;
		assert_db_ok(f, store_audit_insert(f->db, &a, &f->e));
	}
	assert_db_ok(f,
	    store_audit_page(f->db, mine, &all, 0, 2, &f->a, &rows, &n, &f->e));
	assert_int_equal(n, 2);
	assert_int_equal(rows[0].object_id, 6);
	assert_int_equal(rows[1].object_id, 4);
	assert_db_ok(f, store_audit_page(f->db, mine, &all, rows[1].audit_id, 2,
			    &f->a, &rows, &n, &f->e));
	assert_int_equal(n, 1);
	assert_int_equal(rows[0].object_id, 2);
	all.customer_id = theirs;
	assert_db_ok(f,
	    store_audit_page(f->db, mine, &all, 0, 9, &f->a, &rows, &n, &f->e));
	assert_int_equal(n, 0);
	all = (struct audit_filter){ .is_success = 0 };
	assert_db_ok(f,
	    store_audit_page(f->db, mine, &all, 0, 9, &f->a, &rows, &n, &f->e));
	assert_int_equal(n, 0);
}

/* Where a page stops that would else look through all there is. */
static void
audit__floor__is_the_row_so_far_back_of_the_tenant(void **state)
{
	uint64_t mine = fixture_customer(f, serial++);
	uint64_t theirs = fixture_customer(f, serial);
	struct audit a = { .actor = AUDIT_SYSTEM,
		.action = S("floor.test"),
		.is_success = true };
	struct audit_filter all = { .is_success = -1 };
	struct audit *rows;
	uint64_t id;
	int64_t ms;
	size_t n;

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		a.customer_id = i % 2 ? mine : theirs;
		assert_db_ok(f, store_audit_insert(f->db, &a, &f->e));
	}
	assert_db_ok(f,
	    store_audit_page(f->db, mine, &all, 0, 9, &f->a, &rows, &n, &f->e));
	assert_int_equal(n, 3);
	assert_db_ok(f, store_audit_floor(f->db, mine, 0, 2, &id, &ms, &f->e));
	assert_int_equal(id, rows[1].audit_id);
	assert_int_equal(ms, rows[1].created_at_ms);
	assert_db_ok(f, store_audit_floor(f->db, mine, rows[0].audit_id, 2, &id,
			    &ms, &f->e));
	assert_int_equal(id, rows[2].audit_id);
	assert_db_ok(f, store_audit_floor(f->db, mine, 0, 4, &id, &ms, &f->e));
	assert_int_equal(id, 0);
	/* Everybody's: the newest but one is the other customer's. */
	assert_db_ok(f, store_audit_floor(f->db, 0, 0, 2, &id, &ms, &f->e));
	assert_true(id > rows[1].audit_id && id < rows[0].audit_id);

	all.floor_id = rows[1].audit_id;
	assert_db_ok(f,
	    store_audit_page(f->db, mine, &all, 0, 9, &f->a, &rows, &n, &f->e));
	assert_int_equal(n, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(history__workers_account__adds_and_never_changes),
		STORE_TEST(audit__page__is_the_tenants_and_goes_backwards),
		STORE_TEST(audit__floor__is_the_row_so_far_back_of_the_tenant),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
