/* SPDX-License-Identifier: MIT */
/* Limits of wrong keys. */
#include "limit_fixture.h"

/*
 * Wrong keys.
 */
static bool
fail_once(int64_t now_ms, int64_t *retry_ms)
{
	struct limit_auth a = { .client = client, .now_ms = now_ms };

	return limit_auth_enter(limiter, &a) &&
	       limit_auth_failed(limiter, &a, retry_ms);
}

static void
limit_auth__too_many_failures__address_may_not_ask(void **state)
{
	struct limit_auth a = { .client = client, .now_ms = NOW };
	int64_t retry_ms;

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_true(fail_once(NOW, &retry_ms));
	assert_false(fail_once(NOW, &retry_ms));
	assert_false(limit_auth_failed(limiter, &a, &retry_ms));
	assert_int_equal(retry_ms, 60000 - 12345);
	assert_true(fail_once(NOW + 60000, &retry_ms));
	client.bytes[1]++;
	assert_true(fail_once(NOW, &retry_ms));
}

static void
limit_auth__good_keys__are_not_counted(void **state)
{
	int64_t retry_ms;

	(void)state;
	for (int i = 0; i < 100; i++) {
		struct limit_auth a = { .client = client, .now_ms = NOW };

		assert_true(limit_auth_enter(limiter, &a));
		limit_auth_passed(limiter, &a);
	}
	assert_true(fail_once(NOW, &retry_ms));
}

/* Another host's failures count here from the next one on. */
static void
limit_auth__failures_on_another_host__count_here(void **state)
{
	int64_t retry_ms;

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_true(fail_once(NOW, &retry_ms));
	close_all();
	map_remove();
	open_all();
	assert_true(fail_once(NOW, &retry_ms));
	assert_false(fail_once(NOW, &retry_ms));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIMIT_TEST(limit_auth__too_many_failures__address_may_not_ask),
		LIMIT_TEST(limit_auth__good_keys__are_not_counted),
		LIMIT_TEST(limit_auth__failures_on_another_host__count_here),
	};
	int n_failed;

	if (!limit_fixture_start())
		return 0;
	n_failed = cmocka_run_group_tests(tests, NULL, NULL);
	limit_fixture_stop();
	return n_failed;
}
