/* SPDX-License-Identifier: MIT */
#include "budget_book_fixture.h"

#include <string.h>

#include "base/clock.h"
#include "store/db_pool.h"
#include "store/ledger.h"
#include "store/notice.h"

const char *const budget_scope_names[BUDGET_SCOPE__N] = { "customer", "project",
	"key", "balance" };
const char *const budget_period_names[BUDGET_PERIOD__N] = { "day", "week",
	"month", "total" };
const char *const budget_kind_names[] = { "hard", "soft" };

struct fake_db db = { .lock = PTHREAD_MUTEX_INITIALIZER };
struct budget_book *books[N_SERIES];
struct error e;

static _Atomic int64_t mono_us;

int64_t __wrap_clock_mono_us(void);
int64_t
__wrap_clock_mono_us(void)
{
	return mono_us;
}

void
pass_ms(int64_t ms)
{
	mono_us += ms * 1000;
}

/* ---- the database ---- */

enum err
db_pool_take(struct db_pool *pool, int64_t wait_ms, struct db **ret_db,
    struct error *err)
{
	(void)pool;
	(void)wait_ms;
	*ret_db = NULL;
	return db.is_down ? error_set(err, ERR_DB_DOWN, "scripted") : OK;
}

void
db_pool_give(struct db_pool *pool, struct db *given)
{
	(void)pool;
	(void)given;
}

enum err
db_txn(struct db *unused, db_txn_fn *fn, void *arg, struct error *err)
{
	static struct rows before[N_BUDGETS];
	enum err rc;

	(void)pthread_mutex_lock(&db.lock);
	memcpy(before, db.rows, sizeof(before));
	rc = fn(unused, arg, err);
	if (db.loss == NOT_MADE)
		memcpy(db.rows, before, sizeof(before));
	if (!rc && db.loss != ANSWERED)
		rc = error_set(err, ERR_DB_UNCERTAIN, "scripted");
	db.loss = ANSWERED;
	(void)pthread_mutex_unlock(&db.lock);
	return rc;
}

static struct rows *
rows_of(const struct budget_span *span)
{
	return &db.rows[span->budget_id % N_BUDGETS];
}

int64_t
committed(const struct rows *r)
{
	return r->spent_pusd + r->leased_pusd[0] + r->leased_pusd[1];
}

enum err
store_budget_lock(struct db *unused, const struct budget_span *span,
    struct arena *a, int64_t *ret_spent_pusd, uint64_t *ret_noticed_percent,
    struct error *err)
{
	(void)unused;
	(void)a;
	(void)err;
	*ret_spent_pusd = rows_of(span)->spent_pusd;
	*ret_noticed_percent = 0;
	return OK;
}

enum err
store_budget_leased(struct db *unused, const struct budget_span *span,
    struct arena *a, int64_t *ret_amount_pusd, int64_t *ret_leased_pusd,
    struct error *err)
{
	const struct rows *r = rows_of(span);

	(void)unused;
	(void)a;
	(void)err;
	*ret_amount_pusd = r->amount_pusd;
	*ret_leased_pusd = r->leased_pusd[0] + r->leased_pusd[1];
	return OK;
}

enum err
store_budget_lease(struct db *unused, const struct budget_span *span,
    const uint8_t series[16], int64_t by_pusd, uint64_t change_no,
    struct error *err)
{
	struct rows *r = rows_of(span);

	(void)unused;
	(void)err;
	r->leased_pusd[series[0]] += by_pusd;
	r->change_no[series[0]] = change_no;
	db.n_leases++;
	db.n_faults += committed(r) > r->amount_pusd;
	return OK;
}

/* In a transaction. */
enum err
store_budget_return(struct db *unused, const struct budget_span *span,
    const uint8_t series[16], int64_t by_pusd, uint64_t change_no,
    struct error *err)
{
	struct rows *r = rows_of(span);

	(void)unused;
	(void)err;
	r->leased_pusd[series[0]] -= by_pusd;
	r->change_no[series[0]] = change_no;
	db.n_faults += r->leased_pusd[series[0]] < 0;
	return OK;
}

enum err
store_budget_last_change(struct db *unused, const struct budget_span *span,
    const uint8_t series[16], struct arena *a, uint64_t *ret_no,
    struct error *err)
{
	(void)unused;
	(void)a;
	*ret_no = rows_of(span)->change_no[series[0]];
	return *ret_no ? OK : error_set(err, ERR_NOT_FOUND, "no lease");
}

