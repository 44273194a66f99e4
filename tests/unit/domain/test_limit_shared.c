/* SPDX-License-Identifier: MIT */
/* Limits: many processes, and what holds while memcached is away. */
#include "limit_fixture.h"

#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * Many processes. Each opens everything for itself.
 */
#define N_PROCESSES 8

static unsigned
grants_of_processes(unsigned n_each, int64_t now_ms)
{
	struct {
		_Atomic unsigned n;
	} *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned sum;
	int status;

	assert_ptr_not_equal(shared, MAP_FAILED);
	for (int i = 0; i < N_PROCESSES; i++) {
		if (fork() != 0)
			continue;
		open_all();
		atomic_fetch_add(&shared->n, grants_of(n_each, now_ms));
		close_all();
		_exit(0);
	}
	for (int i = 0; i < N_PROCESSES; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	sum = shared->n;
	(void)munmap(shared, sizeof(*shared));
	return sum;
}

/* S34, and more strictly: one limit in force is granted exactly. */
static void
limit_take__eight_processes_one_limit__exactly_the_limit(void **state)
{
	static const int64_t limits[] = { 1, 60, 999, 10000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		who.api_key_id++;
		rates_set(limits[i], 0);
		assert_int_equal(grants_of_processes(1500, NOW), limits[i]);
		who.api_key_id++;
		rates_set(0, limits[i]);
		assert_int_equal(grants_of_processes(1500, NOW), limits[i]);
	}
}

static void
limit_take__eight_processes_two_limits__never_more(void **state)
{
	unsigned n;

	(void)state;
	rates_set(100, 150);
	n = grants_of_processes(500, NOW);
	assert_in_range(n, 100 - N_PROCESSES, 100);
	n += grants_of_processes(500, NOW + 60000);
	assert_in_range(n, 150 - 2 * N_PROCESSES, 150);
}

static void
limit_take__eight_processes_memcached_down__exactly_on_this_host(void **state)
{
	(void)state;
	fixture_memcached_kill(&server);
	rates_set(500, 0);
	assert_int_equal(grants_of_processes(500, NOW), 500);
}

/*
 * Losing memcached. A second limiter on the same map stands for another
 * worker of the host.
 */
static void
limit_take__memcached_killed__all_workers_count_locally(void **state)
{
	struct limit_take t;

	(void)state;
	rates_set(10, 0);
	assert_int_equal(grants_of(4, NOW), 4);
	fixture_memcached_kill(&server);

	/* At most limit x (1 + hosts) in this window. */
	assert_int_equal(grants_of(50, NOW), 10);
	assert_false(hostmap_cache_state(map).is_up);
	assert_int_equal(hostmap_total(map, HOSTMAP_CACHE_SWITCHES), 1);
	assert_int_equal(hostmap_total(map, HOSTMAP_CACHE_FAILURES), 1);
	assert_int_equal(take(1, NOW, &t), ERR_RATE_LIMITED);
	assert_int_equal(grants_of(50, NOW + 60000), 10);
}

static void
limit_probe__memcached_is_back__switches_at_the_next_window(void **state)
{
	int64_t back_ms = NOW + 2000, next_ms = HOUR + 21 * 60000;

	(void)state;
	rates_set(10, 0);
	assert_int_equal(grants_of(10, NOW), 10);
	fixture_memcached_kill(&server);
	assert_int_equal(grants_of(7, NOW), 7);
	limit_probe(limiter, NOW + 1500);
	assert_false(hostmap_cache_state(map).is_up);
	assert_true(fixture_memcached_start(&server));
	limit_probe(limiter, NOW + 1600); /* not due yet */
	assert_false(hostmap_cache_state(map).is_up);

	limit_probe(limiter, NOW + 2500);

	assert_true(hostmap_cache_state(map).is_up);
	/* The empty memcached must not grant this window a third time. */
	assert_int_equal(grants_of(50, back_ms + 1000), 3);
	assert_int_equal(grants_of(50, next_ms), 10);
	/* Those were counted in memcached: nothing is in the map. */
	fixture_memcached_kill(&server);
	assert_int_equal(grants_of(50, next_ms), 10);
}

static void
limit_take__memcached_down_and_open__all_pass(void **state)
{
	(void)state;
	settings.on_failure = CONF_FAILURE_OPEN;
	limiter_set(limiter, &settings);
	fixture_memcached_kill(&server);
	assert_int_equal(grants_of(100, NOW), 100);
}

static void
limit_take__memcached_down_and_closed__none_passes(void **state)
{
	struct limit_take t;

	(void)state;
	settings.on_failure = CONF_FAILURE_CLOSED;
	limiter_set(limiter, &settings);
	fixture_memcached_kill(&server);
	assert_int_equal(take(1, NOW, &t), ERR_LIMITS_DOWN);
	assert_false(t.is_granted);
	assert_true(fixture_memcached_start(&server));
	limit_probe(limiter, NOW + 1000);
	assert_int_equal(grants_of(100, NOW + 1000), 60);
}

/* A worker that dies gives nothing back; the window's end does. */
static void
limit_take__tokens_memcached_down__corrected_on_this_host(void **state)
{
	struct limit_take t, other;

	(void)state;
	only(LIMIT_CUSTOMER_TOKENS_HOUR, 1000);
	fixture_memcached_kill(&server);
	assert_ok(take(600, NOW, &t));
	assert_int_equal(take(600, NOW, &other), ERR_RATE_LIMITED);
	limit_finish(limiter, &t, 10);
	assert_ok(take(990, NOW, &other));
}

static void
limit_take__concurrent_memcached_down__counts_on_this_host(void **state)
{
	struct limit_take t, other;

	(void)state;
	only(LIMIT_CONCURRENT, 2);
	assert_ok(take(1, NOW, &t));
	fixture_memcached_kill(&server);
	assert_ok(take(1, NOW, &other)); /* the first one is not known here */
	limit_renew_leases(limiter, NOW + 30000);
	/* Both are, once they were renewed. */
	struct limit_take third;
	assert_int_equal(take(1, NOW + 30000, &third), ERR_RATE_LIMITED);
	limit_finish(limiter, &t, 1);
	assert_ok(take(1, NOW + 30000, &third));
	limit_finish(limiter, &other, 1);
	limit_finish(limiter, &third, 1);
}

static void
limit_take__concurrent_memcached_down_and_open__all_pass(void **state)
{
	struct limit_take t[3];

	(void)state;
	only(LIMIT_CONCURRENT, 1);
	settings.on_failure = CONF_FAILURE_OPEN;
	limiter_set(limiter, &settings);
	fixture_memcached_kill(&server);
	for (int i = 0; i < 3; i++)
		assert_ok(take(1, NOW, &t[i]));
	for (int i = 0; i < 3; i++)
		limit_finish(limiter, &t[i], 1);
}

static void
limit_take__concurrent_memcached_down_and_closed__none_passes(void **state)
{
	struct limit_take t;

	(void)state;
	only(LIMIT_CONCURRENT, 1);
	settings.on_failure = CONF_FAILURE_CLOSED;
	limiter_set(limiter, &settings);
	fixture_memcached_kill(&server);
	assert_int_equal(take(1, NOW, &t), ERR_LIMITS_DOWN);
	assert_false(t.is_granted);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIMIT_TEST(
		    limit_take__eight_processes_one_limit__exactly_the_limit),
		LIMIT_TEST(limit_take__eight_processes_two_limits__never_more),
		LIMIT_TEST(
		    limit_take__eight_processes_memcached_down__exactly_on_this_host),
		LIMIT_TEST(
		    limit_take__memcached_killed__all_workers_count_locally),
		LIMIT_TEST(
		    limit_probe__memcached_is_back__switches_at_the_next_window),
		LIMIT_TEST(limit_take__memcached_down_and_open__all_pass),
		LIMIT_TEST(limit_take__memcached_down_and_closed__none_passes),
		LIMIT_TEST(
		    limit_take__tokens_memcached_down__corrected_on_this_host),
		LIMIT_TEST(
		    limit_take__concurrent_memcached_down__counts_on_this_host),
		LIMIT_TEST(
		    limit_take__concurrent_memcached_down_and_open__all_pass),
		LIMIT_TEST(
		    limit_take__concurrent_memcached_down_and_closed__none_passes),
	};
	int n_failed;

	if (!limit_fixture_start())
		return 0;
	n_failed = cmocka_run_group_tests(tests, NULL, NULL);
	limit_fixture_stop();
	return n_failed;
}
