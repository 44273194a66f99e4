/* SPDX-License-Identifier: MIT */
/*
 * A worker's threads beside those that serve requests: the journal's sync,
 * the host's flusher (whichever worker holds its lock), the poller of
 * generations, the reloader of the catalogue, the sender of notices.
 */
#ifndef TG_DAEMON_BACKGROUND_H
#define TG_DAEMON_BACKGROUND_H

#include "base/err.h"

struct background;
struct conf;
struct crypto_key;
struct db_options;
struct shared;

struct background_params {
	struct shared *shared;
	const struct conf *conf;
	const struct db_options *db; /* outlives the threads */
	const struct crypto_key *seal;
};

/** Errors: ERR_NO_MEMORY. Memory: malloc; background_stop(). */
enum err background_start(const struct background_params *params,
    struct background **ret, struct error *e) ATTR_MUST_CHECK;
/** Stop and join them; the journal's sync goes last. NULL is fine. */
void background_stop(struct background *b);

#endif
