/* SPDX-License-Identifier: MIT */
/* What managing keys leaves in the database: whom a bulk revoke reaches, and
 * what stands in the audit log. CHECKLIST S5. */
#include "db/fixture_store.h"

#include <stdio.h>

#include "domain/key_manage.h"

#define N_MANY (2 * KEY_REVOKE_MAX + 1)

static struct fixture *const f = &store_fixture;

static struct manager
manager(uint64_t tenant)
{
	return (struct manager){ .db = f->db,
		.tenant = tenant,
		.now_ms = FIXTURE_TIME_MS,
		.audit = { .actor = AUDIT_COMMAND } };
}

/* Keys of a customer, as many as that. */
static void
make_keys(uint64_t customer_id, unsigned n)
{
	struct db *root = fixture_connect(FIXTURE_ROOT);
	char text[600];

	(void)snprintf(text, sizeof(text),
	    "INSERT INTO api_keys (customer_id, user_id, public_id, "
	    "api_key_secret, pepper_id, name, scopes, all_models) "
	    "SELECT u.customer_id, u.user_id, LPAD(u.customer_id * 10000 + "
	    "seq, 10, 'M'), UNHEX(SHA2(CONCAT(u.customer_id, '.', seq), 256)), "
	    "1, 'many', 'infer', 1 FROM seq_1_to_%u JOIN users u "
	    "ON u.customer_id = %llu",
	    n, (unsigned long long)customer_id);
	fixture_sql(root, "USE tollgate");
	fixture_sql(root, text);
	db_free(root);
}

static uint64_t
count(const char *what, uint64_t customer_id)
{
	char text[200];

	(void)snprintf(text, sizeof(text),
	    "SELECT COUNT(*) FROM %s AND customer_id = %llu", what,
	    (unsigned long long)customer_id);
	return fixture_number(f->db, text);
}

static void
key_revoke_many__more_than_one_call_takes__goes_on_with_the_next(void **state)
{
	uint64_t c = fixture_customer(f, serial++);
	uint64_t other = fixture_customer(f, serial);
	const struct manager m = manager(0);
	const struct key_revocation what = { .filter.customer_id = c };
	const struct key_revoked expected[] = { { KEY_REVOKE_MAX, true },
		{ KEY_REVOKE_MAX, true }, { 1, false }, { 0, false } };

	(void)state;
	make_keys(c, N_MANY);
	make_keys(other, 1);
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		struct arena_mark mark = arena_mark(&f->a);
		struct key_revoked got;

		assert_db_ok(f, key_revoke_many(&m, &what, &f->a, &got, &f->e));
		assert_int_equal(got.n, expected[i].n);
		assert_int_equal(got.has_more, expected[i].has_more);
		arena_rewind(&f->a, mark);
	}
	assert_int_equal(count("api_keys WHERE revoked_at IS NULL", c), 0);
	assert_int_equal(count("api_keys WHERE revoked_at IS NULL", other), 1);
	assert_int_equal(count("audit_log WHERE action = 'key.revoke'", c),
	    N_MANY);
}

static void
key_revoke_many__another_tenants__reaches_none(void **state)
{
	uint64_t mine = fixture_customer(f, serial++);
	uint64_t theirs = fixture_customer(f, serial);
	const struct manager m = manager(mine);
	const struct key_revocation what = { .filter.customer_id = theirs };
	struct key_revoked got;

	(void)state;
	make_keys(theirs, 2);
	assert_db_ok(f, key_revoke_many(&m, &what, &f->a, &got, &f->e));
	assert_int_equal(got.n, 0);
	assert_false(got.has_more);
	assert_int_equal(count("api_keys WHERE revoked_at IS NULL", theirs), 2);
}

static void
key_switch__to_what_it_is__leaves_no_line(void **state)
{
	uint64_t c = fixture_customer(f, serial++);
	uint64_t id = fixture_key(f, c, serial);
	struct key_manager km = { 0 };
	struct manager m = manager(0);
	const struct {
		int want;
		bool is_active;
		uint64_t n_lines;
	} cases[] = { { 1, true, 0 }, { 0, false, 1 }, { 0, false, 1 },
		{ -1, true, 2 }, { -1, false, 3 } };
	struct key_row row;

	(void)state;
	m.extra = &km;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_db_ok(f,
		    key_switch(&m, id, cases[i].want, &f->a, &row, &f->e));
		assert_int_equal(row.k.is_active, cases[i].is_active);
		assert_int_equal(count("audit_log WHERE action = 'key.toggle'",
				     c),
		    cases[i].n_lines);
	}
	assert_db_ok(f,
	    resource_archive(&key_resource, &m, id, &f->a, &row, &f->e));
	assert_int_equal(key_switch(&m, id, 0, &f->a, &row, &f->e),
	    ERR_CONFLICT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(
		    key_revoke_many__more_than_one_call_takes__goes_on_with_the_next),
		STORE_TEST(key_revoke_many__another_tenants__reaches_none),
		STORE_TEST(key_switch__to_what_it_is__leaves_no_line),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
