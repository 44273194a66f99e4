/* SPDX-License-Identifier: MIT */
/* What a month will have cost. */
#include "support/cmocka_tg.h"

#include "base/clock.h"
#include "base/money.h"
#include "domain/forecast.h"

#define USD        MONEY_PUSD_PER_USD
/* 2026-11-26 17:30 UTC: 4 days and 6.5 hours before the month's end. */
#define NOW_MS     (INT64_C(1795651200000) + 17 * HOUR_MS + HOUR_MS / 2)
#define HOURS_LEFT (4 * 24 + 6)

static int64_t
forecast(int64_t spent_pusd, int64_t days_pusd, int64_t now_ms)
{
	struct error e = { 0 };
	int64_t pusd = -1;

	assert_ok(forecast_month(spent_pusd, days_pusd, now_ms, &pusd, &e));
	return pusd;
}

static void
forecast__of_a_month__adds_the_mean_hour_for_each_full_hour_left(void **state)
{
	(void)state;
	assert_int_equal(forecast(10 * USD, 168 * USD, NOW_MS),
	    (10 + HOURS_LEFT) * USD);
	assert_int_equal(forecast(10 * USD, 0, NOW_MS), 10 * USD);
	/* A pico-dollar a week is less than one an hour, but not in a month. */
	assert_int_equal(forecast(0, 167, NOW_MS), 167 * HOURS_LEFT / 168);
}

static void
forecast__in_the_last_hour__is_what_was_spent(void **state)
{
	int64_t end_ms = INT64_C(1796083200000); /* 2026-12-01 */

	(void)state;
	assert_int_equal(forecast(USD, 168 * USD, end_ms - 1), USD);
	assert_int_equal(forecast(USD, 168 * USD, end_ms), USD + 744 * USD);
}

static void
forecast__of_a_big_week__does_not_overflow_before_its_sum_does(void **state)
{
	int64_t week_pusd = INT64_C(1000000) * USD, got_pusd;
	struct error e = { 0 };

	(void)state;
	assert_in_range(forecast(0, week_pusd, NOW_MS), 607000 * USD,
	    608000 * USD);
	assert_int_equal(forecast_month(INT64_MAX - USD, week_pusd, NOW_MS,
			     &got_pusd, &e),
	    ERR_MONEY_RANGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    forecast__of_a_month__adds_the_mean_hour_for_each_full_hour_left),
		cmocka_unit_test(forecast__in_the_last_hour__is_what_was_spent),
		cmocka_unit_test(
		    forecast__of_a_big_week__does_not_overflow_before_its_sum_does),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
