/* SPDX-License-Identifier: MIT */
/*
 * Failures as values. What can fail gives back enum err (OK = 0), with the
 * reason in a struct error; whoever is at the top logs it.
 * `internal` never reaches a client; `public_text` never holds SQL, paths,
 * keys.
 */
#ifndef TG_BASE_ERR_H
#define TG_BASE_ERR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

enum err {
	OK = 0,
#define ERR_DEF(name, status, type, code, retryable, text) name,
#include "base/errors.def"
#undef ERR_DEF
	ERR__MAX
};

/* What a budget or balance that refuses is told with. */
struct error_quota {
	bool is_set;
	int64_t limit_pusd;
	int64_t spent_pusd;
	int64_t resets_at_ms; /* 0: never */
};

struct error {
	enum err code;
	const char *file; /* where it arose; static storage */
	int line;
	char internal[256];    /* for the log */
	char public_text[160]; /* for the client; empty = errors.def's text */
	char param[64];        /* the parameter at fault, or empty */
	int upstream_status;   /* the provider's HTTP status, 0 = none */
	struct error_quota quota;
};

/* Static facts of an error, from errors.def. */
struct err_info {
	const char *name; /* "ERR_BAD_REQUEST" */
	int http_status;
	const char *api_type;
	const char *api_code;
	bool is_retryable;
	const char *public_text;
};

/** Facts of a code; an unknown code gives ERR_INTERNAL's. Never NULL. */
const struct err_info *err_info(enum err code);

void error_clear(struct error *e);

/** Set e to code with words for the log. Evaluates to the code. */
#define error_set(e, code, ...) \
 error_set_at((e), (code), __FILE__, __LINE__, __VA_ARGS__)
/** The same, the words being fit for the client too. */
#define error_public(e, code, param, ...) \
 error_public_at((e), (code), (param), __FILE__, __LINE__, __VA_ARGS__)

/** error_set() with ": " and the text of errno behind the words. */
#define error_errno(e, code, ...) \
 error_errno_at((e), (code), __FILE__, __LINE__, __VA_ARGS__)

enum err error_errno_at(struct error *e, enum err code, const char *file,
    int line, const char *fmt, ...) ATTR_PRINTF(5, 6);
enum err error_set_at(struct error *e, enum err code, const char *file,
    int line, const char *fmt, ...) ATTR_PRINTF(5, 6);
/* @param  name of the parameter at fault, or NULL */
enum err error_public_at(struct error *e, enum err code, const char *param,
    const char *file, int line, const char *fmt, ...) ATTR_PRINTF(6, 7);
/** Put "prefix: " before the internal words; returns e's code. */
enum err error_prefix(struct error *e, const char *fmt, ...) ATTR_PRINTF(2, 3);

/** Stays in production: prints the expression and aborts. Never on input. */
#define ASSERT(expr) \
 ((expr) ? (void)0 : assert_failed(#expr, __FILE__, __LINE__))
void assert_failed(const char *expr, const char *file, int line) ATTR_NORETURN;

#endif
