/* SPDX-License-Identifier: MIT */
#include "tokenizer_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/crc32.h"
#include "tokenizer/table.h"

static struct arena arena;

static int
setup(void **state)
{
	(void)state;
	arena_init(&arena, TOKENIZER_BUILD_BYTES);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

static enum err
build_ranks(struct str ranks, struct error *e)
{
	struct tokenizer_source source = { .name = "x", .ranks = ranks };
	struct str image;

	return tokenizer_build(&source, &arena, &image, e);
}

static void
tokenizer_build__bad_rank_files__are_refused_with_the_place(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "YQ== 0\nYg==\n", "line 2 is not \"base64 rank\"" },
		{ "YQ= 0\n", "line 1 is not \"base64 rank\"" },
		{ "Y=== 0\n", "line 1 is not \"base64 rank\"" },
		{ "YQ== 0\nY*== 1\n", "line 2 is not \"base64 rank\"" },
		{ "YQ== -1\n", "line 1 is not \"base64 rank\"" },
		{ "YQ== 7\n", "token number 7 of 1 tokens" },
		{ "YQ== 0\nYg== 0\n", "token number 0 stands there twice" },
		{ " 0\n", "token 0 is empty or longer than 1024 bytes" },
		{ "YQ== 0\n", "a tokenizer without a token for byte 0" },
		{ "\n\nYQ== 1\n", "token number 1 of 1 tokens" },
		{ "\r\nYQ== 1\n", "there is no token 0" },
		{ "YQ== 0\r\nYQ== 1\r\n", "token 1 has the bytes of token 0" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error e;

		assert_int_equal(build_ranks(str_from(cases[i].text), &e),
		    ERR_BAD_PARAM);
		assert_string_equal(e.internal, cases[i].why);
	}
}

/* "ab" may be made of a and b only; "abc" of a and bc, which has no chance. */
static const char *const words[] = { "ab", "bc", "abc", "\u0120ab" };
#define MERGES "#version: 0.2\na b\nb c\na bc\n\u0120 ab\n"

static void
tokenizer_build__hugging_face__merges_only_its_pairs(void **state)
{
	static const uint32_t expected[] = { 256, 'c', 259, 257 };
	struct tokenizer_source source = { .name = "hf",
		.vocab = tokenizer_vocab_json(&arena, words, ARRAY_LEN(words)),
		.merges = S(MERGES) };
	struct tokenizer *t = tokenizer_make(&arena, &source);
	struct error e;
	uint32_t ids[8];
	size_t n;

	(void)state;
	assert_ok(tokenizer_encode(t, S("abc abbc"), ids, 8, &n, &e));
	assert_int_equal(n, ARRAY_LEN(expected));
	assert_memory_equal(ids, expected, sizeof(expected));
	assert_str_is(tokenizer_token(t, 259), " ab");
	assert_str_is(tokenizer_token(t, 260), "<|endoftext|>");
	tokenizer_close(t);
}

