/* SPDX-License-Identifier: MIT */
/* Usage that is posted as the flusher posts it, and whether the books agree. */
#ifndef TG_TESTS_DB_FIXTURE_BOOKS_H
#define TG_TESTS_DB_FIXTURE_BOOKS_H

#include "db/fixture_store.h"
#include "store/ledger.h"
#include "store/reconcile.h"
#include "store/usage.h"

/* Rows, rollups and one transfer of a customer, in one transaction. */
void books_post(const struct usage_row *rows, size_t n, uint64_t customer_id,
    const char *cause);
/* Prints each difference. */
struct reconcile_result books_reconcile(void);
/* What the customer owes by its account. */
int64_t books_balance(uint64_t customer_id);

/* db_txn_fn of books_post(), for tests that look at its errors. */
struct books_batch {
	const struct usage_row *rows;
	size_t n;
	const struct ledger_usage *posts;
	size_t n_posts;
};
enum err books_post_txn(struct db *db, void *arg, struct error *e);

#endif
