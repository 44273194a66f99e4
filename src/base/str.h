/* SPDX-License-Identifier: MIT */
/*
 * Borrowed views of bytes, and numbers read from text. A view promises no
 * NUL at its end and owns nothing.
 */
#ifndef TG_BASE_STR_H
#define TG_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/attr.h"

struct str {
	const char *p;
	size_t n;
};

/* A view of a string literal. */
#define S(literal) ((struct str){ "" literal, sizeof(literal) - 1 })
/* The same for static initialisers. */
#define STR_INIT(literal)         \
 {                                \
  "" literal, sizeof(literal) - 1 \
 }

/* printf("%" PRI_STR, STR_ARG(s)) */
#define PRI_STR    ".*s"
#define STR_ARG(s) (int)(s).n, (s).p

static inline struct str
str_make(const char *p, size_t n)
{
	return (struct str){ p, n };
}

/** View of a NUL-terminated string; NULL gives an empty view. */
static inline struct str
str_from(const char *cstr)
{
	return (struct str){ cstr, cstr ? strlen(cstr) : 0 };
}

/* These few are in every loop over text: inline, most comparisons end at the
 * lengths. */
static inline bool
str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/** s without its first n bytes (all of it at most). */
static inline struct str
str_skip(struct str s, size_t n)
{
	if (n > s.n)
		n = s.n;
	return n ? str_make(s.p + n, s.n - n) : s;
}

static inline bool
str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && str_eq(str_make(s.p, prefix.n), prefix);
}

static inline bool
str_ends(struct str s, struct str suffix)
{
	return s.n >= suffix.n && str_eq(str_skip(s, s.n - suffix.n), suffix);
}

/** Position of c, or s.n. */
static inline size_t
str_find(struct str s, char c)
{
	const char *hit = s.n ? (const char *)memchr(s.p, c, s.n) : NULL;

	return hit ? (size_t)(hit - s.p) : s.n;
}

/** Equal, ASCII letters compared without regard to case. */
bool str_eq_nocase(struct str a, struct str b);
/** Position of needle, or s.n. */
size_t str_find_str(struct str s, struct str needle);
/** s without spaces and tabs at both ends. */
struct str str_trim(struct str s);

/**
 * Take the piece before the next sep off the front of *rest.
 * Returns false when *rest is exhausted; an empty piece between two
 * separators counts as a piece. Start with *rest = the whole string.
 */
bool str_split(struct str *rest, char sep, struct str *ret_piece);

/**
 * How many bytes at the front can stand in a JSON string as they are and are
 * ASCII: no quote, backslash, control character or DEL.
 */
size_t str_json_plain(struct str s);
/** Every byte a valid part of UTF-8 (RFC 3629: no surrogates, no overlong). */
bool str_is_utf8(struct str s);
/**
 * Length of the one UTF-8 sequence at p (RFC 3629, table in section 4),
 * 1..4; 0 when there is none. n >= 1 bytes may be read.
 */
size_t str_utf8_sequence(const char *p, size_t n);

/**
 * A decimal number that fills the whole view: digits only, no sign, no space.
 * @min, @max  inclusive bounds
 * Returns false (and leaves *ret) when s is anything else or out of bounds.
 */
bool str_to_u64(struct str s, uint64_t min, uint64_t max,
    uint64_t *ret) ATTR_MUST_CHECK;
/** As str_to_u64(), with an optional leading '-'. */
bool str_to_i64(struct str s, int64_t min, int64_t max,
    int64_t *ret) ATTR_MUST_CHECK;

#endif
