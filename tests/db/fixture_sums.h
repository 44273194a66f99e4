/* SPDX-License-Identifier: MIT */
/* Usage and refusals of two months and more, with the sums that are kept of
 * them, for tests of what is read from those. */
#ifndef TG_TESTS_DB_FIXTURE_SUMS_H
#define TG_TESTS_DB_FIXTURE_SUMS_H

#include "db/fixture_db.h"

#define SUMS_USAGE_ROWS     6000
#define SUMS_FIRST_MONTH_MS INT64_C(1793491200000) /* 2026-11-01 */
#define SUMS_STEP_MS        INT64_C(2600000)       /* of every third row */
#define SUMS_LAST_MS \
 (SUMS_FIRST_MONTH_MS + SUMS_USAGE_ROWS / 3 * SUMS_STEP_MS) /* Dec 31 */
#define SUMS_NEVER_MS   (INT64_MAX / 2)
/* the first refusal; the last is 61 days later */
#define SUMS_REFUSED_MS (SUMS_FIRST_MONTH_MS - 20 * DAY_MS)

extern struct db *sums_root; /* while a group runs */

/* A migrated database and a connection of root to it. For cmocka. */
int sums_setup(void **state);
int sums_teardown(void **state);

/* Customers 1 and 2, and rows in groups of the same millisecond. */
void sums_fill_usage(void);
/* Refusals by 20 keys of each of two customers, for 2 models and 2 reasons,
 * every 37 hours. */
void sums_fill_refusals(void);

/* How many rows the connection has read so far; asking counts, too. */
uint64_t sums_rows_read(struct db *db);

#endif
