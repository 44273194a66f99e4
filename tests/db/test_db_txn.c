/* SPDX-License-Identifier: MIT */
/* Transactions that others are in the way of, that fail, whose connection is
 * lost. */
#include "db/fixture_db.h"

#include <pthread.h>
#include <stdio.h>

#include "store/db_priv.h"
#include "store/generation.h"

/* Two transactions that lock two slots in opposite order. */
struct crossing {
	unsigned first, second;
	pthread_barrier_t *both_hold_one;
	unsigned runs;
	enum err err;
};

static enum err
cross_txn(struct db *db, void *arg, struct error *e)
{
	struct crossing *c = arg;
	enum err err = store_generation_bump(db, c->first, e);

	if (c->runs++ == 0)
		pthread_barrier_wait(c->both_hold_one);
	if (err == OK)
		err = store_generation_bump(db, c->second, e);
	return err;
}

static void *
cross_thread(void *arg)
{
	struct crossing *c = arg;
	struct db *db = fixture_connect(FIXTURE_APP);
	struct error e;

	c->err = db_txn(db, cross_txn, c, &e);
	db_free(db);
	return NULL;
}

static void
txn__real_deadlock__is_run_again_and_both_commit(void **state)
{
	uint64_t generations[GENERATION__N];
	pthread_barrier_t barrier;
	struct crossing c[2] = { { 1, 2, &barrier, 0, OK },
		{ 2, 1, &barrier, 0, OK } };
	pthread_t threads[2];
	struct fixture f;

	(void)state;
	fixture_init(&f, FIXTURE_APP);
	assert_db_ok(&f, store_generation_bump(f.db, 1, &f.e));
	assert_db_ok(&f, store_generation_bump(f.db, 2, &f.e));
	pthread_barrier_init(&barrier, NULL, 2);

	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, cross_thread, &c[i]);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);

	assert_int_equal(c[0].err, OK);
	assert_int_equal(c[1].err, OK);
	assert_int_equal(c[0].runs + c[1].runs, 3); /* one was the victim */
	assert_db_ok(&f, store_generation_read(f.db, generations, &f.e));
	assert_int_equal(generations[1], 3);
	assert_int_equal(generations[2], 3);
	pthread_barrier_destroy(&barrier);
	fixture_fini(&f);
}

static enum err
bump_slot_900(struct db *db, void *arg, struct error *e)
{
	unsigned *runs = arg;

	(*runs)++;
	return store_generation_bump(db, 900, e);
}

static void
txn__row_stays_locked__is_run_again_and_then_given_up(void **state)
{
	struct fixture f, other;
	unsigned runs = 0;

	(void)state;
	fixture_init(&f, FIXTURE_APP);
	fixture_init(&other, FIXTURE_ROOT);
	assert_db_ok(&f, store_generation_bump(f.db, 900, &f.e));
	fixture_sql(f.db, "SET SESSION innodb_lock_wait_timeout = 1");
	fixture_sql(other.db, "START TRANSACTION");
	fixture_sql(other.db,
	    "UPDATE tollgate.key_generations SET generation = 9 "
	    "WHERE slot = 900");

	assert_int_equal(db_txn(f.db, bump_slot_900, &runs, &f.e),
	    ERR_DB_RETRY);

	assert_true(runs > 1);
	fixture_sql(other.db, "ROLLBACK");
	assert_db_ok(&f, db_txn(f.db, bump_slot_900, &runs, &f.e));
	fixture_fini(&other);
	fixture_fini(&f);
}

static enum err
fail_after_change(struct db *db, void *arg, struct error *e)
{
	enum err err = store_generation_bump(db, 3, e);

	(void)arg;
	if (err != OK)
		return err;
	return error_set(e, ERR_FORBIDDEN, "on purpose");
}

static void
txn__function_fails__nothing_is_changed(void **state)
{
	uint64_t generations[GENERATION__N];
	struct fixture f;

	(void)state;
	fixture_init(&f, FIXTURE_APP);

	assert_int_equal(db_txn(f.db, fail_after_change, NULL, &f.e),
	    ERR_FORBIDDEN);

	assert_db_ok(&f, store_generation_read(f.db, generations, &f.e));
	assert_int_equal(generations[3], 0);
	fixture_fini(&f);
}

static enum err
lose_connection(struct db *db, void *arg, struct error *e)
{
	struct db *killer = arg;
	enum err err = store_generation_bump(db, 4, e);
	char text[60];

	if (err != OK)
		return err;
	(void)snprintf(text, sizeof(text), "KILL %lu",
	    mysql_thread_id(&db->my));
	fixture_sql(killer, text);
	return OK;
}

static void
txn__connection_lost_before_commit__is_uncertain_and_not_run_again(void **state)
{
	struct db *killer = fixture_connect(FIXTURE_ROOT);
	uint64_t generations[GENERATION__N];
	struct fixture f;

	(void)state;
	fixture_init(&f, FIXTURE_APP);

	assert_int_equal(db_txn(f.db, lose_connection, killer, &f.e),
	    ERR_DB_UNCERTAIN);

	assert_db_ok(&f, store_generation_read(f.db, generations, &f.e));
	assert_int_equal(generations[4], 0);
	assert_int_equal(db_generation(f.db), 2);
	db_free(killer);
	fixture_fini(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    txn__real_deadlock__is_run_again_and_both_commit),
		cmocka_unit_test(
		    txn__row_stays_locked__is_run_again_and_then_given_up),
		cmocka_unit_test(txn__function_fails__nothing_is_changed),
		cmocka_unit_test(
		    txn__connection_lost_before_commit__is_uncertain_and_not_run_again),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
