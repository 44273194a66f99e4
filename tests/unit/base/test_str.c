/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include "base/crc32.h"
#include "base/hex.h"
#include "base/rng.h"
#include "base/secret.h"

static void
str_to_u64__bad_numbers__leave_the_result_alone(void **state)
{
	static const char *const cases[] = { "", "-1", "+1", " 1", "1 ", "0x1",
		"1e3", "18446744073709551616", "99999999999999999999", "11",
		"1" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t v = 7;

		assert_false(str_to_u64(str_from(cases[i]), 2, 10, &v));
		assert_int_equal(v, 7);
	}
}

static void
str_to_i64__extremes__are_read(void **state)
{
	int64_t v;

	(void)state;
	assert_true(
	    str_to_i64(S("-9223372036854775808"), INT64_MIN, INT64_MAX, &v));
	assert_true(v == INT64_MIN);
	assert_true(
	    str_to_i64(S("9223372036854775807"), INT64_MIN, INT64_MAX, &v));
	assert_true(v == INT64_MAX);
	assert_false(
	    str_to_i64(S("9223372036854775808"), INT64_MIN, INT64_MAX, &v));
	assert_false(
	    str_to_i64(S("-9223372036854775809"), INT64_MIN, INT64_MAX, &v));
}

static void
str_is_utf8__rfc_3629_edges__are_judged(void **state)
{
	(void)state;
	assert_true(str_is_utf8(S("")));
	assert_true(str_is_utf8(S("plain ascii, long enough for words")));
	assert_true(str_is_utf8(S("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80")));
	assert_true(str_is_utf8(S("\xf4\x8f\xbf\xbf")));
	assert_false(str_is_utf8(S("\xc0\x80")));         /* overlong */
	assert_false(str_is_utf8(S("\xed\xa0\x80")));     /* surrogate */
	assert_false(str_is_utf8(S("\xf4\x90\x80\x80"))); /* > U+10FFFF */
	assert_false(str_is_utf8(S("1234567\xe2\x82")));  /* cut */
	assert_false(str_is_utf8(S("\x80")));
}

static void
str_split__pieces__empty_ones_count(void **state)
{
	struct str rest = S("a,,b"), piece;

	(void)state;
	assert_true(str_split(&rest, ',', &piece));
	assert_str_is(piece, "a");
	assert_true(str_split(&rest, ',', &piece));
	assert_str_is(piece, "");
	assert_true(str_split(&rest, ',', &piece));
	assert_str_is(piece, "b");
	assert_false(str_split(&rest, ',', &piece));
}

static void
str_helpers__edges__hold(void **state)
{
	(void)state;
	assert_true(str_eq((struct str){ NULL, 0 }, S("")));
	assert_true(str_eq_nocase(S("Content-TYPE"), S("content-type")));
	assert_false(str_eq_nocase(S("@"), S("`")));
	assert_true(str_starts(S("abc"), S("ab")));
	assert_false(str_starts(S("a"), S("ab")));
	assert_true(str_ends(S("abc"), S("bc")));
	assert_int_equal(str_find_str(S("abcabd"), S("abd")), 3);
	assert_int_equal(str_find(S("abc"), 'z'), 3);
	assert_str_is(str_trim(S(" \ta b \t")), "a b");
}

static void
crc32__published_check_values__match(void **state)
{
	(void)state;
	/* "check" values of the CRC catalogue for "123456789". */
	assert_int_equal(crc32c("123456789", 9), 0xe3069283);
	assert_int_equal(crc32_ieee("123456789", 9), 0xcbf43926);
}

static void
hex__both_directions__agree(void **state)
{
	const uint8_t bytes[] = { 0x00, 0x9f, 0xff };
	uint8_t back[3];
	char text[7];

	(void)state;
	hex_encode(bytes, 3, text);
	assert_string_equal(text, "009fff");
	assert_true(hex_decode(S("009FfF"), back, 3));
	assert_memory_equal(back, bytes, 3);
	assert_false(hex_decode(S("009ff"), back, 3));
	assert_false(hex_decode(S("00zz00"), back, 3));
}

static void
rng_below__many_draws__stay_below_and_reach_all(void **state)
{
	unsigned seen[62] = { 0 };

	(void)state;
	for (int i = 0; i < 20000; i++)
		seen[rng_below(62)]++;
	for (size_t i = 0; i < ARRAY_LEN(seen); i++)
		assert_true(seen[i] > 0);
}

static void
secret_eq__one_bit_apart__differs(void **state)
{
	(void)state;
	assert_true(secret_eq("abc", "abc", 3));
	assert_false(secret_eq("abc", "abb", 3));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    str_to_u64__bad_numbers__leave_the_result_alone),
		cmocka_unit_test(str_to_i64__extremes__are_read),
		cmocka_unit_test(str_is_utf8__rfc_3629_edges__are_judged),
		cmocka_unit_test(str_split__pieces__empty_ones_count),
		cmocka_unit_test(str_helpers__edges__hold),
		cmocka_unit_test(crc32__published_check_values__match),
		cmocka_unit_test(hex__both_directions__agree),
		cmocka_unit_test(
		    rng_below__many_draws__stay_below_and_reach_all),
		cmocka_unit_test(secret_eq__one_bit_apart__differs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