static void
tokenizer_build__bad_hugging_face_files__are_refused(void **state)
{
	static const struct {
		const char *vocab, *merges, *why;
	} cases[] = {
		{ "[1]", MERGES, "vocab.json: not an object at byte 0" },
		{ "{\"a\":0", MERGES,
		    "vocab.json: the text ends too early at byte 6" },
		{ " {\"b\":7}\n", MERGES, "token number 7 of 1 tokens" },
		{ "{\"a\":\"0\"}", MERGES, "vocab.json: the token \"a\"" },
		{ "{\"a\":9}", MERGES, "token number 9 of 1 tokens" },
		{ "{\"\":0}", MERGES,
		    "token 0 is empty or longer than 1024 bytes" },
		{ "{\"a\":0}", MERGES,
		    "a tokenizer without a token for byte 0" },
		{ NULL, "a\n", "merges.txt: line 1 is not two tokens" },
		{ NULL, "a x y\n", "merges.txt: line 1 is not two tokens" },
		{ NULL, "a x\n",
		    "merges.txt: line 1 is about what is no token" },
		{ NULL, "", "merges.txt has none" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct tokenizer_source source = { .name = "hf",
			.vocab = cases[i].vocab ? str_from(cases[i].vocab)
						: tokenizer_vocab_json(&arena,
						      words, ARRAY_LEN(words)),
			.merges = str_from(cases[i].merges) };
		struct str image;
		struct error e;

		assert_int_equal(tokenizer_build(&source, &arena, &image, &e),
		    ERR_BAD_PARAM);
		assert_string_equal(e.internal, cases[i].why);
	}
}

static void
tokenizer_build__repeated_merge__the_last_counts(void **state)
{
	static const uint32_t expected[] = { 'a', 257 };
	struct tokenizer_source source = { .name = "hf",
		.vocab = tokenizer_vocab_json(&arena, words, ARRAY_LEN(words)),
		.merges = S("a b\nb c\na b\n") };
	struct tokenizer *t = tokenizer_make(&arena, &source);
	struct error e;
	uint32_t ids[8];
	size_t n;

	(void)state;
	assert_ok(tokenizer_encode(t, S("abc"), ids, 8, &n, &e));
	assert_int_equal(n, ARRAY_LEN(expected));
	assert_memory_equal(ids, expected, sizeof(expected));
	tokenizer_close(t);
}

/* Where the merges of a finished file begin. */
static struct table_merge *
merges_of(char *image, const struct table_header *h)
{
	return (void *)(image + sizeof(*h) +
			(h->n_tokens + 1) * sizeof(uint32_t) +
			h->n_words * sizeof(struct table_word));
}

static void
tokenizer_from_image__two_merges_of_one_rank__are_refused(void **state)
{
	struct tokenizer_source source = { .name = "hf",
		.vocab = tokenizer_vocab_json(&arena, words, ARRAY_LEN(words)),
		.merges = S(MERGES) };
	struct tokenizer *t = NULL;
	struct table_header *h;
	struct table_merge *m;
	struct str image;
	struct error e;

	(void)state;
	assert_ok(tokenizer_build(&source, &arena, &image, &e));
	h = (void *)(uintptr_t)image.p;
	m = merges_of((char *)(uintptr_t)image.p, h);
	for (uint32_t i = 0; i < h->n_merges; i++)
		if (m[i].rank == 2)
			m[i].rank = 1;
	h->body_crc32c = crc32c(h + 1, image.n - sizeof(*h));
	h->header_crc32c = table_header_crc32c(h);
	assert_int_equal(tokenizer_from_image(image, &t, &e), ERR_CONFIG);
	assert_string_equal(e.internal, "a damaged tokenizer's file");
}

static void
tokenizer_from_image__any_byte_changed_or_missing__is_refused(void **state)
{
	struct tokenizer_source source = { .name = "hf",
		.vocab = tokenizer_vocab_json(&arena, words, ARRAY_LEN(words)),
		.merges = S(MERGES) };
	struct tokenizer *t = NULL;
	struct str image;
	struct error e;
	char *copy;

	(void)state;
	assert_ok(tokenizer_build(&source, &arena, &image, &e));
	copy = malloc(image.n);
	assert_non_null(copy);
	for (size_t i = 0; i < image.n; i += i < 200 ? 1 : 97) {
		memcpy(copy, image.p, image.n);
		copy[i] ^= 0x40;
		assert_int_equal(tokenizer_from_image(str_make(copy, image.n),
				     &t, &e),
		    ERR_CONFIG);
	}
	for (size_t n = 0; n < image.n; n += n < 200 ? 1 : 997) {
		memcpy(copy, image.p, image.n);
		assert_int_equal(tokenizer_from_image(str_make(copy, n), &t,
				     &e),
		    ERR_CONFIG);
	}
	free(copy);
}

static void
tokenizer_open__file__is_mapped_or_refused(void **state)
{
	char path[] = "/tmp/tollgate-tokenizer-XXXXXX";
	struct tokenizer_source source = { .name = "small" };
	struct tokenizer *t = NULL;
	int fd = mkstemp(path);
	struct str image;
	uint64_t count;
	struct error e;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(tokenizer_open(path, &t, &e), ERR_CONFIG);
	source.ranks = vocabulary_ranks(&arena, NULL, 0);
	assert_ok(tokenizer_build(&source, &arena, &image, &e));
	assert_int_equal(write(fd, image.p, image.n), image.n);
	assert_ok(tokenizer_open(path, &t, &e));
	assert_ok(tokenizer_count(t, S("abc"), &count, &e));
	assert_int_equal(count, 3);
	tokenizer_close(t);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(tokenizer_open(path, &t, &e), ERR_NOT_FOUND);
	(void)close(fd);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(tokenizer_build__bad_rank_files__are_refused_with_the_place),
		T(tokenizer_build__hugging_face__merges_only_its_pairs),
		T(tokenizer_build__bad_hugging_face_files__are_refused),
		T(tokenizer_build__repeated_merge__the_last_counts),
		T(tokenizer_from_image__two_merges_of_one_rank__are_refused),
		T(tokenizer_from_image__any_byte_changed_or_missing__is_refused),
		T(tokenizer_open__file__is_mapped_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
