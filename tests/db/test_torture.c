/* SPDX-License-Identifier: MIT */
/*
 * The routes that write to the database, each of their allocations failing
 * once: a clean 413 or 500, and connections that serve the next round. What
 * a round committed before its answer failed stays, whole; so each round asks
 * for something new. See tests/unit/handler/test_torture.c.
 */
#include "unit/handler/torture.h"

#include <stdio.h>

#include "db/fixture_db.h"
#include "ext/crypto.h"
#include "store/db_pool.h"

#define PEPPER \
 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static struct fixture f;
static struct crypto_key *pepper;
static char body[256], toggle_uri[64];

static int
set_up(void **state)
{
	struct db_options opt;
	struct error e;
	uint64_t customer_id, key_id;

	if (fixture_setup(state))
		return -1;
	fixture_init(&f, FIXTURE_APP);
	customer_id = fixture_customer(&f, 1);
	assert_int_equal(fixture_model(&f, "gpt2"), 1);
	key_id = fixture_key(&f, customer_id, 1);
	(void)snprintf(toggle_uri, sizeof(toggle_uri), "/api/keys/%llu/toggle",
	    (unsigned long long)key_id);
	opt = fixture_options(FIXTURE_APP);
	torture_start();
	torture_shared.db = db_pool_new(&opt, 2);
	assert_non_null(torture_shared.db);
	assert_ok(crypto_init(&e));
	assert_ok(crypto_key_from_hex(S(PEPPER), &pepper, &e));
	torture_shared.pepper = torture_shared.seal = pepper;
	torture_who = (struct principal){
		.kind = PRINCIPAL_OPERATOR,
		.role = USER_OPERATOR,
		.operator_key_id = 1,
		.public_id = "K000000001",
	};
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	db_pool_free(torture_shared.db);
	crypto_key_free(pepper);
	torture_stop();
	fixture_fini(&f);
	db_thread_fini();
	return 0;
}

static void
ready__each_allocation_fails__clean(void **state)
{
	const struct torture t = { .name = "ready",
		.method = "GET",
		.uri = "/readyz",
		.body = "",
		.status = 200 };

	(void)state;
	torture_run(&t);
}

static void
new_customer(size_t n)
{
	(void)snprintf(body, sizeof(body),
	    "{\"name\":\"N\",\"email\":\"t%zu@example.org\","
	    "\"company\":\"Inc\"}",
	    n);
}

/* Made whole, with owner and accounts, or not at all. */
static void
customer_create__each_allocation_fails__whole_or_not_at_all(void **state)
{
	const struct torture t = { .name = "customer",
		.method = "POST",
		.uri = "/customers",
		.body = body,
		.prepare = new_customer,
		.status = 201 };

	(void)state;
	torture_run(&t);
	assert_int_equal(fixture_number(f.db,
			     "SELECT COUNT(*) FROM customers c WHERE NOT "
			     "EXISTS (SELECT 1 FROM users u WHERE "
			     "u.customer_id = c.customer_id)"),
	    0);
}

static void
new_key(size_t n)
{
	(void)snprintf(body, sizeof(body),
	    "{\"customer_email\":\"c1@example.org\",\"name\":\"k%zu\","
	    "\"allowed_models\":[1],\"rate_limit\":5,"
	    "\"expires_at\":\"2099-01-31T00:00:00Z\"}",
	    n);
}

static void
key_create__each_allocation_fails__whole_or_not_at_all(void **state)
{
	const struct torture t = { .name = "key",
		.method = "POST",
		.uri = "/api/keys",
		.body = body,
		.prepare = new_key,
		.status = 201 };

	(void)state;
	torture_run(&t);
	assert_int_equal(fixture_number(f.db,
			     "SELECT COUNT(*) FROM api_keys k WHERE k.name "
			     "LIKE 'k%' AND k.name <> 'key' AND NOT EXISTS "
			     "(SELECT 1 FROM api_key_models m WHERE "
			     "m.api_key_id = k.api_key_id)"),
	    0);
}