enum err
store_budget_left(struct db *unused, const uint8_t series[16], struct arena *a,
    struct budget_left **ret, size_t *ret_n, struct error *err)
{
	struct budget_left *v = arena_array(a, struct budget_left, N_BUDGETS);
	size_t n = 0;

	(void)unused;
	if (!v)
		return error_arena(err, a);
	(void)pthread_mutex_lock(&db.lock);
	for (unsigned i = 0; i < N_BUDGETS; i++)
		if (db.rows[i].leased_pusd[series[0]] > 0)
			v[n++] = (struct budget_left){ i, BUDGET_TOTAL_START_MS,
				db.rows[i].amount_pusd -
				    committed(&db.rows[i]) };
	(void)pthread_mutex_unlock(&db.lock);
	*ret = v;
	*ret_n = n;
	return OK;
}

/* Periods are there already. */
enum err
store_budget_begin(struct db *unused, const struct budget *b,
    const struct budget_span *span, struct arena *a, struct error *err)
{
	(void)unused;
	(void)b;
	(void)span;
	(void)a;
	return error_set(err, ERR_INTERNAL, "not called");
}

enum err
store_budget_by_id(struct db *unused, uint64_t customer_id, uint64_t budget_id,
    struct arena *a, struct budget *ret, struct error *err)
{
	(void)unused;
	(void)a;
	(void)err;
	*ret = (struct budget){ .budget_id = budget_id,
		.customer_id = customer_id,
		.scope = BUDGET_KEY,
		.terms = { db.rows[budget_id].amount_pusd, BUDGET_HARD,
		    BUDGET_TOTAL, S("80,100") } };
	db.n_read++;
	return OK;
}

/* Each cause but once, as the table's key has it. */
enum err
store_notice_insert(struct db *unused, const struct notice_row *n,
    struct error *err)
{
	(void)unused;
	(void)n;
	(void)err;
	db.n_told++;
	return OK;
}

enum err
store_budget_noticed(struct db *unused, const struct budget_span *span,
    uint64_t percent, struct error *err)
{
	(void)unused;
	(void)span;
	(void)percent;
	return error_set(err, ERR_INTERNAL, "80 per cent is still to come");
}

enum err
store_ledger_lock(struct db *unused, uint64_t customer_id, struct error *err)
{
	(void)unused;
	(void)customer_id;
	return error_set(err, ERR_INTERNAL, "not called");
}

void
book_usage(const struct principal *who, unsigned series, int64_t cost_pusd)
{
	(void)pthread_mutex_lock(&db.lock);
	for (unsigned i = 0; i < who->n_budgets; i++) {
		struct rows *r = &db.rows[who->budgets[i].budget_id];

		r->spent_pusd += cost_pusd;
		r->leased_pusd[series] -= cost_pusd;
		db.n_faults += r->leased_pusd[series] < 0;
	}
	(void)pthread_mutex_unlock(&db.lock);
}

/* ---- requests ---- */

int
budget_book_setup(void **state)
{
	(void)state;
	memset(db.rows, 0, sizeof(db.rows));
	db.n_leases = db.n_faults = db.n_read = db.n_told = 0;
	db.is_down = false;
	db.loss = ANSWERED;
	mono_us = 1;
	for (uint8_t i = 0; i < N_SERIES; i++) {
		const struct budget_book_params p = { .series = { i } };

		assert_ok(budget_book_new(&p, &books[i], &e));
	}
	return 0;
}

int
budget_book_teardown(void **state)
{
	(void)state;
	for (unsigned i = 0; i < N_SERIES; i++)
		budget_book_free(books[i]);
	return 0;
}

struct principal
key_of(unsigned first, unsigned n)
{
	struct principal who = { .customer_id = 1, .n_budgets = n };

	for (unsigned i = 0; i < n; i++)
		who.budgets[i] = (struct budget_ref){ .budget_id = first + i,
			.kind = BUDGET_HARD,
			.period = BUDGET_TOTAL };
	return who;
}

enum err
hold(unsigned series, const struct principal *who, int64_t min_pusd,
    int64_t want_pusd, struct budget_hold *ret)
{
	const struct budget_ask ask = { who, START_MS, min_pusd, want_pusd };

	return budget_hold_take(books[series], &ask, ret, &e);
}

void
rest(void)
{
	pass_ms(LONG_MS);
	for (unsigned i = 0; i < N_SERIES; i++)
		budget_book_tidy(books[i], clock_mono_ms());
}
