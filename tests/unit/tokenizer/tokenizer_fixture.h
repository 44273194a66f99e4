/* SPDX-License-Identifier: MIT */
#ifndef TG_TESTS_TOKENIZER_FIXTURE_H
#define TG_TESTS_TOKENIZER_FIXTURE_H

#include "support/cmocka_tg.h"

#include "support/vocabulary.h"
#include "tokenizer/build.h"
#include "tokenizer/tokenizer.h"

static inline struct tokenizer *
tokenizer_make(struct arena *a, const struct tokenizer_source *source)
{
	struct tokenizer *t = NULL;
	struct str image;
	struct error e;

	assert_ok(tokenizer_build(source, a, &image, &e));
	assert_ok(tokenizer_from_image(image, &t, &e));
	return t;
}

/* vocab.json of the 256 bytes and some words; "Ġ" is a space. */
static inline struct str
tokenizer_vocab_json(struct arena *a, const char *const *words, size_t n)
{
	struct buf b;

	buf_init(&b, a, MIB(1));
	buf_add(&b, S("{"));
	for (unsigned i = 0, other = 0x100; i < 256; i++) {
		bool is_plain = (i >= '!' && i <= '~') ||
				(i >= 0xa1 && i <= 0xac) || i >= 0xae;

		buf_addf(&b, "\"\\u%04x\":%u,", is_plain ? i : other++, i);
	}
	for (size_t i = 0; i < n; i++)
		buf_addf(&b, "\"%s\":%zu,", words[i], 256 + i);
	buf_addf(&b, "\"<|endoftext|>\":%zu}", 256 + n);
	return buf_str(&b);
}

#endif
