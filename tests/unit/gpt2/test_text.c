/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include <stdlib.h>

#include "base/crc32.h"
#include "gpt2/text.h"

#define OUT_MAX 4096

/* What has gone out so far. */
struct sink {
	struct text_out t;
	char out[OUT_MAX];
	size_t n;
};

static void
begin(struct sink *s, const struct str *stops, size_t n_stops)
{
	text_out_init(&s->t, stops, n_stops);
	s->n = 0;
}

static struct str
take(struct sink *s, bool is_end)
{
	struct error e;
	struct str piece;

	assert_ok(text_out_take(&s->t, is_end, &piece, &e));
	assert_true(str_is_utf8(piece));
	assert_true(s->n + piece.n <= sizeof(s->out));
	memcpy(s->out + s->n, piece.p, piece.n);
	s->n += piece.n;
	return piece;
}

static struct str
add(struct sink *s, struct str bytes)
{
	struct error e;

	assert_ok(text_out_add(&s->t, bytes, &e));
	return take(s, false);
}

static struct str
end(struct sink *s)
{
	(void)take(s, true);
	text_out_fini(&s->t);
	return str_make(s->out, s->n);
}

/* The whole text, in two tokens cut at `cut`. */
static struct str
in_two(struct sink *s, struct str text, size_t cut, const struct str *stops,
    size_t n_stops, bool *ret_stopped)
{
	begin(s, stops, n_stops);
	(void)add(s, str_make(text.p, cut));
	(void)add(s, str_skip(text, cut));
	(void)take(s, true);
	*ret_stopped = text_out_is_stopped(&s->t);
	return end(s);
}

static void
text_out__whole_characters__go_out_at_once(void **state)
{
	static struct sink s;

	(void)state;
	begin(&s, NULL, 0);
	assert_str_is(add(&s, S("Hell")), "Hell");
	assert_str_is(add(&s, S("")), "");
	assert_str_is(add(&s, S("\xc3\xb6")), "\xc3\xb6");
	assert_str_is(add(&s, S("\xf0\x9f\x98\x80!")), "\xf0\x9f\x98\x80!");
	assert_false(text_out_is_stopped(&s.t));
	assert_str_is(end(&s), "Hell\xc3\xb6\xf0\x9f\x98\x80!");
}

static void
text_out__a_cut_character__waits_for_its_rest(void **state)
{
	static const struct str characters[] = { STR_INIT("\xc3\xa9"),
		STR_INIT("\xe2\x82\xac"), STR_INIT("\xf0\x9f\x98\x80") };
	static struct sink s;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(characters); i++) {
		struct str c = characters[i];

		for (size_t cut = 1; cut < c.n; cut++) {
			begin(&s, NULL, 0);
			assert_str_is(add(&s, str_make(c.p, cut)), "");
			assert_true(str_eq(add(&s, str_skip(c, cut)), c));
			assert_true(str_eq(end(&s), c));

			begin(&s, NULL, 0);
			assert_str_is(add(&s, str_make(c.p, cut)), "");
			assert_str_is(end(&s), "\xef\xbf\xbd");

			begin(&s, NULL, 0);
			assert_str_is(add(&s, str_make(c.p, cut)), "");
			assert_str_is(add(&s, S("a")), "\xef\xbf\xbd"
						       "a");
			assert_str_is(end(&s), "\xef\xbf\xbd"
					       "a");
		}
	}
}

/* Bytes at which a decoder turns, in all sequences of up to four of them. */
static const unsigned char turns[20] = { 0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90,
	0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xdf, 0xe0, 0xe1, 0xed, 0xf0, 0xf1, 0xf4,
	0xf5, 0xff };

/*
 * The sum is Python's own:
 *   for n in range(1, 5):
 *     for t in itertools.product(turns, repeat=n):
 *       sum = zlib.crc32(bytes(t).decode("utf-8", "replace").encode() +
 *           b"\n", sum)
 */
#define TURNS_BYTES 1795938
#define TURNS_CRC32 0xdf1c68c0U

