/* SPDX-License-Identifier: MIT */
/* Budgets of a flush_test's customer, and requests that use them. */
#ifndef TG_TESTS_DB_FIXTURE_BUDGET_H
#define TG_TESTS_DB_FIXTURE_BUDGET_H

#include "db/fixture_flush.h"

#include "domain/budget.h"

#define USD  INT64_C(1000000000000)
#define HOLD (USD / 100)

/* Set the customer's budget, or its balance; its id. */
uint64_t set_budget(struct flush_test *x, enum budget_scope scope,
    enum budget_period period, int64_t amount_pusd);
/* What is booked in the period of that time; -1: there is no such period. */
int64_t spent_in(struct flush_test *x, uint64_t budget_id,
    enum budget_period period, int64_t at_ms);
/* What is leased of a budget without an end, by all. */
int64_t leased(struct flush_test *x, uint64_t budget_id);
/* Ask for a lease of it; what was granted. */
int64_t lease(struct flush_test *x, uint64_t budget_id,
    const uint8_t series[16], int64_t pusd);

/* A request that holds a cent of a budget and costs what is said; less than
 * 0: its worker dies before it ends. */
void request(struct flush_test *x, uint64_t n, uint64_t budget_id,
    int64_t cost_pusd);
/* Of budgets: the journal's key and model are there in no table. */
size_t n_differences(struct flush_test *x);

#endif
