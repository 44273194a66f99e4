/* SPDX-License-Identifier: MIT */
/*
 * All that is kept of a customer, line by line as JSON (NDJSON): the customer,
 * its users, projects, agents, connectors and keys without any secret, its
 * ledger, its usage and the sums of what was pruned. For whoever leaves, and for the operator's records; so a
 * closed customer has one, too. Pages of each kind, so that memory does not
 * grow with their number.
 */
#ifndef TG_DOMAIN_CUSTOMER_EXPORT_H
#define TG_DOMAIN_CUSTOMER_EXPORT_H

#include "domain/resource.h"
#include "store/closing.h"
#include "store/usage_page.h"

/* In this order. */
enum export_stage {
	EXPORT_CUSTOMER,
	EXPORT_USERS,
	EXPORT_PROJECTS,
	EXPORT_AGENTS,
	EXPORT_CONNECTORS,
	EXPORT_KEYS,
	EXPORT_ACCOUNTS,
	EXPORT_TRANSFERS,
	EXPORT_CLOSINGS,
	EXPORT_USAGE,
	EXPORT_END, /* the last line, which counts those before it */
	EXPORT_OVER
};

/* Where an export is. A page that failed can be asked for again. */
struct customer_export {
	uint64_t customer_id;
	int64_t until_ms; /* usage admitted before it */
	enum export_stage stage;
	uint64_t after_id;
	uint64_t account_id; /* whose transfers are next */
	bool has_closing;
	struct closing closing; /* the last one, if there was one */
	struct usage_cursor cursor;
	uint64_t n_lines;
};

/**
 * Whether there is something to export, of which nothing goes out yet: nobody
 * is told.
 * Errors, memory: as customer_export_begin().
 */
enum err customer_export_check(const struct manager *m, uint64_t customer_id,
    struct arena *a, struct error *e) ATTR_MUST_CHECK;
/**
 * From the beginning, as it is now; written to the audit log first, so that
 * none goes out without a line there.
 * Errors: ERR_NOT_FOUND there is no such customer; the database's.
 * Memory: scratch in a.
 */
enum err customer_export_begin(struct customer_export *x,
    const struct manager *m, uint64_t customer_id, struct arena *a,
    struct error *e) ATTR_MUST_CHECK;

#define CUSTOMER_EXPORT_ARENA MIB(16)
/**
 * The next lines, each ending in LF; at least one until it is over.
 * @a        CUSTOMER_EXPORT_ARENA; reset before each call by the caller
 * @ret      n == 0: it is over
 * Errors: ERR_NOT_FOUND there is no such customer; the database's. x stays
 * then as it was.
 */
enum err customer_export_next(struct customer_export *x, struct db *db,
    struct arena *a, struct str *ret, struct error *e) ATTR_MUST_CHECK;

#endif
