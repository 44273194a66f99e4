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

/**
 * Take away the partitions of months that end at before_ms or earlier, the
 * start of a month. Rows that are in them move to the first partition, where
 * a row that comes late for such a month goes too.
 * @db      of the account tollgate_migrate
 * @ret_n   how many there were
 */
enum err partition_merge(struct db *db, int64_t before_ms, struct arena *a,
    size_t *ret_n, struct error *e) ATTR_MUST_CHECK;

#endif
