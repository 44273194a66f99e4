/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/clock.h"

/* Set once by log_init() before threads start, then only read. */
static struct {
	bool to_syslog;
	enum log_level level;
} settings = { false, LOG_LEVEL_INFO };

/* What a line needs behind its last member: ,"cut":true}\n */
#define TAIL_BYTES 16

static const char *const level_names[] = { "error", "warn", "info", "debug" };
static const int level_priorities[] = { LOG_ERR, LOG_WARNING, LOG_INFO,
	LOG_DEBUG };

void
log_init(bool to_syslog, enum log_level level, const char *program)
{
	settings.to_syslog = to_syslog;
	settings.level = level;
	if (to_syslog)
		openlog(program, LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

void
log_begin(struct log_rec *r, enum log_level level, const char *event)
{
	char time_text[CLOCK_TEXT_BYTES];

	r->level = level;
	r->is_off = level > settings.level;
	if (r->is_off)
		return;
	buf_init_fixed(&r->b, r->text, sizeof(r->text) - TAIL_BYTES);
	json_out_init(&r->j, &r->b);
	json_out_object(&r->j);
	clock_format_ms(clock_now_ms(), time_text);
	json_out_member_str(&r->j, "time", str_from(time_text));
	json_out_member_str(&r->j, "level", str_from(level_names[level]));
	json_out_member_str(&r->j, "event", str_from(event));
}

/* Run one appender; when it did not fit whole, take it back and say so. */
#define LOG_MEMBER(r, call)         \
 do {                               \
  size_t log_n_ = (r)->b.n;         \
  if ((r)->is_off || (r)->b.sticky) \
   return;                          \
  call;                             \
  if ((r)->b.sticky)                \
   (r)->b.n = log_n_;               \
 } while (0)

void
log_str(struct log_rec *r, const char *key, struct str value)
{
	LOG_MEMBER(r, json_out_member_str(&r->j, key, value));
}

void
log_cstr(struct log_rec *r, const char *key, const char *value)
{
	log_str(r, key, str_from(value));
}

void
log_u64(struct log_rec *r, const char *key, uint64_t value)
{
	LOG_MEMBER(r, json_out_member_u64(&r->j, key, value));
}

void
log_i64(struct log_rec *r, const char *key, int64_t value)
{
	LOG_MEMBER(r, json_out_member_i64(&r->j, key, value));
}

void
log_bool(struct log_rec *r, const char *key, bool value)
{
	LOG_MEMBER(r, json_out_member_bool(&r->j, key, value));
}

void
log_usd(struct log_rec *r, const char *key, int64_t amount_pusd)
{
	LOG_MEMBER(r, json_out_member_usd(&r->j, key, amount_pusd));
}

void
log_error_members(struct log_rec *r, const struct error *e)
{
	char place[96];

	(void)snprintf(place, sizeof(place), "%s:%d", e->file ? e->file : "?",
	    e->line); /* cut */
	log_cstr(r, "error", err_info(e->code)->name);
	log_cstr(r, "detail", e->internal);
	if (e->param[0])
		log_cstr(r, "param", e->param);
	if (e->upstream_status)
		log_i64(r, "upstream_status", e->upstream_status);
	log_cstr(r, "place", place);
}

void
log_end(struct log_rec *r)
{
	struct str tail = S("}\n");
	size_t n;

	if (r->is_off)
		return;
	if (r->b.sticky)
		tail = S(",\"cut\":true}\n");
	n = r->b.n;
	memcpy(r->text + n, tail.p, tail.n);
	n += tail.n;
	if (settings.to_syslog)
		syslog(level_priorities[r->level], "%.*s", (int)n - 1, r->text);
	else if (write(STDERR_FILENO, r->text, n) < 0)
		return; /* nowhere left to say it */
}

void
log_error(const char *event, const struct error *e)
{
	struct log_rec r;

	log_begin(&r, LOG_LEVEL_ERROR, event);
	log_error_members(&r, e);
	log_end(&r);
}

void
log_event(enum log_level level, const char *event, const char *fmt, ...)
{
	struct log_rec r;
	char text[1024];
	va_list ap;

	log_begin(&r, level, event);
	if (r.is_off)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* cut */
	va_end(ap);
	log_cstr(&r, "message", text);
	log_end(&r);
}
