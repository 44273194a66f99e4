/* SPDX-License-Identifier: MIT */
/*
 * Counters in memcached, by libmemcached's text protocol: the only module
 * that knows it. A small pool of connections that threads borrow for one
 * call. It counts; what a count means is domain/limit's business.
 *
 * A key is made only by mcache_key_make(), so no input can ever reach the
 * protocol: a literal, hexadecimal digits, decimal digits.
 */
#ifndef TG_EXT_MCACHE_H
#define TG_EXT_MCACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct mcache;

struct mcache_params {
	const char *servers; /* comma-separated: /path or host:port */
	unsigned pool;       /* connections at most */
	unsigned timeout_ms; /* of an answer; half of it to connect */
};

/**
 * Connects at the first use, so memcached may be away now.
 * Errors: ERR_CONFIG servers can't be read; ERR_NO_MEMORY.
 * Memory: malloc; mcache_free() when no thread uses it any more.
 */
enum err mcache_new(const struct mcache_params *params, struct mcache **ret,
    struct error *e) ATTR_MUST_CHECK;
void mcache_free(struct mcache *m);

#define MCACHE_KEY_BYTES 96

struct mcache_key {
	size_t n;
	char text[MCACHE_KEY_BYTES]; /* "tg:<space>:<hex>:<number>" */
};

/**
 * @space   a literal of lower-case letters, digits, '-' and ':'
 * @digest  n_digest bytes, at most 20
 */
void mcache_key_make(struct mcache_key *ret, const char *space,
    const void *digest, size_t n_digest, uint64_t number);

/*
 * Errors of all: ERR_LIMITS_DOWN, the reason in words for the log. A call
 * that failed is tried once more on a new connection, so a counter may have
 * been moved twice then: never too little by mcache_incr(). Longest time:
 * twice connecting and the answer.
 */

/**
 * Add to a counter, starting it at 0 if there is none.
 * @ttl_s      when it ends if it starts now, 1..30 days
 * @ret_value  after the addition
 */
enum err mcache_incr(struct mcache *m, const struct mcache_key *key,
    uint64_t by, uint32_t ttl_s, uint64_t *ret_value,
    struct error *e) ATTR_MUST_CHECK;
/** Subtract, not below 0. A counter that is gone is no error: 0. */
enum err mcache_decr(struct mcache *m, const struct mcache_key *key,
    uint64_t by, uint64_t *ret_value, struct error *e) ATTR_MUST_CHECK;
/* One counter of several. */
struct mcache_move {
	struct mcache_key key;
	uint64_t by;    /* 0: only read */
	bool is_back;   /* subtracted, as by mcache_decr() */
	uint32_t ttl_s; /* as for mcache_incr() */
	uint64_t value; /* result: some time after the move, so with what
			    others did meanwhile; 0 if there is none */
};
#define MCACHE_MOVES_MAX 64
/**
 * Move several counters, in about the time of one: none is waited for but
 * the last. What one caller reads holds at least its own addition and all
 * that were made before it.
 * @n  up to MCACHE_MOVES_MAX
 * Errors: some may have been moved then.
 */
enum err mcache_move_many(struct mcache *m, struct mcache_move *moves, size_t n,
    struct error *e) ATTR_MUST_CHECK;
/** Also ERR_NOT_FOUND. */
enum err mcache_get(struct mcache *m, const struct mcache_key *key,
    uint64_t *ret_value, struct error *e) ATTR_MUST_CHECK;

/* For `tollgate doctor`: sums over the servers. */
struct mcache_stats {
	uint64_t n_servers, n_servers_up;
	uint64_t n_evictions; /* > 0: counters were lost, memory is short */
	uint64_t used_bytes, max_bytes, n_items;
	uint64_t uptime_s; /* the least */
};
enum err mcache_stats(struct mcache *m, struct mcache_stats *ret,
    struct error *e) ATTR_MUST_CHECK;
/** Whether all servers answer. */
enum err mcache_ping(struct mcache *m, struct error *e) ATTR_MUST_CHECK;

#endif
