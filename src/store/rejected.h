/* SPDX-License-Identifier: MIT */
/*
 * Table usage_rejected: journal records that the database would never take,
 * set aside whole so that one bad record doesn't stop a host. Append only.
 */
#ifndef TG_STORE_REJECTED_H
#define TG_STORE_REJECTED_H

#include "store/db.h"

struct usage_rejected {
	uint8_t series[16];
	uint64_t off;          /* position of the record in its series */
	struct str error;      /* why: text for people */
	struct str record;     /* the record's bytes */
	int64_t created_at_ms; /* read only */
};

/** In the transaction that moves the offset past the record. */
enum err store_rejected_insert(struct db *db, const struct usage_rejected *r,
    struct error *e) ATTR_MUST_CHECK;
enum err store_rejected_count(struct db *db, uint64_t *ret_n,
    struct error *e) ATTR_MUST_CHECK;
/** The newest ones, up to limit. */
enum err store_rejected_list(struct db *db, uint64_t limit, struct arena *a,
    struct usage_rejected **ret, size_t *ret_n,
    struct error *e) ATTR_MUST_CHECK;

#endif
