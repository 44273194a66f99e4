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

/** View of a NUL-terminated string; NULL gives an empty view. */
struct str str_from(const char *cstr);

static inline struct str
str_make(const char *p, size_t n)
{
	return (struct str){ p, n };
}

bool str_eq(struct str a, struct str b);
/** Equal, ASCII letters compared without regard to case. */
bool str_eq_nocase(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
/** Position of c, or s.n. */
size_t str_find(struct str s, char c);
/** Position of needle, or s.n. */
size_t str_find_str(struct str s, struct str needle);
/** s without its first n bytes (all of it at most). */
struct str str_skip(struct str s, size_t n);
/** s without spaces and tabs at both ends. */
struct str str_trim(struct str s);

/**
 * Take the piece before the next sep off the front of *rest.
 * Returns false when *rest is exhausted; an empty piece between two
 * separators counts as a piece. Start with *rest = the whole string.
 */
bool str_split(struct str *rest, char sep, struct str *ret_piece);

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
