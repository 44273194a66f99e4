/* SPDX-License-Identifier: MIT */
/* Any bytes to tokens by each rule and back; both ways of merging agree. */
#include "fuzz/fuzz.h"

#include <string.h>

#include "support/vocabulary.h"
#include "tokenizer/bpe.h"
#include "tokenizer/build.h"
#include "tokenizer/split.h"

#define TEXT_MAX 4096

static const char *const words[] = { "th", "he", "the", " t", " the", "in",
	"er", "aa", "aaa", "aaaa", "\xe2\x80", "\xf0\x9f", "\xf0\x9f\x98", "  ",
	"    ", "\n\n", "\r\n", "\"\"", "{\"", "data", "data:", "00", "000" };

static struct arena arena;
static struct tokenizer *tokenizers[SPLIT__MAX];

static void
start(void)
{
	struct tokenizer_source source = { .name = "fuzz" };
	struct error e;

	arena_init(&arena, TOKENIZER_BUILD_BYTES);
	source.ranks = vocabulary_ranks(&arena, words, ARRAY_LEN(words));
	for (int rule = 0; rule < SPLIT__MAX; rule++) {
		struct str image;

		source.rule = (enum split_rule)rule;
		ASSERT(tokenizer_build(&source, &arena, &image, &e) == OK);
		ASSERT(
		    tokenizer_from_image(image, &tokenizers[rule], &e) == OK);
	}
}

/* The first piece of text, which is not empty; how long it is. */
static size_t
check_piece(enum split_rule rule, struct str text)
{
	static uint32_t a[TEXT_MAX], b[TEXT_MAX];
	struct bpe_sink in_short = { .ids = a, .max = TEXT_MAX };
	struct bpe_sink in_long = { .ids = b, .max = TEXT_MAX };
	size_t n = split_next(rule, text);
	struct error e;

	ASSERT(n >= 1 && n <= text.n);
	if (n > BPE_SHORT_MAX)
		return n;
	text.n = n;
	bpe_short(tokenizers[rule], text, &in_short);
	ASSERT(bpe_long(tokenizers[rule], text, &in_long, &e) == OK);
	ASSERT(in_short.n == in_long.n &&
	       memcmp(a, b, in_long.n * sizeof(*a)) == 0);
	return n;
}

/* A text cut where that is said to be possible has as many tokens. */
static void
check_cut(const struct tokenizer *t, struct str text, uint64_t count)
{
	size_t cut = split_cut(str_make(text.p, text.n / 2));
	uint64_t left, right;
	struct error e;

	ASSERT(tokenizer_count(t, str_make(text.p, cut), &left, &e) == OK);
	ASSERT(tokenizer_count(t, str_skip(text, cut), &right, &e) == OK);
	ASSERT(left + right == count);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str text = str_make((const char *)p,
	    n < TEXT_MAX ? n : TEXT_MAX);

	if (!tokenizers[0])
		start();
	for (int i = 0; i < SPLIT__MAX; i++) {
		const struct tokenizer *t = tokenizers[i];
		static uint32_t ids[TEXT_MAX];
		struct str rest = text;
		struct error e;
		uint64_t count;
		size_t n_ids;

		ASSERT(
		    tokenizer_encode(t, text, ids, TEXT_MAX, &n_ids, &e) == OK);
		ASSERT(tokenizer_count(t, text, &count, &e) == OK);
		ASSERT(count == n_ids);
		check_cut(t, text, count);
		for (size_t k = 0; k < n_ids; k++) {
			struct str token = tokenizer_token(t, ids[k]);

			ASSERT(token.n > 0 && str_starts(rest, token));
			rest = str_skip(rest, token.n);
		}
		ASSERT(rest.n == 0);
		for (rest = text; rest.n > 0;)
			rest = str_skip(rest,
			    check_piece((enum split_rule)i, rest));
	}
	return 0;
}
