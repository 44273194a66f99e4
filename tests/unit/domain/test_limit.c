/* SPDX-License-Identifier: MIT */
/* Against a real memcached of its own. */
#include "support/cmocka_tg.h"

#include <pthread.h>
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
static struct limit_client client;
static struct error e;

static struct limit_settings settings;

static void
settings_reset(void)
{
	settings = (struct limit_settings){
		.on_failure = CONF_FAILURE_LOCAL,
		.failed_keys = 10,
	};
	limit_set_put(&settings.defaults, LIMIT_KEY_MODEL_REQUESTS_MINUTE, 60);
	limit_set_put(&settings.defaults, LIMIT_KEY_MODEL_REQUESTS_HOUR, 0);
}

static void
open_all(void)
{
	struct mcache_params cache_params = {
		.servers = server.socket,
		.pool = 4,
		.timeout_ms = 500,
	};
	struct limiter_params params = { .settings = settings };

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
	limit_set_put(&who.limits, LIMIT_KEY_MODEL_REQUESTS_MINUTE, per_minute);
	limit_set_put(&who.limits, LIMIT_KEY_MODEL_REQUESTS_HOUR, per_hour);
}

/* This limit, and no other. */
static void
only(enum limit_metric metric, int64_t max)
{
	who.limits = (struct limit_set){ 0 };
	rates_set(0, 0);
	limit_set_put(&who.limits, metric, max);
}

static enum err
take(uint64_t tok, int64_t now_ms, struct limit_take *t)
{
	struct limit_ask ask = {
		.who = &who,
		.model_id = MODEL,
		.client = client,
		.tok = tok,
		.now_ms = now_ms,
	};

	return limit_take(limiter, &ask, t, &e);
}

static int
setup(void **state)
{
	(void)state;
	/* Counters of its own for each test. */
	who = (struct principal){
		.kind = PRINCIPAL_KEY,
		.api_key_id = who.api_key_id + 1,
		.customer_id = who.customer_id + 1,
		.public_id = "K000000001",
	};
	client.is_known = true;
	client.bytes[0]++;
	settings_reset();
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
		if (take(1, now_ms, &t) == OK)
			n++;
	return n;
}

static void
limit_take__nothing_stated__default_of_60_a_minute(void **state)
{
	struct limit_take t;

	(void)state;
	assert_ok(take(1, NOW, &t));
	assert_true(t.is_granted && t.view[0].is_limited);
	assert_int_equal(t.view[0].limit, 60);
	assert_int_equal(t.view[0].remaining, 59);
	assert_int_equal(t.view[0].reset_ms, 60000 - 12345);
	assert_int_equal(t.view[0].ends_at_ms, HOUR + 21 * 60000);

	assert_int_equal(grants_of(100, NOW), 59);

	assert_int_equal(take(1, NOW, &t), ERR_RATE_LIMITED);
	assert_false(t.is_granted);
	assert_int_equal(t.view[0].limit, 60);
	assert_int_equal(t.view[0].remaining, 0);
	assert_int_equal(limit_seconds(t.retry_ms), 48); /* 47.655 s */
	/* The next window is another one; so is another model. */
	assert_int_equal(grants_of(61, t.view[0].ends_at_ms), 60);
	assert_ok(limit_take(limiter,
	    &(struct limit_ask){ .who = &who,
		.model_id = MODEL + 1,
		.now_ms = NOW },
	    &t, &e));
	assert_int_equal(t.view[0].remaining, 59);
}

static void
limit_take__zero__is_not_limited(void **state)
{
	struct limit_take t;

	(void)state;
	rates_set(0, 0);
	assert_ok(take(1, NOW, &t));
	assert_true(t.is_granted);
	assert_false(t.view[0].is_limited);
	assert_int_equal(grants_of(100, NOW), 100);
}

