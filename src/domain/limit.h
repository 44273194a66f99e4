/* SPDX-License-Identifier: MIT */
/*
 * Limits: requests and tokens in fixed windows, counted by memcached's incr
 * for each scope of base/limit_set.h, and requests of a key that run at
 * once. Never more than a limit is granted; with one limit of requests in
 * force exactly the limit is. Without memcached the host's workers switch
 * together to what limits.on_failure says, and back.
 *
 * A window that was open when memcached failed is counted on this host to
 * its end, also when memcached is back before: so a loss of memcached grants
 * at most limit x (1 + hosts) in the windows it touches.
 *
 * doc/limits.md tells operators the same in their words.
 */
#ifndef TG_DOMAIN_LIMIT_H
#define TG_DOMAIN_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/conf.h"
#include "base/err.h"
#include "base/limit_set.h"
#include "domain/principal.h"
#include "ext/mcache.h"

struct hostmap;

/* Shared by the threads of a process. */
struct limiter;

/* What the settings say; may change while requests run. */
struct limit_settings {
	struct limit_set defaults; /* behind all that is stated elsewhere */
	enum conf_on_failure on_failure;
	bool is_shadow;       /* count and tell, but let pass */
	uint32_t failed_keys; /* a minute of a client address; 0: no limit */
};

/**
 * Read limits.* of the configuration.
 * Errors: ERR_CONFIG limits.others is no list of limits.
 */
enum err limit_settings_read(const struct conf *c, struct limit_settings *ret,
    struct error *e) ATTR_MUST_CHECK;

struct limiter_params {
	struct mcache *cache;
	struct hostmap *map;
	struct limit_settings settings;
};

/* Memory: malloc; limiter_free() when no request is under way. */
enum err limiter_new(const struct limiter_params *params, struct limiter **ret,
    struct error *e) ATTR_MUST_CHECK;
void limiter_free(struct limiter *l);
/** New settings after a SIGHUP; requests under way keep theirs. */
void limiter_set(struct limiter *l, const struct limit_settings *settings);

/* The other end, as the web server and trusted proxies tell it. An IPv6
 * client is its /64, as that is what one customer of a provider has. */
struct limit_client {
	bool is_known;
	uint8_t bytes[16]; /* IPv4 in its mapped form */
};
/** @addr  16 bytes, IPv4 in its mapped form */
struct limit_client limit_client_of(const uint8_t addr[16]);

/* Where something was counted, and so where it is given back. */
enum limit_where {
	LIMIT_NOWHERE, /* limits.on_failure = open, or given back already */
	LIMIT_CACHE,
	LIMIT_LOCAL,
};

/* One counter that was moved. */
struct limit_taken {
	enum limit_metric metric;
	enum limit_where where;
	uint64_t by;
	uint64_t index; /* of the window */
};

/* A request that runs and counts for LIMIT_CONCURRENT. */
struct limit_lease {
	struct limit_lease *next, *previous; /* of this process */
	bool is_held;           /* its request's thread alone looks at it */
	enum limit_where where; /* it and index: under the lock, once held */
	uint64_t id[2];
	uint64_t index; /* of the period it is counted in */
};

/* What is told of one unit: of the limit that refused, else of the one with
 * least remaining. */
struct limit_view {
	bool is_limited; /* some limit of that unit is in force */
	enum limit_metric metric;
	uint64_t limit;
	uint64_t remaining;
	int64_t reset_ms;   /* until its window ends, from now on, >= 1 */
	int64_t ends_at_ms; /* wall clock */
};

/*
 * What one request took, for headers and for giving it back. It stays where
 * it is from limit_take() to limit_finish() or limit_give_back().
 */
struct limit_take {
	bool is_granted;
	bool is_shadowed;          /* limits.shadow let it pass: */
	enum limit_metric refuser; /* the first that refused or would have */
	int64_t retry_ms;          /* of a refusal: when to come again, >= 1 */
	struct limit_view view[LIMIT__UNITS];
	/* Private. */
	unsigned n;
	uint64_t tok;    /* that were taken */
	unsigned has_id; /* bits of enum limit_scope */
	uint64_t id[LIMIT__SCOPES][2];
	struct limit_lease lease;
	struct limit_taken v[LIMIT__COUNTED];
};

/** Nothing was taken. The list at its end is filled as far as n says. */
void limit_take_clear(struct limit_take *t);

