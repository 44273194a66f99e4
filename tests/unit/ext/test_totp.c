/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include "ext/qr.h"
#include "ext/totp.h"

/* RFC 6238, appendix B: SHA-1; of its eight digits the last six. */
static const uint8_t secret[TOTP_SECRET_BYTES] = "12345678901234567890";
static const struct {
	int64_t at_s;
	const char *code;
} cases[] = { { 59, "287082" }, { 1111111109, "081804" },
	{ 1111111111, "050471" }, { 1234567890, "005924" },
	{ 2000000000, "279037" }, { 20000000000, "353130" } };

static void
totp_find__the_rfcs_codes__are_of_their_steps(void **state)
{
	struct error e = { 0 };
	uint64_t step;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str code = str_from(cases[i].code);
		int64_t at_s = cases[i].at_s;

		assert_ok(totp_find(secret, code, at_s, &step, &e));
		assert_int_equal(step, at_s / 30);
		assert_ok(totp_find(secret, code, at_s + 30, &step, &e));
		assert_ok(totp_find(secret, code, at_s - 30, &step, &e));
		assert_int_equal(step, at_s / 30);
		if (at_s >= 60)
			assert_int_equal(totp_find(secret, code, at_s - 60,
					     &step, &e),
			    ERR_NOT_FOUND);
		assert_int_equal(totp_find(secret, code, at_s + 60, &step, &e),
		    ERR_NOT_FOUND);
	}
	assert_int_equal(totp_find(secret, S("28708"), 59, &step, &e),
	    ERR_NOT_FOUND);
	assert_int_equal(totp_find(secret, S("2870820"), 59, &step, &e),
	    ERR_NOT_FOUND);
}

/* By coreutils' base32. */
static void
totp_text__any__is_base32(void **state)
{
	char text[TOTP_TEXT_BYTES];

	(void)state;
	totp_text(secret, text);
	assert_string_equal(text, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
}

/* Version 1 has 21 modules a side, and three finders of seven. */
static void
qr_path__a_short_text__has_its_finders(void **state)
{
	struct error e = { 0 };
	char big[1002];
	struct arena a;
	struct str path;
	unsigned size;

	(void)state;
	arena_init(&a, MIB(1));
	assert_ok(qr_path(S("tollgate"), &a, &path, &size, &e));
	assert_int_equal(size, 21);
	assert_true(str_starts(path, S("M0 0h7v1h-7z")));
	assert_true(str_find_str(path, S("M14 0h7v1h-7z")) < path.n);
	assert_true(str_find_str(path, S("M0 20h7v1h-7z")) < path.n);
	memset(big, 'x', sizeof(big));
	assert_int_equal(qr_path(str_make(big, 1001), &a, &path, &size, &e),
	    ERR_BAD_PARAM);
	arena_fini(&a);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(totp_find__the_rfcs_codes__are_of_their_steps),
		cmocka_unit_test(totp_text__any__is_base32),
		cmocka_unit_test(qr_path__a_short_text__has_its_finders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
