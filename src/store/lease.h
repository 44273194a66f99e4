/* SPDX-License-Identifier: MIT */
/*
 * Table leases: who may do a duty of the cluster now. Times are the
 * database's; each new holder gets a higher fence, and every effect of the
 * duty checks it in its own transaction with store_lease_check().
 */
#ifndef TG_STORE_LEASE_H
#define TG_STORE_LEASE_H

#include "store/db.h"

struct lease {
	struct str name;    /* of the duty */
	uint8_t holder[16]; /* random, one per process */
	uint64_t fence;
};

/**
 * Take a lease that nobody holds.
 * @l       name and holder are read, fence is set
 * @ttl_ms  how long without store_lease_renew()
 * Errors: ERR_CONFLICT somebody else holds it.
 */
enum err store_lease_take(struct db *db, struct lease *l, uint64_t ttl_ms,
    struct error *e) ATTR_MUST_CHECK;
/** Whether its last holder never gave it back: it was cut off, or is at it. */
enum err store_lease_is_kept(struct db *db, struct str name, bool *ret,
    struct error *e) ATTR_MUST_CHECK;
/** Errors: ERR_CONFLICT it was lost. */
enum err store_lease_renew(struct db *db, const struct lease *l,
    uint64_t ttl_ms, struct error *e) ATTR_MUST_CHECK;
/** Give it back; losing it before is no error. */
enum err store_lease_release(struct db *db, const struct lease *l,
    struct error *e) ATTR_MUST_CHECK;
/** In an effect's transaction: locks the row and checks that it is still
 * ours. Errors: ERR_CONFLICT. */
enum err store_lease_check(struct db *db, const struct lease *l,
    struct error *e) ATTR_MUST_CHECK;

#endif
