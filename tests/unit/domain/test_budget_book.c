/* SPDX-License-Identifier: MIT */
/*
 * Slabs of budgets, held and settled by many threads of two worker processes,
 * with a database of a few numbers: what the tables' rows say. For
 * ThreadSanitizer too. CHECKLIST B6, B8.
 */
#include "support/cmocka_tg.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "domain/budget_book.h"
#include "domain/budget_period.h"
#include "store/db_pool.h"
#include "store/ledger.h"
#include "store/notice.h"

#define N_BUDGETS 64
#define N_SERIES  2
#define N_THREADS 16 /* half of them a worker's */
#define N_ROUNDS  5000
#define START_MS  INT64_C(1795600000000)
#define LONG_MS   60000 /* after that no slab is in use */

const char *const budget_scope_names[BUDGET_SCOPE__N] = { "customer", "project",
	"key", "balance" };
const char *const budget_period_names[BUDGET_PERIOD__N] = { "day", "week",
	"month", "total" };
const char *const budget_kind_names[] = { "hard", "soft" };

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

static struct {
	pthread_mutex_t lock; /* of whoever is in a transaction */
	struct rows rows[N_BUDGETS];
	unsigned n_leases, n_faults, n_read, n_told;
	bool is_down;
	enum loss loss;
} db = { .lock = PTHREAD_MUTEX_INITIALIZER };

static struct budget_book *books[N_SERIES];
static _Atomic int64_t mono_us;
static struct error e;

int64_t __wrap_clock_mono_us(void);
int64_t
__wrap_clock_mono_us(void)
{
	return mono_us;
}

static void
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

static int64_t
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

/* What the flusher does with a request that ended. */
static void
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

static int
setup(void **state)
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

static int
teardown(void **state)
{
	(void)state;
	for (unsigned i = 0; i < N_SERIES; i++)
		budget_book_free(books[i]);
	return 0;
}

/* A key whose usage counts for n budgets from first on. */
static struct principal
key_of(unsigned first, unsigned n)
{
	struct principal who = { .customer_id = 1, .n_budgets = n };

	for (unsigned i = 0; i < n; i++)
		who.budgets[i] = (struct budget_ref){ .budget_id = first + i,
			.kind = BUDGET_HARD,
			.period = BUDGET_TOTAL };
	return who;
}

static enum err
hold(unsigned series, const struct principal *who, int64_t min_pusd,
    int64_t want_pusd, struct budget_hold *ret)
{
	const struct budget_ask ask = { who, START_MS, min_pusd, want_pusd };

	return budget_hold_take(books[series], &ask, ret, &e);
}

/* Time goes by in which nobody asks: all that is unused goes back. */
static void
rest(void)
{
	pass_ms(LONG_MS);
	for (unsigned i = 0; i < N_SERIES; i++)
		budget_book_tidy(books[i], clock_mono_ms());
}

static void
hold__slab_suffices__the_database_is_asked_once(void **state)
{
	struct principal who = key_of(0, 1);
	struct budget_hold h[3];

	(void)state;
	db.rows[0].amount_pusd = 1000000;
	for (int i = 0; i < 3; i++)
		assert_ok(hold(0, &who, 10, 10, &h[i]));
	assert_int_equal(db.n_leases, 1);
	for (int i = 0; i < 3; i++)
		budget_hold_settle(&h[i], 4);
	book_usage(&who, 0, 12);
	rest();
	assert_int_equal(db.rows[0].leased_pusd[0], 0);
	assert_int_equal(db.rows[0].spent_pusd, 12);
}

