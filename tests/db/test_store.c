/* SPDX-License-Identifier: MIT */
/* The typed functions of store/ whose tables are small: the catalogue and its
 * prices, leases, the audit log. Others have programs of their own. */
#include "db/fixture_store.h"

#include "base/clock.h"
#include "store/audit.h"
#include "store/catalogue.h"
#include "store/generation.h"
#include "store/lease.h"
#include "store/user.h"

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

	assert_db_ok(f,
	    store_catalogue_load(f->db, false, &f->a, &rows, &f->e));

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

/* The row of a model among what should be served; NULL: it should not be. */
static const struct deployment_served *
served(uint64_t model_id)
{
	struct deployment_served *rows;
	size_t n;

	assert_db_ok(f,
	    store_deployment_served(f->db, &f->a, &rows, &n, &f->e));
	for (size_t i = 0; i < n; i++)
		if (rows[i].model_id == model_id)
			return &rows[i];
	return NULL;
}

/* Gives the model's id; its server listens on a socket of its own. */
static uint64_t
local_model(const char *name, uint64_t *ret_provider_id)
{
	struct model m = { .name = str_from(name),
		.allowed_members = S(""),
		.description = S(""),
		.is_enabled = true,
		.default_temperature_ppm = -1,
		.default_top_p_ppm = 950000 };
	struct provider p = { .name = str_from(name),
		.kind = PROVIDER_LOCAL,
		.base_url = S("unix:/run/x.sock"),
		.is_enabled = true };
	struct deployment d = { .upstream_name = S("mini"),
		.weight = 1,
		.model_path = S("folder"),
		.preload = true,
		.is_enabled = true };
	uint64_t id;

	assert_db_ok(f, store_model_insert(f->db, &m, &d.model_id, &f->e));
	p.model_id = d.model_id;
	assert_db_ok(f,
	    store_provider_insert(f->db, &p, &d.provider_id, &f->e));
	assert_db_ok(f, store_provider_set_key(f->db, d.provider_id,
			    S("sealed"), 1, &f->e));
	assert_db_ok(f, store_deployment_insert(f->db, &d, &id, &f->e));
	*ret_provider_id = d.provider_id;
	return d.model_id;
}

static void
served__local_model__while_it_is_enabled(void **state)
{
	uint64_t provider_id, id = local_model("served-1", &provider_id);
	const struct deployment_served *row = served(id);
	struct model m;

	(void)state;
	assert_non_null(row);
	assert_str_is(row->model_name, "served-1");
	assert_str_is(row->upstream_name, "mini");
	assert_str_is(row->base_url, "unix:/run/x.sock");
	assert_str_is(row->model_path, "folder");
	assert_true(row->preload);
	assert_null(served(fixture_model(f, "not-served")));
	assert_db_ok(f, store_model_by_id(f->db, id, &f->a, &m, &f->e));
	assert_int_equal(m.default_top_p_ppm, 950000);

	m.is_enabled = false;
	assert_db_ok(f, store_model_update(f->db, &m, &f->e));

	assert_null(served(id));
}

static void
archive_of__model_with_its_provider__both_go_and_the_key(void **state)
{
	uint64_t provider_id, id = local_model("served-2", &provider_id);
	uint64_t before = generation(GENERATION_CATALOGUE);
	struct provider p;

	(void)state;
	assert_db_ok(f, store_deployment_archive_of(f->db, id, &f->e));
	assert_db_ok(f, store_provider_archive_of(f->db, id, &f->e));

	assert_null(served(id));
	assert_db_ok(f,
	    store_provider_by_name(f->db, S("served-2"), &f->a, &p, &f->e));
	assert_int_not_equal(p.archived_at_ms, 0);
	assert_int_equal(p.model_id, id);
	assert_null(p.api_key_sealed.p);
	assert_true(generation(GENERATION_CATALOGUE) > before);
	/* A provider of its own stays. */
	id = fixture_model(f, "served-3");
	assert_db_ok(f, store_provider_archive_of(f->db, id, &f->e));
	assert_db_ok(f,
	    store_provider_by_name(f->db, S("served-3"), &f->a, &p, &f->e));
	assert_int_equal(p.archived_at_ms, 0);
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
		.detail = S("{\"account\":\"x\",\"a\":1}") };
	const struct audit_filter all = { .is_success = -1 };
	struct newest_end end;
	struct audit *rows;
	size_t n;

	(void)state;
	assert_db_ok(f, store_audit_insert(f->db, &a, &f->e));
	a.action = S("key.toggle");
	assert_db_ok(f, store_audit_insert(f->db, &a, &f->e));

	assert_db_ok(f, store_audit_page(f->db, customer_id, &all, 0, 10, 0,
			    &f->a, &rows, &n, &end, &f->e));
	assert_int_equal(n, 2);
	assert_str_is(rows[0].action, "key.toggle");
	/* As the server writes JSON. */
	assert_str_is(rows[1].detail, "{\"a\": 1}");
	assert_int_equal(rows[1].actor, AUDIT_OPERATOR_KEY);
	assert_null(rows[1].request_id.p);
}

/* Whether the only row that the customer meets says where it came from. */
static bool
shows_address(uint64_t customer_id, enum audit_actor actor, uint64_t actor_id)
{
	const struct audit_filter all = { .is_success = -1 };
	struct audit a = { .actor = actor,
		.actor_id = actor_id,
		.customer_id = customer_id,
		.action = S("user.set"),
		.is_success = true,
		.client_address = S("192.0.2.1") };
	struct newest_end end;
	struct audit *rows;
	size_t n;

	assert_db_ok(f, store_audit_insert(f->db, &a, &f->e));
	assert_db_ok(f, store_audit_page(f->db, 0, &all, 0, 1, 0, &f->a, &rows,
			    &n, &end, &f->e));
	assert_str_is(rows[0].client_address, "192.0.2.1");
	assert_db_ok(f, store_audit_page(f->db, customer_id, &all, 0, 1, 0,
			    &f->a, &rows, &n, &end, &f->e));
	return rows[0].client_address.p != NULL;
}

static void
audit__customer_reads__not_where_the_operator_was(void **state)
{
	uint64_t mine = fixture_customer(f, serial);
	uint64_t other = fixture_customer(f, serial + 1);
	const struct user_filter all = { 0 };
	struct user *u;
	size_t n;

	(void)state;
	assert_true(shows_address(mine, AUDIT_API_KEY, 8));
	assert_true(shows_address(mine, AUDIT_ANONYMOUS, 0));
	assert_db_ok(f,
	    store_user_page(f->db, mine, &all, 0, 1, &f->a, &u, &n, &f->e));
	assert_true(shows_address(mine, AUDIT_USER, u[0].user_id));
	assert_db_ok(f,
	    store_user_page(f->db, other, &all, 0, 1, &f->a, &u, &n, &f->e));
	assert_false(shows_address(mine, AUDIT_USER, u[0].user_id));
	assert_false(shows_address(mine, AUDIT_OPERATOR_KEY, 3));
	assert_false(shows_address(mine, AUDIT_COMMAND, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(catalogue__loaded__has_what_was_made),
		STORE_TEST(
		    price__current__leaves_out_what_was_superseded_long_ago),
		STORE_TEST(price__negative__is_refused),
		STORE_TEST(served__local_model__while_it_is_enabled),
		STORE_TEST(
		    archive_of__model_with_its_provider__both_go_and_the_key),
		STORE_TEST(lease__taken_lost_and_checked),
		STORE_TEST(audit__listed__newest_first_and_of_one_customer),
		STORE_TEST(audit__customer_reads__not_where_the_operator_was),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
