/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include "base/limit_set.h"

static struct error e;

static void
limit_metrics__each__has_its_own_name_and_space(void **state)
{
	enum limit_metric found;

	(void)state;
	for (unsigned m = 0; m < LIMIT__METRICS; m++) {
		assert_true(limit_metric_parse(str_from(limit_metric_names[m]),
		    &found));
		assert_int_equal(found, m);
		assert_string_equal(limit_metrics[m].name,
		    limit_metric_names[m]);
		for (unsigned i = 0; i < m && m < LIMIT__COUNTED; i++)
			assert_string_not_equal(limit_metrics[m].space,
			    limit_metrics[i].space);
	}
	assert_int_equal(LIMIT__COUNTED,
	    LIMIT__SCOPES * LIMIT__UNITS * LIMIT__WINDOWS);
	/* The order in which they are asked. */
	for (unsigned m = 1; m < LIMIT__COUNTED; m++)
		assert_true(
		    limit_metrics[m].window <= limit_metrics[m - 1].window);
}

static void
limit_set_parse__list__states_what_it_names(void **state)
{
	struct limit_set s = { 0 };

	(void)state;
	limit_set_put(&s, LIMIT_KEY_REQUESTS_DAY, 5);
	assert_ok(limit_set_parse(
	    S(" key.tokens.minute = 90000,key.requests.day=none, sliding=1"),
	    &s, &e));
	assert_int_equal(limit_set_get(&s, LIMIT_KEY_TOKENS_MINUTE), 90000);
	assert_int_equal(limit_set_get(&s, LIMIT_KEY_REQUESTS_DAY),
	    LIMIT_UNSTATED);
	assert_int_equal(limit_set_get(&s, LIMIT_SLIDING), 1);
	assert_int_equal(limit_set_get(&s, LIMIT_CONCURRENT), LIMIT_UNSTATED);
	assert_ok(limit_set_parse(S(""), &s, &e));
}

static void
limit_set_parse__not_a_limit__is_refused(void **state)
{
	static const char *const bad[] = { "key", "key.tokens.minute",
		"key.tokens.minute=", "key.tokens.minute=-1",
		"key.tokens.minute=1.5", "key.tokens.week=1",
		"key.tokens.minute=100000000001", "sliding=2", ",",
		"key.tokens.minute=1,,key.tokens.hour=1" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct limit_set s = { 0 };

		assert_int_equal(limit_set_parse(str_from(bad[i]), &s, &e),
		    ERR_BAD_PARAM);
	}
}

static void
limit_set_inherit__nearer_states_it__stays(void **state)
{
	struct limit_set near = { 0 }, far = { 0 };

	(void)state;
	limit_set_put(&near, LIMIT_KEY_REQUESTS_DAY, 0);
	limit_set_put(&far, LIMIT_KEY_REQUESTS_DAY, 9);
	limit_set_put(&far, LIMIT_KEY_REQUESTS_HOUR, 8);
	limit_set_inherit(&near, &far);
	assert_int_equal(limit_set_get(&near, LIMIT_KEY_REQUESTS_DAY), 0);
	assert_int_equal(limit_set_get(&near, LIMIT_KEY_REQUESTS_HOUR), 8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    limit_metrics__each__has_its_own_name_and_space),
		cmocka_unit_test(limit_set_parse__list__states_what_it_names),
		cmocka_unit_test(limit_set_parse__not_a_limit__is_refused),
		cmocka_unit_test(limit_set_inherit__nearer_states_it__stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