static void
hold__less_is_left__is_what_there_is_or_a_refusal(void **state)
{
	struct principal who = key_of(0, 1);
	struct budget_hold h, refused;

	(void)state;
	db.rows[0] = (struct rows){ .amount_pusd = 100, .spent_pusd = 40 };
	assert_ok(hold(0, &who, 50, 80, &h));
	assert_int_equal(h.held_pusd, 60);
	assert_int_equal(hold(0, &who, 1, 1, &refused), ERR_QUOTA);
	assert_int_equal(refused.n, 0);
	assert_true(e.quota.is_set);
	assert_int_equal(e.quota.limit_pusd, 100);
	assert_int_equal(e.quota.spent_pusd, 40);
	budget_hold_settle(&h, 0);
	assert_ok(hold(0, &who, 60, 60, &h)); /* nothing is lost */
	budget_hold_settle(&h, 60);
}

/* The database is asked again and again, but writes once. */
static void
hold__refused_for_good__tells_once_until_there_is_more(void **state)
{
	struct principal who = key_of(0, 1);
	struct budget_hold h;

	(void)state;
	db.rows[0] = (struct rows){ .amount_pusd = 1000, .spent_pusd = 900 };
	assert_int_equal(hold(0, &who, 101, 101, &h), ERR_QUOTA);
	assert_int_equal(db.n_told, 0); /* others still fit */
	db.rows[0].spent_pusd = 960;
	pass_ms(1000);
	assert_ok(hold(0, &who, 30, 30, &h));
	assert_int_equal(hold(0, &who, 30, 30, &h), ERR_QUOTA);
	assert_int_equal(db.n_told, 0); /* what is held may come back */

	for (int i = 0; i < 5; i++) {
		pass_ms(1000);
		assert_int_equal(hold(0, &who, 41, 50, &h), ERR_QUOTA);
	}
	assert_int_equal(db.n_told, 1);
	assert_int_equal(db.n_read, 1);

	db.rows[0].amount_pusd = 1005;
	pass_ms(1000);
	assert_ok(hold(0, &who, 10, 15, &h));
	pass_ms(1000);
	assert_int_equal(hold(0, &who, 46, 50, &h), ERR_QUOTA);
	assert_int_equal(db.n_read, 2); /* whoever wrote it knows the cause */
}

/* B8: whoever settles again finds nothing held, and moves nothing. */
static void
settle__a_second_time__changes_nothing(void **state)
{
	struct principal who = key_of(0, 1);
	struct budget_hold h, rest_of_it;

	(void)state;
	db.rows[0].amount_pusd = 100;
	assert_ok(hold(0, &who, 60, 60, &h));
	budget_hold_settle(&h, 20);
	assert_int_equal(h.n, 0);
	budget_hold_settle(&h, 0);
	budget_hold_settle(&h, 60);
	book_usage(&who, 0, 20);
	assert_int_equal(hold(0, &who, 81, 81, &rest_of_it), ERR_QUOTA);
	pass_ms(LONG_MS); /* what was denied is asked again */
	assert_ok(hold(0, &who, 80, 80, &rest_of_it));
	budget_hold_settle(&rest_of_it, 0);
	rest();
	assert_int_equal(db.rows[0].leased_pusd[0], 0);
	assert_int_equal(db.rows[0].spent_pusd, 20);
}

/* Each of them holds no more than the one that has least. */
static void
hold__several_budgets__all_or_none(void **state)
{
	struct principal who = key_of(0, 3);
	struct budget_hold h;

	(void)state;
	db.rows[0].amount_pusd = db.rows[2].amount_pusd = 1000;
	db.rows[1].amount_pusd = 30;
	assert_ok(hold(0, &who, 20, 50, &h));
	assert_int_equal(h.n, 3);
	assert_int_equal(h.held_pusd, 30);
	budget_hold_settle(&h, 5);
	book_usage(&who, 0, 5);
	assert_int_equal(hold(0, &who, 40, 40, &h), ERR_QUOTA);
	rest();
	for (int i = 0; i < 3; i++) {
		assert_int_equal(db.rows[i].leased_pusd[0], 0);
		assert_int_equal(db.rows[i].spent_pusd, 5);
	}
}

