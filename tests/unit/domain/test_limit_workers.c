/* SPDX-License-Identifier: MIT */
/*
 * Eight processes ask as fast as they can (CHECKLIST S34), a memcached of its
 * own between them. Their clock runs faster, so that many windows end while
 * they do. TG_LIMIT_MS: how long for each limit; 200.
 */
#include "support/cmocka_tg.h"

#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "domain/hostmap.h"
#include "domain/limit.h"
#include "ext/crypto.h"
#include "support/fixture_dir.h"
#include "support/fixture_memcached.h"

#define N_PROCESSES 8
#define SPEED       200 /* a minute lasts 0.3 s */
#define MINUTE_MS   60000
#define MINUTE      INT64_C(29921760)
#define WINDOWS_MAX 4096
#define MAX         97
#define CONCURRENT  5

static struct fixture_dir dir;
static struct fixture_memcached server;
static struct error e;

/* What the processes share. */
static struct {
	struct {
		_Atomic uint64_t granted; /* requests, or tokens */
		_Atomic uint64_t n_refused;
	} window[WINDOWS_MAX];
	_Atomic unsigned n_running, n_running_most, n_grants;
	int64_t start_ns;
} * shared;

static int64_t
mono_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int64_t
duration_ms(void)
{
	const char *text = getenv("TG_LIMIT_MS");

	return text ? strtoll(text, NULL, 10) : 200;
}

/* One process's own. */
struct worker {
	struct hostmap *map;
	struct mcache *cache;
	struct limiter *l;
	uint64_t seed;
};

