/* SPDX-License-Identifier: MIT */
/*
 * What usage does to budgets: moves what was spent in the period of each
 * request's admission, takes that from the lease it was held in, and makes
 * the notices that are due; all in the transaction that books the usage.
 */
#ifndef TG_DOMAIN_BUDGET_MOVE_H
#define TG_DOMAIN_BUDGET_MOVE_H

#include "store/budget.h"

/* One request, or a change of what one costs. */
struct budget_event {
	uint64_t customer_id, project_id, api_key_id; /* 0: none */
	int64_t time_ms;                              /* of its admission */
	int64_t change_pusd;                          /* less than 0: cheaper */
	/* Of requests that this series held something for: */
	const uint8_t *series; /* NULL: nothing was held */
	int64_t draw_pusd;     /* of its hold, 0..hold */
	unsigned n_held;
	uint32_t held[BUDGET_PER_KEY]; /* ids of budgets */
};

/**
 * Move the budgets of all customers in v, which is sorted by the way. To be
 * called in the transaction, after the ledger was booked (or the customers
 * locked by store_ledger_lock()) and the rollups written.
 * Errors: the database's; ERR_MONEY_RANGE. Memory: scratch in a.
 */
enum err budget_move(struct db *db, struct budget_event *v, size_t n,
    struct arena *a, struct error *e) ATTR_MUST_CHECK;

#endif
