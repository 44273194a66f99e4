/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include "base/clock.h"

static void
clock_parse__good_texts__give_the_moment(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {
		{ "1970-01-01", 0 },
		{ "2024-02-29T12:00:00Z", 1709208000000 },
		{ "2024-01-01 00:00:00.5", 1704067200500 },
		{ "2024-01-01T01:00:00+01:00", 1704067200000 },
		{ "2023-12-31T23:30:00-00:30", 1704067200000 },
		{ "9999-12-31T23:59:59Z", 253402300799000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t ms = -1;

		assert_true(clock_parse(str_from(cases[i].text), &ms));
		assert_int_equal(ms, cases[i].ms);
	}
}

static void
clock_parse__bad_texts__are_refused(void **state)
{
	static const char *const cases[] = { "", "2024", "2024-13-01",
		"2024-02-30", "2023-02-29", "1969-12-31", "2024-01-01T25:00:00",
		"2024-01-01T00:00:60", "2024-01-01T00:00:00.", "2024-01-01Z",
		"2024-01-01T00:00:00+1:00", "2024-01-01T00:00:00Zx",
		"+024-01-01", "2024-1-01", "1970-01-01T00:00:00+00:01",
		"9999-12-31T23:59:59-00:01" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t ms;

		assert_false(clock_parse(str_from(cases[i]), &ms));
	}
}

static void
clock_parse_given__first_moment__is_not_none(void **state)
{
	int64_t ms = 0;

	(void)state;
	assert_true(clock_parse_given(S("1970-01-01"), &ms));
	assert_int_equal(ms, 1);
	assert_true(clock_parse_given(S("1970-01-02"), &ms));
	assert_int_equal(ms, DAY_MS);
	assert_false(clock_parse_given(S("1969-12-31"), &ms));
}

static void
clock_split__every_day_of_400_years__joins_back(void **state)
{
	int64_t first = -25567; /* 1900-01-01 */

	(void)state;
	for (int64_t day = first; day < first + 146097; day++) {
		int64_t ms = day * DAY_MS + 86399999;
		struct clock_parts t;

		clock_split(ms, &t);
		assert_in_range(t.month, 1, 12);
		assert_in_range(t.day, 1, 31);
		assert_int_equal(clock_join(&t), ms);
	}
}

static void
clock_format__milliseconds__only_when_asked(void **state)
{
	char text[CLOCK_TEXT_BYTES];

	(void)state;
	clock_format(1704067200123, text);
	assert_string_equal(text, "2024-01-01T00:00:00Z");
	clock_format_ms(1704067200123, text);
	assert_string_equal(text, "2024-01-01T00:00:00.123Z");
}

static void
clock_set_for_test__frozen__returns_that_time(void **state)
{
	(void)state;
	clock_set_for_test(42);
	assert_int_equal(clock_now_ms(), 42);
	clock_set_for_test(0);
	assert_true(clock_now_ms() > INT64_C(1700000000000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clock_parse__good_texts__give_the_moment),
		cmocka_unit_test(clock_parse__bad_texts__are_refused),
		cmocka_unit_test(clock_parse_given__first_moment__is_not_none),
		cmocka_unit_test(
		    clock_split__every_day_of_400_years__joins_back),
		cmocka_unit_test(clock_format__milliseconds__only_when_asked),
		cmocka_unit_test(clock_set_for_test__frozen__returns_that_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