static void
replace_turns(size_t n_at_once)
{
	char *all = malloc(TURNS_BYTES + OUT_MAX), text[4] = { 0 };
	static struct sink s;
	size_t at = 0;

	assert_non_null(all);
	for (unsigned n = 1, count = 20; n <= 4; n++, count *= 20) {
		for (unsigned k = 0; k < count; k++) {
			struct str rest = str_make(text, n);

			for (unsigned i = n, left = k; i-- > 0; left /= 20)
				text[i] = (char)turns[left % 20];
			begin(&s, NULL, 0);
			for (; rest.n > n_at_once;
			     rest = str_skip(rest, n_at_once))
				(void)add(&s, str_make(rest.p, n_at_once));
			(void)add(&s, rest);
			(void)end(&s);
			assert_true(at + s.n < TURNS_BYTES + OUT_MAX);
			memcpy(all + at, s.out, s.n);
			at += s.n;
			all[at++] = '\n';
		}
	}
	assert_int_equal(at, TURNS_BYTES);
	assert_int_equal(crc32_ieee(all, at), TURNS_CRC32);
	free(all);
}

static void
text_out__no_utf8__is_replaced_as_python_does(void **state)
{
	(void)state;
	replace_turns(4);
}

static void
text_out__no_utf8_in_pieces__is_replaced_the_same(void **state)
{
	(void)state;
	replace_turns(1);
	replace_turns(3);
}

static void
text_out__a_stop_string__ends_the_text_before_it(void **state)
{
	static const struct str stops[] = { STR_INIT("END"), STR_INIT("\n\n") };
	struct str text = S("one END two\n\n");
	static struct sink s;
	bool is_stopped;

	(void)state;
	for (size_t cut = 0; cut <= text.n; cut++) {
		assert_str_is(in_two(&s, text, cut, stops, 2, &is_stopped),
		    "one ");
		assert_true(is_stopped);
	}
}

static void
text_out__after_a_stop_string__nothing_comes(void **state)
{
	static const struct str stops[] = { STR_INIT(".") };
	static struct sink s;

	(void)state;
	begin(&s, stops, 1);
	assert_str_is(add(&s, S("a.b")), "a");
	assert_true(text_out_is_stopped(&s.t));
	assert_str_is(add(&s, S("c")), "");
	assert_str_is(take(&s, true), "");
	assert_str_is(end(&s), "a");
}

static void
text_out__the_beginning_of_a_stop_string__is_held_back(void **state)
{
	static const struct str stops[] = { STR_INIT("abcd"),
		STR_INIT("\xe2\x82\xac") };
	static struct sink s;

	(void)state;
	begin(&s, stops, 2);
	assert_str_is(add(&s, S("xa")), "x");
	assert_str_is(add(&s, S("b")), "");
	assert_str_is(add(&s, S("a")), "ab");
	assert_str_is(add(&s, S("abc")), "a");
	assert_str_is(add(&s, S("x")), "abcx");
	assert_str_is(add(&s, S("abc")), "");
	assert_false(text_out_is_stopped(&s.t));
	assert_str_is(take(&s, true), "abc");
	assert_str_is(end(&s), "xabaabcxabc");
}

/* A stop string can begin again within its own beginning. */
static void
text_out__stop_strings_that_repeat_themselves__are_found(void **state)
{
	static const struct str stops[] = { STR_INIT("aab") };
	struct str text = S("aaaaaab!");
	static struct sink s;
	bool is_stopped;

	(void)state;
	for (size_t cut = 0; cut <= text.n; cut++) {
		assert_str_is(in_two(&s, text, cut, stops, 1, &is_stopped),
		    "aaaa");
		assert_true(is_stopped);
	}
}

static void
text_out__overlapping_stop_strings__do_not_depend_on_tokens(void **state)
{
	static const struct {
		struct str stops[3];
		size_t n_stops;
		struct str text;
		const char *out;
	} cases[] = {
		{ { STR_INIT("abcd"), STR_INIT("bc") }, 2, STR_INIT("xabcd"),
		    "xa" },
		{ { STR_INIT("bc"), STR_INIT("abc") }, 2, STR_INIT("xabcd"),
		    "x" },
		{ { STR_INIT("abc"), STR_INIT("abcd") }, 2, STR_INIT("xabcd"),
		    "x" },
		{ { STR_INIT("cd"), STR_INIT("bcx"), STR_INIT("abcy") }, 3,
		    STR_INIT("abcd"), "ab" },
		{ { STR_INIT("d"), STR_INIT("b") }, 2, STR_INIT("abcd"), "a" },
	};
	static struct sink s;
	bool is_stopped;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (size_t cut = 0; cut <= cases[i].text.n; cut++) {
			assert_str_is(in_two(&s, cases[i].text, cut,
					  cases[i].stops, cases[i].n_stops,
					  &is_stopped),
			    cases[i].out);
			assert_true(is_stopped);
		}
	}
}

