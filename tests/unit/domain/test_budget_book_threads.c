/* SPDX-License-Identifier: MIT */
/* Slabs of budgets, held and settled by many threads of two worker processes.
 * For ThreadSanitizer too. CHECKLIST B6. */
#include "budget_book_fixture.h"

#include <sched.h>
#include <stdatomic.h>

#include "base/clock.h"

#define N_THREADS 16 /* half of them a worker's */
#define N_ROUNDS  5000

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
	const struct CMUnitTest tests[] = {
		BUDGET_BOOK_TEST(
		    many_threads__one_budget__never_above_it_and_all_comes_back),
		BUDGET_BOOK_TEST(
		    many_threads__keys_of_three_budgets_each__likewise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