static void
key_toggle__each_allocation_fails__clean(void **state)
{
	const struct torture t = { .name = "toggle",
		.method = "POST",
		.uri = toggle_uri,
		.body = "{\"is_active\":false}",
		.status = 200 };

	(void)state;
	torture_run(&t);
}

static void
new_model(size_t n)
{
	(void)snprintf(body, sizeof(body),
	    "{\"name\":\"m%zu\",\"model_config\":{\"api_url\":"
	    "\"https://a.example/v1/completions\",\"api_key\":\"k\","
	    "\"model_name\":\"n\"},\"prices\":{\"input\":1,\"output\":2},"
	    "\"default_top_p\":0.5}",
	    n);
}

static void
model_create__each_allocation_fails__whole_or_not_at_all(void **state)
{
	const struct torture t = { .name = "model",
		.method = "POST",
		.uri = "/api/models",
		.body = body,
		.prepare = new_model,
		.status = 201 };

	(void)state;
	torture_run(&t);
	assert_int_equal(
	    fixture_number(f.db,
		"SELECT COUNT(*) FROM models m WHERE m.name LIKE 'm%' AND "
		"(NOT EXISTS (SELECT 1 FROM deployments d JOIN providers p ON "
		"p.provider_id = d.provider_id WHERE d.model_id = m.model_id "
		"AND p.api_key IS NOT NULL) OR NOT EXISTS (SELECT 1 FROM "
		"price_versions v WHERE v.model_id = m.model_id))"),
	    0);
}

/* Each at a time of its own: two at one instant are a conflict. */
static void
new_price(size_t n)
{
	(void)snprintf(body, sizeof(body),
	    "{\"model_id\":1,\"prices\":{\"input\":1,\"output\":2.5e0},"
	    "\"effective_from\":\"%zu-01-01T00:00:00Z\","
	    "\"note\":\"torture\"}",
	    2100 + n);
}

static void
price_create__each_allocation_fails__whole_or_not_at_all(void **state)
{
	const struct torture t = { .name = "price",
		.method = "POST",
		.uri = "/api/prices",
		.body = body,
		.prepare = new_price,
		.status = 201 };

	(void)state;
	torture_run(&t);
	assert_int_equal(0,
	    fixture_number(f.db,
		"SELECT COUNT(*) FROM price_versions v WHERE v.note = "
		"'torture' AND NOT EXISTS (SELECT 1 FROM audit_log a WHERE "
		"a.action = 'price.set' AND a.object_id = "
		"v.price_version_id)"));
}

static void
price_list__each_allocation_fails__clean(void **state)
{
	const struct torture t = { .name = "prices",
		.method = "GET",
		.uri = "/api/prices?model_id=1",
		.body = "",
		.status = 200 };

	(void)state;
	torture_run(&t);
}

static void
model_change__each_allocation_fails__clean(void **state)
{
	const struct torture t = { .name = "model's settings",
		.method = "PATCH",
		.uri = "/api/models/1",
		.body = "{\"description\":\"d\",\"max_output\":9}",
		.status = 200 };

	(void)state;
	torture_run(&t);
}

static void
model_list__each_allocation_fails__clean(void **state)
{
	const struct torture t = { .name = "models with their settings",
		.method = "GET",
		.uri = "/api/models",
		.body = "",
		.status = 200 };

	(void)state;
	torture_run(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ready__each_allocation_fails__clean),
		cmocka_unit_test(
		    customer_create__each_allocation_fails__whole_or_not_at_all),
		cmocka_unit_test(
		    key_create__each_allocation_fails__whole_or_not_at_all),
		cmocka_unit_test(key_toggle__each_allocation_fails__clean),
		cmocka_unit_test(
		    price_create__each_allocation_fails__whole_or_not_at_all),
		cmocka_unit_test(price_list__each_allocation_fails__clean),
		cmocka_unit_test(model_change__each_allocation_fails__clean),
		cmocka_unit_test(model_list__each_allocation_fails__clean),
		cmocka_unit_test(
		    model_create__each_allocation_fails__whole_or_not_at_all),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
