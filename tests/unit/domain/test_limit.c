/* SPDX-License-Identifier: MIT */
/* Against a real memcached of its own. */
#include "support/cmocka_tg.h"

#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "domain/hostmap.h"
#include "domain/limit.h"
#include "ext/crypto.h"
#include "support/fixture_dir.h"
#include "support/fixture_memcached.h"

/* 2026-11-22T00:00:00Z and a bit: an hour's and a minute's start. */
#define HOUR  (INT64_C(1795305600000))
#define NOW   (HOUR + 20 * 60000 + 12345)
#define MODEL 3

static struct fixture_dir dir;
static struct fixture_memcached server;
static struct hostmap *map;
static struct mcache *cache;
static struct limiter *limiter;
static struct principal who;
static struct error e;

static const struct limit_rates default_rates = { { 60, 0 } };

static void
open_all(void)
{
	struct mcache_params cache_params = {
		.servers = server.socket,
		.pool = 4,
		.timeout_ms = 500,
	};
	struct limiter_params params = {
		.default_rates = default_rates,
		.on_failure = CONF_FAILURE_LOCAL,
	};

	assert_ok(hostmap_open(dir.path, true, &map, &e));
	assert_ok(mcache_new(&cache_params, &cache, &e));
	params.cache = cache;
	params.map = map;
	assert_ok(limiter_new(&params, &limiter, &e));
}

static void
close_all(void)
{
	limiter_free(limiter);
	mcache_free(cache);
	hostmap_close(map);
}

static void
rates_set(int64_t per_minute, int64_t per_hour)
{
	who.rates = (struct limit_rates){ { per_minute, per_hour } };
}

static int
setup(void **state)
{
	(void)state;
	who.kind = PRINCIPAL_KEY;
	who.api_key_id++; /* counters of its own for each test */
	rates_set(LIMIT_UNSTATED, LIMIT_UNSTATED);
	if (server.pid == 0 && !fixture_memcached_start(&server))
		return -1;
	open_all();
	return 0;
}

static int
teardown(void **state)
{
	char path[200];

	(void)state;
	close_all();
	(void)snprintf(path, sizeof(path), "%s/" HOSTMAP_FILE, dir.path);
	(void)unlink(path);
	return 0;
}

static unsigned
grants_of(unsigned n_requests, int64_t now_ms)
{
	struct limit_take t;
	unsigned n = 0;

	for (unsigned i = 0; i < n_requests; i++)
		if (limit_take(limiter, &who, MODEL, now_ms, &t, &e) == OK)
			n++;
	return n;
}

static void
limit_resolve__several_layers__nearest_statement_wins(void **state)
{
	const struct limit_rates layers[] = {
		{ { LIMIT_UNSTATED, 7 } },
		{ { 0, 8 } },
		{ { 60, LIMIT_UNSTATED } },
	};
	struct limit_rates r = limit_resolve(layers, ARRAY_LEN(layers));

	(void)state;
	assert_int_equal(r.requests[LIMIT_MINUTE], 0);
	assert_int_equal(r.requests[LIMIT_HOUR], 7);
	r = limit_resolve(layers, 0);
	assert_int_equal(r.requests[LIMIT_MINUTE], LIMIT_UNSTATED);
}

static void
limit_take__nothing_stated__default_of_60_a_minute(void **state)
{
	struct limit_take t;

	(void)state;
	assert_ok(limit_take(limiter, &who, MODEL, NOW, &t, &e));
	assert_true(t.is_granted && t.is_limited);
	assert_int_equal(t.limit, 60);
	assert_int_equal(t.remaining, 59);
	assert_int_equal(t.reset_ms, 60000 - 12345);
	assert_int_equal(t.ends_at_ms, HOUR + 21 * 60000);

	assert_int_equal(grants_of(100, NOW), 59);

	assert_int_equal(limit_take(limiter, &who, MODEL, NOW, &t, &e),
	    ERR_RATE_LIMITED);
	assert_false(t.is_granted);
	assert_int_equal(t.limit, 60);
	assert_int_equal(t.remaining, 0);
	assert_int_equal(limit_retry_after_s(&t), 48); /* 47.655 s */
	/* The next window is another one; so is another model. */
	assert_int_equal(grants_of(61, t.ends_at_ms), 60);
	assert_ok(limit_take(limiter, &who, MODEL + 1, NOW, &t, &e));
	assert_int_equal(t.remaining, 59);
}

static void
limit_take__zero__is_not_limited(void **state)
{
	struct limit_take t;

	(void)state;
	rates_set(0, 0);
	assert_ok(limit_take(limiter, &who, MODEL, NOW, &t, &e));
	assert_true(t.is_granted);
	assert_false(t.is_limited);
	assert_int_equal(grants_of(100, NOW), 100);
}

