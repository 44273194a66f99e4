/* SPDX-License-Identifier: MIT */
/*
 * Carries key_generations from the database to this host's map, at most half
 * a second late, so that a revoke made on another host is felt here. A thread
 * in every worker; the one that holds the map's duty polls.
 */
#ifndef TG_DOMAIN_GENERATION_H
#define TG_DOMAIN_GENERATION_H

#include "base/err.h"
#include "store/db.h"

struct hostmap;
struct limiter;

struct generation_poller;

struct generation_params {
	const struct db_options *db; /* outlives the poller */
	struct hostmap *map;
	struct limiter *limiter; /* probed on the way; NULL: none */
	unsigned interval_ms;    /* 0: 250 */
};

/** Start the thread. Signals stay blocked in it. */
enum err generation_poller_start(const struct generation_params *params,
    struct generation_poller **ret, struct error *e) ATTR_MUST_CHECK;
/** Stop it within one database time-out. NULL is fine. */
void generation_poller_stop(struct generation_poller *g);

/** One round by a connection of the caller: for commands and tests. */
enum err generation_poll(struct db *db, struct hostmap *map,
    struct error *e) ATTR_MUST_CHECK;

#endif
