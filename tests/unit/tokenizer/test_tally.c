/* SPDX-License-Identifier: MIT */
/* Texts in parts against the same texts as a whole. */
#include "tokenizer_fixture.h"

#include <stdlib.h>

#include "tokenizer/tally.h"

static struct arena arena;

static const char *const words[] = { "in", "on", "the", " the", "ing", "er",
	" a", "an", "the ", " in", "aa", "aaaa", "  ", "    ", "\n\n" };

static int
setup(void **state)
{
	struct tokenizer_source source = { .name = "small",
		.rule = SPLIT_O200K };

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

static uint64_t
count_whole(const struct tokenizer *t, struct str text)
{
	struct error e;
	uint64_t n;

	assert_ok(tokenizer_count(t, text, &n, &e));
	return n;
}

/* Some prose of n bytes. */
static struct str
prose(size_t n)
{
	static const char *const parts[] = { "the thing ", "in another",
		", on ", "a  banner.\n\n", "Inning \xc3\xa9t\xc3\xa9 ",
		"it's 12345; " };
	struct buf b;

	buf_init(&b, &arena, MIB(4));
	for (size_t i = 0; b.n < n; i++)
		buf_add(&b, str_from(parts[(i * i + i / 7) % 6]));
	return buf_str(&b);
}

static void
tally_count__parts_of_any_size__are_the_whole(void **state)
{
	static const size_t sizes[] = { 1, 3, 7, 100, 2047, 2048, 2049, 70000,
		200000 };
	struct str text = prose(200000);
	uint64_t expected = count_whole(*state, text);
	struct tally tally;

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct str rest = text;

		tally_init(&tally, *state);
		while (rest.n) {
			size_t n = rest.n < sizes[i] ? rest.n : sizes[i];

			tally_add(&tally, str_make(rest.p, n));
			rest = str_skip(rest, n);
		}
		if (tally_count(&tally) != expected)
			fail_msg("in parts of %zu", sizes[i]);
	}
	assert_false(tally.has_failed);
}

static void
tally_count__asked_in_between__is_each_prefix(void **state)
{
	struct str text = prose(5000);
	struct tally tally;

	tally_init(&tally, *state);
	for (size_t i = 0; i < text.n; i++) {
		tally_add(&tally, str_make(text.p + i, 1));
		if (i % 13 == 0)
			assert_int_equal(tally_count(&tally),
			    count_whole(*state, str_make(text.p, i + 1)));
	}
	assert_int_equal(tally_count(&tally), count_whole(*state, text));
}

static void
tally_count__endless_run__costs_two_tokens_a_cut(void **state)
{
	char run[TALLY_BYTES];
	struct tally tally;
	uint64_t whole;
	struct buf b;

	memset(run, 'a', sizeof(run));
	buf_init(&b, &arena, MIB(1));
	tally_init(&tally, *state);
	for (int i = 0; i < 10; i++) {
		buf_add(&b, str_make(run, sizeof(run)));
		tally_add(&tally, str_make(run, sizeof(run)));
	}
	whole = count_whole(*state, buf_str(&b));

	assert_in_range(tally_count(&tally), whole, whole + 20);
}

static void
tally_add__long_run_in_one_part__is_cut_rarely(void **state)
{
	size_t n = TALLY_WINDOW_BYTES - 8;
	struct tally tally;
	char *run = malloc(4 * n);

	assert_non_null(run);
	memset(run, 'a', 4 * n);
	tally_init(&tally, *state);
	tally_add(&tally, str_make(run, n));
	assert_in_range(tally_count(&tally), n / 4, n / 4 + 2);
	tally_init(&tally, *state);
	tally_add(&tally, str_make(run, 4 * n));
	assert_in_range(tally_count(&tally), n, n + 8);
	free(run);
}

static void
tally_count__empty__is_nothing(void **state)
{
	struct tally tally;

	tally_init(&tally, *state);
	tally_add(&tally, S(""));
	assert_int_equal(tally_count(&tally), 0);
}

static void
tally_add_json__escapes__are_their_characters(void **state)
{
	struct tally tally;

	tally_init(&tally, *state);
	tally_add_json(&tally, S("\"the\\nin\\ud83d\\ude00 \\\"the\\u0020\""));

	assert_int_equal(tally_count(&tally),
	    count_whole(*state, S("the\nin\xf0\x9f\x98\x80 \"the ")));
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(tally_count__parts_of_any_size__are_the_whole),
		T(tally_count__asked_in_between__is_each_prefix),
		T(tally_count__endless_run__costs_two_tokens_a_cut),
		T(tally_add__long_run_in_one_part__is_cut_rarely),
		T(tally_count__empty__is_nothing),
		T(tally_add_json__escapes__are_their_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
