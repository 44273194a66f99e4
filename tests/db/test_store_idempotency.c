/* SPDX-License-Identifier: MIT */
/* Claims of Idempotency-Keys: taken once, kept, released, forgotten. */
#include "db/fixture_store.h"

#include <string.h>

#include "store/idempotency.h"

static struct fixture *const f = &store_fixture;

/* Whose the claims are; another number is somebody else. */
static uint64_t whose;

static struct idempotency
claim(uint8_t mark, uint8_t request)
{
	if (!whose)
		whose = fixture_customer(f, serial);
	return (struct idempotency){
		.claim = { 'i', mark },
		.customer_id = whose,
		.body = { mark },
		.request_id = { { request } },
		.cost_pusd = DB_MONEY_NULL,
	};
}

static void
take(const struct idempotency *i, uint64_t keep_s)
{
	assert_db_ok(f, store_idempotency_insert(f->db, i, keep_s, &f->e));
}

static enum err
find(const struct idempotency *i, uint64_t customer_id, struct idempotency *ret)
{
	return store_idempotency_find(f->db, i->claim, customer_id, &f->a, ret,
	    &f->e);
}

static void
claim__taken__nobody_else_takes_it(void **state)
{
	struct idempotency a = claim(1, 1), b = claim(1, 2), got;

	(void)state;
	take(&a, 60);
	assert_int_equal(store_idempotency_insert(f->db, &b, 60, &f->e),
	    ERR_CONFLICT);
	assert_db_ok(f, find(&a, whose, &got));
	assert_int_equal(got.status, 0);
	assert_null(got.answer.p);
	assert_memory_equal(got.request_id.b, a.request_id.b, UUID7_BYTES);
	assert_memory_equal(got.claim, a.claim, sizeof(a.claim));
	assert_int_equal(got.customer_id, whose);
}

static void
claim__of_another_tenant__is_not_there(void **state)
{
	struct idempotency a = claim(2, 3), got;

	(void)state;
	take(&a, 60);
	assert_int_equal(find(&a, whose + 1, &got), ERR_NOT_FOUND);
	assert_int_equal(find(&a, 0, &got), ERR_NOT_FOUND);
	assert_db_ok(f,
	    store_idempotency_release(f->db, whose + 1, &a.request_id, &f->e));
	assert_db_ok(f, find(&a, whose, &got));
}

static void
claim__kept__is_what_is_found_and_stays(void **state)
{
	struct idempotency a = claim(3, 4), late = claim(3, 5), got;
	bool is_ours;

	(void)state;
	take(&a, 60);
	a.status = late.status = 200;
	a.answer = str_make("\0sealed", 7);
	a.cost_pusd = INT64_C(1234567890123);
	late.answer = S("late");
	assert_db_ok(f, store_idempotency_keep(f->db, &late, &is_ours, &f->e));
	assert_false(is_ours);
	assert_db_ok(f, store_idempotency_keep(f->db, &a, &is_ours, &f->e));
	assert_true(is_ours);
	assert_db_ok(f,
	    store_idempotency_release(f->db, whose, &a.request_id, &f->e));
	assert_db_ok(f, find(&a, whose, &got));
	assert_int_equal(got.status, 200);
	assert_int_equal(got.answer.n, 7);
	assert_memory_equal(got.answer.p, a.answer.p, 7);
	assert_int_equal(got.cost_pusd, a.cost_pusd);
	/* An answer is kept once. */
	assert_db_ok(f, store_idempotency_keep(f->db, &a, &is_ours, &f->e));
	assert_false(is_ours);
}

static void
claim__released__is_free(void **state)
{
	struct idempotency a = claim(4, 6), b = claim(4, 7), got;

	(void)state;
	take(&a, 60);
	assert_db_ok(f,
	    store_idempotency_release(f->db, whose, &a.request_id, &f->e));
	assert_int_equal(find(&a, whose, &got), ERR_NOT_FOUND);
	take(&b, 60);
}

static void
claim__past_its_deadline__is_free_and_purged(void **state)
{
	struct idempotency a = claim(5, 8), b = claim(5, 9), c = claim(6, 10);
	struct idempotency got;
	uint64_t n;

	(void)state;
	take(&a, 0);
	assert_int_equal(find(&a, whose, &got), ERR_NOT_FOUND);
	take(&b, 60);
	take(&c, 0);
	assert_db_ok(f, store_idempotency_purge(f->db, 1, &n, &f->e));
	assert_int_equal(n, 1);
	assert_db_ok(f, store_idempotency_purge(f->db, 10, &n, &f->e));
	assert_int_equal(n, 0);
	assert_db_ok(f, find(&b, whose, &got));
	assert_memory_equal(got.request_id.b, b.request_id.b, UUID7_BYTES);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(claim__taken__nobody_else_takes_it),
		STORE_TEST(claim__of_another_tenant__is_not_there),
		STORE_TEST(claim__kept__is_what_is_found_and_stays),
		STORE_TEST(claim__released__is_free),
		STORE_TEST(claim__past_its_deadline__is_free_and_purged),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
