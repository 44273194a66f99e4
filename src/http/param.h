/* SPDX-License-Identifier: MIT */
/*
 * Typed parameters of a query or form: a handler declares a table, one call
 * checks the text against it, and the handler reads values that are within
 * their bounds. Unknown and repeated names are errors, never ignored.
 */
#ifndef TG_HTTP_PARAM_H
#define TG_HTTP_PARAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define PARAM_SPEC_MAX 32

enum param_type {
	PARAM_U64,   /* min..max */
	PARAM_BOOL,  /* true, on, 1 or false, off, 0 */
	PARAM_TEXT,  /* UTF-8 without control characters but line ends and
		       tabs; min..max bytes */
	PARAM_ASCII, /* visible ASCII characters; min..max of them */
	PARAM_TIME,  /* what clock_parse() takes; min, max unused */
	PARAM_ENUM,  /* one of `choices`; u64 is its index */
};

struct param_spec {
	const char *name;
	enum param_type type;
	uint64_t min, max;
	const char *choices; /* "a|b|c" of an ENUM */
	bool is_required;
};

struct param_value {
	bool is_set;
	struct str text; /* decoded, as it came */
	uint64_t u64;    /* U64; BOOL 0 or 1; ENUM index */
	int64_t time_ms; /* TIME */
};

/**
 * Check text against spec.
 *
 * @spec, @n   the table; ret has as many entries, in its order
 * @text       query string or form body, still encoded
 *
 * An empty value counts as absent, as a browser sends empty fields.
 * Errors: ERR_BAD_PARAM with the name; ERR_BAD_REQUEST; ERR_NO_MEMORY.
 * Memory: texts in a or in text.
 */
enum err param_parse(struct arena *a, const struct param_spec *spec, size_t n,
    struct str text, struct param_value *ret, struct error *e) ATTR_MUST_CHECK;

#endif
