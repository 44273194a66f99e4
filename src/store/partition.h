/* SPDX-License-Identifier: MIT */
/* The months of usage_records. */
#ifndef TG_STORE_PARTITION_H
#define TG_STORE_PARTITION_H

#include "store/db.h"

#define PARTITION_MONTHS_AHEAD 12

/**
 * Have a partition of its own for every month from now_ms on and
 * PARTITION_MONTHS_AHEAD more. Rows of later months go to the last partition
 * and are moved when their month is made. Harmless when all are there.
 * @db  of the account tollgate_migrate
 */
enum err partition_ensure(struct db *db, int64_t now_ms, struct arena *a,
    struct error *e) ATTR_MUST_CHECK;

#endif
