/* SPDX-License-Identifier: MIT */
/* Where the limits of a key that is authenticated come from. CHECKLIST S34. */
#include "key_cache_fixture.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
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
	};
	int n_failed;

	key_cache_fixture_start();
	n_failed = cmocka_run_group_tests(tests, NULL, NULL);
	key_cache_fixture_stop();
	return n_failed;
}
