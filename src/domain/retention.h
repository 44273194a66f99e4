/* SPDX-License-Identifier: MIT */
/* What is kept for some time only, and then deleted by whichever worker comes
 * first: notices, and what was spent in past periods of budgets. */
#ifndef TG_DOMAIN_RETENTION_H
#define TG_DOMAIN_RETENTION_H

#include "base/clock.h"
#include "base/err.h"

struct db;

/* The shortest time that both may be kept: notices are tried for less, and
 * usage that comes later makes nobody be told of a budget's past period. */
#define RETENTION_MIN_MS (7 * DAY_MS)

/** Notices that wait for nothing. @ret_n  how many. Errors: the database's. */
enum err retention_notices(struct db *db, uint64_t keep_s, uint64_t *ret_n,
    struct error *e) ATTR_MUST_CHECK;
/** Periods that ended as long ago. What is spent in one later makes its row
 * anew, from the rollups. */
enum err retention_budgets(struct db *db, uint64_t keep_s, uint64_t *ret_n,
    struct error *e) ATTR_MUST_CHECK;

#endif