static void
worker_open(struct worker *w, unsigned number)
{
	struct mcache_params cache = {
		.servers = server.socket,
		.pool = 1,
		.timeout_ms = 5000,
	};
	struct limiter_params params = {
		.settings = { .on_failure = CONF_FAILURE_CLOSED },
	};

	assert_ok(hostmap_open(dir.path, true, &w->map, &e));
	assert_ok(mcache_new(&cache, &w->cache, &e));
	params.map = w->map;
	params.cache = w->cache;
	assert_ok(limiter_new(&params, &w->l, &e));
	w->seed = number * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

static void
worker_close(struct worker *w)
{
	limiter_free(w->l);
	mcache_free(w->cache);
	hostmap_close(w->map);
}

static unsigned
pick(struct worker *w, unsigned bound)
{
	w->seed = w->seed * UINT64_C(6364136223846793005) + 1;
	return (unsigned)(w->seed >> 33) % bound;
}

/* Several of whatever the scope adds up. */
static struct limit_ask
ask_of(struct worker *w, enum limit_metric metric, struct principal *who)
{
	enum limit_scope scope = limit_metrics[metric].scope;
	struct limit_ask ask = {
		.who = who,
		.model_id = 3,
		.client = { .is_known = true, .bytes = { 10 } },
		.tok = 1,
	};

	*who = (struct principal){
		.kind = PRINCIPAL_KEY,
		.api_key_id = 1000 + metric,
		.customer_id = 2000 + metric,
	};
	if (scope != LIMIT_KEY_MODEL && scope != LIMIT_KEY)
		who->api_key_id += 10000 * pick(w, 3);
	if (scope == LIMIT_MODEL || scope == LIMIT_ADDRESS)
		who->customer_id += 10000 * pick(w, 3);
	if (scope != LIMIT_KEY_MODEL && scope != LIMIT_MODEL)
		ask.model_id += pick(w, 3);
	if (scope != LIMIT_ADDRESS)
		ask.client.bytes[1] = (uint8_t)pick(w, 3);
	if (limit_metrics[metric].unit == LIMIT_TOKENS)
		ask.tok = 1 + pick(w, 9);
	limit_set_put(&who->limits, metric, MAX);
	return ask;
}

static void
hammer(struct worker *w, enum limit_metric metric)
{
	int64_t until = shared->start_ns + duration_ms() * 1000000;

	for (;;) {
		int64_t ns = mono_ns();
		struct principal who;
		struct limit_ask ask = ask_of(w, metric, &who);
		struct limit_take t;
		uint64_t index;
		enum err err;

		if (ns >= until)
			return;
		ask.now_ms = MINUTE * MINUTE_MS +
			     (ns - shared->start_ns) * SPEED / 1000000;
		index = (uint64_t)(ask.now_ms / MINUTE_MS - MINUTE);
		if (index >= WINDOWS_MAX)
			return;
		err = limit_take(w->l, &ask, &t, &e);
		if (err == OK)
			atomic_fetch_add(&shared->window[index].granted,
			    ask.tok);
		else if (err == ERR_RATE_LIMITED)
			atomic_fetch_add(&shared->window[index].n_refused, 1);
		else
			_exit(1);
	}
}

/* Each time a request is let in, no more than CONCURRENT may be. The clock is
 * slower here: it must not run away from a process that is kept waiting. */
static void
hammer_at_once(struct worker *w)
{
	int64_t until = shared->start_ns + duration_ms() * 1000000;

	for (int64_t ns = mono_ns(); ns < until; ns = mono_ns()) {
		struct principal who = {
			.kind = PRINCIPAL_KEY,
			.api_key_id = 77,
		};
		struct limit_ask ask = {
			.who = &who,
			.now_ms = (MINUTE + 100000) * MINUTE_MS - 300 +
				  (ns - shared->start_ns) * 5 / 1000000,
		};
		struct limit_take t;
		unsigned n, most;

		limit_set_put(&who.limits, LIMIT_CONCURRENT, CONCURRENT);
		if (limit_take(w->l, &ask, &t, &e))
			continue;
		n = atomic_fetch_add(&shared->n_running, 1) + 1;
		most = atomic_load(&shared->n_running_most);
		while (n > most &&
		       !atomic_compare_exchange_weak(&shared->n_running_most,
			   &most, n))
			;
		atomic_fetch_add(&shared->n_grants, 1);
		(void)usleep(pick(w, 2000));
		limit_renew_leases(w->l,
		    ask.now_ms + (mono_ns() - ns) * 5 / 1000000);
		atomic_fetch_sub(&shared->n_running, 1);
		limit_finish(w->l, &t, 0);
	}
}

/* @metric  LIMIT_CONCURRENT, or one that is counted */
static void
run_processes(enum limit_metric metric)
{
	int status;

	memset(shared, 0, sizeof(*shared));
	shared->start_ns = mono_ns();
	for (unsigned i = 0; i < N_PROCESSES; i++) {
		struct worker w;

		if (fork() != 0)
			continue;
		worker_open(&w, i);
		if (metric == LIMIT_CONCURRENT)
			hammer_at_once(&w);
		else
			hammer(&w, metric);
		worker_close(&w);
		_exit(0);
	}
	for (unsigned i = 0; i < N_PROCESSES; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
}

static void
limit_take__eight_workers_each_scope__never_more_and_exactly_requests(
    void **state)
{
	(void)state;
	for (unsigned m = 0; m < LIMIT__COUNTED; m++) {
		bool is_exact = limit_metrics[m].unit == LIMIT_REQUESTS;
		uint64_t granted = 0, refused = 0;

		if (limit_metrics[m].window != LIMIT_MINUTE)
			continue;
		run_processes(m);
		for (unsigned i = 0; i < WINDOWS_MAX; i++) {
			uint64_t n = shared->window[i].granted;

			assert_true(n <= MAX);
			if (is_exact && shared->window[i].n_refused)
				assert_int_equal(n, MAX);
			granted += n;
			refused += shared->window[i].n_refused;
		}
		print_message("%s: %llu granted, %llu refused\n",
		    limit_metric_names[m], (unsigned long long)granted,
		    (unsigned long long)refused);
		assert_true(granted >= 1);
	}
}

static void
limit_take__eight_workers_at_once__never_more_run(void **state)
{
	(void)state;
	run_processes(LIMIT_CONCURRENT);
	print_message("key.concurrent: %u granted, at most %u at once\n",
	    shared->n_grants, shared->n_running_most);
	assert_in_range(shared->n_running_most, 1, CONCURRENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    limit_take__eight_workers_each_scope__never_more_and_exactly_requests),
		cmocka_unit_test(
		    limit_take__eight_workers_at_once__never_more_run),
	};
	int n_failed;

	if (crypto_init(&e))
		return 1;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
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
