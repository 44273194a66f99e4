/* SPDX-License-Identifier: MIT */
#include "db/fixture_books.h"

#include "store/rollup.h"

static struct fixture *const f = &store_fixture;

enum err
books_post_txn(struct db *db, void *arg, struct error *e)
{
	const struct books_batch *b = arg;
	struct arena_mark mark = arena_mark(&f->a);
	enum err err = store_usage_insert(db, b->rows, b->n, e);

	if (err == OK)
		err = store_rollup_usage(db, b->rows, b->n, &f->a, e);
	if (err == OK)
		err = store_ledger_usage(db, b->posts, b->n_posts, &f->a, e);
	arena_rewind(&f->a, mark);
	return err;
}

void
books_post(const struct usage_row *rows, size_t n, uint64_t customer_id,
    const char *cause)
{
	struct ledger_usage ledger = { customer_id, 0, str_from(cause) };
	struct books_batch b = { rows, n, &ledger, 1 };

	for (size_t i = 0; i < n; i++)
		if (rows[i].cost_pusd != DB_MONEY_NULL)
			ledger.amount_pusd += rows[i].cost_pusd;
	assert_db_ok(f, db_txn(f->db, books_post_txn, &b, &f->e));
}

struct reconcile_result
books_reconcile(void)
{
	struct reconcile_result r;

	assert_db_ok(f, store_reconcile(f->db, &f->a, &r, &f->e));
	for (size_t i = 0; i < r.n_diffs; i++)
		print_message("# difference %u of customer %llu\n",
		    r.diffs[i].check,
		    (unsigned long long)r.diffs[i].customer_id);
	return r;
}

int64_t
books_balance(uint64_t customer_id)
{
	struct ledger_account *accounts;
	size_t n;

	assert_db_ok(f, store_ledger_accounts(f->db, customer_id, &f->a,
			    &accounts, &n, &f->e));
	assert_int_equal(n, LEDGER__N);
	assert_int_equal(accounts[0].balance_pusd, -accounts[1].balance_pusd);
	return accounts[0].balance_pusd;
}