static void
hold__database_is_away__spends_what_is_leased(void **state)
{
	struct principal who = key_of(0, 1);
	struct budget_hold h[17];
	int n = 0;

	(void)state;
	db.rows[0].amount_pusd = 1600; /* a slab has a sixteenth */
	assert_ok(hold(0, &who, 10, 10, &h[n++]));
	db.is_down = true;
	while (n < 10)
		assert_ok(hold(0, &who, 10, 10, &h[n++]));
	assert_int_equal(hold(0, &who, 10, 10, &h[n]), ERR_DB_DOWN);
	while (n > 0)
		budget_hold_settle(&h[--n], 0);
	assert_ok(hold(0, &who, 70, 100, &h[0]));
	budget_hold_settle(&h[0], 0);
	rest(); /* can't give back now */
	assert_int_equal(db.rows[0].leased_pusd[0], 100);
	db.is_down = false;
	rest();
	assert_int_equal(db.rows[0].leased_pusd[0], 0);
}

/* The COMMIT of a lease is not answered: 640 of it, where it was made. */
static void
lease_uncertain(enum loss loss)
{
	struct principal who = key_of(0, 1);
	struct budget_hold h;

	db.rows[0].amount_pusd = 1000000;
	db.loss = loss;
	assert_int_equal(hold(0, &who, 10, 10, &h), ERR_DB_UNCERTAIN);
	db.is_down = true;
	budget_book_tidy(books[0], clock_mono_ms()); /* can't be known yet */
	assert_int_equal(hold(0, &who, 10, 10, &h), ERR_DB_UNCERTAIN);
	db.is_down = false;
}

static void
lease__uncertain_and_made__goes_back_if_nobody_asks(void **state)
{
	(void)state;
	lease_uncertain(MADE_UNANSWERED);
	assert_int_equal(db.rows[0].leased_pusd[0], 640);
	budget_book_tidy(books[0], clock_mono_ms());
	assert_int_equal(db.rows[0].leased_pusd[0], 0);
	assert_int_equal(db.n_faults, 0);
}

/* By the next request, before anybody tidies: 64 times its need, and what was
 * leased before is not forgotten. */
static void
lease__uncertain__is_taken_over_if_it_was_made(void **state)
{
	struct principal who = key_of(0, 1);
	struct budget_hold h;

	(void)state;
	for (enum loss loss = MADE_UNANSWERED; loss <= NOT_MADE; loss++) {
		lease_uncertain(loss);
		pass_ms(1000);
		assert_ok(hold(0, &who, 10, 640, &h));
		assert_int_equal(db.rows[0].leased_pusd[0],
		    40960 + (loss == MADE_UNANSWERED ? 640 : 0));
		budget_hold_settle(&h, 0);
		rest();
		assert_int_equal(db.rows[0].leased_pusd[0], 0);
	}
	assert_int_equal(db.n_faults, 0);
}

static void
give_back__uncertain__is_had_again_if_it_was_not_made(void **state)
{
	struct principal who = key_of(0, 1);
	struct budget_hold h;

	(void)state;
	for (enum loss loss = MADE_UNANSWERED; loss <= NOT_MADE; loss++) {
		db.rows[0].amount_pusd = 1000000;
		assert_ok(hold(0, &who, 10, 10, &h));
		budget_hold_settle(&h, 0);
		db.loss = loss;
		rest();
		assert_int_equal(db.rows[0].leased_pusd[0],
		    loss == NOT_MADE ? 640 : 0);
		rest();
		rest();
		assert_int_equal(db.rows[0].leased_pusd[0], 0);
	}
	assert_int_equal(db.n_faults, 0);
}

