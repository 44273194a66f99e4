/* SPDX-License-Identifier: MIT */
/* Table rate_limit_tiers: named limits that keys and users refer to. */
#ifndef TG_STORE_TIER_H
#define TG_STORE_TIER_H

#include "store/db.h"

struct tier {
	uint64_t tier_id;
	struct str name;
	struct limit_set limits;
	uint64_t roles; /* whose users have it; bits of enum user_role */
	int64_t archived_at_ms; /* 0: not archived */
};

/** Errors: ERR_CONFLICT the name is taken. Bumps the catalogue. */
enum err store_tier_insert(struct db *db, const struct tier *t,
    uint64_t *ret_tier_id, struct error *e) ATTR_MUST_CHECK;
/** Write limits and roles of t->tier_id; a role has one tier, which is from
 * then on this one. Bumps the catalogue. */
enum err store_tier_update(struct db *db, const struct tier *t,
    struct error *e) ATTR_MUST_CHECK;
/** One that is not archived. Errors: ERR_NOT_FOUND. */
enum err store_tier_by_name(struct db *db, struct str name, struct arena *a,
    struct tier *ret, struct error *e) ATTR_MUST_CHECK;
/** All: keys may still have an archived one, whose name may be another's. */
enum err store_tier_list(struct db *db, struct arena *a, struct tier **ret,
    size_t *ret_n, struct error *e) ATTR_MUST_CHECK;

enum err store_tier_by_id(struct db *db, uint64_t tier_id, struct arena *a,
    struct tier *ret, struct error *e) ATTR_MUST_CHECK;
/** @name  only the one of that name; p == NULL: all */
enum err store_tier_page(struct db *db, struct str name, bool with_archived,
    uint64_t after_id, uint64_t limit, struct arena *a, struct tier **ret,
    size_t *ret_n, struct error *e) ATTR_MUST_CHECK;
/** In a transaction. Errors: ERR_NOT_FOUND. */
enum err store_tier_lock(struct db *db, uint64_t tier_id,
    struct error *e) ATTR_MUST_CHECK;
/** No key or user gets it from now on; those that have it keep it. */
enum err store_tier_archive(struct db *db, uint64_t tier_id,
    struct error *e) ATTR_MUST_CHECK;

#endif
