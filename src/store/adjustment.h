/* SPDX-License-Identifier: MIT */
/*
 * Table usage_adjustments: what rows of usage cost since they were rated
 * anew. The rows stay as they were written; an adjustment is booked like
 * them, in rollups and ledger, in one transaction. What a row costs now is
 * its last adjustment's cost, or else its own.
 */
#ifndef TG_STORE_ADJUSTMENT_H
#define TG_STORE_ADJUSTMENT_H

#include "base/tok_class.h"
#include "store/db.h"
#include "store/usage.h"

/* A row of usage with what is valid for it now. */
struct rated_usage {
	uint64_t usage_id;
	int64_t request_timestamp_ms;
	uint64_t customer_id;
	uint64_t project_id; /* 0: none, as in usage_row */
	uint64_t user_id;
	uint64_t api_key_id;
	uint64_t model_id;
	uint64_t provider_id;
	uint64_t agent_id;
	uint64_t connector_id;
	enum usage_status status;
	enum usage_source usage_source;
	enum usage_origin origin;
	uint64_t tok[TOK_CONTEXT__MAX][TOK_CLASS__MAX];
	uint64_t latency_ms;
	int64_t time_to_first_token_ms;
	uint64_t markup_ppm;
	int64_t cost_pusd;          /* DB_MONEY_NULL: unknown */
	int64_t provider_cost_pusd; /* likewise */
	uint64_t price_version_id;  /* 0: none */
	uint64_t n_adjustments;
};

/* Which rows; all of [from, to) if model_id is 0. */
struct rated_filter {
	int64_t from_ms, to_ms;
	uint64_t model_id;
};

/**
 * The next rows behind usage_id `after`, by usage_id, up to limit.
 * Memory: in a.
 */
enum err store_rated_list(struct db *db, const struct rated_filter *f,
    uint64_t after, uint64_t limit, struct arena *a, struct rated_usage **ret,
    size_t *ret_n, struct error *e) ATTR_MUST_CHECK;

/* A row's new cost. */
struct adjustment {
	const struct rated_usage *usage; /* as it was read */
	uint64_t price_version_id;
	int64_t cost_pusd;
	int64_t provider_cost_pusd;
};

/**
 * Book adjustments in one transaction, the open one if there is: the rows of
 * usage_adjustments, the change of all rollups, one ledger transfer a customer.
 * @rows  at least one, each of another row of usage
 * Errors: ERR_CONFLICT somebody adjusted one of them since it was read (read
 *         again); ERR_CORRUPT a rollup or an account is missing;
 *         ERR_MONEY_RANGE.
 * Memory: scratch in a.
 */
enum err store_adjust(struct db *db, const struct adjustment *rows, size_t n,
    struct arena *a, struct error *e) ATTR_MUST_CHECK;

#endif
