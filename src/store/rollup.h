/* SPDX-License-Identifier: MIT */
/*
 * Sums of usage_records, written in the same transaction as the rows:
 * usage_hourly, usage_daily and usage_monthly with all dimensions,
 * usage_callers with those of who asked, by day and month, and usage_totals
 * with those of what was asked and usage_sums with no others, for each customer
 * and for all together. usage_ranks is written with them (store/usage_ranks.h).
 * In keys 0 stands for "none", because a key column cannot
 * be NULL.
 */
#ifndef TG_STORE_ROLLUP_H
#define TG_STORE_ROLLUP_H

#include "base/histogram.h"
#include "base/tok_class.h"
#include "store/db.h"

struct usage_row;

/* What all of them sum up. */
struct rollup_sums {
	uint64_t requests;
	uint64_t unpriced_requests;  /* cost unknown */
	uint64_t estimated_requests; /* usage_source = estimated */
	uint64_t tok[TOK_CONTEXT__MAX][TOK_CLASS__MAX];
	int64_t cost_pusd;               /* of the requests with a known cost */
	int64_t provider_cost_pusd;      /* likewise */
	uint64_t latency_ms;             /* sum; divide by requests */
	uint64_t time_to_first_token_ms; /* sum; divide by ttft's total */
	struct histogram latency;
	struct histogram ttft; /* only requests that sent a token */
};

enum rollup_period {
	ROLLUP_HOUR,
	ROLLUP_DAY,
	ROLLUP_MONTH,
	ROLLUP_PENTAD, /* five days of a month; last, as refusals stop before */
	ROLLUP_PERIOD__N
};
extern const char *const rollup_period_names[ROLLUP_PERIOD__N];

enum rollup_scope {
	ROLLUP_FULL,            /* usage_hourly, _daily, _monthly; no pentads */
	ROLLUP_OF_CALLER,       /* usage_callers; neither hours nor pentads */
	ROLLUP_OF_CUSTOMER,     /* usage_totals */
	ROLLUP_ALL_OF_CUSTOMER, /* usage_sums */
	ROLLUP_OF_EVERYBODY,    /* usage_totals, customer 0 */
	ROLLUP_ALL_OF_EVERYBODY, /* usage_sums, customer 0 */
	ROLLUP_SCOPE__N
};

/* One row of one of the tables; what a table lacks is 0. */
struct rollup {
	enum rollup_period period;
	uint64_t customer_id;
	int64_t start_ms;
	uint64_t project_id;
	uint64_t user_id;
	uint64_t api_key_id;
	uint64_t model_id;
	uint64_t provider_id;
	uint64_t agent_id;
	uint64_t connector_id;
	enum usage_status status;
	uint64_t failed_requests; /* where the status is no key */
	struct rollup_sums sums;
};

/** When the period began that an instant is in. */
int64_t rollup_start_ms(int64_t time_ms, enum rollup_period period);
/** When the period after the one begins that an instant is in. */
int64_t rollup_next_ms(int64_t time_ms, enum rollup_period period);
/** Whether sums of that scope are kept by that period. */
bool rollup_has(enum rollup_scope scope, enum rollup_period period);
/** Key of the sum that a row belongs to, with empty sums. */
void rollup_of(const struct usage_row *u, enum rollup_scope scope,
    enum rollup_period period, struct rollup *ret);
/** Add a row. Errors: ERR_MONEY_RANGE. */
enum err rollup_sums_add(struct rollup_sums *s, const struct usage_row *u,
    struct error *e) ATTR_MUST_CHECK;
/** Order of the primary keys of one scope and period; for qsort(). */
int rollup_compare(const void *a, const void *b);

/**
 * All rollups of a batch of rows, in the caller's transaction: aggregates,
 * sorts and writes. Writers take locks in one order: scope by scope, in each
 * period by period, in each by key; usage_ranks before ROLLUP_OF_CUSTOMER. What
 * is busiest comes last: the sums of everybody.
 * Memory: scratch in a.
 */
enum err store_rollup_usage(struct db *db, const struct usage_row *rows,
    size_t n, struct arena *a, struct error *e) ATTR_MUST_CHECK;

#endif