/* A request at admission. */
struct limit_ask {
	const struct principal *who; /* PRINCIPAL_KEY */
	uint64_t model_id;
	struct limit_client client;
	uint64_t tok;   /* the most it can use, of prompt and output */
	int64_t now_ms; /* wall clock */
};

/**
 * The smallest limit of tokens that is in force for a key; UINT64_MAX: none,
 * so that nobody needs to know how many tokens a request may use.
 */
uint64_t limit_token_cap(struct limiter *l, const struct principal *p);

/**
 * Count a request in each limit in force.
 *
 * The longest window is asked first, so that the time of a refusal is true:
 * nothing shorter would let the request in earlier. A refused request has
 * given back what it took when this returns.
 *
 * With limits.shadow on, what would be refused passes: is_shadowed is set,
 * and a line is logged once a window for each key and limit.
 *
 * @ret  filled on ERR_RATE_LIMITED, too
 * Errors: ERR_RATE_LIMITED; ERR_TOKENS_OVER_LIMIT it may use more tokens than
 *         a window grants in all; ERR_LIMITS_DOWN no memcached and
 *         on_failure is closed (or the host's table is full).
 * Waits:  one round trip a limit in force, two for a sliding one and for
 *         requests at once.
 */
enum err limit_take(struct limiter *l, const struct limit_ask *ask,
    struct limit_take *ret, struct error *e) ATTR_MUST_CHECK;
/** Undo a grant, for a request that is refused later on. Idempotent. */
void limit_give_back(struct limiter *l, struct limit_take *t);
/**
 * The request is over: correct its tokens to what it used, and make room for
 * the key's next one. Idempotent.
 * Waits: a round trip a limit of tokens, and one for requests at once.
 */
void limit_finish(struct limiter *l, struct limit_take *t, uint64_t used_tok);

/* What one limit in force leaves. */
struct limit_left {
	enum limit_metric metric;
	bool is_known; /* else remaining is not: memcached does not answer */
	uint64_t limit;
	uint64_t remaining;
	int64_t ends_at_ms; /* of its window, wall clock */
};
/* Of one model, the longest window first. */
struct limit_left_of {
	uint64_t model_id; /* given; 0: the limits that all models share */
	unsigned n;
	struct limit_left v[LIMIT__COUNTED];
};
/** As many models as may be asked for at once. */
#define LIMIT_LEFT_MODELS 6
/**
 * What the limits in force leave at ask->now_ms; counts nothing. Of a model
 * the key's own limits for it: what all users of a model share is left out.
 * @ask  model_id and tok are not looked at
 * @of   n of them, at most LIMIT_LEFT_MODELS
 * Waits: a round trip for 32 limits, if there are any.
 */
void limit_left(struct limiter *l, const struct limit_ask *ask,
    struct limit_left_of *of, size_t n);

/** Seconds for Retry-After: ms rounded up. */
static inline uint64_t
limit_seconds(int64_t ms)
{
	return (uint64_t)(ms + 999) / 1000;
}

/**
 * Look whether memcached is back, if it is due: at most one caller on the
 * host does so per second, the others return at once. Called by a background
 * thread of each worker, never by request threads.
 */
void limit_probe(struct limiter *l, int64_t now_ms);
/** What memcached says of itself. Errors: the cache is not there. */
enum err limit_cache_stats(const struct limiter *l, struct mcache_stats *ret,
    struct error *e) ATTR_MUST_CHECK;
/**
 * Say again for each request of this process that it still runs, once in
 * half the time after which that is forgotten. Called by the same thread.
 */
void limit_renew_leases(struct limiter *l, int64_t now_ms);

/*
 * Keys that fail, by client address.
 */

/* One authentication; zeroed before limit_auth_enter(). */
struct limit_auth {
	struct limit_client client;
	int64_t now_ms;
	uint64_t id[2];
	bool is_counted;
};

/** Before the database is asked about a key: false when too many keys of
 * that address failed in this minute. One that is let in is counted. */
bool limit_auth_enter(struct limiter *l, struct limit_auth *a);
/** It was no failure: it is not counted. */
void limit_auth_passed(struct limiter *l, struct limit_auth *a);
/**
 * It failed, with or without limit_auth_enter(). Counts it.
 * @ret_retry_ms  until the minute's end
 * Returns false when it is one too many, to be told as such.
 */
bool limit_auth_failed(struct limiter *l, struct limit_auth *a,
    int64_t *ret_retry_ms);

#endif
