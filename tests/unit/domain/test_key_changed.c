/* SPDX-License-Identifier: MIT */
/* Keys that are known and change: in the database, amid a query, and while
 * nobody can ask. */
#include "key_cache_fixture.h"

#define NEW_PEPPER \
 "aa0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define OLD_PEPPER \
 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static void
key_authenticate__pepper_that_rotates__old_key_is_found_and_written_anew(
    void **state)
{
	struct crypto_key *first = pepper;

	(void)state;
	assert_ok(
	    crypto_key_pair(S(NEW_PEPPER), 2, S(OLD_PEPPER), &pepper, &e));
	cache_make(30, 900, 1000);
	assert_ok(ask());
	assert_int_equal(who.api_key_id, 42);
	assert_int_equal(n_rehashed, 1);
	assert_int_equal(rehashed_to, 2);
	cache_make(30, 900, 1000); /* another worker, after that */
	assert_ok(ask());
	assert_int_equal(n_rehashed, 1);
	assert_ok(key_check_again(cache, &who, NOW, &arena, &e));

	/* A pepper that nobody knows any more finds nothing. */
	crypto_key_free(pepper);
	assert_ok(crypto_key_pair(S(OLD_PEPPER), 1, S(""), &pepper, &e));
	cache_make(30, 900, 1000);
	assert_refused(ask());
	crypto_key_free(pepper);
	pepper = first;
}

/* As on a host whose own pepper is the older one: it writes nothing anew. */
static void
key_check_again__row_under_the_other_pepper__is_found_again(void **state)
{
	struct crypto_key *first = pepper;

	(void)state;
	assert_ok(
	    crypto_key_pair(S(NEW_PEPPER), 2, S(OLD_PEPPER), &pepper, &e));
	is_rehash_lost = true;
	cache_make(30, 900, 1000);
	assert_ok(ask());
	hostmap_slot_bump(map, generation_key_slot(42));
	assert_ok(key_check_again(cache, &who, NOW, &arena, &e));
	row.is_refused = true;
	hostmap_slot_bump(map, generation_key_slot(42));
	assert_refused(key_check_again(cache, &who, NOW, &arena, &e));
	is_rehash_lost = false;
	crypto_key_free(pepper);
	pepper = first;
	cache_make(30, 900, 1000);
}

/* Nobody learns from a cached refusal that the key is on again; a bump does. */
static void
key_authenticate__refused_and_then_on_again__slot_bumped__passes(void **state)
{
	(void)state;
	row.is_refused = true;
	assert_refused(ask());
	row.is_refused = false;
	hostmap_slot_bump(map, generation_key_slot(42));
	assert_ok(ask());
	row.is_refused = true;
	hostmap_slot_bump(map, generation_key_slot(42));
	assert_refused(ask());
	row.is_refused = false;
	hostmap_slot_bump(map, generation_customer_slot(5));
	assert_ok(ask());
}

static void
key_authenticate__expires_while_cached__is_refused_to_the_millisecond(
    void **state)
{
	(void)state;
	row.expires_at_ms = NOW + 1;
	assert_ok(ask());
	assert_refused(key_authenticate(cache, str_from(text), NULL, NOW + 1,
	    &arena, &who, &e));
	assert_refused(key_check_again(cache, &who, NOW + 1, &arena, &e));
}

static void
key_authenticate__slot_bumped__asks_again_and_refuses(void **state)
{
	(void)state;
	assert_ok(ask());
	row.is_refused = true;
	assert_ok(ask());

	hostmap_slot_bump(map, generation_key_slot(42));

	assert_refused(ask());
	assert_int_equal(n_queries, 2);
}

static void
key_check_again__revoked_after_authentication__is_refused(void **state)
{
	(void)state;
	assert_ok(ask());
	assert_ok(key_check_again(cache, &who, NOW, &arena, &e));
	assert_int_equal(n_queries, 1);
	row.is_refused = true;
	hostmap_slot_bump(map, generation_key_slot(42));

	assert_refused(key_check_again(cache, &who, NOW, &arena, &e));
}

/* Whoever acts as a key has what the key has, and loses it with the key. */
static void
key_by_digest__known_then_revoked__as_by_its_text(void **state)
{
	uint8_t digest[KEY_DIGEST_BYTES];
	struct principal as;

	(void)state;
	assert_ok(ask());
	memcpy(digest, who.key_digest, sizeof(digest));
	assert_ok(key_by_digest(cache, digest, NOW, &arena, &as, &e));
	assert_int_equal(n_queries, 1);
	assert_int_equal(as.api_key_id, who.api_key_id);
	assert_int_equal(as.scopes, who.scopes);
	assert_int_equal(as.n_models, who.n_models);
	row.is_refused = true;
	hostmap_slot_bump(map, generation_key_slot(42));

	assert_refused(key_by_digest(cache, digest, NOW, &arena, &as, &e));
}

/* The revoke commits and is answered between our query's reading of the row
 * and its end. */
static void
revoke_meanwhile(void)
{
	during_query = NULL;
	row.is_refused = true;
	hostmap_slot_bump(map, generation_key_slot(42));
}

