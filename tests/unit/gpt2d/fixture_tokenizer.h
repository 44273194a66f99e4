/* SPDX-License-Identifier: MIT */
/* A tokenizer of 259 tokens: the bytes by their values, "he" and so on. */
#ifndef TG_TESTS_GPT2D_FIXTURE_TOKENIZER_H
#define TG_TESTS_GPT2D_FIXTURE_TOKENIZER_H

#include "support/cmocka_tg.h"
#include "support/vocabulary.h"

#include "tokenizer/build.h"
#include "tokenizer/tokenizer.h"

enum {
	FIXTURE_HE = 256,
	FIXTURE_THE,
	FIXTURE_EOS,
	FIXTURE_N_VOCAB
};

static inline struct tokenizer *
fixture_tokenizer(struct arena *a)
{
	static const char *const words[] = { "he", "the", "<|endoftext|>" };
	struct tokenizer_source source = {
		.name = "test",
		.rule = SPLIT_GPT2,
		.ranks = vocabulary_ranks(a, words, ARRAY_LEN(words)),
	};
	struct tokenizer *t = NULL;
	struct str image = { NULL, 0 };
	struct error e;

	assert_ok(tokenizer_build(&source, a, &image, &e));
	assert_ok(tokenizer_from_image(image, &t, &e));
	return t;
}

#endif