static void
limit_take__two_windows__tells_of_the_one_with_least_left(void **state)
{
	struct limit_take t;

	(void)state;
	rates_set(10, 15);
	assert_ok(take(1, NOW, &t));
	assert_int_equal(t.view[0].metric, LIMIT_KEY_MODEL_REQUESTS_MINUTE);
	assert_int_equal(t.view[0].remaining, 9);
	assert_int_equal(grants_of(20, NOW), 9);

	/* Refused by the minute, so the hour was given back: 5 are left. */
	assert_ok(take(1, NOW + 60000, &t));
	assert_int_equal(t.view[0].metric, LIMIT_KEY_MODEL_REQUESTS_HOUR);
	assert_int_equal(t.view[0].remaining, 4);
	assert_int_equal(grants_of(20, NOW + 60000), 4);

	/* The hour is what refuses now, and its end is what is told. */
	assert_int_equal(take(1, NOW + 60000, &t), ERR_RATE_LIMITED);
	assert_int_equal(t.view[0].metric, LIMIT_KEY_MODEL_REQUESTS_HOUR);
	assert_int_equal(t.view[0].limit, 15);
	assert_int_equal(t.view[0].ends_at_ms, HOUR + 3600000);
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
		assert_ok(take(1, NOW, &t));
		limit_give_back(limiter, &t);
		limit_give_back(limiter, &t); /* once only */
	}
	assert_int_equal(grants_of(10, NOW), 1);
}

