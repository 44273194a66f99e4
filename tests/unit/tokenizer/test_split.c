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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(split_next__gpt2__as_its_expression),
		cmocka_unit_test(split_next__cl100k__as_its_expression),
		cmocka_unit_test(split_next__o200k__as_its_expression),
		cmocka_unit_test(
		    split_next__bytes_that_are_no_utf8__are_symbols),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
