/* SPDX-License-Identifier: MIT */
/*
 * Table usage_refusals: how often a known key was refused, by hour, model
 * and reason; and its sums by hour, day and month, usage_refusal_keys by key
 * and usage_refusal_totals by model and reason, of each customer and of all
 * together. Refused requests make no usage row.
 */
#ifndef TG_STORE_REFUSAL_H
#define TG_STORE_REFUSAL_H

#include "store/db.h"

#define REFUSAL_REASON_BYTES 40

struct usage_refusal {
	uint64_t customer_id;
	int64_t hour_ms;
	uint64_t api_key_id;
	uint64_t model_id; /* 0: none, or an unknown one */
	struct str reason; /* an API code of errors.def; ASCII */
	uint64_t refusals;
};

/** Order of the primary key; for qsort(). */
int usage_refusal_compare(const void *a, const void *b);
/**
 * Add to the table and to its sums, in the caller's transaction. Writers take
 * locks in one order: table by table, in each by key; everybody's come last.
 * @rows  distinct keys, sorted by usage_refusal_compare()
 * Memory: scratch in a.
 */
enum err store_refusal_add(struct db *db, const struct usage_refusal *rows,
    size_t n, struct arena *a, struct error *e) ATTR_MUST_CHECK;

#endif
