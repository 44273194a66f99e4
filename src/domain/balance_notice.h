/* SPDX-License-Identifier: MIT */
/* Telling that a prepaid balance fell below its customer's mark: once each
 * time that it does. */
#ifndef TG_DOMAIN_BALANCE_NOTICE_H
#define TG_DOMAIN_BALANCE_NOTICE_H

#include "store/budget.h"

/**
 * Make the notice that is due after what a customer was credited, has spent or
 * has for a mark has moved, in the transaction that moved it, with the
 * customer's receivable locked. Nothing if the customer is not prepaid.
 * Errors: the database's; ERR_MONEY_RANGE. Memory: scratch in a.
 */
enum err balance_notice(struct db *db, uint64_t customer_id, struct arena *a,
    struct error *e) ATTR_MUST_CHECK;

#endif
