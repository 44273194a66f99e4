/* SPDX-License-Identifier: MIT */
/* Whom a request is for, above a scripted store in place of libstore. */
#include "support/cmocka_tg.h"

#include "base/clock.h"
#include "domain/attribution.h"
#include "domain/generation.h"
#include "domain/hostmap.h"
#include "store/db_pool.h"
#include "store/label.h"
#include "store/user.h"
#include "support/fixture_dir.h"

#define CUSTOMER 7
#define ID       42

int64_t __wrap_clock_mono_us(void);

static struct attribution_cache *cache;
static struct hostmap *map;
static struct error e;
static int64_t now_ms;
static enum err db_answer;   /* of taking a connection */
static enum err label_there; /* of looking one up */
static struct user user_row;
static struct fixture_dir dir;

int64_t
__wrap_clock_mono_us(void)
{
	return now_ms * 1000;
}

enum err
db_pool_take(struct db_pool *pool, int64_t wait_ms, struct db **ret_db,
    struct error *err)
{
	(void)pool;
	(void)wait_ms;
	*ret_db = NULL;
	return db_answer ? error_set(err, db_answer, "scripted") : OK;
}

void
db_pool_give(struct db_pool *pool, struct db *db)
{
	(void)pool;
	(void)db;
}

enum err
store_label_check(struct db *db, enum label_kind kind, uint64_t customer_id,
    uint64_t id, struct error *err)
{
	(void)db;
	if (label_there == OK && customer_id == CUSTOMER && id == ID &&
	    kind == LABEL_AGENT)
		return OK;
	return error_set(err, label_there ? label_there : ERR_NOT_FOUND,
	    "scripted");
}

enum err
store_user_by_id(struct db *db, uint64_t tenant, uint64_t user_id,
    struct arena *a, struct user *ret, struct error *err)
{
	(void)db;
	(void)a;
	*ret = user_row;
	return tenant == user_row.customer_id && user_id == ID
		   ? OK
		   : error_set(err, ERR_NOT_FOUND, "scripted");
}

static int
setup(void **state)
{
	const struct attribution_params p = { .map = map,
		.cache_s = 30,
		.stale_max_s = 900 };

	(void)state;
	now_ms = 1000000;
	db_answer = label_there = OK;
	user_row = (struct user){ .user_id = ID,
		.customer_id = CUSTOMER,
		.is_active = true };
	return attribution_cache_new(&p, &cache, &e);
}

static int
teardown(void **state)
{
	(void)state;
	attribution_cache_free(cache);
	return 0;
}

static enum err
agent(uint64_t customer_id, uint64_t id)
{
	return attribution_check(cache, ATTRIBUTION_AGENT, customer_id, id, &e);
}

static void
check__known_id__asks_once_until_its_time_is_over(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++)
		assert_ok(agent(CUSTOMER, ID));
	assert_int_equal(attribution_n_queries(cache), 1);
	now_ms += 29999;
	assert_ok(agent(CUSTOMER, ID));
	assert_int_equal(attribution_n_queries(cache), 1);
	now_ms += 1;
	assert_ok(agent(CUSTOMER, ID));
	assert_int_equal(attribution_n_queries(cache), 2);
}

static void
check__unknown_id_or_anothers__is_not_found_for_two_seconds(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++) {
		assert_int_equal(agent(CUSTOMER, ID + 1), ERR_NOT_FOUND);
		assert_int_equal(agent(CUSTOMER + 1, ID), ERR_NOT_FOUND);
	}
	assert_int_equal(attribution_n_queries(cache), 2);
	now_ms += 2000;
	assert_int_equal(agent(CUSTOMER, ID + 1), ERR_NOT_FOUND);
	assert_int_equal(attribution_n_queries(cache), 3);
}

static void
check__same_number_of_another_kind__is_another_thing(void **state)
{
	(void)state;
	assert_ok(agent(CUSTOMER, ID));
	assert_int_equal(attribution_check(cache, ATTRIBUTION_CONNECTOR,
			     CUSTOMER, ID, &e),
	    ERR_NOT_FOUND);
	assert_ok(agent(CUSTOMER, ID));
}

static void
check__its_slot_or_its_customers_moves__asks_again(void **state)
{
	(void)state;
	assert_ok(agent(CUSTOMER, ID));
	label_there = ERR_NOT_FOUND; /* archived */
	assert_ok(agent(CUSTOMER, ID));
	hostmap_slot_bump(map, generation_key_slot(ID));
	assert_int_equal(agent(CUSTOMER, ID), ERR_NOT_FOUND);
	label_there = OK;
	hostmap_slot_bump(map, generation_customer_slot(CUSTOMER));
	assert_ok(agent(CUSTOMER, ID));
	assert_int_equal(attribution_n_queries(cache), 3);
}

static void
check__user_of_another_customer_inactive_or_archived__is_not_found(void **state)
{
	struct user good = user_row;

	(void)state;
	for (int i = 0; i < 4; i++) {
		enum err want = i < 3 ? ERR_NOT_FOUND : OK;

		user_row = good;
		user_row.customer_id += i == 0;
		user_row.is_active = i != 1;
		user_row.archived_at_ms = i == 2;
		now_ms += 2000;
		assert_int_equal(attribution_check(cache, ATTRIBUTION_USER,
				     CUSTOMER, ID, &e),
		    want);
	}
}

static void
check__database_down__what_was_there_is_believed_as_long_as_a_key(void **state)
{
	(void)state;
	assert_ok(agent(CUSTOMER, ID));
	db_answer = ERR_DB_DOWN;
	now_ms += 899999;
	assert_ok(agent(CUSTOMER, ID));
	assert_int_equal(agent(CUSTOMER, ID + 1), ERR_DB_DOWN);
	now_ms += 1;
	assert_int_equal(agent(CUSTOMER, ID), ERR_DB_DOWN);
	db_answer = OK;
	now_ms += 1000; /* till it is tried again */
	assert_ok(agent(CUSTOMER, ID));
}

static void
check__database_down__is_tried_once_a_second(void **state)
{
	uint64_t n;

	(void)state;
	db_answer = ERR_DB_DOWN;
	for (uint64_t id = 1; id <= 50; id++)
		assert_int_equal(agent(CUSTOMER, id), ERR_DB_DOWN);
	n = attribution_n_queries(cache);
	assert_int_equal(n, 1);
	now_ms += 1000;
	assert_int_equal(agent(CUSTOMER, 1), ERR_DB_DOWN);
	assert_int_equal(attribution_n_queries(cache), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(check__known_id__asks_once_until_its_time_is_over),
		TEST(
		    check__unknown_id_or_anothers__is_not_found_for_two_seconds),
		TEST(check__same_number_of_another_kind__is_another_thing),
		TEST(check__its_slot_or_its_customers_moves__asks_again),
		TEST(
		    check__user_of_another_customer_inactive_or_archived__is_not_found),
		TEST(
		    check__database_down__what_was_there_is_believed_as_long_as_a_key),
		TEST(check__database_down__is_tried_once_a_second),
	};
	int n_failed;

	fixture_dir_make(&dir);
	if (hostmap_open(dir.path, true, &map, &e))
		return 1;
	n_failed = cmocka_run_group_tests(tests, NULL, NULL);
	hostmap_close(map);
	fixture_dir_remove(&dir);
	return n_failed;
}
