/* SPDX-License-Identifier: MIT */
/*
 * Table usage_refusals: how often a known key was refused, by hour, model
 * and reason. Refused requests make no usage row.
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
/** Add to the table, in the caller's transaction.
 * @rows  distinct keys, sorted by usage_refusal_compare() */
enum err store_refusal_add(struct db *db, const struct usage_refusal *rows,
    size_t n, struct error *e) ATTR_MUST_CHECK;

#endif
