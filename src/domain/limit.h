/* SPDX-License-Identifier: MIT */
/*
 * Request limits: fixed windows per key and model, counted by memcached's
 * incr. Never more than the limit is granted; with one limit in force
 * exactly the limit is. Without memcached the host's workers switch together
 * to what limits.on_failure says, and back.
 *
 * A window that was open when memcached failed is counted on this host to
 * its end, also when memcached is back before: so a loss of memcached grants
 * at most limit x (1 + hosts) in the windows it touches.
 */
#ifndef TG_DOMAIN_LIMIT_H
#define TG_DOMAIN_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/conf.h"
#include "base/err.h"
#include "domain/principal.h"
#include "ext/mcache.h"

struct hostmap;

/* Shared by the threads of a process; immutable but for the defaults. */
struct limiter;

struct limiter_params {
	struct mcache *cache;
	struct hostmap *map;
	struct limit_rates default_rates; /* limits.requests_per_… */
	enum conf_on_failure on_failure;
};

/* Memory: malloc; limiter_free(). */
enum err limiter_new(const struct limiter_params *params, struct limiter **ret,
    struct error *e) ATTR_MUST_CHECK;
void limiter_free(struct limiter *l);
/** New defaults after a SIGHUP; requests under way keep theirs. */
void limiter_set_defaults(struct limiter *l, struct limit_rates rates,
    enum conf_on_failure on_failure);

/**
 * The first layer that states something, window by window.
 * @layers  nearest first: the key itself; the tiers of the key, of its user
 *          and of that user's role; the customer; limits.* of the settings
 */
struct limit_rates limit_resolve(const struct limit_rates *layers,
    size_t n_layers);

/* Where a window was counted, and so where it is given back. */
enum limit_where {
	LIMIT_NOWHERE, /* no limit in force, or limits.on_failure = open */
	LIMIT_CACHE,
	LIMIT_LOCAL,
};

/* What one request took, for headers and for giving it back. */
struct limit_take {
	bool is_granted;
	bool is_limited;          /* some limit is in force */
	enum limit_window window; /* the one that refused, or else the one
				     with the least remaining */
	uint64_t limit;           /* of that window, and so the following */
	uint64_t remaining;
	int64_t reset_ms;   /* until that window ends, from now on, >= 1 */
	int64_t ends_at_ms; /* wall clock */
	/* Private. */
	uint64_t id[2];
	uint64_t index[LIMIT__WINDOWS];
	enum limit_where where[LIMIT__WINDOWS];
};

/**
 * Count one request of a key for a model.
 *
 * The longest window is asked first, so that ends_at_ms of a refusal is true:
 * nothing shorter would let the request in earlier. A refused request has
 * given back what it took when this returns.
 *
 * @p       PRINCIPAL_KEY; its rates, then the limiter's defaults
 * @now_ms  wall clock, at admission
 * Errors: ERR_RATE_LIMITED, *ret filled for the headers; ERR_LIMITS_DOWN no
 *         memcached and on_failure is closed (or the host's table is full).
 * Waits:  one round trip a window in force.
 */
enum err limit_take(struct limiter *l, const struct principal *p,
    uint64_t model_id, int64_t now_ms, struct limit_take *ret,
    struct error *e) ATTR_MUST_CHECK;
/** Undo a grant, for a request that is refused later on. Idempotent. */
void limit_give_back(struct limiter *l, struct limit_take *t);

/** Seconds for Retry-After: reset_ms rounded up. */
static inline uint64_t
limit_retry_after_s(const struct limit_take *t)
{
	return (uint64_t)(t->reset_ms + 999) / 1000;
}

/**
 * Look whether memcached is back, if it is due: at most one caller on the
 * host does so per second, the others return at once. Called by a background
 * thread of each worker, never by request threads.
 */
void limit_probe(struct limiter *l, int64_t now_ms);

#endif
