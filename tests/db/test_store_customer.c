/* SPDX-License-Identifier: MIT */
/* Customers, their users and the sessions of these. */
#include "db/fixture_store.h"

#include <stdio.h>

#include "store/customer.h"
#include "store/generation.h"
#include "store/ledger.h"
#include "store/session.h"
#include "store/user.h"

static struct fixture *const f = &store_fixture;

static void
customer__inserted__has_owner_and_accounts(void **state)
{
	const struct user_filter all = { 0 };
	struct ledger_account *accounts;
	struct customer c;
	struct user *users;
	size_t n;
	uint64_t id = fixture_customer(f, serial);

	(void)state;
	assert_db_ok(f, store_customer_by_id(f->db, id, &f->a, &c, &f->e));
	assert_true(c.is_active);
	assert_int_equal(c.markup_ppm, 1000000);
	assert_int_equal(c.limits.stated, 0);
	assert_str_is(c.company, "ACME");
	assert_db_ok(f,
	    store_user_page(f->db, id, &all, 0, 2, &f->a, &users, &n, &f->e));
	assert_int_equal(n, 1);
	assert_int_equal(users[0].role, USER_OWNER);
	assert_true(str_eq(users[0].email, c.email));
	assert_null(users[0].password_hash.p);
	assert_db_ok(f,
	    store_ledger_accounts(f->db, id, &f->a, &accounts, &n, &f->e));
	assert_int_equal(n, 3);
}

static void
customer_list__a_part_of_the_name_in_any_case__finds_it(void **state)
{
	const struct str hits[] = { S("cme"), S("aCmE") };
	struct customer c, *rows;
	uint64_t id = fixture_customer(f, serial);
	size_t n;

	(void)state;
	assert_db_ok(f, store_customer_by_id(f->db, id, &f->a, &c, &f->e));
	assert_str_is(c.company, "ACME");
	for (size_t i = 0; i < ARRAY_LEN(hits); i++) {
		assert_db_ok(f, store_customer_list(f->db, hits[i], id - 1, 1,
				    &f->a, &rows, &n, &f->e));
		assert_int_equal(n, 1);
		assert_int_equal(rows[0].customer_id, id);
	}
	/* Neither is a pattern. */
	assert_db_ok(f, store_customer_list(f->db, S("A%E"), id - 1, 10, &f->a,
			    &rows, &n, &f->e));
	assert_int_equal(n, 0);
	assert_db_ok(f, store_customer_list(f->db, c.email, 0, 10, &f->a, &rows,
			    &n, &f->e));
	assert_int_equal(n, 1);
}

static void
customer__email_in_other_case__is_the_same_one(void **state)
{
	uint64_t id = fixture_customer(f, serial), id2, owner;
	struct customer c = { .name = S("Other"), .markup_ppm = 1000000 };
	struct customer found;
	char email[60];

	(void)state;
	(void)snprintf(email, sizeof(email), "C%u@EXAMPLE.org", serial);
	c.email = str_from(email);

	assert_int_equal(store_customer_insert(f->db, &c, &id2, &owner, &f->e),
	    ERR_CONFLICT);
	assert_db_ok(f,
	    store_customer_by_email(f->db, c.email, &f->a, &found, &f->e));
	assert_int_equal(found.customer_id, id);
}

static void
customer__updated__bumps_its_own_slot(void **state)
{
	uint64_t id = fixture_customer(f, serial);
	uint64_t before = generation(generation_customer_slot(id));
	uint64_t catalogue = generation(GENERATION_CATALOGUE);
	struct customer c;

	(void)state;
	assert_db_ok(f, store_customer_by_id(f->db, id, &f->a, &c, &f->e));
	limit_set_put(&c.limits, LIMIT_KEY_MODEL_REQUESTS_MINUTE, 7);
	limit_set_put(&c.limits, LIMIT_CUSTOMER_TOKENS_DAY, 8);
	c.markup_ppm = 1250001;
	c.company = str_make(NULL, 0);
	assert_db_ok(f, store_customer_update(f->db, &c, &f->e));
	/* The same again changes nothing and still finds its row. */
	assert_db_ok(f, store_customer_update(f->db, &c, &f->e));

	assert_db_ok(f, store_customer_by_id(f->db, id, &f->a, &c, &f->e));
	assert_int_equal(limit_set_get(&c.limits,
			     LIMIT_KEY_MODEL_REQUESTS_MINUTE),
	    7);
	assert_int_equal(limit_set_get(&c.limits, LIMIT_CUSTOMER_TOKENS_DAY),
	    8);
	assert_int_equal(c.markup_ppm, 1250001);
	assert_null(c.company.p);
	assert_int_equal(generation(generation_customer_slot(id)), before + 2);
	assert_int_equal(generation(GENERATION_CATALOGUE), catalogue);
	c.customer_id = 999999;
	assert_int_equal(store_customer_update(f->db, &c, &f->e),
	    ERR_NOT_FOUND);
}

