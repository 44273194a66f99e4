/* SPDX-License-Identifier: MIT */
/* A new version of a model's price, with its line in the audit log. */
#ifndef TG_DOMAIN_PRICE_SET_H
#define TG_DOMAIN_PRICE_SET_H

#include "store/audit.h"
#include "store/price.h"

struct hostmap;

#define PRICE_NOTE_BYTES 255

/**
 * A new version with its line in the audit log, in a transaction of the
 * caller's, who lets the workers know after it.
 * @action  of the audit log
 * @p       as in price_set()
 * Errors, memory: as price_set().
 */
enum err price_insert(struct db *db, const struct audit *who,
    const char *action, struct price *p, struct arena *a,
    struct error *e) ATTR_MUST_CHECK;

/**
 * Set a price from p->effective_from_ms on (0: from now), and let the workers
 * of this host know. Requests that are admitted before keep their price.
 * @p    all prices given; id and time are filled in
 * @map  NULL where no worker has run yet
 * @who  actor, address, request
 * Errors: ERR_BAD_PARAM "note"; ERR_NOT_FOUND no such model; ERR_CONFLICT it
 *         has a version from that very instant; the database's.
 * Memory: scratch in a, and the note as it was stored.
 */
enum err price_set(struct db *db, struct hostmap *map, const struct audit *who,
    struct price *p, struct arena *a, struct error *e) ATTR_MUST_CHECK;

#endif
