/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include "base/buf.h"
#include "base/clock.h"
#include "handler/web/budget_view.h"
#include "handler/web/find.h"
#include "handler/web/limit_view.h"
#include "handler/web/view.h"

static struct arena a;

static int
set_up(void **state)
{
	(void)state;
	arena_init(&a, MIB(1));
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	arena_fini(&a);
	return 0;
}

static void
counts__by_size__have_a_comma_for_each_thousand(void **state)
{
	(void)state;
	assert_str_is(view_count_text(&a, 0), "0");
	assert_str_is(view_count_text(&a, 999), "999");
	assert_str_is(view_count_text(&a, 1000), "1,000");
	assert_str_is(view_count_text(&a, 12345678), "12,345,678");
	assert_str_is(view_count_text(&a, UINT64_MAX),
	    "18,446,744,073,709,551,615");
}

/* D19 */
static void
money__to_the_last_pico_dollar__is_exact(void **state)
{
	(void)state;
	assert_str_is(view_money_text(&a, 0), "$0.00");
	assert_str_is(view_money_text(&a, 1), "$0.000000000001");
	assert_str_is(view_money_text(&a, INT64_C(1500000000000)), "$1.50");
	assert_str_is(view_money_text(&a, INT64_C(345000000)), "$0.000345");
	assert_str_is(view_money_text(&a, INT64_C(1234505000000000)),
	    "$1,234.505");
	assert_str_is(view_money_text(&a, INT64_C(-2000000000001)),
	    "-$2.000000000001");
	assert_str_is(view_money_text(&a, INT64_MAX),
	    "$9,223,372.036854775807");
	assert_str_is(view_money_text(&a, INT64_MIN),
	    "-$9,223,372.036854775808");
}

static void
money__in_two_parts__is_the_amount_again(void **state)
{
	(void)state;
	struct tval *o = tval_object(&a);
	view_money(o, "cost", INT64_C(1234505000000000));
	const struct tval *cost = tval_get(o, S("cost"));

	assert_str_is(tval_get(cost, S("exact"))->text, "1234.505");
	assert_str_is(tval_get(cost, S("cents"))->text, "$1,234.50");
	assert_str_is(tval_get(cost, S("rest"))->text, "5");
}

static void
durations__by_size__take_their_unit(void **state)
{
	(void)state;
	assert_str_is(view_duration_text(&a, -1), "–");
	assert_str_is(view_duration_text(&a, 0), "<1 ms");
	assert_str_is(view_duration_text(&a, 999), "999 ms");
	assert_str_is(view_duration_text(&a, 1000), "1.00 s");
	assert_str_is(view_duration_text(&a, 1249), "1.24 s");
	assert_str_is(view_duration_text(&a, 12490), "12.4 s");
	assert_str_is(view_duration_text(&a, 59999), "59.9 s");
	assert_str_is(view_duration_text(&a, 125000), "2 min 5 s");
}

static void
times__in_utc__have_a_machine_form_beside_them(void **state)
{
	(void)state;
	struct tval *o = tval_object(&a);
	view_time(o, "then", INT64_C(1795343465000));
	view_time(o, "never", 0);
	view_day(o, "day", INT64_C(1795343465000));

	const struct tval *then = tval_get(o, S("then"));
	assert_str_is(tval_get(then, S("iso"))->text, "2026-11-22T10:31:05Z");
	assert_str_is(tval_get(then, S("text"))->text, "22 Nov 2026, 10:31");
	assert_true(tval_get(then, S("is_set"))->flag);
	assert_false(tval_get(tval_get(o, S("never")), S("is_set"))->flag);
	const struct tval *day = tval_get(o, S("day"));
	assert_str_is(tval_get(day, S("iso"))->text, "2026-11-22");
	assert_str_is(tval_get(day, S("text"))->text, "22 Nov 2026");
}

