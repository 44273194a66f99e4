/* SPDX-License-Identifier: MIT */
/* The pauses between starts. tests/wire/models.t has real processes. */
#include "support/cmocka_tg.h"

#include "admin/model_process.h"

static void
model_process_pause_ms__ends_again_and_again__grows_to_its_bound(void **state)
{
	static const int64_t expected[] = { 500, 1000, 2000, 4000, 8000, 16000,
		30000, 30000, 30000 };
	int64_t pause_ms = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		pause_ms = model_process_pause_ms(pause_ms, 59999);
		assert_int_equal(pause_ms, expected[i]);
	}
}

static void
model_process_pause_ms__well_for_a_minute__is_the_shortest(void **state)
{
	(void)state;
	assert_int_equal(model_process_pause_ms(30000, 60000), 500);
	assert_int_equal(model_process_pause_ms(0, 0), 500);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    model_process_pause_ms__ends_again_and_again__grows_to_its_bound),
		cmocka_unit_test(
		    model_process_pause_ms__well_for_a_minute__is_the_shortest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
