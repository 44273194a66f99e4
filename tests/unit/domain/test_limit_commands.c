/* SPDX-License-Identifier: MIT */
/*
 * What a request asks memcached for. Counts of commands, which are the same on
 * every machine; how long they take bench/run limits says.
 */
#include "limit_fixture.h"

struct commands {
	uint64_t incr, incr_missed, decr, set, get, touch;
};

static struct commands
commands_now(void)
{
	return (struct commands){
		.incr = fixture_memcached_stat(&server, "incr_hits"),
		.incr_missed = fixture_memcached_stat(&server, "incr_misses"),
		.decr = fixture_memcached_stat(&server, "decr_hits") +
			fixture_memcached_stat(&server, "decr_misses"),
		.set = fixture_memcached_stat(&server, "cmd_set"),
		.get = fixture_memcached_stat(&server, "cmd_get"),
		.touch = fixture_memcached_stat(&server, "cmd_touch"),
	};
}

/* Of each scope, window and unit; the last one is of what runs at once. */
static const enum limit_metric in_force[] = {
	LIMIT_KEY_MODEL_REQUESTS_MINUTE,
	LIMIT_KEY_TOKENS_HOUR,
	LIMIT_CUSTOMER_REQUESTS_DAY,
	LIMIT_MODEL_TOKENS_MINUTE,
	LIMIT_ADDRESS_REQUESTS_HOUR,
	LIMIT_KEY_MODEL_TOKENS_DAY,
	LIMIT_CUSTOMER_TOKENS_MINUTE,
	LIMIT_ADDRESS_TOKENS_DAY,
	LIMIT_CONCURRENT,
};

static void
in_force_set(unsigned k, bool is_sliding)
{
	who.limits = (struct limit_set){ 0 };
	rates_set(0, 0);
	for (unsigned i = 0; i < k; i++)
		limit_set_put(&who.limits, in_force[i], 1000000);
	limit_set_put(&who.limits, LIMIT_SLIDING, is_sliding);
}

/* Not at the edge of a period of what runs at once, where it is read twice. */
#define INSIDE (HOUR + 20 * 60000 + 15000)

static void
limit_take__k_limits_in_force__cost_k_increments(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 2 * ARRAY_LEN(in_force); round++) {
		unsigned k = round / 2 + 1;
		bool is_sliding = round % 2;
		struct limit_take first, t;
		struct commands was, is;

		who.api_key_id++;
		who.customer_id++;
		in_force_set(k, is_sliding);
		assert_ok(take(10, INSIDE, &first)); /* makes the counters */
		was = commands_now();
		assert_ok(take(10, INSIDE, &t));
		is = commands_now();

		assert_int_equal(is.incr - was.incr, k);
		assert_int_equal(is.incr_missed, was.incr_missed);
		assert_int_equal(is.decr, was.decr);
		assert_int_equal(is.set, was.set);
		assert_int_equal(is.touch, was.touch);
		/* Each counter is read once at most; so is its last window. */
		assert_true(is.get - was.get <= (is_sliding ? 2 * k : k));

		/* What was held is what was used: nothing is to correct. */
		was = is;
		limit_finish(limiter, &t, 10);
		is = commands_now();
		assert_int_equal(is.incr, was.incr);
		/* One runs less, where that is counted. */
		assert_int_equal(is.decr - was.decr, k == ARRAY_LEN(in_force));
		limit_finish(limiter, &first, 10);
	}
}

/* The window's first request makes its counters: each counts once. */
static void
limit_take__first_of_all_windows__makes_k_counters(void **state)
{
	(void)state;
	for (unsigned k = 1; k <= ARRAY_LEN(in_force); k++) {
		struct commands was, is;
		struct limit_take t;

		who.api_key_id++;
		who.customer_id++;
		client.bytes[2]++;
		in_force_set(k, false);
		was = commands_now();
		assert_ok(take(10, INSIDE, &t));
		is = commands_now();

		/* The model's counter may be there, from another test. */
		assert_true(is.set - was.set + is.incr - was.incr == k);
		assert_int_equal(is.decr, was.decr);
		limit_finish(limiter, &t, 10);
	}
}

static void
limit_take__refused__gives_back_each_counter_once(void **state)
{
	uint64_t n = ARRAY_LEN(in_force) - 1; /* what runs isn't asked */
	struct commands was, is;
	struct limit_take t;

	(void)state;
	in_force_set(ARRAY_LEN(in_force), false);
	assert_ok(take(10, INSIDE, &t));
	limit_finish(limiter, &t, 10);
	limit_set_put(&who.limits, in_force[0], 1);
	was = commands_now();
	assert_int_equal(take(10, INSIDE, &t), ERR_RATE_LIMITED);
	is = commands_now();

	assert_int_equal(is.incr - was.incr, n);
	assert_int_equal(is.decr - was.decr, n);
	assert_int_equal(is.set, was.set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIMIT_TEST(limit_take__k_limits_in_force__cost_k_increments),
		LIMIT_TEST(limit_take__first_of_all_windows__makes_k_counters),
		LIMIT_TEST(limit_take__refused__gives_back_each_counter_once),
	};
	int n_failed;

	if (!limit_fixture_start())
		return 0;
	n_failed = cmocka_run_group_tests(tests, NULL, NULL);
	limit_fixture_stop();
	return n_failed;
}
