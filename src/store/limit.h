/* SPDX-License-Identifier: MIT */
/*
 * Tables rate_limits and role_tiers: limits of tiers, customers and keys
 * beyond the two that are columns of theirs (a key's requests a minute and
 * an hour for each model), and the tier that a role brings.
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

/** What a holder states, without those two columns. */
enum err store_limit_load(struct db *db, struct limit_holder holder,
    struct arena *a, struct limit_set *ret, struct error *e) ATTR_MUST_CHECK;

/* A number to write: LIMIT_UNSTATED takes it away. */
struct limit_change {
	enum limit_metric metric;
	int64_t max;
};
/**
 * Write some numbers; the others stay. Bumps the key's slot, or the
 * catalogue's for tiers and customers.
 * Errors: ERR_BAD_PARAM no such holder, or one of the two columns' metrics.
 */
enum err store_limit_change(struct db *db, struct limit_holder holder,
    const struct limit_change *changes, size_t n,
    struct error *e) ATTR_MUST_CHECK;

/* What is asked for when a key is loaded; tiers 0: none. */
struct limit_query {
	uint64_t api_key_id, customer_id;
	uint64_t tier_id[3];
};
struct limit_row {
	uint64_t tier_id, customer_id, api_key_id; /* the holder */
	enum limit_metric metric;
	uint64_t max;
};
/** For lists of customers and of a customer's keys (0: everybody's): rows of
 * all of them, in order of their id. */
enum err store_limit_of_customers(struct db *db, struct arena *a,
    struct limit_row **ret, size_t *ret_n, struct error *e) ATTR_MUST_CHECK;
enum err store_limit_of_keys(struct db *db, uint64_t customer_id,
    struct arena *a, struct limit_row **ret, size_t *ret_n,
    struct error *e) ATTR_MUST_CHECK;
enum err store_limit_for_key(struct db *db, const struct limit_query *q,
    struct arena *a, struct limit_row **ret, size_t *ret_n,
    struct error *e) ATTR_MUST_CHECK;

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
