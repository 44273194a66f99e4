/* SPDX-License-Identifier: MIT */
/*
 * Words that metering, journal, database and pages share: classes of tokens
 * and the kinds of a usage row. The classes are disjoint: a token is in one
 * class only, and a request is either normal or long-context as a whole, so
 * sums over classes are plain sums.
 *
 * The numbers are stored (journal records, ENUM columns): append, never
 * reorder.
 */
#ifndef TG_BASE_TOK_CLASS_H
#define TG_BASE_TOK_CLASS_H

enum tok_class {
	TOK_IN,
	TOK_IN_CACHED,
	TOK_CACHE_WRITE,
	TOK_IN_AUDIO,
	TOK_OUT,
	TOK_OUT_REASONING,
	TOK_OUT_AUDIO,
	TOK_OUT_IMAGE,
	TOK_CLASS__MAX
};

/* TOK_IN..TOK_IN_AUDIO are input, the others output. */
#define TOK_CLASS_FIRST_OUT TOK_OUT

/* First index of tok[2][TOK_CLASS__MAX]. */
enum tok_context {
	TOK_NORMAL,
	TOK_LONG,
	TOK_CONTEXT__MAX
};

/* usage_records.request_status */
enum usage_status {
	USAGE_OK,
	USAGE_UPSTREAM_ERROR,
	USAGE_TIMEOUT,
	USAGE_CLIENT_CLOSED,
	USAGE_INTERRUPTED, /* by a crash: the flusher's verdict */
	USAGE_STATUS__MAX
};

/* usage_records.usage_source: where the counts come from. */
enum usage_source {
	USAGE_FROM_PROVIDER,
	USAGE_FROM_COUNT,    /* counted with the model's tokenizer */
	USAGE_FROM_ESTIMATE, /* a stated guess */
	USAGE_FROM__MAX
};

/* The texts of the ENUM columns, in the same order. */
#define USAGE_STATUS_NAMES \
 "ok", "upstream_error", "timeout", "client_closed", "interrupted"
#define USAGE_FROM_NAMES "provider", "counted", "estimated"

#endif
