/* SPDX-License-Identifier: MIT */
/*
 * A growing byte buffer for the test tools.  They are built from libc alone,
 * before the project's libraries, so base/buf is not used here.
 */
#ifndef TG_SUPPORT_SBUF_H
#define TG_SUPPORT_SBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A borrowed piece of text; no NUL at its end is promised. */
struct slice {
	const char *p;
	size_t n;
};

/**
 * The buffer.  All zero is a valid empty one.  When memory runs out `failed`
 * is set and stays set; what is added afterwards is dropped.
 */
struct sbuf {
	char *p;
	size_t n;
	size_t cap;
	bool failed;
};

/** Release the memory; the buffer is empty and usable again. */
void sbuf_fini(struct sbuf *b);

/** Make room for `more` bytes behind the content; false: no memory. */
bool sbuf_reserve(struct sbuf *b, size_t more);

/** Append n bytes. */
void sbuf_add(struct sbuf *b, const void *p, size_t n);

/** Append n times the byte c. */
void sbuf_fill(struct sbuf *b, char c, size_t n);

/** Append a decimal number. */
void sbuf_add_u64(struct sbuf *b, uint64_t v);

/** Append a signed decimal number. */
void sbuf_add_i64(struct sbuf *b, int64_t v);

/** Append a number in lower-case hexadecimal, without leading zeros. */
void sbuf_add_hex(struct sbuf *b, uint64_t v);

/** Drop the first n bytes and move the rest to the front. */
void sbuf_shift(struct sbuf *b, size_t n);

/** Append a string literal. */
#define sbuf_lit(b, text) sbuf_add((b), (text), sizeof(text) - 1)

/** A slice of a string literal. */
#define SLICE(text) ((struct slice){ (text), sizeof(text) - 1 })

/** The same bytes? */
bool slice_eq(struct slice a, struct slice b);

/** The same letters, A-Z taken as a-z? */
bool slice_ieq(struct slice a, struct slice b);

/** Does `s` begin with `prefix`? */
bool slice_has_prefix(struct slice s, struct slice prefix);

/** Does `s` end with `suffix`? */
bool slice_has_suffix(struct slice s, struct slice suffix);

/** Without blanks and tabs at both ends. */
struct slice slice_trim(struct slice s);

/**
 * A whole slice of decimal digits as a number.
 * Returns false, and leaves *ret alone, when it is empty, holds anything but
 * digits or is larger than `max`.
 */
bool slice_u64(struct slice s, uint64_t max, uint64_t *ret);

#endif
