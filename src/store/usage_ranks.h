/* SPDX-License-Identifier: MIT */
/*
 * usage_ranks: the few numbers that customers are ranked by, of all that each
 * used, and of each model, provider and status, alone and together; by hour,
 * day, pentad and month. Written in the same transaction as the rows.
 */
#ifndef TG_STORE_USAGE_RANKS_H
#define TG_STORE_USAGE_RANKS_H

#include "store/rollup.h"

/* usage_ranks.request_status */
enum rank_status {
	RANK_STATUS_ALL,
	RANK_STATUS_OF, /* the first enum usage_status; the others follow */
	RANK_STATUS__N = RANK_STATUS_OF + USAGE_STATUS__MAX
};
extern const char *const rank_status_names[RANK_STATUS__N];

/* A row of the table. */
struct usage_rank_sums {
	uint64_t model_id; /* 0: all */
	/* 0: all, those that reached none too, which are in no other row. */
	uint64_t provider_id;
	enum rank_status status;
	enum rollup_period period;
	int64_t start_ms;
	uint64_t customer_id;
	uint64_t requests;
	uint64_t failed_requests;
	int64_t cost_pusd;
	uint64_t tok[TOK_CLASS__MAX]; /* of both contexts */
};

/**
 * Adds a batch of rows, in the caller's transaction and the order of the key.
 * Memory: scratch in a. Errors: ERR_MONEY_RANGE; the database's.
 */
enum err store_usage_ranks_add(struct db *db, const struct usage_row *rows,
    size_t n, struct arena *a, struct error *e) ATTR_MUST_CHECK;

/**
 * Changes what rows that were added cost, by their cost_pusd. All of them must
 * have been added. Else as store_usage_ranks_add; ERR_CORRUPT if one is not there.
 */
enum err store_usage_ranks_adjust(struct db *db, const struct usage_row *rows,
    size_t n, struct arena *a, struct error *e) ATTR_MUST_CHECK;

#endif
