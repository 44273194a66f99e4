/* SPDX-License-Identifier: MIT */
/*
 * How long limit_take() takes with k limits in force, for bench/run limits.
 * usage: limit_speed MEMCACHED_SOCKET FOLDER SECONDS
 * One line a number of limits: k, calls, median and 99th percentile in ns.
 * The numbers of limits take turns, so that all of them see the same machine.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "domain/hostmap.h"
#include "domain/limit.h"
#include "ext/crypto.h"

#define SAMPLES_MAX 200000
#define TURN        50

/* Three windows of five scopes, as many as are asked for. */
static const enum limit_metric order[] = {
	LIMIT_KEY_MODEL_REQUESTS_MINUTE,
	LIMIT_KEY_REQUESTS_HOUR,
	LIMIT_CUSTOMER_REQUESTS_DAY,
	LIMIT_KEY_TOKENS_MINUTE,
	LIMIT_ADDRESS_REQUESTS_MINUTE,
	LIMIT_MODEL_REQUESTS_MINUTE,
	LIMIT_CUSTOMER_TOKENS_DAY,
	LIMIT_KEY_MODEL_TOKENS_HOUR,
};
static const unsigned counts[] = { 0, 1, 2, 4, 8 };

struct series {
	uint64_t n;
	uint32_t ns[SAMPLES_MAX];
};
static struct series series[ARRAY_LEN(counts)];

static int
by_size(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static int64_t
now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static struct limiter *
open_limiter(const char *socket, const char *dir)
{
	struct mcache_params cache = {
		.servers = socket,
		.pool = 1,
		.timeout_ms = 1000,
	};
	struct limiter_params params = {
		.settings = { .on_failure = CONF_FAILURE_CLOSED },
	};
	struct limiter *l;
	struct error e;

	if (crypto_init(&e) || hostmap_open(dir, true, &params.map, &e) ||
	    mcache_new(&cache, &params.cache, &e) ||
	    limiter_new(&params, &l, &e)) {
		(void)fprintf(stderr, "limit_speed: %s\n", e.internal);
		exit(1);
	}
	return l;
}

static void
measure(struct limiter *l, unsigned which)
{
	struct principal who = {
		.kind = PRINCIPAL_KEY,
		.api_key_id = 7 + which,
		.customer_id = 9,
	};
	struct limit_ask ask = {
		.who = &who,
		.model_id = 3,
		.client = { .is_known = true, .bytes = { 1, 2 } },
		.tok = 100,
	};
	struct series *s = &series[which];

	for (unsigned i = 0; i < counts[which]; i++)
		limit_set_put(&who.limits, order[i], LIMIT_AMOUNT_MAX);
	for (unsigned i = 0; i < TURN; i++) {
		struct limit_take t;
		struct error e;
		int64_t from;

		ask.now_ms = clock_now_ms();
		from = now_ns();
		if (limit_take(l, &ask, &t, &e)) {
			(void)fprintf(stderr, "limit_speed: %s\n", e.internal);
			exit(1);
		}
		if (s->n < SAMPLES_MAX)
			s->ns[s->n++] = (uint32_t)(now_ns() - from);
		limit_give_back(l, &t);
	}
}

int
main(int argc, char **argv)
{
	struct limiter *l;
	int64_t until;

	if (argc != 4) {
		(void)fprintf(stderr,
		    "usage: limit_speed SOCKET FOLDER SECONDS\n");
		return 2;
	}
	l = open_limiter(argv[1], argv[2]);
	until = now_ns() + strtoll(argv[3], NULL, 10) * 1000000000;
	while (now_ns() < until)
		for (unsigned i = 0; i < ARRAY_LEN(counts); i++)
			measure(l, i);
	for (unsigned i = 0; i < ARRAY_LEN(counts); i++) {
		struct series *s = &series[i];

		qsort(s->ns, s->n, sizeof(s->ns[0]), by_size);
		(void)printf("%u %llu %u %u\n", counts[i],
		    (unsigned long long)s->n, s->ns[s->n / 2],
		    s->ns[s->n * 99 / 100]);
	}
	return 0;
}
