/* SPDX-License-Identifier: MIT */
/*
 * When a model last answered well and when it last failed, whoever asked it:
 * the day by the sums of everybody, the request itself by the index of the
 * model's rows. Neither reads more than a bounded number of rows.
 */
#ifndef TG_STORE_MODEL_HEALTH_H
#define TG_STORE_MODEL_HEALTH_H

#include "store/usage.h"

/* The last day with requests that ended well, or that failed. */
struct model_day {
	uint64_t model_id;
	bool
	    has_failed; /* what its requests did; a client that left is neither */
	int64_t day_ms;
};

/** For every model, since a day. Memory: in a. */
enum err store_model_days(struct db *db, int64_t since_ms, struct arena *a,
    struct model_day **ret, size_t *ret_n, struct error *e) ATTR_MUST_CHECK;

struct model_last {
	int64_t time_ms; /* admission */
	enum usage_status status;
	struct str error_code; /* p == NULL: none */
};

/* So many of the day's newest requests are looked at. */
#define MODEL_LAST_ROWS 500

/** The newest such request of that day among the newest MODEL_LAST_ROWS.
 * Errors: ERR_NOT_FOUND none of them is. Memory: in a. */
enum err store_model_last(struct db *db, const struct model_day *d,
    struct arena *a, struct model_last *ret, struct error *e) ATTR_MUST_CHECK;

#endif
