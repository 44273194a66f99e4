/* SPDX-License-Identifier: MIT */
/*
 * One JSON object a line, to stderr or syslog, each line one write(2). A
 * record is built on the stack and cut (marked "cut":true) rather than
 * dropped when it is too long. Control characters are escaped by JSON, so a
 * value cannot forge a line. Secrets have no type here that could be logged.
 */
#ifndef TG_BASE_LOG_H
#define TG_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json_out.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};

#define LOG_LINE_BYTES 4096

struct log_rec {
	enum log_level level;
	bool is_off; /* below the level that is logged */
	struct buf b;
	struct json_out j;
	char text[LOG_LINE_BYTES];
};

/** Where lines go; call before any thread is started. */
void log_init(bool to_syslog, enum log_level level, const char *program);

/** Start a record: {"time":…,"level":…,"event":event. event is a literal. */
void log_begin(struct log_rec *r, enum log_level level, const char *event);
void log_str(struct log_rec *r, const char *key, struct str value);
void log_cstr(struct log_rec *r, const char *key, const char *value);
void log_u64(struct log_rec *r, const char *key, uint64_t value);
void log_i64(struct log_rec *r, const char *key, int64_t value);
void log_bool(struct log_rec *r, const char *key, bool value);
void log_usd(struct log_rec *r, const char *key, int64_t amount_pusd);
/** The members that describe e: error, internal text, place, provider's
 * status. */
void log_error_members(struct log_rec *r, const struct error *e);
void log_end(struct log_rec *r);

/** A whole line about an error outside any request. */
void log_error(const char *event, const struct error *e);
/** A whole line with one formatted message. */
void log_event(enum log_level level, const char *event, const char *fmt, ...)
    ATTR_PRINTF(3, 4);

#endif
