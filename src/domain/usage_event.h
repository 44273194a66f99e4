/* SPDX-License-Identifier: MIT */
/* One event of usage that happened elsewhere, as it is reported. */
#ifndef TG_DOMAIN_USAGE_EVENT_H
#define TG_DOMAIN_USAGE_EVENT_H

#include "ext/json.h"
#include "store/usage.h"

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

#endif
