/* SPDX-License-Identifier: MIT */
/* Tiers, as they are managed; rows are struct tier. For operators. */
#ifndef TG_DOMAIN_TIER_H
#define TG_DOMAIN_TIER_H

#include "domain/resource.h"
#include "store/tier.h"

extern const struct resource tier_resource;

/**
 * The tier of that name, for a key or user.
 * @name  p == NULL: none, and *ret_tier_id becomes 0
 * Errors: ERR_BAD_PARAM "rate_limit_tier".
 */
enum err tier_find(struct db *db, struct str name, struct arena *a,
    uint64_t *ret_tier_id, struct error *e) ATTR_MUST_CHECK;

#endif
