/* SPDX-License-Identifier: MIT */
/*
 * Authentication, with a scripted store: its answers, its being down, and a
 * change that happens while a query is under way.
 */
#include "key_cache_fixture.h"

#include <string.h>

#include "base/crc32.h"

static void
key_authenticate__good_key__gives_its_principal(void **state)
{
	(void)state;
	assert_ok(ask());
	assert_int_equal(who.kind, PRINCIPAL_KEY);
	assert_int_equal(who.api_key_id, 42);
	assert_int_equal(who.customer_id, 5);
	assert_int_equal(who.user_id, 6);
	assert_int_equal(who.markup_ppm, 1000000);
	assert_memory_equal(who.public_id, text + 3, 10);
	assert_true(principal_has_scopes(&who, KEY_SCOPE_INFER));
	assert_false(principal_has_scopes(&who, KEY_SCOPE_MANAGE));
	assert_false(principal_is_operator(&who));
	assert_true(principal_may_use_model(&who, 7));
	assert_false(principal_may_use_model(&who, 3));

	assert_ok(ask());
	assert_int_equal(n_queries, 1);
}

static void
key_authenticate__addresses_and_role__are_the_callers_own_copies(void **state)
{
	struct cidr_addr in, out;

	(void)state;
	row.user_role = USER_BILLING;
	row.allowed_ips = S("192.0.2.0/24,2001:db8::/32");
	assert_ok(ask());
	assert_int_equal(who.role, USER_BILLING);
	assert_int_equal(who.allowed_ips.n, 2);
	assert_str_is(who.allowed_ips_text, "192.0.2.0/24,2001:db8::/32");
	assert_true(cidr_addr_parse(S("192.0.2.9"), &in));
	assert_true(cidr_addr_parse(S("192.0.3.9"), &out));
	assert_true(cidr_list_contains(&who.allowed_ips, &in));
	assert_false(cidr_list_contains(&who.allowed_ips, &out));
	assert_ok(ask()); /* from memory */
	assert_int_equal(n_queries, 1);
	assert_true(cidr_list_contains(&who.allowed_ips, &in));
}

static void
key_cache_take_uses__one_a_minute__each_taken_once(void **state)
{
	struct key_use uses[4];

	(void)state;
	assert_int_equal(key_cache_take_uses(cache, KEY_CUSTOMER, uses, 4), 0);
	assert_ok(ask());
	assert_ok(ask());
	assert_int_equal(key_cache_take_uses(cache, KEY_OPERATOR, uses, 4), 0);
	assert_int_equal(key_cache_take_uses(cache, KEY_CUSTOMER, uses, 4), 1);
	assert_int_equal(uses[0].api_key_id, 42);
	assert_int_equal(uses[0].last_used_at_ms, NOW);
	assert_ok(ask());
	assert_int_equal(key_cache_take_uses(cache, KEY_CUSTOMER, uses, 4), 0);
	assert_ok(key_authenticate(cache, str_from(text), NULL, NOW + 60000,
	    &arena, &who, &e));
	assert_int_equal(key_cache_take_uses(cache, KEY_CUSTOMER, uses, 4), 1);
}

static void
key_uses_write__database_fails__are_written_by_the_next_call(void **state)
{
	static const enum key_kind kinds[] = { KEY_CUSTOMER, KEY_OPERATOR };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		n_touched = 0;
		cache_make(60, 900, 100);
		key_text_generate(kinds[i], text);
		key_text_digest(pepper, str_from(text), row_digest);
		assert_ok(ask());
		touch_answer = ERR_DB_DOWN;
		assert_int_equal(key_uses_write(cache, NULL, &e), ERR_DB_DOWN);
		assert_int_equal(key_uses_write(cache, NULL, &e), ERR_DB_DOWN);
		assert_int_equal(n_touched, 0);
		touch_answer = OK;
		assert_ok(key_uses_write(cache, NULL, &e));
		assert_int_equal(n_touched, 1);
		assert_ok(key_uses_write(cache, NULL, &e));
		assert_int_equal(n_touched, 1);
	}
}

/* What the database holds is never taken for "from anywhere". */
static void
key_authenticate__addresses_that_are_none__no_entry(void **state)
{
	(void)state;
	row.allowed_ips = S("rubbish");
	assert_int_not_equal(ask(), OK);
	row.allowed_ips = S("");
	assert_int_not_equal(ask(), OK);
}

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

static void
key_authenticate__operator_key__is_operator_without_inference(void **state)
{
	(void)state;
	key_text_generate(KEY_OPERATOR, text);
	key_text_digest(pepper, str_from(text), row_digest);
	assert_ok(ask());
	assert_true(principal_is_operator(&who));
	assert_int_equal(who.operator_key_id, 9);
	assert_int_equal(who.customer_id, 0);
	assert_true(principal_has_scopes(&who, KEY_SCOPE_KEYS_WRITE));
	assert_false(principal_has_scopes(&who, KEY_SCOPE_INFER));
}

