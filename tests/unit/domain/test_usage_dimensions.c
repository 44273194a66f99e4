/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include "domain/usage_text.h"

static void
usage_dimensions__each_name_alone_and_two__are_read(void **state)
{
	enum usage_dimension by[USAGE_BY_MAX];

	(void)state;
	for (int i = USAGE_BY_NOTHING + 1; i < USAGE_BY__N; i++) {
		assert_true(
		    usage_dimensions_read(str_from(usage_dimension_names[i]),
			by));
		assert_int_equal(by[0], i);
		assert_int_equal(by[1], USAGE_BY_NOTHING);
	}
	assert_true(usage_dimensions_read(S("day,key"), by));
	assert_int_equal(by[0], USAGE_BY_DAY);
	assert_int_equal(by[1], USAGE_BY_KEY);
	assert_true(usage_dimensions_read((struct str){ NULL, 0 }, by));
	assert_int_equal(by[0], USAGE_BY_NOTHING);
	assert_int_equal(by[1], USAGE_BY_NOTHING);
}

static void
usage_dimensions__anything_else__is_refused(void **state)
{
	static const char *const wrong[] = { ",", "key,", ",key", "key,key",
		"key,user,model", "keys", "KEY", " key", "key;user" };
	enum usage_dimension by[USAGE_BY_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_false(usage_dimensions_read(str_from(wrong[i]), by));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    usage_dimensions__each_name_alone_and_two__are_read),
		cmocka_unit_test(usage_dimensions__anything_else__is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
