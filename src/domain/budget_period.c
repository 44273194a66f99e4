/* SPDX-License-Identifier: MIT */
#include "domain/budget_period.h"

#include "base/clock.h"

/* 1970-01-01 was a Thursday, three days after a Monday. */
#define MONDAY_OFFSET_MS (3 * DAY_MS)
#define WEEK_MS          (7 * DAY_MS)

static int64_t
month_start(int64_t at_ms, int months_on)
{
	struct clock_parts p;

	clock_split(at_ms, &p);
	p.month += months_on;
	if (p.month > 12) {
		p.month = 1;
		p.year++;
	}
	p.day = 1;
	p.hour = p.minute = p.second = p.ms = 0;
	return clock_join(&p);
}

struct budget_span
budget_span_of(uint64_t budget_id, enum budget_period period, int64_t at_ms)
{
	struct budget_span s = { .budget_id = budget_id };

	switch (period) {
	case BUDGET_DAY:
		s.start_ms = at_ms - at_ms % DAY_MS;
		s.end_ms = s.start_ms + DAY_MS;
		break;
	case BUDGET_WEEK:
		s.start_ms = at_ms - (at_ms + MONDAY_OFFSET_MS) % WEEK_MS;
		s.end_ms = s.start_ms + WEEK_MS;
		break;
	case BUDGET_MONTH:
		s.start_ms = month_start(at_ms, 0);
		s.end_ms = month_start(at_ms, 1);
		break;
	case BUDGET_TOTAL:
	case BUDGET_PERIOD__N:
		s.start_ms = BUDGET_TOTAL_START_MS;
		s.end_ms = BUDGET_TOTAL_END_MS;
		break;
	}
	return s;
}

struct budget_starts
budget_starts_of(int64_t at_ms)
{
	struct budget_starts s;

	for (unsigned p = 0; p < BUDGET_PERIOD__N; p++)
		s.start_ms[p] =
		    budget_span_of(0, (enum budget_period)p, at_ms).start_ms;
	return s;
}

int64_t
budget_resets_ms(enum budget_period period, int64_t at_ms)
{
	return period == BUDGET_TOTAL ? 0
				      : budget_span_of(0, period, at_ms).end_ms;
}
