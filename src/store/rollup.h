/* SPDX-License-Identifier: MIT */
/*
 * Tables usage_hourly and usage_daily: sums of usage_records, written in the
 * same transaction as the rows. In keys 0 stands for "none", because a key
 * column cannot be NULL. Aggregate a batch in the process first; rows of one
 * call must have distinct keys and be sorted by rollup_hour_compare() or
 * rollup_day_compare(), so that writers take locks in one order.
 */
#ifndef TG_STORE_ROLLUP_H
#define TG_STORE_ROLLUP_H

#include "base/histogram.h"
#include "base/tok_class.h"
#include "store/db.h"

struct usage_row;

/* What both tables sum up. */
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

struct rollup_hour {
	uint64_t customer_id;
	int64_t hour_ms;
	uint64_t project_id;
	uint64_t user_id;
	uint64_t api_key_id;
	uint64_t model_id;
	uint64_t provider_id;
	uint64_t agent_id;
	uint64_t connector_id;
	enum usage_status status;
	struct rollup_sums sums;
};

struct rollup_day {
	uint64_t customer_id;
	int64_t day_ms;
	uint64_t api_key_id;
	uint64_t model_id;
	uint64_t failed_requests; /* neither ok nor left by the client */
	struct rollup_sums sums;
};

/** Key of the hour and of the day that a row belongs to, with empty sums. */
void rollup_hour_of(const struct usage_row *u, struct rollup_hour *ret);
void rollup_day_of(const struct usage_row *u, struct rollup_day *ret);
/** Add a row. Errors: ERR_MONEY_RANGE. */
enum err rollup_sums_add(struct rollup_sums *s, const struct usage_row *u,
    struct error *e) ATTR_MUST_CHECK;
/** Order of the primary keys; for qsort() and bsearch(). */
int rollup_hour_compare(const void *a, const void *b);
int rollup_day_compare(const void *a, const void *b);

/** Add to the tables, in the caller's transaction. */
enum err store_rollup_hours(struct db *db, const struct rollup_hour *rows,
    size_t n, struct error *e) ATTR_MUST_CHECK;
enum err store_rollup_days(struct db *db, const struct rollup_day *rows,
    size_t n, struct error *e) ATTR_MUST_CHECK;

/**
 * Both rollups of a batch of rows: aggregates, sorts and writes.
 * Memory: scratch in a.
 */
enum err store_rollup_usage(struct db *db, const struct usage_row *rows,
    size_t n, struct arena *a, struct error *e) ATTR_MUST_CHECK;

#endif
