/* SPDX-License-Identifier: MIT */
/* A tokenizer of the 256 bytes, made once. */
#ifndef TG_TESTS_FUZZ_BYTES_H
#define TG_TESTS_FUZZ_BYTES_H

#include "fuzz/fuzz.h"
#include "support/vocabulary.h"
#include "tokenizer/build.h"
#include "tokenizer/tokenizer.h"

static inline const struct tokenizer *
fuzz_bytes(void)
{
	static struct arena arena;
	static struct tokenizer *t;
	struct tokenizer_source source = { .name = "bytes",
		.rule = SPLIT_O200K };
	struct str image;
	struct error e;

	if (t)
		return t;
	arena_init(&arena, TOKENIZER_BUILD_BYTES);
	source.ranks = vocabulary_ranks(&arena, NULL, 0);
	ASSERT(tokenizer_build(&source, &arena, &image, &e) == OK);
	ASSERT(tokenizer_from_image(image, &t, &e) == OK);
	return t;
}

#endif
