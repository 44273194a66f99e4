/* SPDX-License-Identifier: MIT */
/*
 * The one growing text builder: bounded, with a sticky error that its single
 * buf_finish() reports, so that appending needs no checks. Lives in an arena.
 */
#ifndef TG_BASE_BUF_H
#define TG_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct buf {
	char *p;
	size_t n;
	size_t cap;
	size_t max_bytes;
	struct arena *a;
	enum err sticky;
};

/** An empty builder of at most max_bytes in arena a. Allocates nothing. */
void buf_init(struct buf *b, struct arena *a, size_t max_bytes);
/** Builder over the caller's memory: never grows, never allocates. */
void buf_init_fixed(struct buf *b, char *p, size_t cap);
/** Empty it, keep its memory, clear its error. */
void buf_reset(struct buf *b);

/** Room for n more bytes; NULL (sticky) when there is none. Then buf_grew(). */
char *buf_room(struct buf *b, size_t n);
void buf_grew(struct buf *b, size_t n);

static inline void
buf_add(struct buf *b, struct str s)
{
	bool fits = !b->sticky && s.n <= b->cap - b->n;
	char *p = s.n == 0 ? NULL : fits ? b->p + b->n : buf_room(b, s.n);

	if (!p)
		return;
	memcpy(p, s.p, s.n);
	b->n += s.n;
}

static inline void
buf_add_char(struct buf *b, char c)
{
	buf_add(b, str_make(&c, 1));
}

void buf_add_u64(struct buf *b, uint64_t v);
void buf_add_i64(struct buf *b, int64_t v);
void buf_addf(struct buf *b, const char *fmt, ...) ATTR_PRINTF(2, 3);
/** v in decimal with leading zeros: n_digits (1..20) of it, the last ones. */
void buf_add_padded(struct buf *b, uint64_t v, size_t n_digits);

/** HTML text and attribute values: & < > " ' escaped. */
void buf_html(struct buf *b, struct str s);
/** One value in a URL's query or path: all but unreserved bytes as %XX. */
void buf_url_arg(struct buf *b, struct str s);
/** A JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void buf_json_string(struct buf *b, struct str s);
/** An HTTP header's value; a control character makes ERR_BAD_PARAM stick. */
void buf_header_value(struct buf *b, struct str s);

/** View of what is there so far. */
static inline struct str
buf_str(const struct buf *b)
{
	return (struct str){ b->p, b->n };
}

/** The whole text, or the first failure. The view lives as long as b's
 * memory. */
enum err buf_finish(struct buf *b, struct str *ret,
    struct error *e) ATTR_MUST_CHECK;

#endif
