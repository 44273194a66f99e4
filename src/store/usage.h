/* SPDX-License-Identifier: MIT */
/*
 * Table usage_records: one row a request, append only, without foreign keys
 * (it is partitioned). created_at is the time of posting, by the database's
 * clock; request_timestamp the time of admission.
 */
#ifndef TG_STORE_USAGE_H
#define TG_STORE_USAGE_H

#include "base/tok_class.h"
#include "base/uuid7.h"
#include "store/db.h"

/* usage_records.source: how a row came to be. */
enum usage_origin {
	USAGE_GATEWAY, /* a request that went through us */
	USAGE_API,     /* reported by POST /api/usage */
	USAGE_ORIGIN__MAX
};
extern const char *const usage_origin_names[USAGE_ORIGIN__MAX];
extern const char *const usage_status_names[USAGE_STATUS__MAX];
extern const char *const usage_source_names[USAGE_FROM__MAX];

/* As FAILED_REQUESTS in stmts.def tells it: a client may leave. */
static inline bool
usage_is_failed(enum usage_status status)
{
	return status != USAGE_OK && status != USAGE_CLIENT_CLOSED;
}

struct usage_row {
	struct uuid7 request_id;
	int64_t request_timestamp_ms; /* admission */
	uint64_t customer_id;
	uint64_t api_key_id;
	uint64_t user_id;
	uint64_t project_id;   /* 0: none */
	uint64_t agent_id;     /* 0: none */
	uint64_t connector_id; /* 0: none */
	uint64_t model_id;
	struct str model_requested; /* as the client wrote it */
	uint64_t provider_id;       /* 0: none was reached */
	struct str provider_used;   /* its name; p == NULL: none */
	uint64_t tok[TOK_CONTEXT__MAX][TOK_CLASS__MAX];
	int64_t cost_pusd;          /* DB_MONEY_NULL: unknown */
	int64_t provider_cost_pusd; /* DB_MONEY_NULL: unknown */
	uint64_t price_version_id;  /* 0: none */
	uint64_t markup_ppm;
	enum usage_status status;
	struct str error_code; /* p == NULL: none */
	enum usage_source usage_source;
	enum usage_origin origin;
	uint64_t latency_ms;
	int64_t time_to_first_token_ms; /* -1: none was sent */
	uint64_t attempts;
};

/** Whether all that is seldom needed has its column's default. */
bool usage_row_is_usual(const struct usage_row *row);

/**
 * Insert rows, in the caller's transaction. Cheaper if the usual ones stand
 * together.
 * Errors: ERR_CONFLICT a request id is there already; ERR_BAD_PARAM a value
 *         does not fit.
 */
enum err store_usage_insert(struct db *db, const struct usage_row *rows,
    size_t n, struct error *e) ATTR_MUST_CHECK;

/** One request's row. Errors: ERR_NOT_FOUND. Memory: texts in a. */
enum err store_usage_by_request_id(struct db *db, const struct uuid7 *id,
    struct arena *a, struct usage_row *ret, struct error *e) ATTR_MUST_CHECK;

/* Most ids of one store_usage_count(). */
#define USAGE_COUNT_MAX 64

/**
 * How many rows each request has (0, 1, or, which must not be, more).
 * @ids, @ret_counts  n of each, 1..USAGE_COUNT_MAX
 * Memory: scratch in a.
 */
enum err store_usage_count(struct db *db, const struct uuid7 *ids, size_t n,
    struct arena *a, uint64_t *ret_counts, struct error *e) ATTR_MUST_CHECK;

#endif