static void
limit_take__two_windows__tells_of_the_one_with_least_left(void **state)
{
	struct limit_take t;

	(void)state;
	rates_set(10, 15);
	assert_ok(limit_take(limiter, &who, MODEL, NOW, &t, &e));
	assert_int_equal(t.window, LIMIT_MINUTE);
	assert_int_equal(t.remaining, 9);
	assert_int_equal(grants_of(20, NOW), 9);

	/* Refused by the minute, so the hour was given back: 5 are left. */
	assert_ok(limit_take(limiter, &who, MODEL, NOW + 60000, &t, &e));
	assert_int_equal(t.window, LIMIT_HOUR);
	assert_int_equal(t.remaining, 4);
	assert_int_equal(grants_of(20, NOW + 60000), 4);

	/* The hour is what refuses now, and its end is what is told. */
	assert_int_equal(limit_take(limiter, &who, MODEL, NOW + 60000, &t, &e),
	    ERR_RATE_LIMITED);
	assert_int_equal(t.window, LIMIT_HOUR);
	assert_int_equal(t.limit, 15);
	assert_int_equal(t.ends_at_ms, HOUR + 3600000);
}

static void
limit_give_back__granted_then_refused_elsewhere__can_be_taken_again(
    void **state)
{
	struct limit_take t;

	(void)state;
	rates_set(3, 4);
	assert_int_equal(grants_of(2, NOW), 2);
	for (int i = 0; i < 10; i++) {
		assert_ok(limit_take(limiter, &who, MODEL, NOW, &t, &e));
		limit_give_back(limiter, &t);
		limit_give_back(limiter, &t); /* once only */
	}
	assert_int_equal(grants_of(10, NOW), 1);
}

static void
limiter_set_defaults__lower__is_in_force_at_once(void **state)
{
	(void)state;
	assert_int_equal(grants_of(10, NOW), 10);
	limiter_set_defaults(limiter, (struct limit_rates){ { 12, 0 } },
	    CONF_FAILURE_LOCAL);
	assert_int_equal(grants_of(10, NOW), 2);
}

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
	assert_int_equal(limit_take(limiter, &who, MODEL, NOW, &t, &e),
	    ERR_RATE_LIMITED);
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
	limiter_set_defaults(limiter, default_rates, CONF_FAILURE_OPEN);
	fixture_memcached_kill(&server);
	assert_int_equal(grants_of(100, NOW), 100);
}

static void
limit_take__memcached_down_and_closed__none_passes(void **state)
{
	struct limit_take t;

	(void)state;
	limiter_set_defaults(limiter, default_rates, CONF_FAILURE_CLOSED);
	fixture_memcached_kill(&server);
	assert_int_equal(limit_take(limiter, &who, MODEL, NOW, &t, &e),
	    ERR_LIMITS_DOWN);
	assert_false(t.is_granted);
	assert_true(fixture_memcached_start(&server));
	limit_probe(limiter, NOW + 1000);
	assert_int_equal(grants_of(100, NOW + 1000), 60);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    limit_resolve__several_layers__nearest_statement_wins),
		TEST(limit_take__nothing_stated__default_of_60_a_minute),
		TEST(limit_take__zero__is_not_limited),
		TEST(limit_take__two_windows__tells_of_the_one_with_least_left),
		TEST(
		    limit_give_back__granted_then_refused_elsewhere__can_be_taken_again),
		TEST(limiter_set_defaults__lower__is_in_force_at_once),
		TEST(limit_take__eight_processes_one_limit__exactly_the_limit),
		TEST(limit_take__eight_processes_two_limits__never_more),
		TEST(
		    limit_take__eight_processes_memcached_down__exactly_on_this_host),
		TEST(limit_take__memcached_killed__all_workers_count_locally),
		TEST(
		    limit_probe__memcached_is_back__switches_at_the_next_window),
		TEST(limit_take__memcached_down_and_open__all_pass),
		TEST(limit_take__memcached_down_and_closed__none_passes),
	};
	int n_failed;

	if (crypto_init(&e))
		return 1;
	fixture_dir_make(&dir);
	(void)snprintf(server.socket, sizeof(server.socket), "%s/socket",
	    dir.path);
	if (!fixture_memcached_start(&server)) {
		fixture_dir_remove(&dir);
		(void)printf("1..0 # SKIP no memcached\n");
		return 0;
	}
	n_failed = cmocka_run_group_tests(tests, NULL, NULL);
	fixture_memcached_kill(&server);
	fixture_dir_remove(&dir);
	return n_failed;
}
