/* SPDX-License-Identifier: MIT */
/* Authentication, with a scripted store: who holds a key, and what it costs to
 * know. */
#include "key_cache_fixture.h"

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
		KEY_CACHE_TEST(key_authenticate__good_key__gives_its_principal),
		KEY_CACHE_TEST(
		    key_authenticate__operator_key__is_operator_without_inference),
		KEY_CACHE_TEST(
		    key_authenticate__cached__asks_nobody_and_allocates_nothing),
	};
	int n_failed;

	key_cache_fixture_start();
	n_failed = cmocka_run_group_tests(tests, NULL, NULL);
	key_cache_fixture_stop();
	return n_failed;
}
