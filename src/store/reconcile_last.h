/* SPDX-License-Identifier: MIT */
/* Table reconcile_results: how the books were found last, a row a host. */
#ifndef TG_STORE_RECONCILE_LAST_H
#define TG_STORE_RECONCILE_LAST_H

#include "store/db.h"

#define RECONCILE_LAST_MAX 100 /* rows of a list */

struct reconcile_last {
	struct str host;
	int64_t started_at_ms, finished_at_ms;
	bool is_clean;
	bool has_journals; /* the host's journals were compared, too */
	uint64_t usage_rows;
	uint64_t n_differences; /* as far as they were listed */
	uint64_t n_faults;
	uint64_t n_pending;
	uint64_t n_unchecked;
};

enum err store_reconcile_last_set(struct db *db, const struct reconcile_last *r,
    struct error *e) ATTR_MUST_CHECK;
/** The newest first. Memory: in a. */
enum err store_reconcile_last_list(struct db *db, struct arena *a,
    struct reconcile_last **ret, size_t *ret_n,
    struct error *e) ATTR_MUST_CHECK;

#endif
