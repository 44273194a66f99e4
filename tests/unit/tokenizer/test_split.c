/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include <stdio.h>

#include "tokenizer/split.h"

/* The pieces of text with a bar between them. */
static const char *
pieces(enum split_rule rule, struct str text)
{
	static char joined[512];
	size_t at = 0;

	while (text.n > 0) {
		size_t n = split_next(rule, text);

		assert_in_range(n, 1, text.n);
		assert_true(at + n + 2 < sizeof(joined));
		memcpy(joined + at, text.p, n);
		at += n;
		text = str_skip(text, n);
		if (text.n > 0)
			joined[at++] = '|';
	}
	joined[at] = '\0';
	return joined;
}

struct example {
	const char *text, *pieces;
};

static void
check(enum split_rule rule, const struct example *examples, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_string_equal(pieces(rule, str_from(examples[i].text)),
		    examples[i].pieces);
}

static void
split_next__gpt2__as_its_expression(void **state)
{
	static const struct example examples[] = {
		{ "Hello, world!", "Hello|,| world|!" },
		{ "it's we'll I'M", "it|'s| we|'ll| I|'|M" },
		{ "a1b22 333 4444", "a|1|b|22| 333| 4444" },
		{ "x  y", "x| | y" },
		{ "x \n\n y  ", "x| \n\n| y|  " },
		{ "  ", "  " },
		{ " !? ?", " !?| ?" },
		{ "na\u00efve \u4f60\u597d\u3002",
		    "na\u00efve| \u4f60\u597d|\u3002" },
		{ "x\u00a0y", "x|\u00a0|y" },
		{ "x\u00a0\u00a0y", "x|\u00a0|\u00a0|y" },
		{ "e\u0301a", "e|\u0301|a" },
		{ "\u00bd \u0663", "\u00bd| \u0663" },
	};

	(void)state;
	check(SPLIT_GPT2, examples, ARRAY_LEN(examples));
}

static void
split_next__cl100k__as_its_expression(void **state)
{
	static const struct example examples[] = {
		{ "Hello, world!", "Hello|,| world|!" },
		{ "it's we'LL I'M 'tis", "it|'s| we|'LL| I|'M| '|tis" },
		{ "'tis", "'t|is" },
		{ "1234567", "123|456|7" },
		{ " 12", " |12" },
		{ "(word) \u2014dash", "(word|)| \u2014|dash" },
		{ "a;\n\nb", "a|;\n\n|b" },
		{ "a \n \n b", "a| \n \n| b" },
		{ "a  b", "a| | b" },
		{ "a \n  ", "a| \n  " },
		{ "\tif", "\tif" },
		{ "e\u0301a", "e|\u0301a" },
		{ "it'\u017f", "it|'\u017f" },
	};

	(void)state;
	check(SPLIT_CL100K, examples, ARRAY_LEN(examples));
}

static void
split_next__o200k__as_its_expression(void **state)
{
	static const struct example examples[] = {
		{ "HelloWorld HTTPServer", "Hello|World| HTTPServer" },
		{ "don't DON'T we'll", "don't| DON'T| we'll" },
		{ "1234567", "123|456|7" },
		{ "a/b //\n/c", "a|/b| //\n/|c" },
		{ "a \n \n b", "a| \n \n| b" },
		{ "a  b  ", "a| | b|  " },
		{ "e\u0301a", "e\u0301a" },
		{ "\u0301", "\u0301" },
		{ "\u0301AB", "\u0301|AB" },
		{ "\u3042AB", "\u3042|AB" },
		{ "AB\u3042c", "AB\u3042c" },
	};

	(void)state;
	check(SPLIT_O200K, examples, ARRAY_LEN(examples));
}