/* Taken away meanwhile, with all leases: nothing is ours. */
static void
give_back__uncertain_and_the_lease_is_gone__is_nobodys(void **state)
{
	struct principal who = key_of(0, 1);
	struct budget_hold h;

	(void)state;
	db.rows[0].amount_pusd = 1000000;
	assert_ok(hold(0, &who, 10, 10, &h));
	budget_hold_settle(&h, 0);
	db.loss = NOT_MADE;
	rest();
	db.rows[0].leased_pusd[0] = 0;
	db.rows[0].change_no[0] = 0;
	rest();
	rest();
	assert_int_equal(db.n_faults, 0);
	db.is_down = true;
	assert_int_equal(hold(0, &who, 10, 10, &h), ERR_DB_DOWN);
}

/* A slab that was leased when there was plenty. */
static void
hold__the_rest_was_spent_meanwhile__finds_what_others_do_not_use(void **state)
{
	struct principal who = key_of(0, 1);
	struct budget_hold h;

	(void)state;
	db.rows[0].amount_pusd = 1000000;
	assert_ok(hold(0, &who, 10, 10, &h));
	budget_hold_settle(&h, 0);
	assert_int_equal(db.rows[0].leased_pusd[0], 640);
	budget_book_tidy(books[0], clock_mono_ms());
	assert_int_equal(db.rows[0].leased_pusd[0], 640); /* for 30 s */
	db.rows[0].spent_pusd = 1000000 - 640;
	assert_int_equal(hold(1, &who, 10, 10, &h), ERR_QUOTA);

	pass_ms(2000); /* as documented */
	budget_book_tidy(books[0], clock_mono_ms());

	assert_int_equal(db.rows[0].leased_pusd[0], 0);
	assert_ok(hold(1, &who, 640, 640, &h));
	budget_hold_settle(&h, 0);
}

/* ---- threads ---- */

static struct {
	_Atomic int64_t used_pusd[N_BUDGETS]; /* held or spent */
	_Atomic uint64_t n_granted, n_refused;
	_Atomic unsigned n_running;
	_Atomic bool is_open; /* all threads are there */
} load;

struct client {
	pthread_t thread;
	unsigned number, n_keys, per_key;
	bool is_ok;
};

static unsigned
draw(uint64_t *seed, unsigned bound)
{
	*seed = *seed * UINT64_C(6364136223846793005) + 1;
	return (unsigned)(*seed >> 33) % bound;
}

static bool
add_used(const struct principal *who, int64_t pusd)
{
	bool is_within = true;

	for (unsigned i = 0; i < who->n_budgets; i++) {
		uint64_t id = who->budgets[i].budget_id;

		is_within &= atomic_fetch_add(&load.used_pusd[id], pusd) +
				 pusd <=
			     db.rows[id].amount_pusd;
	}
	return is_within;
}

static bool
one_request(const struct client *c, uint64_t *seed)
{
	struct principal who = key_of(draw(seed, c->n_keys) * c->per_key,
	    c->per_key);
	unsigned series = c->number % N_SERIES;
	struct budget_ask ask = { .who = &who, .start_ms = START_MS };
	struct budget_hold h;
	struct error own;
	int64_t cost_pusd;
	enum err err;

	ask.want_pusd = 1 + draw(seed, 500);
	ask.min_pusd = 1 + draw(seed, (unsigned)ask.want_pusd);
	err = budget_hold_take(books[series], &ask, &h, &own);
	if (err) {
		load.n_refused++;
		return err == ERR_QUOTA;
	}
	load.n_granted++;
	if (h.held_pusd < ask.min_pusd || h.held_pusd > ask.want_pusd ||
	    !add_used(&who, h.held_pusd))
		return false;
	cost_pusd = draw(seed, (unsigned)h.held_pusd + 1);
	(void)add_used(&who, cost_pusd - h.held_pusd); /* less than before */
	budget_hold_settle(&h, cost_pusd);
	book_usage(&who, series, cost_pusd);
	return true;
}

