/* SPDX-License-Identifier: MIT */
/* A small vocabulary for tests, as the text of a rank file. */
#ifndef TG_TESTS_VOCABULARY_H
#define TG_TESTS_VOCABULARY_H

#include "base/buf.h"

static inline void
vocabulary_add_base64(struct buf *b, struct str bytes)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < bytes.n; i += 3) {
		size_t n = bytes.n - i < 3 ? bytes.n - i : 3;
		uint32_t v = 0;

		for (size_t k = 0; k < 3; k++)
			v = v << 8 |
			    (k < n ? (unsigned char)bytes.p[i + k] : 0U);
		for (size_t k = 0; k < 4; k++)
			buf_add_char(b,
			    k <= n ? digits[v >> (18 - 6 * k) & 63] : '=');
	}
}

/* A rank file: the 256 bytes, then these words. */
static inline struct str
vocabulary_ranks(struct arena *a, const char *const *words, size_t n)
{
	struct buf b;

	buf_init(&b, a, MIB(1));
	for (size_t i = 0; i < 256 + n; i++) {
		char c = (char)i;

		vocabulary_add_base64(&b,
		    i < 256 ? str_make(&c, 1) : str_from(words[i - 256]));
		buf_addf(&b, " %zu\n", i);
	}
	return buf_str(&b);
}

#endif