static void
split_next__bytes_that_are_no_utf8__are_symbols(void **state)
{
	(void)state;
	for (int rule = 0; rule < SPLIT__MAX; rule++) {
		assert_string_equal(pieces((enum split_rule)rule,
					str_make("a\xff\xc3", 3)),
		    "a|\xff\xc3");
		assert_string_equal(pieces((enum split_rule)rule,
					str_make("\xf0\x9f\x98", 3)),
		    "\xf0\x9f\x98");
	}
}

/* ---- cuts ---- */

/* A generator of its own, so that each run has the same texts. */
static unsigned
random_below(unsigned n)
{
	static uint64_t state = 1;

	state = state * UINT64_C(6364136223846793005) + 1442695040888963407U;
	return (unsigned)(state >> 33) % n;
}

/* What the expressions treat apart, and halves of characters. */
static size_t
random_text(char *ret, size_t max)
{
	static const char *const atoms[] = { "a", "B", "s", "l", "ll", "'", " ",
		" ", "\t", "\n", "\r", "1", "22", "!", "/", ".", "\u00e9",
		"\u00c9", "\u4e2d", "\u3002", "\u0301", "\u3000", "\u00a0",
		"\u2028", "\u017f", "\u01c5", "\u02b0", "\U0001f600", "\xe4",
		"\xb8", "\xff", "re", "\u0663" };
	size_t n = 0;

	for (unsigned k = 1 + random_below(14); k > 0; k--) {
		struct str atom = str_from(
		    atoms[random_below(ARRAY_LEN(atoms))]);

		if (n + atom.n > max)
			break;
		memcpy(ret + n, atom.p, atom.n);
		n += atom.n;
	}
	return n;
}

/* Whether a text and what follows it split alike together and apart. */
static bool
splits_at(enum split_rule rule, struct str text, size_t cut)
{
	struct str left = str_make(text.p, cut);

	while (left.n > 0) {
		size_t n = split_next(rule,
		    str_make(left.p, text.n - (size_t)(left.p - text.p)));

		if (n > left.n || n != split_next(rule, left))
			return false;
		left = str_skip(left, n);
	}
	return true;
}

static void
split_cut__whatever_follows__the_parts_split_alike(void **state)
{
	char text[256];
	unsigned n_cuts = 0;

	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		size_t n = random_text(text, sizeof(text) / 2);
		size_t cut = split_cut(str_make(text, n));

		assert_true(cut < n || n == 0);
		if (cut == 0)
			continue;
		n_cuts++;
		n += random_text(text + n, sizeof(text) / 2);
		for (int rule = 0; rule < SPLIT__MAX; rule++)
			if (!splits_at((enum split_rule)rule, str_make(text, n),
				cut))
				fail_msg("rule %d, cut at %zu: %.*s", rule, cut,
				    (int)n, text);
	}
	assert_in_range(n_cuts, 100000, 200000);
}

static void
split_cut__between_words__there_is_one(void **state)
{
	static const struct {
		const char *text;
		size_t cut;
	} cases[] = {
		{ "", 0 }, { "word", 0 }, { "word ", 4 }, { "two words", 3 },
		{ "end. Next", 4 },
		{ "end.\n", 3 }, /* the line end belongs to the symbol */
		{ "line\nmore", 4 }, { "a  b", 1 }, { "don't", 0 },
		{ "\u4e2d\u6587\u3002\u4e2d", 6 }, { "x\u3000", 1 },
		{ "\u3000 x", 0 }, { "x\xe3\x80", 0 }, /* half a character */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (split_cut(str_from(cases[i].text)) != cases[i].cut)
			fail_msg("case %zu: %zu", i,
			    split_cut(str_from(cases[i].text)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(split_next__gpt2__as_its_expression),
		cmocka_unit_test(split_next__cl100k__as_its_expression),
		cmocka_unit_test(split_next__o200k__as_its_expression),
		cmocka_unit_test(
		    split_next__bytes_that_are_no_utf8__are_symbols),
		cmocka_unit_test(
		    split_cut__whatever_follows__the_parts_split_alike),
		cmocka_unit_test(split_cut__between_words__there_is_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