/* In the place of a time, and what is not set no zone changes. */
static void
times__day_or_word_in_its_place__are_not_set(void **state)
{
	(void)state;
	struct tval *o = tval_object(&a);
	view_time_day(o, "day", INT64_C(1795343465000));
	view_time_word(o, "word", S("never"));

	const struct tval *day = tval_get(o, S("day"));
	assert_false(tval_get(day, S("is_set"))->flag);
	assert_str_is(tval_get(day, S("iso"))->text, "2026-11-22");
	assert_str_is(tval_get(day, S("text"))->text, "22 Nov 2026");
	const struct tval *word = tval_get(o, S("word"));
	assert_false(tval_get(word, S("is_set"))->flag);
	assert_str_is(tval_get(word, S("iso"))->text, "");
	assert_str_is(tval_get(word, S("text"))->text, "never");
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static void
budget_percent__of_the_amount__rounds_down_and_is_bounded(void **state)
{
	(void)state;
	assert_int_equal(web_budget_percent(0, 1000), 0);
	assert_int_equal(web_budget_percent(-5, 1000), 0);
	assert_int_equal(web_budget_percent(9, 1000), 0);
	assert_int_equal(web_budget_percent(999, 1000), 99);
	assert_int_equal(web_budget_percent(1000, 1000), 100);
	assert_int_equal(web_budget_percent(1500, 1000), 150);
	assert_int_equal(web_budget_percent(INT64_MAX, 100), 999);
	assert_int_equal(web_budget_percent(INT64_MAX, INT64_MAX), 100);
	assert_int_equal(web_budget_percent(1, 0), 100);
	assert_int_equal(web_budget_percent(0, 0), 0);
}

static void
limits__each_layer__nearest_states_it(void **state)
{
	struct limit_set layers[KEY_LIMITS__N] = { 0 };
	struct limit_set defaults = { 0 };
	struct tval *o = tval_object(&a);
	struct buf b;

	(void)state;
	limit_set_put(&defaults, LIMIT_KEY_MODEL_REQUESTS_MINUTE, 60);
	limit_set_put(&defaults, LIMIT_ADDRESS_REQUESTS_MINUTE, 0);
	limit_set_put(&layers[KEY_LIMITS_CUSTOMER],
	    LIMIT_KEY_MODEL_REQUESTS_MINUTE, 30);
	limit_set_put(&layers[KEY_LIMITS_TIER], LIMIT_KEY_MODEL_REQUESTS_MINUTE,
	    1200);
	limit_set_put(&layers[KEY_LIMITS_USER_TIER], LIMIT_KEY_TOKENS_DAY,
	    9000);
	limit_set_put(&layers[KEY_LIMITS_OWN], LIMIT_KEY_TOKENS_DAY, 0);
	limit_set_put(&layers[KEY_LIMITS_ROLE_TIER], LIMIT_CONCURRENT, 4);
	web_limits_view(o, layers, &defaults, S("premium"));
	buf_init(&b, &a, KIB(4));
	for (const struct tval_item *i = tval_get(o, S("limits"))->first; i;
	     i = i->next) {
		buf_add(&b, tval_get(i->value, S("name"))->text);
		buf_add(&b, S(": "));
		buf_add(&b, tval_get(i->value, S("value"))->text);
		buf_add(&b, S(" by "));
		buf_add(&b, tval_get(i->value, S("from"))->text);
		buf_add_char(&b, '\n');
	}
	assert_str_is(buf_str(&b),
	    "Requests a minute, each model apart: 1,200 by its tier premium\n"
	    "Tokens a day, all models together: no limit by this key\n"
	    "Requests at once: 4 by the tier of its member's role\n");
}

static void
find__part_of_a_name__fits_in_capitals_or_not(void **state)
{
	(void)state;
	assert_true(web_find_fits(S("gpt-4o-mini"), S("4O")));
	assert_true(web_find_fits(S("GPT"), S("gpt")));
	assert_true(web_find_fits(S(""), S("")));
	assert_true(web_find_fits(S("gpt"), (struct str){ NULL, 0 }));
	assert_false(web_find_fits(S("gpt"), S("gpt-")));
	assert_false(web_find_fits(S("gpt"), S("pg")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(counts__by_size__have_a_comma_for_each_thousand),
		T(money__to_the_last_pico_dollar__is_exact),
		T(money__in_two_parts__is_the_amount_again),
		T(durations__by_size__take_their_unit),
		T(times__in_utc__have_a_machine_form_beside_them),
		T(times__day_or_word_in_its_place__are_not_set),
		T(budget_percent__of_the_amount__rounds_down_and_is_bounded),
		T(limits__each_layer__nearest_states_it),
		T(find__part_of_a_name__fits_in_capitals_or_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
