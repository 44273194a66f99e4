/* SPDX-License-Identifier: MIT */
#include "base/rng.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/random.h>

#include "base/err.h"

/* A thread's bytes in advance: request ids are drawn from them, and a system
 * call each would be one of twenty that a request needs. */
struct stock {
	unsigned char bytes[256];
	size_t n_left; /* at the end */
};
static _Thread_local struct stock stock;
static pthread_once_t once = PTHREAD_ONCE_INIT;

void
rng_bytes(void *p, size_t n)
{
	unsigned char *to = p;

	while (n) {
		ssize_t got = getrandom(to, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		ASSERT(got > 0);
		to += got;
		n -= (size_t)got;
	}
}

static void
forget_stock(void)
{
	stock.n_left = 0;
}

/* Parent and child would draw the same. */
static void
forget_after_fork(void)
{
	int rc = pthread_atfork(NULL, NULL, forget_stock);

	ASSERT(rc == 0);
}

void
rng_id_bytes(void *p, size_t n)
{
	unsigned char *from;

	ASSERT(n <= sizeof(stock.bytes));
	if (stock.n_left < n) {
		(void)pthread_once(&once, forget_after_fork);
		rng_bytes(stock.bytes, sizeof(stock.bytes));
		stock.n_left = sizeof(stock.bytes);
	}
	from = stock.bytes + sizeof(stock.bytes) - stock.n_left;
	memcpy(p, from, n);
	stock.n_left -= n;
}

uint32_t
rng_below(uint32_t bound)
{
	/* Values below `floor` would favour small results: draw again. */
	uint32_t floor = (uint32_t)(0 - bound) % bound;
	uint32_t v;

	do {
		rng_bytes(&v, sizeof(v));
	} while (v < floor);
	return v % bound;
}
