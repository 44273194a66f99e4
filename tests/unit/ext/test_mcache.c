/* SPDX-License-Identifier: MIT */
/* Against a real memcached of its own. */
#include "support/cmocka_tg.h"

#include <pthread.h>
#include <stdio.h>

#include "ext/mcache.h"
#include "support/fixture_dir.h"
#include "support/fixture_memcached.h"

#define TIMEOUT_MS 1000

static struct fixture_dir dir;
static struct fixture_memcached server;
static struct mcache *cache;
static uint64_t number; /* each test counts under its own */

static struct mcache *
cache_new(const char *servers, unsigned pool, unsigned timeout_ms)
{
	struct mcache_params params = {
		.servers = servers,
		.pool = pool,
		.timeout_ms = timeout_ms,
	};
	struct mcache *m = NULL;
	struct error e;

	assert_ok(mcache_new(&params, &m, &e));
	return m;
}

static int
setup(void **state)
{
	(void)state;
	if (server.pid == 0 && !fixture_memcached_start(&server))
		return -1;
	cache = cache_new(server.socket, 16, TIMEOUT_MS);
	number++;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	mcache_free(cache);
	return 0;
}

static struct mcache_key
key(void)
{
	struct mcache_key k;

	mcache_key_make(&k, "test", "\x01\xfe", 2, number);
	return k;
}

static void
mcache_key_make__any_bytes__are_hex(void **state)
{
	struct mcache_key k;

	(void)state;
	mcache_key_make(&k, "l:km-min", "\r\nset", 5, 7);

	assert_string_equal(k.text, "tg:l:km-min:0d0a736574:7"); /* S21 */
	assert_int_equal(k.n, strlen(k.text));
}

static void
mcache_incr__no_counter__starts_with_by(void **state)
{
	struct mcache_key k = key();
	struct error e;
	uint64_t v;

	(void)state;
	assert_int_equal(mcache_get(cache, &k, &v, &e), ERR_NOT_FOUND);

	assert_ok(mcache_incr(cache, &k, 5, 60, &v, &e));
	assert_int_equal(v, 5);
	assert_ok(mcache_incr(cache, &k, 1, 60, &v, &e));
	assert_int_equal(v, 6);
	assert_ok(mcache_get(cache, &k, &v, &e));
	assert_int_equal(v, 6);
}

static void
mcache_move_many__some_there_some_not__all_are_moved_and_read(void **state)
{
	struct mcache_move v[5];
	struct mcache_key k = key();
	struct error e;
	uint64_t value;

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		uint8_t mark = (uint8_t)i;

		v[i] = (struct mcache_move){ .by = 10 + i, .ttl_s = 60 };
		mcache_key_make(&v[i].key, "many", &mark, 1, number);
	}
	v[4].key = k;
	v[4].by = 0;
	assert_ok(mcache_incr(cache, &v[1].key, 5, 60, &value, &e));
	assert_ok(mcache_incr(cache, &v[2].key, 100, 60, &value, &e));
	v[2].is_back = v[3].is_back = true;

	assert_ok(mcache_move_many(cache, v, 5, &e));
	assert_int_equal(v[0].value, 10);
	assert_int_equal(v[1].value, 16);
	assert_int_equal(v[2].value, 88);
	assert_int_equal(v[3].value, 0); /* nothing to give back */
	assert_int_equal(v[4].value, 0);

	v[1].is_back = true;
	assert_ok(mcache_move_many(cache, v, 2, &e));
	assert_int_equal(v[0].value, 20);
	assert_int_equal(v[1].value, 5);
	/* The connection is as before. */
	assert_ok(mcache_incr(cache, &v[1].key, 1, 60, &value, &e));
	assert_int_equal(value, 6);
	assert_int_equal(mcache_get(cache, &k, &value, &e), ERR_NOT_FOUND);
}

static void
mcache_move_many__server_is_gone__fails_and_recovers(void **state)
{
	struct mcache_move v[2] = { { .by = 1, .ttl_s = 60 },
		{ .by = 1, .ttl_s = 60 } };
	struct error e;

	(void)state;
	mcache_key_make(&v[0].key, "many", "a", 1, number);
	mcache_key_make(&v[1].key, "many", "b", 1, number);
	assert_ok(mcache_move_many(cache, v, 2, &e));
	fixture_memcached_kill(&server);
	assert_int_equal(mcache_move_many(cache, v, 2, &e), ERR_LIMITS_DOWN);
	assert_true(fixture_memcached_start(&server));
	assert_ok(mcache_move_many(cache, v, 2, &e));
	assert_int_equal(v[0].value, 1);
}

