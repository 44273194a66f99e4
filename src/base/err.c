/* SPDX-License-Identifier: MIT */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct err_info infos[] = {
	[OK] = { "OK", 200, "", "", false, "" },
#define ERR_DEF(name, status, type, code, retryable, text) \
 [name] = { #name, status, type, code, retryable, text },
#include "base/errors.def"
#undef ERR_DEF
};

const struct err_info *
err_info(enum err code)
{
	if ((unsigned)code >= ARRAY_LEN(infos))
		code = ERR_INTERNAL;
	return &infos[code];
}

void
error_clear(struct error *e)
{
	memset(e, 0, sizeof(*e));
}

static void
error_begin(struct error *e, enum err code, const char *file, int line)
{
	error_clear(e);
	e->code = code;
	e->file = file;
	e->line = line;
}

enum err
error_set_at(struct error *e, enum err code, const char *file, int line,
    const char *fmt, ...)
{
	va_list ap;

	error_begin(e, code, file, line);
	va_start(ap, fmt);
	(void)vsnprintf(e->internal, sizeof(e->internal), fmt, ap); /* cut */
	va_end(ap);
	return code;
}

enum err
error_errno_at(struct error *e, enum err code, const char *file, int line,
    const char *fmt, ...)
{
	const char *why = strerrordesc_np(errno);
	va_list ap;
	int n;

	error_begin(e, code, file, line);
	va_start(ap, fmt);
	n = vsnprintf(e->internal, sizeof(e->internal), fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof(e->internal))
		(void)snprintf(e->internal + n, sizeof(e->internal) - (size_t)n,
		    ": %s", why ? why : "unknown error"); /* cut */
	return code;
}

enum err
error_public_at(struct error *e, enum err code, const char *param,
    const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	error_begin(e, code, file, line);
	va_start(ap, fmt);
	(void)vsnprintf(e->public_text, sizeof(e->public_text), fmt, ap);
	va_end(ap);
	(void)snprintf(e->internal, sizeof(e->internal), "%s", e->public_text);
	if (param)
		(void)snprintf(e->param, sizeof(e->param), "%s", param);
	return code;
}

enum err
error_prefix(struct error *e, const char *fmt, ...)
{
	char old[sizeof(e->internal)];
	va_list ap;
	int n;

	memcpy(old, e->internal, sizeof(old));
	va_start(ap, fmt);
	n = vsnprintf(e->internal, sizeof(e->internal), fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof(e->internal))
		(void)snprintf(e->internal + n, sizeof(e->internal) - (size_t)n,
		    ": %s", old);
	return e->code;
}

void
assert_failed(const char *expr, const char *file, int line)
{
	(void)fprintf(stderr,
	    "{\"level\":\"error\",\"event\":\"assertion_failed\","
	    "\"place\":\"%s:%d\",\"expression\":\"%s\"}\n",
	    file, line, expr);
	abort();
}
