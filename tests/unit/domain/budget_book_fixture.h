/* SPDX-License-Identifier: MIT */
/*
 * Books of two worker processes, with a database of a few numbers in place of
 * libstore: what the tables' rows say.
 */
#ifndef TG_TESTS_BUDGET_BOOK_FIXTURE_H
#define TG_TESTS_BUDGET_BOOK_FIXTURE_H

#include "support/cmocka_tg.h"

#include <pthread.h>

#include "domain/budget_book.h"
#include "domain/budget_period.h"

#define N_BUDGETS 64
#define N_SERIES  2
#define START_MS  INT64_C(1795600000000)
#define LONG_MS   60000 /* after that no slab is in use */

/* What the tables hold of a budget. */
struct rows {
	int64_t amount_pusd, spent_pusd, leased_pusd[N_SERIES];
	uint64_t change_no[N_SERIES];
};

/* What becomes of the next transaction. */
enum loss {
	ANSWERED,
	MADE_UNANSWERED,
	NOT_MADE
};

struct fake_db {
	pthread_mutex_t lock; /* of whoever is in a transaction */
	struct rows rows[N_BUDGETS];
	unsigned n_leases, n_faults, n_read, n_told;
	bool is_down;
	enum loss loss;
};
extern struct fake_db db;

/** Spent and leased, by whomever. */
int64_t committed(const struct rows *r);
/** What the flusher does with a request that ended. */
void book_usage(const struct principal *who, unsigned series,
    int64_t cost_pusd);

extern struct budget_book *books[N_SERIES];
extern struct error e;

/* For cmocka. */
int budget_book_setup(void **state);
int budget_book_teardown(void **state);
#define BUDGET_BOOK_TEST(name) \
 cmocka_unit_test_setup_teardown(name, budget_book_setup, budget_book_teardown)

void pass_ms(int64_t ms);
/** A key whose usage counts for n budgets from first on. */
struct principal key_of(unsigned first, unsigned n);
enum err hold(unsigned series, const struct principal *who, int64_t min_pusd,
    int64_t want_pusd, struct budget_hold *ret);
/** Time goes by in which nobody asks: all that is unused goes back. */
void rest(void);

#endif
