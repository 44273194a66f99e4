/* SPDX-License-Identifier: MIT */
/*
 * What a month will have cost: what it has so far and, for each full hour
 * that is left of it, the mean hour of the 7 full days before today. Weekends
 * are in that mean as they are in a month; today, half of which may be to
 * come, is not.
 */
#ifndef TG_DOMAIN_FORECAST_H
#define TG_DOMAIN_FORECAST_H

#include <stdint.h>

#include "base/err.h"

#define FORECAST_DAYS 7 /* full days, today not among them */

/**
 * @spent_pusd  of the month of now_ms (UTC), today included
 * @days_pusd   of the FORECAST_DAYS full days before today
 * Errors: ERR_MONEY_RANGE.
 */
enum err forecast_month(int64_t spent_pusd, int64_t days_pusd, int64_t now_ms,
    int64_t *ret_pusd, struct error *e) ATTR_MUST_CHECK;

#endif
