/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include <errno.h>

#include "base/err.h"

static void
err_info__every_code__is_fit_for_a_client(void **state)
{
	(void)state;
	for (int code = OK + 1; code < ERR__MAX; code++) {
		const struct err_info *info = err_info((enum err)code);

		assert_in_range(info->http_status, 400, 599);
		assert_true(info->public_text[0] != '\0');
		assert_true(info->api_type[0] != '\0');
		assert_true(info->api_code[0] != '\0');
	}
	assert_ptr_equal(err_info((enum err)10000), err_info(ERR_INTERNAL));
}

static void
error_set__internal_words__are_not_public(void **state)
{
	struct error e;

	(void)state;
	assert_int_equal(error_set(&e, ERR_DB_QUERY, "SELECT %d", 1),
	    ERR_DB_QUERY);
	assert_string_equal(e.internal, "SELECT 1");
	assert_string_equal(e.public_text, "");
	error_prefix(&e, "reading %s", "x");
	assert_string_equal(e.internal, "reading x: SELECT 1");
}

static void
error_public__param__is_kept(void **state)
{
	struct error e;

	(void)state;
	(void)error_public(&e, ERR_BAD_PARAM, "max_length", "too big");
	assert_string_equal(e.param, "max_length");
	assert_string_equal(e.public_text, "too big");
}

static void
error_errno__failed_call__says_why(void **state)
{
	struct error e;

	(void)state;
	errno = ENOENT;
	(void)error_errno(&e, ERR_IO, "open %s", "/x");
	assert_string_equal(e.internal, "open /x: No such file or directory");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(err_info__every_code__is_fit_for_a_client),
		cmocka_unit_test(error_set__internal_words__are_not_public),
		cmocka_unit_test(error_public__param__is_kept),
		cmocka_unit_test(error_errno__failed_call__says_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