static void
key_authenticate__revoked_during_the_query__is_refused(void **state)
{
	(void)state;
	during_query = revoke_meanwhile;
	assert_refused(ask());
	assert_int_equal(n_queries, 2);
}

static void
key_check_again__customer_suspended_after_authentication__is_refused(
    void **state)
{
	(void)state;
	assert_ok(ask());
	row.is_refused = true;
	hostmap_slot_bump(map, generation_customer_slot(5));

	assert_refused(key_check_again(cache, &who, NOW, &arena, &e));
	assert_refused(ask());
}

/* Between two tries of one load. */
static void
take_addresses_away(void)
{
	row.allowed_ips = (struct str){ NULL, 0 };
	hostmap_slot_bump(map, generation_key_slot(42));
	during_query = NULL;
}

static void
key_authenticate__addresses_taken_away_while_it_loads__has_none(void **state)
{
	(void)state;
	row.allowed_ips = S("127.0.0.0/8,::1");
	during_query = take_addresses_away;

	assert_ok(ask());
	assert_int_equal(n_queries, 2);
	assert_int_equal(who.allowed_ips.n, 0);
	assert_ok(ask());
}

static void
key_authenticate__catalogue_changed__asks_again(void **state)
{
	(void)state;
	assert_ok(ask());
	limit_set_put(&row.layers[KEY_LIMITS_CUSTOMER],
	    LIMIT_KEY_MODEL_REQUESTS_MINUTE, 3);
	hostmap_slot_bump(map, GENERATION_CATALOGUE);
	assert_ok(ask());
	assert_int_equal(limit_set_get(&who.limits,
			     LIMIT_KEY_MODEL_REQUESTS_MINUTE),
	    3);
}

static void
key_authenticate__older_than_the_cache_keeps__is_asked_for_again(void **state)
{
	(void)state;
	cache_make(0, 900, 1000);
	assert_ok(ask());
	row.scopes = KEY_SCOPE_USAGE_READ; /* changed without any bump */
	assert_ok(ask());
	assert_int_equal(who.scopes, KEY_SCOPE_USAGE_READ);
}

static void
key_authenticate__database_down__known_keys_go_on(void **state)
{
	char unknown[KEY_TEXT_BYTES];

	(void)state;
	cache_make(0, 900, 1000); /* every use wants to ask again */
	assert_ok(ask());
	db_answer = ERR_DB_DOWN;
	n_takes = 0;

	for (int i = 0; i < 100; i++)
		assert_ok(ask());
	/* One attempt a second, not one a request. */
	assert_in_range(n_takes, 1, 5);
	hostmap_slot_bump(map, GENERATION_CATALOGUE);
	assert_ok(ask());

	/* Not 401: nobody knows whether it is a key. */
	key_text_generate(KEY_CUSTOMER, unknown);
	assert_int_equal(key_authenticate(cache, str_from(unknown), NULL, NOW,
			     &arena, &who, &e),
	    ERR_DB_DOWN);
	assert_int_equal(n_queries, 1);
	/* A key that changed must not be believed. */
	hostmap_slot_bump(map, generation_key_slot(42));
	assert_int_equal(ask(), ERR_DB_DOWN);
}

static void
key_authenticate__database_down_for_too_long__is_unavailable(void **state)
{
	(void)state;
	cache_make(0, 0, 1000);
	assert_ok(ask());
	db_answer = ERR_DB_DOWN;
	assert_int_equal(ask(), ERR_DB_DOWN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		KEY_CACHE_TEST(
		    key_authenticate__pepper_that_rotates__old_key_is_found_and_written_anew),
		KEY_CACHE_TEST(
		    key_check_again__row_under_the_other_pepper__is_found_again),
		KEY_CACHE_TEST(
		    key_authenticate__refused_and_then_on_again__slot_bumped__passes),
		KEY_CACHE_TEST(
		    key_authenticate__expires_while_cached__is_refused_to_the_millisecond),
		KEY_CACHE_TEST(
		    key_authenticate__slot_bumped__asks_again_and_refuses),
		KEY_CACHE_TEST(
		    key_by_digest__known_then_revoked__as_by_its_text),
		KEY_CACHE_TEST(
		    key_check_again__revoked_after_authentication__is_refused),
		KEY_CACHE_TEST(
		    key_authenticate__revoked_during_the_query__is_refused),
		KEY_CACHE_TEST(
		    key_check_again__customer_suspended_after_authentication__is_refused),
		KEY_CACHE_TEST(
		    key_authenticate__addresses_taken_away_while_it_loads__has_none),
		KEY_CACHE_TEST(key_authenticate__catalogue_changed__asks_again),
		KEY_CACHE_TEST(
		    key_authenticate__older_than_the_cache_keeps__is_asked_for_again),
		KEY_CACHE_TEST(
		    key_authenticate__database_down__known_keys_go_on),
		KEY_CACHE_TEST(
		    key_authenticate__database_down_for_too_long__is_unavailable),
	};
	int n_failed;

	key_cache_fixture_start();
	n_failed = cmocka_run_group_tests(tests, NULL, NULL);
	key_cache_fixture_stop();
	return n_failed;
}