/* Keys are spread over servers; each gets its moves, all are read. */
static void
mcache_move_many__two_servers__all_are_moved_and_read(void **state)
{
	struct fixture_memcached second;
	struct mcache_move v[20];
	char servers[2 * sizeof(second.socket) + 2];
	struct mcache *both;
	struct error e;

	(void)state;
	(void)snprintf(second.socket, sizeof(second.socket), "%.80s/second",
	    dir.path);
	assert_true(fixture_memcached_start(&second));
	(void)snprintf(servers, sizeof(servers), "%s,%s", server.socket,
	    second.socket);
	both = cache_new(servers, 1, TIMEOUT_MS);
	for (int round = 1; round <= 3; round++) {
		for (unsigned i = 0; i < 20; i++) {
			uint8_t mark = (uint8_t)i;

			v[i] = (struct mcache_move){ .by = 1 + i, .ttl_s = 60 };
			mcache_key_make(&v[i].key, "two", &mark, 1, number);
		}
		assert_ok(mcache_move_many(both, v, 20, &e));
		for (unsigned i = 0; i < 20; i++)
			assert_int_equal(v[i].value, (1 + i) * (unsigned)round);
	}
	mcache_free(both);
	fixture_memcached_kill(&second);
}

static void
mcache_incr__more_than_32_bits__is_exact(void **state)
{
	struct mcache_key k = key();
	struct error e;
	uint64_t v;

	(void)state;
	assert_ok(mcache_incr(cache, &k, UINT64_C(1) << 40, 60, &v, &e));
	assert_ok(mcache_incr(cache, &k, UINT64_C(1) << 41, 60, &v, &e));
	assert_int_equal(v, UINT64_C(3) << 40);
}

static void
mcache_incr__ttl_passed__starts_anew(void **state)
{
	struct mcache_key k = key();
	struct error e;
	uint64_t v = 0;

	(void)state;
	assert_ok(mcache_incr(cache, &k, 9, 1, &v, &e));
	for (int i = 0; i < 40 && v != 1; i++) {
		(void)usleep(100000); /* memcached's clock, not ours */
		if (mcache_get(cache, &k, &v, &e) == ERR_NOT_FOUND)
			assert_ok(mcache_incr(cache, &k, 1, 1, &v, &e));
	}
	assert_int_equal(v, 1);
}

static void
mcache_decr__below_zero_or_missing__is_zero(void **state)
{
	struct mcache_key k = key();
	struct error e;
	uint64_t v = 99;

	(void)state;
	assert_ok(mcache_decr(cache, &k, 1, &v, &e));
	assert_int_equal(v, 0);
	assert_ok(mcache_incr(cache, &k, 10, 60, &v, &e));
	assert_ok(mcache_decr(cache, &k, 1, &v, &e));
	assert_int_equal(v, 9);
	assert_ok(mcache_get(cache, &k, &v, &e)); /* "9 ": padded */
	assert_int_equal(v, 9);
	assert_ok(mcache_decr(cache, &k, 100, &v, &e));
	assert_int_equal(v, 0);
}

/* Threads over fewer connections; every value comes up exactly once, also
 * over the race of the first additions. */
#define N_THREADS 16
#define N_EACH    500

struct counting {
	struct mcache_key k;
	_Atomic unsigned char seen[N_THREADS * N_EACH + 1];
	_Atomic int n_errors;
};

static void *
count_thread(void *arg)
{
	struct counting *c = arg;
	struct error e;
	uint64_t v;

	for (int i = 0; i < N_EACH; i++) {
		if (mcache_incr(cache, &c->k, 1, 60, &v, &e) ||
		    v > N_THREADS * N_EACH)
			c->n_errors++;
		else
			c->seen[v]++;
	}
	return NULL;
}

static void
mcache_incr__many_threads_few_connections__each_value_once(void **state)
{
	static struct counting c;
	pthread_t t[N_THREADS];

	(void)state;
	mcache_free(cache);
	/* The wait for a connection counts too, on a busy machine as well. */
	cache = cache_new(server.socket, 3, 30000);
	c.k = key();
	for (int i = 0; i < N_THREADS; i++)
		assert_ok(pthread_create(&t[i], NULL, count_thread, &c));
	for (int i = 0; i < N_THREADS; i++)
		assert_ok(pthread_join(t[i], NULL));

	assert_int_equal(c.n_errors, 0);
	for (size_t i = 1; i < ARRAY_LEN(c.seen); i++)
		assert_int_equal(c.seen[i], 1);
}

