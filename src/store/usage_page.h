/* SPDX-License-Identifier: MIT */
/*
 * Rows of usage_records as they are looked at: by filters and time, the
 * newest first, in pages. A cursor is the time and id of a page's last row,
 * so a page costs the same wherever it lies, and what is posted meanwhile
 * shifts nothing. Where an index leads to more than what is asked for, a page
 * ends after USAGE_SEARCH_MAX rows that it looked at, with what it has found.
 *
 * tenant: the customer whose rows may be met; 0: anybody's (operators).
 */
#ifndef TG_STORE_USAGE_PAGE_H
#define TG_STORE_USAGE_PAGE_H

#include "store/usage.h"

struct usage_view {
	uint64_t usage_id;
	int64_t created_at_ms; /* posting */
	int64_t updated_at_ms; /* the same: rows don't change */
	struct usage_row row;  /* as it was written */
	/* What is in force: adjustments of the row's cost included. */
	int64_t cost_pusd;
	int64_t provider_cost_pusd;
	uint64_t price_version_id;
};

/* Zeros and NULL say nothing. */
struct usage_filter {
	uint64_t customer_id;
	uint64_t api_key_id;
	uint64_t user_id;
	uint64_t project_id;
	uint64_t agent_id;
	uint64_t connector_id;
	uint64_t model_id;
	uint64_t provider_id;
	struct str status; /* one of usage_status_names */
	struct str origin; /* one of usage_origin_names */
	int64_t from_ms;   /* from this instant ... */
	int64_t to_ms;     /* ... to the one before this */
};

struct usage_cursor {
	int64_t time_ms;
	uint64_t usage_id; /* 0: from the beginning, or no further */
};

/* Some 6 us each on a server that has them in memory. */
#define USAGE_SEARCH_MAX 50000

/** The index that leads to what f asks for. */
enum stmt store_usage_page_stmt(uint64_t tenant, const struct usage_filter *f);
/**
 * Up to limit rows behind a cursor.
 * @ret_next  behind what was looked at; its usage_id is 0 at the end. Fewer
 *            rows than limit, even none, are not the end.
 * Memory: in a.
 */
enum err store_usage_page(struct db *db, uint64_t tenant,
    const struct usage_filter *f, struct usage_cursor after, uint64_t limit,
    struct arena *a, struct usage_view **ret, size_t *ret_n,
    struct usage_cursor *ret_next, struct error *e) ATTR_MUST_CHECK;
/**
 * Where to stop, so that a page costs little however few rows fit: the time
 * of the last of n_rows behind the cursor among those that the leading filter
 * alone lets through; f->from_ms if there are fewer.
 * @tenant  not 0
 */
enum err store_usage_floor(struct db *db, uint64_t tenant,
    const struct usage_filter *f, struct usage_cursor after, uint64_t n_rows,
    struct arena *a, int64_t *ret_ms, struct error *e) ATTR_MUST_CHECK;
/** Errors: ERR_NOT_FOUND. Memory: texts in a. */
enum err store_usage_view(struct db *db, uint64_t tenant,
    const struct uuid7 *request_id, struct arena *a, struct usage_view *ret,
    struct error *e) ATTR_MUST_CHECK;
enum err store_usage_view_by_id(struct db *db, uint64_t tenant,
    uint64_t usage_id, struct arena *a, struct usage_view *ret,
    struct error *e) ATTR_MUST_CHECK;
/**
 * The views of n rows that were just inserted: their numbers and times of
 * posting, by few statements.
 * @v  `row` of each is given
 * Errors: ERR_NOT_FOUND one is not there. Memory: scratch in a.
 */
enum err store_usage_posted(struct db *db, struct arena *a,
    struct usage_view *v, size_t n, struct error *e) ATTR_MUST_CHECK;

#endif
