/* SPDX-License-Identifier: MIT */
/*
 * Usage that happened elsewhere, recorded at once: rows, rollups, ledger and
 * what an Idempotency-Key was answered in one transaction. Cost is that of
 * the price in force when it happened; without one it is unknown, never 0.
 */
#ifndef TG_DOMAIN_USAGE_ADD_H
#define TG_DOMAIN_USAGE_ADD_H

#include "domain/resource.h"
#include "ext/json.h"
#include "store/idempotency.h"
#include "store/usage_page.h"

#define USAGE_ADD_MAX      1000 /* events at once */
/* How long ago an event may have happened, and how far clocks disagree. */
#define USAGE_ADD_AGE_MS   (INT64_C(366) * 86400000)
#define USAGE_ADD_AHEAD_MS INT64_C(60000)

/* 0: not given. */
struct usage_event {
	uint64_t user_id; /* needed from operators; else the key's */
	uint64_t api_key_id;
	uint64_t project_id;
	uint64_t agent_id;
	uint64_t connector_id;
	uint64_t model_id; /* needed */
	int64_t time_ms;   /* now */
	uint64_t tok[TOK_CONTEXT__MAX][TOK_CLASS__MAX];
	enum usage_status status;
	enum usage_source usage_source;
	uint64_t latency_ms;
	int64_t time_to_first_token_ms; /* -1: unknown */
};

/** What an event is before anything is said of it. */
struct usage_event usage_event_init(void);
/**
 * Read one event: document 004's names, and more.
 * Errors: ERR_BAD_PARAM naming a member.
 */
enum err usage_event_read(const struct json *body, int64_t now_ms,
    struct usage_event *ret, struct error *e) ATTR_MUST_CHECK;

struct usage_add {
	const struct usage_event *events;
	size_t n; /* 1..USAGE_ADD_MAX */
	/* Writes the answer, inside the transaction. */
	enum err (*render)(const struct usage_view *rows, size_t n, void *arg,
	    struct arena *a, struct str *ret, struct error *e);
	void *arg;
	/* All but the answer of what an Idempotency-Key is; NULL: there is
	 * none. */
	const struct idempotency *idempotency;
	bool is_replay; /* out: nothing was done, the answer is the first one */
	struct idempotency first; /* out: of that */
	struct str answer;        /* out; in the arena */
};

/**
 * Record the events as the manager's: its tenant's, or anybody's.
 * Errors: ERR_NOT_FOUND naming an id that is not there, or is another
 *         customer's; ERR_BAD_PARAM; ERR_IDEMPOTENCY_KEY it was used with
 *         another body; ERR_MONEY_RANGE; the database's.
 */
enum err usage_add(const struct manager *m, struct usage_add *u,
    struct arena *a, struct error *e) ATTR_MUST_CHECK;

#endif