static void *
client_main(void *arg)
{
	struct client *c = arg;
	uint64_t seed = c->number * UINT64_C(0x9e3779b97f4a7c15) + 1;

	while (!load.is_open)
		(void)sched_yield();
	c->is_ok = true;
	for (int i = 0; i < N_ROUNDS && c->is_ok; i++) {
		c->is_ok = one_request(c, &seed);
		pass_ms(1);
	}
	load.n_running--;
	return NULL;
}

static void *
tidy_main(void *arg)
{
	while (load.n_running > 0)
		for (unsigned i = 0; i < N_SERIES; i++)
			budget_book_tidy(books[i], clock_mono_ms());
	return arg;
}

static void
run_clients(unsigned n_keys, unsigned per_key)
{
	struct client c[N_THREADS];
	pthread_t tidy;

	memset(&load, 0, sizeof(load));
	load.n_running = N_THREADS;
	for (unsigned i = 0; i < N_THREADS; i++) {
		c[i] = (struct client){ .number = i,
			.n_keys = n_keys,
			.per_key = per_key };
		assert_ok(
		    pthread_create(&c[i].thread, NULL, client_main, &c[i]));
	}
	assert_ok(pthread_create(&tidy, NULL, tidy_main, NULL));
	load.is_open = true;
	for (unsigned i = 0; i < N_THREADS; i++)
		assert_ok(pthread_join(c[i].thread, NULL));
	assert_ok(pthread_join(tidy, NULL));
	for (unsigned i = 0; i < N_THREADS; i++)
		assert_true(c[i].is_ok);
	assert_int_equal(db.n_faults, 0);
}

/* All went back, and the last of it can be held at once. */
static void
assert_rest_is_there(unsigned n_budgets)
{
	rest();
	for (unsigned i = 0; i < n_budgets; i++) {
		struct rows *r = &db.rows[i];
		int64_t left_pusd = r->amount_pusd - r->spent_pusd;
		struct principal who = key_of(i, 1);
		struct budget_hold h;

		assert_int_equal(r->leased_pusd[0], 0);
		assert_int_equal(r->leased_pusd[1], 0);
		assert_int_equal(r->spent_pusd, load.used_pusd[i]);
		if (left_pusd == 0)
			continue;
		assert_ok(hold(i % 2, &who, left_pusd, left_pusd, &h));
		budget_hold_settle(&h, 0);
	}
}

static void
many_threads__one_budget__never_above_it_and_all_comes_back(void **state)
{
	(void)state;
	db.rows[0].amount_pusd = 3000000; /* for a third of them */
	run_clients(1, 1);
	assert_true(load.n_granted > 0 && load.n_refused > 0);
	assert_rest_is_there(1);
}

static void
many_threads__keys_of_three_budgets_each__likewise(void **state)
{
	(void)state;
	for (unsigned i = 0; i < N_BUDGETS; i++)
		db.rows[i].amount_pusd = 200000 + 9000 * i;
	run_clients(N_BUDGETS / 3, 3);
	assert_true(load.n_granted > 0 && load.n_refused > 0);
	assert_rest_is_there(N_BUDGETS / 3 * 3);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(hold__slab_suffices__the_database_is_asked_once),
		T(hold__less_is_left__is_what_there_is_or_a_refusal),
		T(hold__refused_for_good__tells_once_until_there_is_more),
		T(lease__uncertain_and_made__goes_back_if_nobody_asks),
		T(lease__uncertain__is_taken_over_if_it_was_made),
		T(give_back__uncertain__is_had_again_if_it_was_not_made),
		T(give_back__uncertain_and_the_lease_is_gone__is_nobodys),
		T(settle__a_second_time__changes_nothing),
		T(hold__several_budgets__all_or_none),
		T(hold__the_rest_was_spent_meanwhile__finds_what_others_do_not_use),
		T(hold__database_is_away__spends_what_is_leased),
		T(many_threads__one_budget__never_above_it_and_all_comes_back),
		T(many_threads__keys_of_three_budgets_each__likewise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
