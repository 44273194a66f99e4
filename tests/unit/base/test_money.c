/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include "base/money.h"

static void
money_from_decimal__good_texts__are_exact(void **state)
{
	static const struct {
		const char *text;
		int64_t pusd;
	} cases[] = {
		{ "0", 0 },
		{ "1", MONEY_PUSD_PER_USD },
		{ "0.000000000001", 1 },
		{ "-0.5", -MONEY_PUSD_PER_USD / 2 },
		{ "0.00000015", 150000 },
		{ "9223372.036854775807", INT64_MAX },
		{ "1.5000000000000000", 1500000000000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error e;
		int64_t v = -1;

		assert_ok(money_from_decimal(str_from(cases[i].text), &v, &e));
		assert_int_equal(v, cases[i].pusd);
	}
}

static void
money_from_number__json_numbers__are_exact_or_refused(void **state)
{
	static const struct {
		const char *text;
		int64_t pusd;
		enum err code;
	} cases[] = {
		{ "0", 0, OK },
		{ "-0", 0, OK },
		{ "0e999", 0, OK },
		{ "0.000e-999", 0, OK },
		{ "1.5e-07", 150000, OK },
		{ "1.5E-7", 150000, OK },
		{ "15e-8", 150000, OK },
		{ "0.00000015", 150000, OK },
		{ "0.000000150000000000000000000000", 150000, OK },
		{ "150000000000000000000e-27", 150000, OK },
		{ "1e-12", 1, OK },
		{ "-2.5e1", -25 * MONEY_PUSD_PER_USD, OK },
		{ "1e+6", 1000000 * MONEY_PUSD_PER_USD, OK },
		{ "9223372036854775807e-12", INT64_MAX, OK },
		{ "9223372.036854775807", INT64_MAX, OK },
		{ "9223372036854775808e-12", 0, ERR_MONEY_RANGE },
		{ "18446744073709551616e-12", 0, ERR_MONEY_RANGE },
		{ "1e7", 0, ERR_MONEY_RANGE },
		{ "1e1000", 0, ERR_MONEY_RANGE },
		{ "1e-13", 0, ERR_BAD_PARAM },
		{ "1.0000000000001", 0, ERR_BAD_PARAM },
		{ "12345678901234567890123e-30", 0, ERR_BAD_PARAM },
		{ "1e-1001", 0, ERR_BAD_PARAM },
		{ "", 0, ERR_BAD_PARAM },
		{ "-", 0, ERR_BAD_PARAM },
		{ ".5", 0, ERR_BAD_PARAM },
		{ "1.", 0, ERR_BAD_PARAM },
		{ "1e", 0, ERR_BAD_PARAM },
		{ "1e-", 0, ERR_BAD_PARAM },
		{ "1e5.0", 0, ERR_BAD_PARAM },
		{ "+1", 0, ERR_BAD_PARAM },
		{ "1,5", 0, ERR_BAD_PARAM },
		{ "NaN", 0, ERR_BAD_PARAM },
		{ "0x10", 0, ERR_BAD_PARAM },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error e;
		int64_t v = 7;
		enum err err = money_from_number(str_from(cases[i].text), &v,
		    &e);

		if (err != cases[i].code)
			print_message("# %s\n", cases[i].text);
		assert_int_equal(err, cases[i].code);
		assert_int_equal(v, err ? 7 : cases[i].pusd);
	}
}

static void
money_from_decimal__bad_texts__are_refused(void **state)
{
	static const struct {
		const char *text;
		enum err code;
	} cases[] = {
		{ "", ERR_BAD_PARAM },
		{ "-", ERR_BAD_PARAM },
		{ ".5", ERR_BAD_PARAM },
		{ "1.", ERR_BAD_PARAM },
		{ "1e3", ERR_BAD_PARAM },
		{ "1,5", ERR_BAD_PARAM },
		{ "0.0000000000001", ERR_BAD_PARAM },
		{ "--1", ERR_BAD_PARAM },
		{ "9223372.036854775808", ERR_MONEY_RANGE },
		{ "99999999", ERR_MONEY_RANGE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error e;
		int64_t v = 7;

		assert_int_equal(money_from_decimal(str_from(cases[i].text), &v,
				     &e),
		    cases[i].code);
		assert_int_equal(v, 7);
	}
}

static void
money_texts__extremes__round_trip(void **state)
{
	static const int64_t cases[] = { 0, 1, -1, 1250000000, INT64_MAX,
		-INT64_MAX, MONEY_PUSD_PER_USD };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[MONEY_TEXT_BYTES];
		struct error e;
		int64_t v;

		money_to_decimal(cases[i], text);
		assert_ok(money_from_decimal(str_from(text), &v, &e));
		assert_int_equal(v, cases[i]);
		money_to_text(cases[i], text);
		assert_ok(money_from_decimal(str_from(text), &v, &e));
		assert_int_equal(v, cases[i]);
	}
}

static void
money_to_text__no_trailing_zeros__no_exponent(void **state)
{
	char text[MONEY_TEXT_BYTES];

	(void)state;
	money_to_text(1250000000, text);
	assert_string_equal(text, "0.00125");
	money_to_text(0, text);
	assert_string_equal(text, "0");
	money_to_text(20 * MONEY_PUSD_PER_USD, text);
	assert_string_equal(text, "20");
}

static void
money_mul_ppm__halves__go_to_even(void **state)
{
	struct error e;
	int64_t v;

	(void)state;
	assert_ok(money_mul_ppm(1, 500000, &v, &e)); /* 0.5 */
	assert_int_equal(v, 0);
	assert_ok(money_mul_ppm(3, 500000, &v, &e)); /* 1.5 */
	assert_int_equal(v, 2);
	assert_ok(money_mul_ppm(-3, 500000, &v, &e));
	assert_int_equal(v, -2);
	assert_ok(money_mul_ppm(7, 1000000, &v, &e));
	assert_int_equal(v, 7);
	assert_int_equal(money_mul_ppm(INT64_MAX, 1000001, &v, &e),
	    ERR_MONEY_RANGE);
}

static void
money_arithmetic__overflow__is_an_error(void **state)
{
	struct error e;
	int64_t v = 7;

	(void)state;
	assert_int_equal(money_add(INT64_MAX, 1, &v, &e), ERR_MONEY_RANGE);
	assert_int_equal(money_sub(INT64_MIN, 1, &v, &e), ERR_MONEY_RANGE);
	assert_int_equal(money_mul_tok(2, UINT64_MAX, &v, &e), ERR_MONEY_RANGE);
	assert_int_equal(v, 7);
	assert_ok(money_mul_tok(150000, 1000000, &v, &e));
	assert_int_equal(v, 150000000000);
}

static void
money_ppm_to_text__any_amount__is_exact_where_rounding_is_not(void **state)
{
	static const struct {
		int64_t pusd;
		uint64_t ppm;
		const char *text;
	} cases[] = {
		{ 0, 1370000, "0" },
		{ 1, 1000000, "0.000000000001" },
		{ 1, 1, "0.000000000000000001" },
		{ 1, 1500000, "0.0000000000015" },
		{ MONEY_PUSD_PER_USD, 1000000, "1" },
		{ 25 * MONEY_PUSD_PER_USD, 1100000, "27.5" },
		{ INT64_MAX, 1000000, "9223372.036854775807" },
		{ INT64_MAX, UINT32_MAX, "39614081247.908796755622232065" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[MONEY_EXACT_BYTES];

		money_ppm_to_text(cases[i].pusd, cases[i].ppm, text);
		assert_string_equal(text, cases[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(money_from_decimal__good_texts__are_exact),
		cmocka_unit_test(money_from_decimal__bad_texts__are_refused),
		cmocka_unit_test(
		    money_from_number__json_numbers__are_exact_or_refused),
		cmocka_unit_test(money_texts__extremes__round_trip),
		cmocka_unit_test(money_to_text__no_trailing_zeros__no_exponent),
		cmocka_unit_test(money_mul_ppm__halves__go_to_even),
		cmocka_unit_test(
		    money_ppm_to_text__any_amount__is_exact_where_rounding_is_not),
		cmocka_unit_test(money_arithmetic__overflow__is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
