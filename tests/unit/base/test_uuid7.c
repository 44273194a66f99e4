/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include "base/uuid7.h"

static void
uuid7_new__any_time__has_version_variant_and_time(void **state)
{
	struct uuid7 id = uuid7_new(0x0123456789ab);
	char text[UUID7_TEXT_BYTES];

	(void)state;
	uuid7_format(&id, text);
	assert_memory_equal(text, "01234567-89ab-7", 15);
	assert_true(strchr("89ab", text[19]) != NULL);
	assert_int_equal(strlen(text), 36);
	assert_int_equal(uuid7_time_ms(&id), 0x0123456789ab);
}

static void
uuid7_parse__formatted__round_trips(void **state)
{
	struct uuid7 id = uuid7_new(1704067200000), back;
	char text[UUID7_TEXT_BYTES];

	(void)state;
	uuid7_format(&id, text);
	assert_true(uuid7_parse(str_from(text), &back));
	assert_memory_equal(&id, &back, sizeof(id));
	text[8] = '0';
	assert_false(uuid7_parse(str_from(text), &back));
	assert_false(uuid7_parse(S(""), &back));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    uuid7_new__any_time__has_version_variant_and_time),
		cmocka_unit_test(uuid7_parse__formatted__round_trips),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