/*
 * Where a limit comes from (S34): the key's own number > its tier's > its
 * user's tier's > the tier of the user's role > the customer's > the
 * configured default, which is what is left unstated here. Each layer
 * states its own number, and the layers before the n-th say nothing.
 */
static void
check_layer(unsigned first, int64_t number)
{
	static const enum limit_metric metrics[] = {
		LIMIT_KEY_MODEL_REQUESTS_MINUTE, /* a column of its holders */
		LIMIT_KEY_TOKENS_DAY,            /* a row */
	};

	for (unsigned i = first; i < KEY_LIMITS__N; i++)
		for (size_t m = 0; m < ARRAY_LEN(metrics); m++)
			limit_set_put(&row.layers[i], metrics[m], 11 + i);
	assert_ok(ask());
	for (size_t m = 0; m < ARRAY_LEN(metrics); m++)
		assert_int_equal(limit_set_get(&who.limits, metrics[m]),
		    number);
}

static void
key_authenticate__key_states_a_limit__is_the_keys(void **state)
{
	(void)state;
	check_layer(0, 11);
}

static void
key_authenticate__its_tier_states_a_limit__is_the_tiers(void **state)
{
	(void)state;
	check_layer(1, 12);
}

static void
key_authenticate__its_users_tier_states_a_limit__is_that_tiers(void **state)
{
	(void)state;
	check_layer(2, 13);
}

static void
key_authenticate__the_roles_tier_states_a_limit__is_that_tiers(void **state)
{
	(void)state;
	check_layer(3, 14);
}

static void
key_authenticate__customer_states_a_limit__is_the_customers(void **state)
{
	(void)state;
	check_layer(4, 15);
}

static void
key_authenticate__nobody_states_a_limit__is_left_to_the_default(void **state)
{
	(void)state;
	check_layer(5, LIMIT_UNSTATED);
}

/* The layers are asked number by number, not as wholes. */
static void
key_authenticate__layers_state_different_limits__each_is_taken(void **state)
{
	(void)state;
	limit_set_put(&row.layers[KEY_LIMITS_OWN],
	    LIMIT_KEY_MODEL_REQUESTS_MINUTE, 10);
	limit_set_put(&row.layers[KEY_LIMITS_TIER],
	    LIMIT_KEY_MODEL_REQUESTS_MINUTE, 100);
	limit_set_put(&row.layers[KEY_LIMITS_TIER],
	    LIMIT_KEY_MODEL_REQUESTS_HOUR, 1000);
	limit_set_put(&row.layers[KEY_LIMITS_CUSTOMER],
	    LIMIT_KEY_MODEL_REQUESTS_HOUR, 7);
	limit_set_put(&row.layers[KEY_LIMITS_CUSTOMER], LIMIT_CONCURRENT, 3);
	assert_ok(ask());
	assert_int_equal(limit_set_get(&who.limits,
			     LIMIT_KEY_MODEL_REQUESTS_MINUTE),
	    10);
	assert_int_equal(limit_set_get(&who.limits,
			     LIMIT_KEY_MODEL_REQUESTS_HOUR),
	    1000);
	assert_int_equal(limit_set_get(&who.limits, LIMIT_CONCURRENT), 3);
}

static bool
guard_says_no(void *ctx)
{
	++*(unsigned *)ctx;
	return false;
}

/* Where too many keys failed, unknown ones cost no query; known ones work. */
static void
key_authenticate__guard_says_no__only_known_keys_pass(void **state)
{
	unsigned n_asked = 0;
	const struct key_guard guard = { guard_says_no, &n_asked };
	char unknown[KEY_TEXT_BYTES];

	(void)state;
	assert_ok(ask());
	key_text_generate(KEY_CUSTOMER, unknown);
	n_queries = 0;

	assert_int_equal(key_authenticate(cache, str_from(unknown), &guard, NOW,
			     &arena, &who, &e),
	    ERR_RATE_LIMITED);
	assert_int_equal(n_asked, 1);
	assert_ok(key_authenticate(cache, str_from(text), &guard, NOW, &arena,
	    &who, &e));
	assert_int_equal(n_asked, 1);
	assert_int_equal(n_queries, 0);
}

/* S2: junk costs no query; the answer is the same for all. */
static void
key_authenticate__not_a_key__is_refused_without_a_query(void **state)
{
	static const char *const junk[] = { "", "tg_", "sk-abc", "' OR 1=1 -- ",
		"tg_0123456789_ABCDEFGHIJKLMNOPQRSTUVWXYZ" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(junk); i++)
		assert_refused(key_authenticate(cache, str_from(junk[i]), NULL,
		    NOW, &arena, &who, &e));
	assert_int_equal(n_queries, 0);
}

static void
key_authenticate__unknown_key__is_asked_for_once(void **state)
{
	struct key_cache_stats stats;

	(void)state;
	key_text_generate(KEY_CUSTOMER, text);
	assert_refused(ask());
	assert_refused(ask());
	assert_refused(ask());
	assert_int_equal(n_queries, 1);
	key_cache_stats(cache, &stats);
	assert_int_equal(stats.n_negative_hits, 2);
}

