/* SPDX-License-Identifier: MIT */
/* Limits of requests at once: their leases. */
#include "limit_fixture.h"

#include <pthread.h>
#include <unistd.h>

/*
 * Requests at once.
 */
static void
limit_take__concurrent__as_many_as_the_limit_at_once(void **state)
{
	struct limit_take t[3], other;

	(void)state;
	only(LIMIT_CONCURRENT, 3);
	for (int i = 0; i < 3; i++)
		assert_ok(take(1, NOW, &t[i]));
	assert_int_equal(take(1, NOW, &other), ERR_RATE_LIMITED);
	assert_int_equal(other.refuser, LIMIT_CONCURRENT);
	limit_finish(limiter, &t[1], 1);
	limit_finish(limiter, &t[1], 1); /* once only */
	assert_ok(take(1, NOW, &t[1]));
	assert_int_equal(take(1, NOW, &other), ERR_RATE_LIMITED);
	for (int i = 0; i < 3; i++)
		limit_give_back(limiter, &t[i]);
	assert_ok(take(1, NOW, &t[0]));
	limit_finish(limiter, &t[0], 1);
}

static void
limit_renew_leases__long_requests__stay_counted(void **state)
{
	struct limit_take t[2], other;

	(void)state;
	only(LIMIT_CONCURRENT, 2);
	assert_ok(take(1, NOW, &t[0]));
	assert_ok(take(1, NOW, &t[1]));
	for (int64_t at = NOW; at < NOW + 300000; at += 5000) {
		limit_renew_leases(limiter, at);
		assert_int_equal(take(1, at, &other), ERR_RATE_LIMITED);
	}
	limit_finish(limiter, &t[0], 1);
	assert_ok(take(1, NOW + 300000, &t[0]));
	limit_finish(limiter, &t[0], 1);
	limit_finish(limiter, &t[1], 1);
	assert_ok(take(1, NOW + 300000, &t[0]));
	assert_ok(take(1, NOW + 300000, &t[1]));
	limit_finish(limiter, &t[0], 1);
	limit_finish(limiter, &t[1], 1);
}

static void *
come_and_go(void *arg)
{
	_Atomic bool *is_wrong = arg;
	struct error own;

	for (int i = 0; i < 300; i++) {
		struct limit_ask ask = {
			.who = &who,
			.model_id = MODEL,
			.now_ms = NOW + i * 500,
		};
		struct limit_take t;

		if (limit_take(limiter, &ask, &t, &own) != OK)
			*is_wrong = true;
		else if (i % 2)
			limit_finish(limiter, &t, 0);
		else
			limit_give_back(limiter, &t);
	}
	return NULL;
}

static void
limit_renew_leases__while_requests_come_and_go__none_is_lost(void **state)
{
	_Atomic bool is_wrong = false;
	struct limit_take t[4];
	pthread_t threads[3];

	(void)state;
	/* Wide, as one that is being renewed may be seen twice. */
	only(LIMIT_CONCURRENT, 100);
	assert_ok(take(1, NOW, &t[0]));
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, come_and_go,
				     &is_wrong),
		    0);
	for (int i = 0; i < 300; i++)
		limit_renew_leases(limiter, NOW + i * 500);
	for (int i = 0; i < 3; i++)
		(void)pthread_join(threads[i], NULL);
	limit_renew_leases(limiter, NOW + 150000);
	assert_false(is_wrong);
	/* One runs: three more may. */
	only(LIMIT_CONCURRENT, 4);
	for (int i = 1; i < 4; i++)
		assert_ok(take(1, NOW + 150000, &t[i]));
	struct limit_take other;
	assert_int_equal(take(1, NOW + 150000, &other), ERR_RATE_LIMITED);
	for (int i = 0; i < 4; i++)
		limit_finish(limiter, &t[i], 1);
}

/* A process that dies with requests running. */
static void
limit_take__worker_killed__its_requests_run_out(void **state)
{
	int status;
	struct limit_take t;

	(void)state;
	only(LIMIT_CONCURRENT, 1);
	if (fork() == 0) {
		open_all();
		_exit(take(1, NOW, &t) == OK ? 0 : 1);
	}
	assert_true(wait(&status) > 0);
	assert_int_equal(status, 0);
	assert_int_equal(take(1, NOW, &t), ERR_RATE_LIMITED);
	assert_int_equal(take(1, NOW + 30000, &t), ERR_RATE_LIMITED);
	assert_ok(take(1, NOW + 60000, &t));
	limit_finish(limiter, &t, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIMIT_TEST(
		    limit_take__concurrent__as_many_as_the_limit_at_once),
		LIMIT_TEST(limit_renew_leases__long_requests__stay_counted),
		LIMIT_TEST(
		    limit_renew_leases__while_requests_come_and_go__none_is_lost),
		LIMIT_TEST(limit_take__worker_killed__its_requests_run_out),
	};
	int n_failed;

	if (!limit_fixture_start())
		return 0;
	n_failed = cmocka_run_group_tests(tests, NULL, NULL);
	limit_fixture_stop();
	return n_failed;
}
