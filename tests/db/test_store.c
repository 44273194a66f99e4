/* SPDX-License-Identifier: MIT */
/* The typed functions of store/ whose tables are small: the catalogue and its
 * prices, leases, the audit log. Others have programs of their own. */
#include "db/fixture_store.h"

#include "base/clock.h"
#include "store/audit.h"
#include "store/catalogue.h"
#include "store/lease.h"

static struct fixture *const f = &store_fixture;

static void
catalogue__loaded__has_what_was_made(void **state)
{
	uint64_t model_id = fixture_model(f, "catalogue-1");
	struct price p = { .model_id = model_id,
		.request_pusd = 3,
		.tok_pusd = { { 1, 2, 3, 4, 5, 6, 7, 8 },
		    { 11, 12, 13, 14, 15, 16, 17, INT64_C(99999999999999) } },
		.note = S("list of 2026-11-01") };
	struct catalogue_rows rows;
	const struct price *found = NULL;
	uint64_t id;

	(void)state;
	assert_db_ok(f, store_price_insert(f->db, &p, &id, &f->e));

	assert_db_ok(f, store_catalogue_load(f->db, &f->a, &rows, &f->e));

	for (size_t i = 0; i < rows.n_prices; i++)
		if (rows.prices[i].price_version_id == id)
			found = &rows.prices[i];
	assert_non_null(found);
	assert_memory_equal(found->tok_pusd, p.tok_pusd, sizeof(p.tok_pusd));
	assert_int_equal(found->request_pusd, 3);
	assert_in_range(found->effective_from_ms, clock_now_ms() - 60000,
	    clock_now_ms() + 60000);
	assert_true(rows.n_models > 0 && rows.n_providers > 0);
	assert_int_equal(rows.models[rows.n_models - 1].model_id, model_id);
	assert_int_equal(rows.deployments[rows.n_deployments - 1].model_id,
	    model_id);
}

static void
price__current__leaves_out_what_was_superseded_long_ago(void **state)
{
	struct price p = { .model_id = fixture_model(f, "price-1") };
	int64_t now_ms = clock_now_ms();
	const int64_t starts[] = { now_ms - 9 * DAY_MS, now_ms - 5 * DAY_MS,
		now_ms - HOUR_MS, now_ms + 9 * DAY_MS };
	struct price *prices;
	uint64_t ids[4];
	size_t n, n_mine = 0;

	(void)state;
	for (int i = 0; i < 4; i++) {
		p.effective_from_ms = starts[i];
		assert_db_ok(f, store_price_insert(f->db, &p, &ids[i], &f->e));
	}

	assert_db_ok(f, store_price_current(f->db, &f->a, &prices, &n, &f->e));

	for (size_t i = 0; i < n; i++) {
		if (prices[i].model_id != p.model_id)
			continue;
		n_mine++;
		assert_int_equal(prices[i].price_version_id, ids[n_mine]);
		assert_int_equal(prices[i].effective_from_ms, starts[n_mine]);
	}
	assert_int_equal(n_mine, 3);
}

static void
price__negative__is_refused(void **state)
{
	struct price p = { .model_id = fixture_model(f, "price-2"),
		.effective_from_ms = FIXTURE_TIME_MS };
	uint64_t id;

	(void)state;
	p.tok_pusd[TOK_LONG][TOK_OUT_IMAGE] = -1;
	assert_int_equal(store_price_insert(f->db, &p, &id, &f->e),
	    ERR_BAD_PARAM);
}

static void
lease__taken_lost_and_checked(void **state)
{
	struct lease a = { .name = S("duty"), .holder = { 1 } };
	struct lease b = { .name = S("duty"), .holder = { 2 } };

	(void)state;
	assert_db_ok(f, store_lease_take(f->db, &a, 60000, &f->e));
	assert_int_equal(store_lease_take(f->db, &b, 60000, &f->e),
	    ERR_CONFLICT);
	assert_db_ok(f, store_lease_check(f->db, &a, &f->e));
	assert_db_ok(f, store_lease_renew(f->db, &a, 0, &f->e));

	assert_db_ok(f, store_lease_take(f->db, &b, 60000, &f->e));

	assert_int_equal(b.fence, a.fence + 1);
	assert_int_equal(store_lease_check(f->db, &a, &f->e), ERR_CONFLICT);
	assert_int_equal(store_lease_renew(f->db, &a, 60000, &f->e),
	    ERR_CONFLICT);
	assert_db_ok(f, store_lease_release(f->db, &a, &f->e));
	assert_db_ok(f, store_lease_check(f->db, &b, &f->e));
	assert_db_ok(f, store_lease_release(f->db, &b, &f->e));
	assert_db_ok(f, store_lease_take(f->db, &a, 60000, &f->e));
}

static void
audit__listed__newest_first_and_of_one_customer(void **state)
{
	uint64_t customer_id = fixture_customer(f, serial);
	struct audit a = { .actor = AUDIT_OPERATOR_KEY,
		.actor_id = 3,
		.customer_id = customer_id,
		.action = S("key.revoke"),
		.object = S("api_key"),
		.object_id = 8,
		.is_success = true,
		.client_address = S("192.0.2.1"),
		.detail = S("{\"a\":1}") };
	struct audit *rows;
	size_t n;

	(void)state;
	assert_db_ok(f, store_audit_insert(f->db, &a, &f->e));
	a.action = S("key.toggle");
	assert_db_ok(f, store_audit_insert(f->db, &a, &f->e));

	assert_db_ok(f,
	    store_audit_list(f->db, customer_id, 10, &f->a, &rows, &n, &f->e));
	assert_int_equal(n, 2);
	assert_str_is(rows[0].action, "key.toggle");
	assert_str_is(rows[1].detail, "{\"a\":1}");
	assert_int_equal(rows[1].actor, AUDIT_OPERATOR_KEY);
	assert_null(rows[1].request_id.p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(catalogue__loaded__has_what_was_made),
		STORE_TEST(
		    price__current__leaves_out_what_was_superseded_long_ago),
		STORE_TEST(price__negative__is_refused),
		STORE_TEST(lease__taken_lost_and_checked),
		STORE_TEST(audit__listed__newest_first_and_of_one_customer),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
