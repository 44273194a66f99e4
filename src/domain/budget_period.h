/* SPDX-License-Identifier: MIT */
/*
 * When the periods of budgets begin and end: days, ISO weeks (from Monday)
 * and months of UTC. A request belongs to the period of its admission.
 */
#ifndef TG_DOMAIN_BUDGET_PERIOD_H
#define TG_DOMAIN_BUDGET_PERIOD_H

#include "store/budget.h"

/* The period of budgets for ever, 2000-01-01: before anything was used. */
#define BUDGET_TOTAL_START_MS INT64_C(946684800000)
/* And its end, 9999-01-01. */
#define BUDGET_TOTAL_END_MS   INT64_C(253370764800000)

struct budget_span budget_span_of(uint64_t budget_id, enum budget_period period,
    int64_t at_ms);
struct budget_starts budget_starts_of(int64_t at_ms);
/** When it is full again; 0: never. */
int64_t budget_resets_ms(enum budget_period period, int64_t at_ms);

#endif
