/* SPDX-License-Identifier: MIT */
#include "tokenizer_fixture.h"

#include <stdlib.h>

#include "tokenizer/bpe.h"

static struct arena arena;

static const char *const words[] = { "aa", "ab", "aaaa", "bc", "abc", "bab",
	"aba", "cab", " a", " abc", "aaaaaaaa", "ca", "cabcab" };

static int
setup(void **state)
{
	struct tokenizer_source source = { .name = "small",
		.rule = SPLIT_GPT2 };

	arena_init(&arena, TOKENIZER_BUILD_BYTES);
	source.ranks = vocabulary_ranks(&arena, words, ARRAY_LEN(words));
	*state = tokenizer_make(&arena, &source);
	return 0;
}

static int
teardown(void **state)
{
	tokenizer_close(*state);
	arena_fini(&arena);
	return 0;
}

static void
tokenizer_encode__words_and_merges__are_their_tokens(void **state)
{
	static const uint32_t expected[] = { 260, 265, ' ', '!', 258, 'a' };
	struct tokenizer *t = *state;
	struct str text = S("abc abc !aaaaa");
	struct error e;
	uint32_t ids[16];
	uint64_t count;
	size_t n;

	assert_ok(tokenizer_encode(t, text, ids, ARRAY_LEN(ids), &n, &e));
	assert_int_equal(n, ARRAY_LEN(expected));
	assert_memory_equal(ids, expected, sizeof(expected));
	assert_ok(tokenizer_count(t, text, &count, &e));
	assert_int_equal(count, n);
	assert_str_is(tokenizer_token(t, 265), " abc");
	assert_str_is(tokenizer_token(t, 269), "");
	assert_str_is(tokenizer_name(t), "small");
	assert_int_equal(tokenizer_vocabulary(t), 269);
}

static void
tokenizer_encode__too_little_room__is_told(void **state)
{
	struct error e;
	uint32_t ids[2];
	size_t n;

	assert_int_equal(tokenizer_encode(*state, S("a!a!"), ids, 2, &n, &e),
	    ERR_TOO_LARGE);
	assert_int_equal(n, 2);
	assert_ok(tokenizer_encode(*state, S(""), ids, 2, &n, &e));
	assert_int_equal(n, 0);
}

/* Merge by merge, looking at everything each time: slow and plain. */
static size_t
merge_plainly(const struct tokenizer *t, struct str piece, uint32_t *ids)
{
	size_t n = piece.n;

	for (size_t i = 0; i < n; i++)
		ids[i] = t->byte_ids[(unsigned char)piece.p[i]];
	for (;;) {
		size_t best = 0, at = 0;
		struct bpe_join low = { TABLE_NONE, TABLE_NONE };

		for (size_t i = 0; i + 1 < n; i++) {
			size_t bytes = tokenizer_token(t, ids[i]).n;
			struct bpe_join join = bpe_join(t, ids[i], ids[i + 1],
			    str_make(piece.p + at,
				bytes + tokenizer_token(t, ids[i + 1]).n));

			at += bytes;
			if (join.rank < low.rank) {
				low = join;
				best = i;
			}
		}
		if (low.rank == TABLE_NONE)
			return n;
		ids[best] = low.id;
		n--;
		memmove(&ids[best + 1], &ids[best + 2],
		    (n - best - 1) * sizeof(*ids));
	}
}

/* Both ways of merging, on letters that overlap in many ways. */
static void
assert_ways_agree(const struct tokenizer *t, size_t n_rounds)
{
	uint32_t plain[600], ids[600];
	char text[600];

	for (size_t round = 0; round < n_rounds; round++) {
		size_t n = 1 + (size_t)rand() % (round % 10 ? 100 : 600);
		struct bpe_sink sink = { .ids = ids, .max = ARRAY_LEN(ids) };
		struct error e;
		size_t n_plain;

		for (size_t i = 0; i < n; i++)
			text[i] = (char)('a' + rand() % (1 + (int)(round % 3)));
		n_plain = merge_plainly(t, str_make(text, n), plain);
		assert_ok(bpe_long(t, str_make(text, n), &sink, &e));
		assert_int_equal(sink.n, n_plain);
		assert_memory_equal(ids, plain, n_plain * sizeof(*ids));
		if (n > BPE_SHORT_MAX)
			continue;
		sink.n = 0;
		bpe_short(t, str_make(text, n), &sink);
		assert_int_equal(sink.n, n_plain);
		assert_memory_equal(ids, plain, n_plain * sizeof(*ids));
	}
}

static void
bpe__ranks__short_and_long_agree_with_the_plain_way(void **state)
{
	srand(1);
	assert_ways_agree(*state, 3000);
}

/* Every way to make each word of two others, in any order and some twice. */
static struct str
shuffled_merges(const char *const *from, size_t n)
{
	const char *pairs[400][2];
	size_t n_pairs = 0;
	struct buf b;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++)
			for (size_t m = 0; m < n; m++)
				if (n_pairs < 400 &&
				    strlen(from[m]) ==
					strlen(from[i]) + strlen(from[k]) &&
				    str_starts(str_from(from[m]),
					str_from(from[i])) &&
				    str_ends(str_from(from[m]),
					str_from(from[k]))) {
					pairs[n_pairs][0] = from[i];
					pairs[n_pairs++][1] = from[k];
				}
	assert_in_range(n_pairs, 10, 399);
	buf_init(&b, &arena, KIB(64));
	for (size_t i = 0; i < n_pairs + 5; i++) {
		const char *const *pair = pairs[(size_t)rand() % n_pairs];

		buf_addf(&b, "%s %s\n", pair[0], pair[1]);
	}
	return buf_str(&b);
}

static void
bpe__merges_in_any_order__short_and_long_agree_with_the_plain_way(void **state)
{
	/* The letters are the vocabulary's own. */
	static const char *const letters[] = { "a", "b", "c", "aa", "ab", "ba",
		"bc", "ca", "aab", "aba", "abc", "cab", "aaaa", "abab",
		"cabcab", "aabaab" };

	(void)state;
	srand(2);
	for (size_t round = 0; round < 60; round++) {
		struct tokenizer_source source = { .name = "hf",
			.vocab = tokenizer_vocab_json(&arena, letters + 3,
			    ARRAY_LEN(letters) - 3),
			.merges = shuffled_merges(letters,
			    ARRAY_LEN(letters)) };
		struct tokenizer *t = tokenizer_make(&arena, &source);

		assert_ways_agree(t, 50);
		tokenizer_close(t);
	}
}

static void
tokenizer_count__a_very_long_piece__is_cut(void **state)
{
	size_t n = 2 * TOKENIZER_PIECE_MAX + 8;
	char *text = malloc(n);
	struct error e;
	uint64_t count;

	assert_non_null(text);
	memset(text, 'a', n);
	assert_ok(tokenizer_count(*state, str_make(text, n), &count, &e));
	assert_int_equal(count, n / 8);
	free(text);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(tokenizer_encode__words_and_merges__are_their_tokens),
		T(tokenizer_encode__too_little_room__is_told),
		T(bpe__ranks__short_and_long_agree_with_the_plain_way),
		T(bpe__merges_in_any_order__short_and_long_agree_with_the_plain_way),
		T(tokenizer_count__a_very_long_piece__is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
