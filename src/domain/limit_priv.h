/* SPDX-License-Identifier: MIT */
/* Between limit.c, limit_auth.c and limit_lease.c only. */
#ifndef TG_DOMAIN_LIMIT_PRIV_H
#define TG_DOMAIN_LIMIT_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "domain/hostmap.h"
#include "domain/limit.h"

struct limiter {
	struct mcache *cache;
	struct hostmap *map;
	_Atomic uint32_t default_stated; /* bits of enum limit_metric */
	_Atomic int64_t default_max[LIMIT__METRICS];
	_Atomic int on_failure; /* enum conf_on_failure */
	atomic_bool is_shadow;
	_Atomic uint32_t failed_keys;
	/* Of requests that run now, the longest not renewed in front. */
	pthread_mutex_t lease_lock;
	struct limit_lease *first, *last;
};

/** The limit in force; 0: nothing is enforced. */
uint64_t limit_max(struct limiter *l, const struct principal *p,
    enum limit_metric metric);
/** memcached did not do what seen made us expect: switch this host over. */
void limit_cache_failed(struct limiter *l, struct hostmap_cache_state seen,
    int64_t now_ms, const struct error *why);

/**
 * Count a request of a key that runs.
 * @max  > 0
 * Errors: ERR_RATE_LIMITED; ERR_LIMITS_DOWN.
 */
enum err limit_lease_take(struct limiter *l, struct limit_lease *lease,
    const uint64_t id[2], uint64_t max, int64_t now_ms,
    struct error *e) ATTR_MUST_CHECK;
/** It runs no more. Idempotent. */
void limit_lease_drop(struct limiter *l, struct limit_lease *lease);

#endif