static void
text_out__a_replaced_byte__is_part_of_stop_strings(void **state)
{
	static const struct str stops[] = { STR_INIT("\xef\xbf\xbd!") };
	static struct sink s;
	bool is_stopped;

	(void)state;
	assert_str_is(in_two(&s, S("ab\xff!c"), 3, stops, 1, &is_stopped),
	    "ab");
	assert_true(is_stopped);
	/* a cut character at the end can complete one, too */
	static const struct str last[] = { STR_INIT("b\xef\xbf\xbd") };

	assert_str_is(in_two(&s, S("ab\xc3"), 1, last, 1, &is_stopped), "a");
	assert_true(is_stopped);
}

static void
text_out__a_long_text__goes_through_little_memory(void **state)
{
	static struct sink s;

	(void)state;
	begin(&s, NULL, 0);
	for (unsigned i = 0; i < 100000; i++) {
		s.n = 0;
		assert_str_is(add(&s, S("word ")), "word ");
	}
	assert_true(s.t.cap <= 256);
	(void)end(&s);
}

static void
text_out__a_long_token__fits(void **state)
{
	char token[1000];
	static struct sink s;

	(void)state;
	memset(token, 0xff, sizeof(token));
	begin(&s, NULL, 0);
	(void)add(&s, S("\xe2\x82"));
	assert_int_equal(add(&s, str_make(token, sizeof(token))).n, 3 * 1001);
	(void)end(&s);
}

/* Begins of tokens, in the text as it goes out. */
static void
text_out__tokens__begin_where_their_text_does(void **state)
{
	static const struct {
		struct str token;
		uint64_t at;
	} cases[] = {
		{ STR_INIT("ab"), 0 },
		{ STR_INIT("c\xc3"), 2 },
		{ STR_INIT("\xa9"), 3 }, /* of the same character */
		{ STR_INIT("d\xe2"), 5 },
		{ STR_INIT("\x82"), 6 },
		{ STR_INIT("e"), 9 }, /* behind U+FFFD */
		{ STR_INIT(""), 10 },
		{ STR_INIT("\xff"), 10 },
		{ STR_INIT("f"), 13 },
	};
	struct str stop = STR_INIT("efg");
	struct sink s;
	(void)state;

	begin(&s, &stop, 1);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		(void)add(&s, cases[i].token);
		assert_int_equal(text_out_token_at(&s.t), cases[i].at);
	}
	assert_int_equal(end(&s).n, 14);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_out__whole_characters__go_out_at_once),
		cmocka_unit_test(text_out__a_cut_character__waits_for_its_rest),
		cmocka_unit_test(text_out__no_utf8__is_replaced_as_python_does),
		cmocka_unit_test(
		    text_out__no_utf8_in_pieces__is_replaced_the_same),
		cmocka_unit_test(
		    text_out__a_stop_string__ends_the_text_before_it),
		cmocka_unit_test(text_out__after_a_stop_string__nothing_comes),
		cmocka_unit_test(
		    text_out__the_beginning_of_a_stop_string__is_held_back),
		cmocka_unit_test(
		    text_out__stop_strings_that_repeat_themselves__are_found),
		cmocka_unit_test(
		    text_out__overlapping_stop_strings__do_not_depend_on_tokens),
		cmocka_unit_test(
		    text_out__a_replaced_byte__is_part_of_stop_strings),
		cmocka_unit_test(
		    text_out__a_long_text__goes_through_little_memory),
		cmocka_unit_test(text_out__tokens__begin_where_their_text_does),
		cmocka_unit_test(text_out__a_long_token__fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
