/* SPDX-License-Identifier: MIT */
#include "domain/forecast.h"

#include "base/clock.h"
#include "base/money.h"
#include "domain/budget_period.h"

#define HOURS (FORECAST_DAYS * DAY_MS / HOUR_MS)

enum err
forecast_month(int64_t spent_pusd, int64_t days_pusd, int64_t now_ms,
    int64_t *ret_pusd, struct error *e)
{
	int64_t left_ms = budget_resets_ms(BUDGET_MONTH, now_ms) - now_ms;
	uint64_t hours = (uint64_t)(left_ms / HOUR_MS);
	int64_t whole_pusd, rest_pusd, sum_pusd;
	/* The quotient and the remainder apart: else a big week would pass the
	 * range though its forecast doesn't. */
	enum err err = money_mul_tok(days_pusd / HOURS, hours, &whole_pusd, e);

	if (!err)
		err = money_mul_tok(days_pusd % HOURS, hours, &rest_pusd, e);
	if (!err)
		err = money_add(spent_pusd, whole_pusd, &sum_pusd, e);
	return err ? err : money_add(sum_pusd, rest_pusd / HOURS, ret_pusd, e);
}