/* A flood of unknown keys pushes out no known one. */
static void
key_authenticate__flood_of_unknown_keys__known_one_stays(void **state)
{
	char known[KEY_TEXT_BYTES];

	(void)state;
	cache_make(30, 900, 32);
	memcpy(known, text, sizeof(known));
	assert_ok(ask());
	for (int i = 0; i < 5000; i++) {
		key_text_generate(KEY_CUSTOMER, text);
		assert_refused(ask());
	}
	n_queries = 0;
	memcpy(text, known, sizeof(known));
	assert_ok(ask());
	assert_int_equal(n_queries, 0);
}

/* S6: a key that shares the first 45 characters of one that is known, and is
 * well formed, is somebody else's. */
static void
key_authenticate__same_beginning__is_another_key(void **state)
{
	static const char base62[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz";
	size_t n = strlen(text) - KEY_CHECKSUM_CHARS;
	char known[KEY_TEXT_BYTES];
	uint32_t crc;

	(void)state;
	assert_ok(ask());
	memcpy(known, text, sizeof(known));
	text[n - 1] = text[n - 1] == 'a' ? 'b' : 'a';
	crc = crc32_ieee(text, n);
	for (size_t i = KEY_CHECKSUM_CHARS; i-- > 0; crc /= 62)
		text[n + i] = base62[crc % 62];
	assert_memory_equal(text, known, n - 1);
	assert_refused(ask());
	assert_int_equal(n_queries, 2);
	memcpy(text, known, sizeof(known));
	assert_ok(ask());
	assert_int_equal(n_queries, 2);
}

static void
key_authenticate__refused_or_expired__is_refused_from_the_cache_too(
    void **state)
{
	(void)state;
	for (int is_expired = 0; is_expired < 2; is_expired++) {
		row.is_refused = !is_expired;
		row.expires_at_ms = is_expired ? NOW : 0;
		cache_make(30, 900, 1000);
		n_queries = 0;
		assert_refused(ask());
		assert_refused(ask());
		assert_int_equal(n_queries, 1);
	}
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

/* Each request pays for this; what time it takes bench/run keys says. */
static void
key_authenticate__cached__asks_nobody_and_allocates_nothing(void **state)
{
	(void)state;
	row.all_models = true;
	assert_ok(ask());
	for (int i = 0; i < 1000; i++)
		assert_ok(ask());
	assert_int_equal(n_queries, 1);
	assert_int_equal(n_takes, 1);
	assert_int_equal(arena.n_alloc, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		KEY_CACHE_TEST(
		    key_authenticate__addresses_and_role__are_the_callers_own_copies),
		KEY_CACHE_TEST(
		    key_cache_take_uses__one_a_minute__each_taken_once),
		KEY_CACHE_TEST(
		    key_uses_write__database_fails__are_written_by_the_next_call),
		KEY_CACHE_TEST(
		    key_authenticate__addresses_that_are_none__no_entry),
		KEY_CACHE_TEST(
		    key_authenticate__pepper_that_rotates__old_key_is_found_and_written_anew),
		KEY_CACHE_TEST(
		    key_check_again__row_under_the_other_pepper__is_found_again),
		KEY_CACHE_TEST(key_authenticate__good_key__gives_its_principal),
		KEY_CACHE_TEST(
		    key_authenticate__operator_key__is_operator_without_inference),
		KEY_CACHE_TEST(
		    key_authenticate__key_states_a_limit__is_the_keys),
		KEY_CACHE_TEST(
		    key_authenticate__its_tier_states_a_limit__is_the_tiers),
		KEY_CACHE_TEST(
		    key_authenticate__its_users_tier_states_a_limit__is_that_tiers),
		KEY_CACHE_TEST(
		    key_authenticate__the_roles_tier_states_a_limit__is_that_tiers),
		KEY_CACHE_TEST(
		    key_authenticate__customer_states_a_limit__is_the_customers),
		KEY_CACHE_TEST(
		    key_authenticate__nobody_states_a_limit__is_left_to_the_default),
		KEY_CACHE_TEST(
		    key_authenticate__layers_state_different_limits__each_is_taken),
		KEY_CACHE_TEST(
		    key_authenticate__guard_says_no__only_known_keys_pass),
		KEY_CACHE_TEST(
		    key_authenticate__not_a_key__is_refused_without_a_query),
		KEY_CACHE_TEST(
		    key_authenticate__unknown_key__is_asked_for_once),
		KEY_CACHE_TEST(
		    key_authenticate__flood_of_unknown_keys__known_one_stays),
		KEY_CACHE_TEST(
		    key_authenticate__same_beginning__is_another_key),
		KEY_CACHE_TEST(
		    key_authenticate__refused_or_expired__is_refused_from_the_cache_too),
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
		KEY_CACHE_TEST(
		    key_authenticate__cached__asks_nobody_and_allocates_nothing),
	};
	int n_failed;

	key_cache_fixture_start();
	n_failed = cmocka_run_group_tests(tests, NULL, NULL);
	key_cache_fixture_stop();
	return n_failed;
}