static void
limiter_set__lower_default__is_in_force_at_once(void **state)
{
	(void)state;
	assert_int_equal(grants_of(10, NOW), 10);
	limit_set_put(&settings.defaults, LIMIT_KEY_MODEL_REQUESTS_MINUTE, 12);
	limiter_set(limiter, &settings);
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

/*
 * Scopes, units and windows.
 */

/* Another key of another customer, model and client: only what the scope
 * names is the same. */
static enum err
take_elsewhere(enum limit_scope scope, struct limit_take *t)
{
	static const enum limit_scope has_key[] = { LIMIT_KEY_MODEL,
		LIMIT_KEY };
	struct principal other = who;
	struct limit_ask ask = {
		.who = &other,
		.model_id = MODEL + 100,
		.client = client,
		.tok = 1,
		.now_ms = NOW,
	};

	if (scope != has_key[0] && scope != has_key[1])
		other.api_key_id += 1000;
	if (scope != LIMIT_CUSTOMER)
		other.customer_id += 1000;
	if (scope == LIMIT_KEY_MODEL || scope == LIMIT_MODEL)
		ask.model_id = MODEL;
	if (scope != LIMIT_ADDRESS)
		ask.client.bytes[1]++;
	return limit_take(limiter, &ask, t, &e);
}

/* And the other way round: everything is the same but what it names. */
static enum err
take_beside(enum limit_scope scope, struct limit_take *t)
{
	struct principal other = who;
	struct limit_ask ask = {
		.who = &other,
		.model_id = MODEL,
		.client = client,
		.tok = 1,
		.now_ms = NOW,
	};

	other.api_key_id += scope == LIMIT_KEY ? 2000 : 0;
	other.customer_id += scope == LIMIT_CUSTOMER ? 2000 : 0;
	ask.model_id += scope == LIMIT_MODEL || scope == LIMIT_KEY_MODEL ? 200
									 : 0;
	ask.client.bytes[1] ^= scope == LIMIT_ADDRESS ? 0x80 : 0;
	return limit_take(limiter, &ask, t, &e);
}

static void
limit_take__each_metric__counts_its_scope_in_its_window(void **state)
{
	static const int64_t window_ms[] = { 60000, 3600000, 86400000 };

	(void)state;
	for (unsigned m = 0; m < LIMIT__COUNTED; m++) {
		const struct limit_metric_info *info = &limit_metrics[m];
		int64_t ms = window_ms[info->window];
		struct limit_take t;

		who.api_key_id++;
		who.customer_id++;
		client.bytes[2]++;
		only(m, 3);
		if (info->scope == LIMIT_MODEL)
			rates_set(LIMIT_UNSTATED, LIMIT_UNSTATED);
		assert_ok(take(1, NOW, &t));
		assert_int_equal(t.view[info->unit].metric, m);
		assert_int_equal(t.view[info->unit].remaining, 2);
		assert_int_equal(t.view[info->unit].reset_ms, ms - NOW % ms);
		assert_ok(take_elsewhere(info->scope, &t));
		assert_int_equal(t.view[info->unit].remaining, 1);
		assert_ok(take(1, NOW, &t));

		assert_int_equal(take(1, NOW, &t), ERR_RATE_LIMITED);
		assert_int_equal(t.refuser, m);
		assert_int_equal(t.retry_ms, ms - NOW % ms);
		assert_int_equal(take_elsewhere(info->scope, &t),
		    ERR_RATE_LIMITED);
		assert_ok(take_beside(info->scope, &t));
		assert_ok(take(1, NOW - NOW % ms + ms, &t));
	}
}

static void
limit_take__client_unknown__address_is_not_limited(void **state)
{
	(void)state;
	only(LIMIT_ADDRESS_REQUESTS_MINUTE, 1);
	client.is_known = false;
	assert_int_equal(grants_of(5, NOW), 5);
}

/* S14: of IPv6 the /64 counts, as one customer of a provider has that. */
static void
limit_client_of__ipv6__is_its_network(void **state)
{
	static const uint8_t a[16] = { 0x20, 1, 0xd, 0xb8, 1, 2, 3, 4, 5, 6 };
	static const uint8_t b[16] = { 0x20, 1, 0xd, 0xb8, 1, 2, 3, 4, 9, 9 };
	static const uint8_t c[16] = { 0x20, 1, 0xd, 0xb8, 1, 2, 3, 5, 5, 6 };
	static const uint8_t v4[16] = { [10] = 0xff, 0xff, 192, 0, 2, 1 };
	static const uint8_t v4b[16] = { [10] = 0xff, 0xff, 192, 0, 2, 2 };
	struct limit_client x = limit_client_of(a), y = limit_client_of(b);

	(void)state;
	assert_memory_equal(x.bytes, y.bytes, 16);
	y = limit_client_of(c);
	assert_memory_not_equal(x.bytes, y.bytes, 16);
	x = limit_client_of(v4);
	y = limit_client_of(v4b);
	assert_memory_not_equal(x.bytes, y.bytes, 16);
}

/*
 * Tokens.
 */
static void
limit_take__tokens__are_taken_on_entry_and_corrected(void **state)
{
	struct limit_take t, other;

	(void)state;
	only(LIMIT_KEY_TOKENS_MINUTE, 1000);
	assert_ok(take(600, NOW, &t));
	assert_int_equal(t.view[LIMIT_TOKENS].remaining, 400);
	assert_false(t.view[LIMIT_REQUESTS].is_limited);
	assert_int_equal(take(401, NOW, &other), ERR_RATE_LIMITED);

	limit_finish(limiter, &t, 100);
	limit_finish(limiter, &t, 100); /* once only */
	assert_ok(take(900, NOW, &other));
	assert_int_equal(other.view[LIMIT_TOKENS].remaining, 0);

	/* More than was held is counted, too. */
	limit_finish(limiter, &other, 950);
	assert_int_equal(take(1, NOW, &t), ERR_RATE_LIMITED);
	assert_ok(take(1000, NOW + 60000, &t));
}

static void
limit_take__more_tokens_than_a_window_grants__is_refused_for_good(void **state)
{
	struct limit_take t;

	(void)state;
	only(LIMIT_KEY_TOKENS_MINUTE, 1000);
	limit_set_put(&who.limits, LIMIT_KEY_TOKENS_HOUR, 5000);
	assert_int_equal(limit_token_cap(limiter, &who), 1000);
	assert_int_equal(take(1001, NOW, &t), ERR_TOKENS_OVER_LIMIT);
	assert_int_equal(t.refuser, LIMIT_KEY_TOKENS_MINUTE);
	/* It is not counted in the hour either. */
	assert_ok(take(1000, NOW, &t));
	assert_int_equal(t.view[LIMIT_TOKENS].remaining, 0);
}

static void
limit_token_cap__no_limit_of_tokens__is_none(void **state)
{
	(void)state;
	assert_int_equal(limit_token_cap(limiter, &who), UINT64_MAX);
	only(LIMIT_KEY_TOKENS_MINUTE, 0);
	assert_int_equal(limit_token_cap(limiter, &who), UINT64_MAX);
	limit_set_put(&settings.defaults, LIMIT_MODEL_TOKENS_DAY, 70);
	limiter_set(limiter, &settings);
	assert_int_equal(limit_token_cap(limiter, &who), 70);
}

static void
limit_take__both_units__each_tells_its_least(void **state)
{
	struct limit_take t;

	(void)state;
	only(LIMIT_KEY_TOKENS_MINUTE, 1000);
	limit_set_put(&who.limits, LIMIT_KEY_REQUESTS_DAY, 2);
	limit_set_put(&who.limits, LIMIT_CUSTOMER_REQUESTS_MINUTE, 50);
	assert_ok(take(300, NOW, &t));
	assert_int_equal(t.view[LIMIT_REQUESTS].metric, LIMIT_KEY_REQUESTS_DAY);
	assert_int_equal(t.view[LIMIT_REQUESTS].remaining, 1);
	assert_int_equal(t.view[LIMIT_TOKENS].limit, 1000);
	assert_int_equal(t.view[LIMIT_TOKENS].remaining, 700);

	/* Refused by tokens: the request is not counted. */
	assert_int_equal(take(800, NOW, &t), ERR_RATE_LIMITED);
	assert_int_equal(t.view[LIMIT_REQUESTS].remaining, 1);
	assert_int_equal(t.view[LIMIT_TOKENS].remaining, 0);
	assert_ok(take(700, NOW, &t));
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

/*
 * What a request asks memcached for. Counts of commands, which are the same
 * on every machine; how long they take bench/run limits says.
 */
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

/*
 * Sliding windows.
 */
static void
limit_take__sliding__previous_window_counts_by_its_share(void **state)
{
	int64_t minute = HOUR + 60000 * 5, half = minute + 90000;
	struct limit_take t;

	(void)state;
	only(LIMIT_KEY_REQUESTS_MINUTE, 10);
	limit_set_put(&who.limits, LIMIT_SLIDING, 1);
	assert_int_equal(grants_of(20, minute + 30000), 10);
	/* Half of the window before is covered: 5 of its 10 count. */
	assert_ok(take(1, half, &t));
	assert_int_equal(t.view[LIMIT_REQUESTS].remaining, 4);
	assert_int_equal(grants_of(20, half), 4);
	assert_int_equal(take(1, half, &t), ERR_RATE_LIMITED);
	/* One more fits when 4 of 10 are covered: 6 s later. */
	assert_int_equal(t.retry_ms, 6000);
	assert_int_equal(take(1, half + 5999, &t), ERR_RATE_LIMITED);
	assert_ok(take(1, half + 6000, &t));
}

static void
limit_take__sliding_and_window_full__waits_into_the_next(void **state)
{
	int64_t minute = HOUR + 60000 * 5;
	struct limit_take t;

	(void)state;
	only(LIMIT_KEY_REQUESTS_MINUTE, 10);
	limit_set_put(&who.limits, LIMIT_SLIDING, 1);
	assert_int_equal(grants_of(20, minute + 1000), 10);
	assert_int_equal(take(1, minute + 1000, &t), ERR_RATE_LIMITED);
	/* 59 s to its end, then until 9 of 10 are covered: 6 s. */
	assert_int_equal(t.retry_ms, 59000 + 6000);
	assert_int_equal(take(1, minute + 1000 + t.retry_ms - 1, &t),
	    ERR_RATE_LIMITED);
	assert_ok(take(1, minute + 66000, &t));
}

/* The limit that holds for longest is told, though another was asked first. */
static void
limit_take__sliding_hour_refuses_for_less_long__the_minute_is_told(void **state)
{
	int64_t at = HOUR + 3600000 + 1000;
	struct limit_take t;

	(void)state;
	only(LIMIT_KEY_REQUESTS_HOUR, 3600);
	limit_set_put(&who.limits, LIMIT_KEY_REQUESTS_MINUTE, 1);
	limit_set_put(&who.limits, LIMIT_SLIDING, 1);
	limit_set_put(&who.limits, LIMIT_KEY_REQUESTS_MINUTE, 0);
	assert_int_equal(grants_of(3600, HOUR + 1), 3600);
	limit_set_put(&who.limits, LIMIT_KEY_REQUESTS_MINUTE, 1);
	assert_ok(take(1, at, &t));
	/* One of the hour before is past each second; the minute is full. */
	assert_int_equal(take(1, at, &t), ERR_RATE_LIMITED);
	assert_int_equal(t.refuser, LIMIT_KEY_REQUESTS_MINUTE);
	assert_true(t.retry_ms > 59000);
}

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

/*
 * limits.shadow
 */
static void
limit_take__shadow__passes_and_tells(void **state)
{
	struct limit_take t;

	(void)state;
	only(LIMIT_KEY_REQUESTS_MINUTE, 2);
	settings.is_shadow = true;
	limiter_set(limiter, &settings);
	assert_ok(take(1, NOW, &t));
	assert_ok(take(1, NOW, &t));
	assert_false(t.is_shadowed);
	for (int i = 0; i < 3; i++) {
		assert_ok(take(1, NOW, &t));
		assert_true(t.is_granted && t.is_shadowed);
		assert_int_equal(t.refuser, LIMIT_KEY_REQUESTS_MINUTE);
		assert_int_equal(t.view[LIMIT_REQUESTS].remaining, 0);
		limit_finish(limiter, &t, 1);
	}
	only(LIMIT_CONCURRENT, 1);
	limit_set_put(&who.limits, LIMIT_KEY_TOKENS_DAY, 5);
	assert_ok(take(6, NOW, &t));
	assert_true(t.is_shadowed);
	limit_finish(limiter, &t, 6);
}

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
	char path[200];
	int64_t retry_ms;

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_true(fail_once(NOW, &retry_ms));
	close_all();
	(void)snprintf(path, sizeof(path), "%s/" HOSTMAP_FILE, dir.path);
	(void)unlink(path);
	open_all();
	assert_true(fail_once(NOW, &retry_ms));
	assert_false(fail_once(NOW, &retry_ms));
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(limit_take__nothing_stated__default_of_60_a_minute),
		TEST(limit_take__zero__is_not_limited),
		TEST(limit_take__two_windows__tells_of_the_one_with_least_left),
		TEST(
		    limit_give_back__granted_then_refused_elsewhere__can_be_taken_again),
		TEST(limiter_set__lower_default__is_in_force_at_once),
		TEST(limit_take__eight_processes_one_limit__exactly_the_limit),
		TEST(limit_take__eight_processes_two_limits__never_more),
		TEST(
		    limit_take__eight_processes_memcached_down__exactly_on_this_host),
		TEST(limit_take__memcached_killed__all_workers_count_locally),
		TEST(
		    limit_probe__memcached_is_back__switches_at_the_next_window),
		TEST(limit_take__memcached_down_and_open__all_pass),
		TEST(limit_take__memcached_down_and_closed__none_passes),
		TEST(limit_take__each_metric__counts_its_scope_in_its_window),
		TEST(limit_take__client_unknown__address_is_not_limited),
		TEST(limit_client_of__ipv6__is_its_network),
		TEST(limit_take__tokens__are_taken_on_entry_and_corrected),
		TEST(
		    limit_take__more_tokens_than_a_window_grants__is_refused_for_good),
		TEST(limit_token_cap__no_limit_of_tokens__is_none),
		TEST(limit_take__both_units__each_tells_its_least),
		TEST(limit_take__tokens_memcached_down__corrected_on_this_host),
		TEST(limit_take__k_limits_in_force__cost_k_increments),
		TEST(limit_take__first_of_all_windows__makes_k_counters),
		TEST(limit_take__refused__gives_back_each_counter_once),
		TEST(limit_take__sliding__previous_window_counts_by_its_share),
		TEST(limit_take__sliding_and_window_full__waits_into_the_next),
		TEST(
		    limit_take__sliding_hour_refuses_for_less_long__the_minute_is_told),
		TEST(limit_take__concurrent__as_many_as_the_limit_at_once),
		TEST(limit_renew_leases__long_requests__stay_counted),
		TEST(
		    limit_renew_leases__while_requests_come_and_go__none_is_lost),
		TEST(limit_take__worker_killed__its_requests_run_out),
		TEST(
		    limit_take__concurrent_memcached_down__counts_on_this_host),
		TEST(limit_take__concurrent_memcached_down_and_open__all_pass),
		TEST(
		    limit_take__concurrent_memcached_down_and_closed__none_passes),
		TEST(limit_take__shadow__passes_and_tells),
		TEST(limit_auth__too_many_failures__address_may_not_ask),
		TEST(limit_auth__good_keys__are_not_counted),
		TEST(limit_auth__failures_on_another_host__count_here),
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
