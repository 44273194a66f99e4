/* SPDX-License-Identifier: MIT */
/* Telling that a budget has reached one of its percentages: once a period and
 * percentage. */
#ifndef TG_DOMAIN_BUDGET_NOTICE_H
#define TG_DOMAIN_BUDGET_NOTICE_H

#include "store/budget.h"

/** The next of the listed percentages above noticed, if it is reached; 0: it is
 * not, or there is none. */
uint64_t budget_notice_next(struct str list, int64_t amount_pusd,
    int64_t spent_pusd, uint64_t noticed);

/**
 * Make the notices that are due for a period whose spending has just moved,
 * in the transaction that moved it.
 * Errors: the database's. Memory: scratch in a.
 */
enum err budget_notice(struct db *db, const struct budget *b,
    const struct budget_span *span, struct arena *a,
    struct error *e) ATTR_MUST_CHECK;

/**
 * Tell that the budget is at its end (100 %, if that is listed): a request was
 * refused for which too little is left. With the period's row locked.
 * @noticed  as the row says
 * Errors: the database's. Memory: scratch in a.
 */
enum err budget_notice_end(struct db *db, const struct budget *b,
    const struct budget_span *span, int64_t spent_pusd, uint64_t noticed,
    struct arena *a, struct error *e) ATTR_MUST_CHECK;

#endif
