/* SPDX-License-Identifier: MIT */
/* New versions of models' prices, with their lines in the audit log. */
#ifndef TG_DOMAIN_PRICE_SET_H
#define TG_DOMAIN_PRICE_SET_H

#include "store/audit.h"
#include "store/price.h"

struct hostmap;

/**
 * Add a version, and write that to the audit log, in the caller's transaction.
 * @p       all prices given; effective_from_ms 0: from now
 * @who     actor, address, request
 * @action  such as "price.set"
 * @ret     as it was stored; its note lies in a
 * Errors: ERR_NOT_FOUND no such model; ERR_CONFLICT it has a version from
 *         that very instant; the database's.
 */
enum err price_add(struct db *db, const struct audit *who, const char *action,
    const struct price *p, struct arena *a, struct price *ret,
    struct error *e) ATTR_MUST_CHECK;

/**
 * Set a price from p->effective_from_ms on (0: from now), and let the workers
 * of this host know. Requests that are admitted before keep their price.
 * @p    all prices given; id and time are filled in
 * @map  NULL where no worker has run yet
 * Errors: price_add()'s.
 * Memory: scratch in a, and the note as it was stored.
 */
enum err price_set(struct db *db, struct hostmap *map, const struct audit *who,
    struct price *p, struct arena *a, struct error *e) ATTR_MUST_CHECK;

#endif
