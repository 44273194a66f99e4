/* SPDX-License-Identifier: MIT */
/* Between the files limit*.c only. */
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
static inline int64_t
limit_window_ms(enum limit_window window)
{
	static const int64_t ms[LIMIT__WINDOWS] = { 60000, 3600000, 86400000 };

	return ms[window];
}

/** The digest of a scope's ids, made once a request and kept in t. */
const uint64_t *limit_scope_id(struct limit_take *t,
    const struct limit_ask *ask, enum limit_scope scope);

/* One counter while it is taken. */
struct limit_count {
	const struct limit_take *t; /* whose it is: the ids of its scopes */
	struct limit_taken *c;
	uint64_t max;
	uint64_t count;    /* with c->by, if it was counted */
	uint64_t previous; /* in the window before; sliding windows only */
};
/**
 * What is in force for a request, in the order in which it is asked: t->v,
 * t->n and v, of which nothing is counted yet. Returns how many.
 */
unsigned limit_count_list(struct limiter *l, const struct limit_ask *ask,
    struct limit_take *t, struct limit_count v[LIMIT__COUNTED]);
/** How much of the window before still counts, left_ms before the end of
 * this one. */
uint64_t limit_count_share(const struct limit_count *v, int64_t left_ms,
    int64_t window_ms);
/**
 * Count what memcached can count, in one go: c->where is LIMIT_CACHE then,
 * and count may pass max. The rest is left to limit_count_here().
 */
void limit_count_all(struct limiter *l, struct limit_count *v, unsigned n,
    bool is_sliding, int64_t now_ms);
/* As many as are counted or read in one go, each with its window before. */
#define LIMIT_COUNTS_MAX (MCACHE_MOVES_MAX / 2)
/**
 * Read what limit_count_all() and limit_count_here() counted, and count
 * nothing: c->where says where count is from, LIMIT_NOWHERE that nobody
 * knows. Waits: a round trip for LIMIT_COUNTS_MAX of them.
 */
void limit_count_read(struct limiter *l, struct limit_count *v, unsigned n,
    bool is_sliding, int64_t now_ms);
/**
 * Count in the host's map up to max, or do what limits.on_failure says
 * instead. count > max: it was not counted.
 * Errors: ERR_LIMITS_DOWN.
 */
enum err limit_count_here(struct limiter *l, struct limit_count *v,
    uint64_t max, struct error *e) ATTR_MUST_CHECK;

/* By how much a counter that was taken is to be changed. */
struct limit_correction {
	const struct limit_taken *c;
	uint64_t by;
	bool is_back;
};
/** Done when it returns. */
void limit_correct(struct limiter *l, const struct limit_take *t,
    const struct limit_correction *v, unsigned n);

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