static void
customer__list__goes_on_after_an_id(void **state)
{
	uint64_t first = fixture_customer(f, serial++);
	struct customer *rows;
	size_t n;

	(void)state;
	(void)fixture_customer(f, serial++);
	(void)fixture_customer(f, serial);

	assert_db_ok(f, store_customer_list(f->db, (struct str){ NULL, 0 },
			    first, 1, &f->a, &rows, &n, &f->e));
	assert_int_equal(n, 1);
	assert_int_equal(rows[0].customer_id, first + 1);
	assert_db_ok(f, store_customer_list(f->db, (struct str){ NULL, 0 },
			    first + 2, 10, &f->a, &rows, &n, &f->e));
	assert_int_equal(n, 0);
}

static void
session__idle_or_user_off__is_not_found(void **state)
{
	uint64_t customer_id = fixture_customer(f, serial), user_id;
	struct session_new s = { .digest = { 9, 9, (uint8_t)serial },
		.max_s = 3600,
		.client_address = S("2001:db8::1"),
		.user_agent = S("test") };
	struct session found;
	struct user u;

	(void)state;
	assert_db_ok(f,
	    store_user_owner_id(f->db, customer_id, &user_id, &f->e));
	s.user_id = user_id;
	assert_db_ok(f, store_session_insert(f->db, &s, &f->e));
	assert_db_ok(f,
	    store_session_by_digest(f->db, s.digest, 60, &f->a, &found, &f->e));
	assert_int_equal(found.customer_id, customer_id);
	assert_int_equal(found.role, USER_OWNER);
	assert_in_range(found.expires_at_ms - found.created_at_ms, 3599000,
	    3601000);

	assert_int_equal(store_session_by_digest(f->db, s.digest, 0, &f->a,
			     &found, &f->e),
	    ERR_NOT_FOUND);
	assert_db_ok(f, store_user_by_id(f->db, 0, user_id, &f->a, &u, &f->e));
	u.is_active = false;
	assert_db_ok(f, store_user_update(f->db, &u, &f->e));
	u.is_active = true;
	assert_db_ok(f, store_user_update(f->db, &u, &f->e));
	assert_int_equal(store_session_by_digest(f->db, s.digest, 60, &f->a,
			     &found, &f->e),
	    ERR_NOT_FOUND);
}

static void
user__failed_sign_ins__are_counted_until_a_success(void **state)
{
	uint64_t customer_id = fixture_customer(f, serial), user_id;
	struct user u;

	(void)state;
	assert_db_ok(f,
	    store_user_owner_id(f->db, customer_id, &user_id, &f->e));
	assert_db_ok(f, store_user_sign_in_failed(f->db, user_id, &f->e));
	assert_db_ok(f, store_user_sign_in_failed(f->db, user_id, &f->e));
	assert_db_ok(f, store_user_by_id(f->db, 0, user_id, &f->a, &u, &f->e));
	assert_int_equal(u.sign_in_failures, 2);
	assert_int_not_equal(u.sign_in_failed_at_ms, 0);

	assert_db_ok(f, store_user_signed_in(f->db, user_id, &f->e));
	assert_db_ok(f, store_user_by_id(f->db, 0, user_id, &f->a, &u, &f->e));
	assert_int_equal(u.sign_in_failures, 0);
	assert_int_equal(u.sign_in_failed_at_ms, 0);
	assert_int_not_equal(u.last_sign_in_at_ms, 0);
	assert_int_equal(store_user_signed_in(f->db, 999999, &f->e),
	    ERR_NOT_FOUND);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(customer__inserted__has_owner_and_accounts),
		STORE_TEST(
		    customer_list__a_part_of_the_name_in_any_case__finds_it),
		STORE_TEST(customer__email_in_other_case__is_the_same_one),
		STORE_TEST(customer__updated__bumps_its_own_slot),
		STORE_TEST(customer__list__goes_on_after_an_id),
		STORE_TEST(session__idle_or_user_off__is_not_found),
		STORE_TEST(user__failed_sign_ins__are_counted_until_a_success),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
