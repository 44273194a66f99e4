/* SPDX-License-Identifier: MIT */
/*
 * Pruning usage: rows of whole months become closings, and the months'
 * partitions go. It may be interrupted at any point and run again.
 */
#ifndef TG_DOMAIN_PRUNE_H
#define TG_DOMAIN_PRUNE_H

#include "store/closing.h"

struct prune_result {
	uint64_t rows;
	size_t partitions;
};

/**
 * @before_ms  the start of a month
 * @keep_ms    how long journals are kept: months whose requests a journal may
 *             still hold are not pruned
 * Errors: ERR_BAD_PARAM a month that is not over for so long, or no month's
 *         start.
 */
enum err prune_check(int64_t before_ms, int64_t now_ms, int64_t keep_ms,
    struct error *e) ATTR_MUST_CHECK;

/**
 * @db  of an account that may delete usage and change its table
 * Memory: scratch in a.
 */
enum err prune_run(struct db *db, int64_t before_ms, struct arena *a,
    struct prune_result *ret, struct error *e) ATTR_MUST_CHECK;

#endif
