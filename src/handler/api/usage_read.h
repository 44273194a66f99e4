/* SPDX-License-Identifier: MIT */
/* What the routes below /api/usage share: their filters and formats. */
#ifndef TG_HANDLER_API_USAGE_READ_H
#define TG_HANDLER_API_USAGE_READ_H

#include "domain/usage_text.h"
#include "handler/api/resource.h"

enum usage_format {
	USAGE_JSON,
	USAGE_CSV,
	USAGE_NDJSON,
};

/* clang-format off */
#define USAGE_STATUS_CHOICES "ok|upstream_error|timeout|client_closed|interrupted"
/* The first of both lists; usage_filter_read() knows their order. */
#define USAGE_FILTERS \
	FILTER_ID("customer_id"), FILTER_ID("api_key_id"), FILTER_ID("user_id"), \
	FILTER_ID("project_id"), FILTER_ID("agent_id"), FILTER_ID("connector_id"), \
	FILTER_ID("model_id"), FILTER_ID("provider_id"), \
	FILTER_ENUM("request_status", USAGE_STATUS_CHOICES), \
	FILTER_TIME("from"), FILTER_TIME("to"), \
	FILTER_ENUM("format", "json|csv|ndjson")
/* clang-format on */
#define USAGE_N_FILTERS 12

/**
 * Filters and time from USAGE_FILTERS' values: the last 24 hours unless they
 * say otherwise. A tenant's customer_id is its own.
 * Errors: ERR_NOT_FOUND another customer; ERR_BAD_PARAM from is not before
 *         to.
 */
enum err usage_filter_read(const struct request *rq,
    const struct principal *who, const struct param_value *v,
    struct usage_filter *ret, struct error *e) ATTR_MUST_CHECK;
/** By format=, else by Accept. */
enum usage_format usage_format_read(const struct request *rq,
    const struct param_value *v);
enum usage_reader usage_reader_of(const struct principal *who);
/** content-type and a file's name, made of the dates only. */
void usage_download(struct response *rs, enum usage_format format,
    const char *what, int64_t from_ms, int64_t to_ms);

#endif
