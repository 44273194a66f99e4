/* SPDX-License-Identifier: MIT */
/* The pool of connections: all lent, the server stopped, many threads. */
#include "db/fixture_db.h"

#include <pthread.h>

#include "base/clock.h"
#include "store/db_pool.h"
#include "store/generation.h"

static void
pool__all_lent__waits_and_then_is_overloaded(void **state)
{
	struct db_options opt = fixture_options(FIXTURE_APP);
	struct db_pool *pool = db_pool_new(&opt, 2);
	struct db *a, *b, *c;
	int64_t start_ms;
	struct error e;

	(void)state;
	assert_ok(db_pool_take(pool, 1000, &a, &e));
	assert_ok(db_pool_take(pool, 1000, &b, &e));
	start_ms = clock_mono_ms();

	assert_int_equal(db_pool_take(pool, 50, &c, &e), ERR_OVERLOADED);

	assert_in_range(clock_mono_ms() - start_ms, 49, 5000);
	db_pool_give(pool, a);
	assert_ok(db_pool_take(pool, 50, &c, &e));
	assert_ptr_equal(a, c);
	db_pool_give(pool, b);
	db_pool_give(pool, c);
	db_pool_free(pool);
}

static void
pool__server_down__fails_fast_and_recovers(void **state)
{
	struct db_options opt = fixture_options(FIXTURE_APP);
	struct db_pool *pool = db_pool_new(&opt, 2);
	int64_t start_us, until_ms;
	unsigned n_fast = 0;
	struct error e;
	struct db *db;

	(void)state;
	assert_ok(db_pool_take(pool, 1000, &db, &e));
	db_pool_give(pool, db);
	fixture_server("stop");

	assert_int_equal(db_pool_take(pool, 1000, &db, &e), ERR_DB_DOWN);
	assert_true(db_pool_is_down(pool));
	for (int i = 0; i < 100; i++) {
		start_us = clock_mono_us();
		assert_int_equal(db_pool_take(pool, 1000, &db, &e),
		    ERR_DB_DOWN);
		n_fast += clock_mono_us() - start_us < 1000;
	}
	assert_in_range(n_fast, 90, 100);

	fixture_server("start");
	until_ms = clock_mono_ms() + 10000;
	while (db_pool_take(pool, 1000, &db, &e) != OK)
		assert_true(clock_mono_ms() < until_ms);
	assert_false(db_pool_is_down(pool));
	db_pool_give(pool, db);
	db_pool_free(pool);
}

static struct db_pool *shared_pool;

static void *
pool_user(void *arg)
{
	unsigned *failures = arg;

	for (int i = 0; i < 200; i++) {
		struct error e;
		struct db *db;

		if (db_pool_take(shared_pool, 5000, &db, &e) != OK) {
			(*failures)++;
			continue;
		}
		if (store_generation_bump(db, 7, &e) != OK)
			(*failures)++;
		db_pool_give(shared_pool, db);
	}
	db_thread_fini();
	return NULL;
}

static void
pool__more_threads_than_connections__all_are_served(void **state)
{
	struct db_options opt = fixture_options(FIXTURE_APP);
	uint64_t generations[GENERATION__N];
	unsigned failures[8] = { 0 };
	pthread_t threads[8];
	struct fixture f;

	(void)state;
	shared_pool = db_pool_new(&opt, 3);
	for (int i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, pool_user, &failures[i]);
	for (int i = 0; i < 8; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(failures[i], 0);
	}

	fixture_init(&f, FIXTURE_APP);
	assert_db_ok(&f, store_generation_read(f.db, generations, &f.e));
	assert_int_equal(generations[7], 1600);
	fixture_fini(&f);
	db_pool_free(shared_pool);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pool__all_lent__waits_and_then_is_overloaded),
		cmocka_unit_test(pool__server_down__fails_fast_and_recovers),
		cmocka_unit_test(
		    pool__more_threads_than_connections__all_are_served),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