static void
mcache_incr__server_restarted__works_on_a_new_connection(void **state)
{
	struct mcache_key k = key();
	struct error e;
	uint64_t v;

	(void)state;
	assert_ok(mcache_incr(cache, &k, 5, 60, &v, &e));
	fixture_memcached_kill(&server);
	assert_true(fixture_memcached_start(&server));

	assert_ok(mcache_incr(cache, &k, 1, 60, &v, &e));
	assert_int_equal(v, 1); /* it forgot the five */
}

static void
mcache_incr__server_is_gone__fails_at_once_and_recovers(void **state)
{
	struct mcache_key k = key();
	struct error e;
	uint64_t v;

	(void)state;
	assert_ok(mcache_incr(cache, &k, 1, 60, &v, &e));
	fixture_memcached_kill(&server);
	assert_int_equal(mcache_incr(cache, &k, 1, 60, &v, &e),
	    ERR_LIMITS_DOWN);
	assert_int_equal(mcache_ping(cache, &e), ERR_LIMITS_DOWN);

	assert_true(fixture_memcached_start(&server));
	assert_ok(mcache_ping(cache, &e));
	assert_ok(mcache_incr(cache, &k, 1, 60, &v, &e));
}

/* The answer of the call that timed out must never be taken for the answer
 * of the next one. */
static void
mcache_incr__server_hangs__times_out_and_stays_in_step(void **state)
{
	struct mcache_key k = key(), other;
	struct error e;
	uint64_t v;

	(void)state;
	number++;
	other = key();
	assert_ok(mcache_incr(cache, &k, 1000, 60, &v, &e));
	assert_ok(mcache_incr(cache, &other, 1, 60, &v, &e));
	(void)kill(server.pid, SIGSTOP);
	(void)waitpid(server.pid, NULL, WUNTRACED);

	/* It returns at all, and by nothing else than its time-out. */
	assert_int_equal(mcache_incr(cache, &k, 1, 60, &v, &e),
	    ERR_LIMITS_DOWN);

	(void)kill(server.pid, SIGCONT);
	for (uint64_t i = 2; i < 20; i++) {
		assert_ok(mcache_incr(cache, &other, 1, 60, &v, &e));
		assert_int_equal(v, i);
	}
}

static void
mcache_new__bad_servers__is_refused(void **state)
{
	static const char *const bad[] = { "", "/a,,/b", "host:0", "host:x" };
	struct mcache *m = NULL;
	struct error e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct mcache_params params = {
			.servers = bad[i],
			.pool = 1,
			.timeout_ms = 50,
		};

		assert_int_equal(mcache_new(&params, &m, &e), ERR_CONFIG);
	}
}

static void
mcache_stats__one_of_two_servers_is_gone__says_so(void **state)
{
	char servers[200];
	struct mcache_stats s;
	struct error e;

	(void)state;
	assert_ok(mcache_stats(cache, &s, &e));
	assert_int_equal(s.n_servers, 1);
	assert_int_equal(s.n_servers_up, 1);
	assert_int_equal(s.n_evictions, 0);
	assert_int_equal(s.max_bytes, MIB(32));
	mcache_free(cache);
	(void)snprintf(servers, sizeof(servers), "%s, %s/none", server.socket,
	    dir.path);
	cache = cache_new(servers, 2, TIMEOUT_MS);

	assert_int_equal(mcache_stats(cache, &s, &e), ERR_LIMITS_DOWN);
	assert_int_equal(s.n_servers, 2);
	assert_int_equal(s.n_servers_up, 1);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mcache_key_make__any_bytes__are_hex),
		cmocka_unit_test(mcache_new__bad_servers__is_refused),
		TEST(mcache_incr__no_counter__starts_with_by),
		TEST(
		    mcache_move_many__some_there_some_not__all_are_moved_and_read),
		TEST(mcache_move_many__server_is_gone__fails_and_recovers),
		TEST(mcache_move_many__two_servers__all_are_moved_and_read),
		TEST(mcache_incr__more_than_32_bits__is_exact),
		TEST(mcache_incr__ttl_passed__starts_anew),
		TEST(mcache_decr__below_zero_or_missing__is_zero),
		TEST(
		    mcache_incr__many_threads_few_connections__each_value_once),
		TEST(mcache_incr__server_restarted__works_on_a_new_connection),
		TEST(mcache_incr__server_is_gone__fails_at_once_and_recovers),
		TEST(mcache_incr__server_hangs__times_out_and_stays_in_step),
		TEST(mcache_stats__one_of_two_servers_is_gone__says_so),
	};
	int n_failed;

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
