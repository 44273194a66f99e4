/* SPDX-License-Identifier: MIT */
/* Keys that get another secret or digest, and those that expire soon. */
#include "db/fixture_store.h"

#include <stdio.h>
#include <string.h>

#include "domain/key_notice.h"
#include "store/generation.h"
#include "store/key.h"

static struct fixture *const f = &store_fixture;

static void
key__rotated__both_digests_find_it_until_the_grace_ends(void **state)
{
	static const uint8_t first[32] = { 211 }, second[32] = { 212 },
			     third[32] = { 213 };
	uint64_t c = fixture_customer(f, serial), id;
	struct key_new k = { .customer_id = c,
		.public_id = S("ROTATION01"),
		.pepper_id = 1,
		.name = S("r"),
		.scopes = KEY_SCOPE_INFER,
		.all_models = true,
		.digest = { 211 } };
	struct key_rotation r = { .grace_s = 60,
		.public_id = S("ROTATION02"),
		.digest = { 212 },
		.customer_id = k.customer_id,
		.pepper_id = 2 };
	struct key_auth auth;
	uint64_t before;

	(void)state;
	assert_db_ok(f, store_key_insert(f->db, &k, &id, &f->e));
	r.api_key_id = id;
	before = generation(generation_key_slot(id));
	assert_db_ok(f, store_key_rotate(f->db, &r, &f->e));
	assert_true(generation(generation_key_slot(id)) > before);
	assert_db_ok(f,
	    store_key_by_digest(f->db, second, &f->a, &auth, &f->e));
	assert_str_is(auth.public_id, "ROTATION02");
	assert_int_equal(auth.expires_at_ms, 0);
	assert_db_ok(f, store_key_by_digest(f->db, first, &f->a, &auth, &f->e));
	assert_int_equal(auth.api_key_id, id);
	assert_str_is(auth.public_id, "ROTATION01");
	assert_int_not_equal(auth.expires_at_ms, 0);

	fixture_sql(f->db, "UPDATE api_keys SET previous_expires_at = "
			   "NOW(6) - INTERVAL 1 SECOND WHERE "
			   "public_id = 'ROTATION02'");
	assert_int_equal(store_key_by_digest(f->db, first, &f->a, &auth, &f->e),
	    ERR_NOT_FOUND);
	r.grace_s = 0;
	r.public_id = S("ROTATION03");
	memcpy(r.digest, third, sizeof(third));
	assert_db_ok(f, store_key_rotate(f->db, &r, &f->e));
	assert_int_equal(store_key_by_digest(f->db, second, &f->a, &auth,
			     &f->e),
	    ERR_NOT_FOUND);
	assert_db_ok(f, store_key_by_digest(f->db, third, &f->a, &auth, &f->e));
}

static void
key__rehashed__only_to_a_higher_pepper(void **state)
{
	static const uint8_t was[32] = { 220 }, is[32] = { 221 };
	uint64_t c = fixture_customer(f, serial), id, n;
	struct key_new k = { .customer_id = c,
		.public_id = S("REHASHED01"),
		.pepper_id = 5,
		.name = S("r"),
		.scopes = KEY_SCOPE_INFER,
		.all_models = true,
		.digest = { 220 } };
	struct key_auth auth;

	(void)state;
	assert_db_ok(f, store_key_insert(f->db, &k, &id, &f->e));
	assert_db_ok(f, store_key_rehash(f->db, false, was, is, 4, &f->e));
	assert_db_ok(f, store_key_by_digest(f->db, was, &f->a, &auth, &f->e));
	assert_db_ok(f, store_key_rehash(f->db, false, was, is, 6, &f->e));
	assert_db_ok(f, store_key_by_digest(f->db, is, &f->a, &auth, &f->e));
	assert_int_equal(store_key_by_digest(f->db, was, &f->a, &auth, &f->e),
	    ERR_NOT_FOUND);
	assert_db_ok(f, store_key_count_other(f->db, 6, &n, &f->e));
	assert_int_equal(n,
	    fixture_number(f->db, "SELECT COUNT(*) FROM api_keys WHERE "
				  "pepper_id <> 6 AND revoked_at IS NULL AND "
				  "COALESCE(expires_at > NOW(6), 1)"));
}

static void
key__about_to_expire__is_told_of_once(void **state)
{
	uint64_t c = fixture_customer(f, serial);
	uint64_t id = fixture_key(f, c, serial);
	char text[200];
	size_t n;

	(void)state;
	(void)snprintf(text, sizeof(text),
	    "UPDATE api_keys SET expires_at = NOW(6) + INTERVAL 1 DAY "
	    "WHERE api_key_id = %u",
	    (unsigned)id);
	fixture_sql(f->db, text);
	assert_db_ok(f, key_notice_expiring(f->db, 3600, NULL, &n, &f->e));
	assert_int_equal(n, 0);
	assert_db_ok(f, key_notice_expiring(f->db, 2 * 86400, NULL, &n, &f->e));
	assert_int_equal(n, 1);
	assert_db_ok(f, key_notice_expiring(f->db, 2 * 86400, NULL, &n, &f->e));
	assert_int_equal(n, 0);
	(void)snprintf(text, sizeof(text),
	    "SELECT COUNT(*) FROM notices WHERE kind = 'key.expiring' AND "
	    "cause LIKE '%u:%%' AND customer_id = %u",
	    (unsigned)id, (unsigned)c);
	assert_int_equal(fixture_number(f->db, text), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(
		    key__rotated__both_digests_find_it_until_the_grace_ends),
		STORE_TEST(key__rehashed__only_to_a_higher_pepper),
		STORE_TEST(key__about_to_expire__is_told_of_once),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
