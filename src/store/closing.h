/* SPDX-License-Identifier: MIT */
/*
 * Table usage_closings: the sums that stay of months whose rows of usage were
 * pruned. Rows become sums in one transaction, so at any time each request is
 * in exactly one of the two tables.
 */
#ifndef TG_STORE_CLOSING_H
#define TG_STORE_CLOSING_H

#include "store/adjustment.h"
#include "store/usage.h"

/* A month's sums of one customer by all that usage is booked on; 0: none. Costs
 * are those in force. */
struct closing {
	int64_t month_ms;
	uint64_t customer_id, project_id, user_id, api_key_id, model_id;
	uint64_t provider_id, agent_id, connector_id;
	enum usage_status status;
	uint64_t requests, unpriced_requests, estimated_requests;
	uint64_t started_requests;
	uint64_t tok[TOK_CONTEXT__MAX][TOK_CLASS__MAX];
	int64_t cost_pusd, provider_cost_pusd;
	uint64_t latency_ms, time_to_first_token_ms;
};
/** Up to limit of a customer's behind one of them (NULL: from the first on), by
 * month. Memory: in a. */
enum err store_closing_page(struct db *db, uint64_t customer_id,
    const struct closing *after, uint64_t limit, struct arena *a,
    struct closing **ret, size_t *ret_n, struct error *e) ATTR_MUST_CHECK;

/* Rows of one transaction: what a flusher waits for at most. */
#define CLOSING_ROWS_MAX 2000

/**
 * Until when usage is closed: the end of the last month that has a closing;
 * 0 if none has.
 */
enum err store_closing_end(struct db *db, struct arena *a, int64_t *ret_ms,
    struct error *e) ATTR_MUST_CHECK;

/* Rows of usage before a time. */
struct prune_count {
	uint64_t rows;
	int64_t cost_pusd; /* as the rows were written */
	uint64_t unpriced_rows;
};
enum err store_prune_count(struct db *db, int64_t before_ms, struct arena *a,
    struct prune_count *ret, struct error *e) ATTR_MUST_CHECK;

/**
 * Close the next rows before before_ms, which is the start of a month: add
 * them to usage_closings at the costs in force, delete them and their
 * adjustments. One transaction.
 * @after    usage_id behind which to look; moved to the last one closed
 * @ret_n    rows closed, up to CLOSING_ROWS_MAX; 0: there are none
 * Errors: ERR_DB_RETRY rows or adjustments were added in between: try again.
 * Memory: scratch in a.
 */
enum err store_prune_step(struct db *db, int64_t before_ms, uint64_t *after,
    struct arena *a, size_t *ret_n, struct error *e) ATTR_MUST_CHECK;

#endif
