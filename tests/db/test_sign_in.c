/* SPDX-License-Identifier: MIT */
/* What a sign-in that fails asks of the database tells nothing about whether
 * there is such a user. */
#include "db/fixture_db.h"

#include <stdio.h>

#include "domain/hostmap.h"
#include "domain/user.h"
#include "ext/crypto.h"
#include "store/db_pool.h"
#include "store/user.h"
#include "support/fixture_dir.h"

static const char *const counters[] = { "Com_commit", "Com_begin",
	"Com_rollback", "Com_stmt_execute", "Com_select", "Com_insert",
	"Com_update", "Com_delete", "Handler_commit", "Handler_rollback" };
#define N_COUNTERS ARRAY_LEN(counters)
#define COMMITS    0

static struct fixture f;
static struct fixture_dir dir;
static struct sign_in services;
static struct crypto_key *pepper;

/* The pool has one connection: the session that is asked is the same. */
static void
count(uint64_t ret[N_COUNTERS])
{
	struct db *db;
	char query[200];

	assert_db_ok(&f, db_pool_take(services.db, 1000, &db, &f.e));
	for (size_t i = 0; i < N_COUNTERS; i++) {
		(void)snprintf(query, sizeof(query),
		    "SELECT variable_value FROM "
		    "information_schema.session_status WHERE variable_name = "
		    "'%s'",
		    counters[i]);
		ret[i] = fixture_number(db, query);
	}
	db_pool_give(services.db, db);
}

/* What a sign-in adds to each counter, besides the counting. */
static void
fail_to_sign_in(const char *email, uint64_t ret[N_COUNTERS])
{
	static const char password[] = "not the right password";
	const struct sign_in_attempt at = { .email = str_from(email),
		.password = { (const uint8_t *)password, sizeof(password) - 1 },
		.client_addr = str_from(email), /* tries count by it */
		.session_max_s = 3600,
		.now_ms = FIXTURE_TIME_MS };
	uint64_t before[N_COUNTERS], after[N_COUNTERS];
	struct sign_in_result result;

	count(before);
	assert_int_equal(user_sign_in(&services, &at, &f.a, &result, &f.e),
	    ERR_UNAUTHORIZED);
	count(after);
	for (size_t i = 0; i < N_COUNTERS; i++)
		ret[i] = after[i] - before[i];
}

static void
sign_in__fails__costs_the_same_with_and_without_a_user(void **state)
{
	uint64_t known[N_COUNTERS], unknown[N_COUNTERS];

	(void)state;
	/* The first one of a connection prepares the statements. */
	fail_to_sign_in("nobody@example.org", unknown);
	fail_to_sign_in("c7@example.org", known);
	fail_to_sign_in("somebody@example.org", unknown);
	for (size_t i = 0; i < N_COUNTERS; i++) {
		if (known[i] != unknown[i])
			print_message("# %s: %llu, %llu\n", counters[i],
			    (unsigned long long)known[i],
			    (unsigned long long)unknown[i]);
		assert_int_equal(known[i], unknown[i]);
	}
	/* A change of no row by itself would not be waited for: both change
	 * one, in one transaction. */
	assert_int_equal(known[COMMITS], 1);
	assert_int_equal(fixture_number(f.db,
			     "SELECT sign_in_failures FROM users WHERE email = "
			     "'c7@example.org'"),
	    1);
	assert_int_equal(fixture_number(f.db,
			     "SELECT COUNT(*) FROM audit_log WHERE action = "
			     "'session.create' AND NOT is_success"),
	    3);
}

static int
setup(void **state)
{
	const struct db_options opt = fixture_options(FIXTURE_APP);
	char hash[CRYPTO_PASSWORD_BYTES];
	static const char right[] = "the right password";
	struct user u;
	struct hostmap *map;

	if (fixture_setup(state) != 0)
		return -1;
	fixture_init(&f, FIXTURE_APP);
	fixture_dir_make(&dir);
	assert_db_ok(&f, crypto_init(&f.e));
	assert_db_ok(&f, hostmap_open(dir.path, true, &map, &f.e));
	assert_db_ok(&f, crypto_hasher_new(1, &services.hasher, &f.e));
	assert_db_ok(&f,
	    crypto_key_from_hex(S("00112233445566778899aabbccddeeff"
				  "00112233445566778899aabbccddeeff"),
		&pepper, &f.e));
	services.map = map;
	services.pepper = services.seal = pepper;
	services.db = db_pool_new(&opt, 1);
	(void)fixture_customer(&f, 7);
	assert_db_ok(&f,
	    crypto_password_hash(services.hasher,
		(struct secret){ (const uint8_t *)right, sizeof(right) - 1 },
		hash, &f.e));
	assert_db_ok(&f,
	    store_user_by_email(f.db, S("c7@example.org"), &f.a, &u, &f.e));
	assert_db_ok(&f,
	    store_user_set_password(f.db, u.user_id, str_from(hash), &f.e));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	db_pool_free(services.db);
	crypto_key_free(pepper);
	crypto_hasher_free(services.hasher);
	hostmap_close(services.map);
	fixture_dir_remove(&dir);
	fixture_fini(&f);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    sign_in__fails__costs_the_same_with_and_without_a_user),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, setup, teardown);
}
