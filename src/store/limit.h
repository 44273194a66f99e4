/* SPDX-License-Identifier: MIT */
/*
 * Tables rate_limits and role_tiers: limits of tiers, customers and keys,
 * and the tier that a role brings. Two of the limits, a key's requests a
 * minute and an hour for each model, are columns of their holders; those are
 * read and written with the rows of store/tier, customer and key, which use
 * what is here for the others.
 */
#ifndef TG_STORE_LIMIT_H
#define TG_STORE_LIMIT_H

#include "base/limit_set.h"
#include "store/db.h"

/* Whose limits; one of them is not 0. */
struct limit_holder {
	uint64_t tier_id;
	uint64_t customer_id;
	uint64_t api_key_id;
};

/** In a transaction: the holder's rows become what set states, without the
 * two columns. Whoever calls bumps a generation.
 * Errors: ERR_BAD_PARAM no such holder. */
enum err store_limit_set(struct db *db, struct limit_holder holder,
    const struct limit_set *set, struct error *e) ATTR_MUST_CHECK;

/* The two columns of a holder. */
#define DB_LIMIT_COLUMNS(set)                                 \
 db_opt(limit_set_get(set, LIMIT_KEY_MODEL_REQUESTS_MINUTE)), \
     db_opt(limit_set_get(set, LIMIT_KEY_MODEL_REQUESTS_HOUR))

struct role_tier {
	struct str role;
	uint64_t tier_id;
};
/** tier_id 0: the role brings none. Bumps the catalogue. */
enum err store_role_tier_set(struct db *db, struct str role, uint64_t tier_id,
    struct error *e) ATTR_MUST_CHECK;
enum err store_role_tier_list(struct db *db, struct arena *a,
    struct role_tier **ret, size_t *ret_n, struct error *e) ATTR_MUST_CHECK;

#endif
