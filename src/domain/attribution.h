/* SPDX-License-Identifier: MIT */
/*
 * Whom a request says that it is for, besides its key: a user, an agent, a
 * connector of the key's customer. Answered from a cache of this process, so
 * that a busy agent costs no query a request. An entry carries the
 * generations that were read before its query: what is archived on this host
 * is refused at once, elsewhere within a second.
 */
#ifndef TG_DOMAIN_ATTRIBUTION_H
#define TG_DOMAIN_ATTRIBUTION_H

#include <stdint.h>

#include "base/err.h"

struct db_pool;
struct hostmap;

enum attribution_kind {
	ATTRIBUTION_USER,
	ATTRIBUTION_AGENT,
	ATTRIBUTION_CONNECTOR,
	ATTRIBUTION__N
};

struct attribution_cache; /* shared by the threads of a process */

struct attribution_params {
	struct db_pool *db;
	struct hostmap *map;
	uint64_t cache_s;     /* auth.cache_s */
	uint64_t stale_max_s; /* auth.stale_max_s */
};

/* Memory: malloc, of one fixed size; attribution_cache_free(). */
enum err attribution_cache_new(const struct attribution_params *params,
    struct attribution_cache **ret, struct error *e) ATTR_MUST_CHECK;
void attribution_cache_free(struct attribution_cache *c);

/**
 * Whether the customer has one with that id which is in use.
 * Errors: ERR_NOT_FOUND nobody has it, another customer has it, it is
 *         archived: all the same; ERR_DB_DOWN it is not known here and the
 *         database can't be asked.
 * Waits:  not at all when known; else for the database.
 */
enum err attribution_check(struct attribution_cache *c,
    enum attribution_kind kind, uint64_t customer_id, uint64_t id,
    struct error *e) ATTR_MUST_CHECK;

/** Queries made so far. */
uint64_t attribution_n_queries(const struct attribution_cache *c);

#endif
