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

#endif
