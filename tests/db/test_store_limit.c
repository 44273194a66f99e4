/* SPDX-License-Identifier: MIT */
/* Limits of tiers, customers, keys; tiers of users and roles. */
#include "db/fixture_store.h"

#include <stdio.h>

#include "store/customer.h"
#include "store/generation.h"
#include "store/key.h"
#include "store/limit.h"
#include "store/tier.h"
#include "store/user.h"

static struct fixture *const f = &store_fixture;

static uint64_t
key_new(uint64_t customer_id, uint8_t mark, const struct limit_set *limits)
{
	struct key_new k = {
		.customer_id = customer_id,
		.pepper_id = 1,
		.name = S("n"),
		.scopes = KEY_SCOPE_INFER,
		.all_models = true,
		.digest = { 77, mark },
	};
	char public_id[11];
	uint64_t id;

	(void)snprintf(public_id, sizeof(public_id), "limits%04u", mark);
	k.public_id = str_from(public_id);
	if (limits)
		k.limits = *limits;
	assert_db_ok(f, store_key_insert(f->db, &k, &id, &f->e));
	return id;
}

/* Every number of a set, as columns and as rows, is what is read again. */
static void
limit__every_metric__is_written_and_read(void **state)
{
	struct tier t = { .name = S("every metric") }, found;

	(void)state;
	for (unsigned m = 0; m < LIMIT__METRICS; m++)
		limit_set_put(&t.limits, m, limit_metric_max(m) - m % 2);
	assert_db_ok(f, store_tier_insert(f->db, &t, &t.tier_id, &f->e));
	assert_db_ok(f,
	    store_tier_by_id(f->db, t.tier_id, &f->a, &found, &f->e));
	assert_int_equal(found.limits.stated, t.limits.stated);
	assert_int_equal(__builtin_popcount(found.limits.stated),
	    LIMIT__METRICS);
	assert_memory_equal(found.limits.max, t.limits.max,
	    sizeof(t.limits.max));
}

static void
limit__number_or_none__is_what_is_read(void **state)
{
	uint64_t id = fixture_customer(f, serial);
	uint64_t before;
	struct customer c;

	(void)state;
	assert_db_ok(f, store_customer_by_id(f->db, id, &f->a, &c, &f->e));
	limit_set_put(&c.limits, LIMIT_CUSTOMER_TOKENS_DAY, LIMIT_AMOUNT_MAX);
	limit_set_put(&c.limits, LIMIT_CONCURRENT, 5);
	before = generation(generation_customer_slot(id));
	assert_db_ok(f, store_customer_update(f->db, &c, &f->e));
	assert_int_equal(generation(generation_customer_slot(id)), before + 1);
	limit_set_put(&c.limits, LIMIT_CUSTOMER_TOKENS_DAY, LIMIT_UNSTATED);
	limit_set_put(&c.limits, LIMIT_CONCURRENT, 6);
	assert_db_ok(f, store_customer_update(f->db, &c, &f->e));
	assert_db_ok(f, store_customer_by_id(f->db, id, &f->a, &c, &f->e));
	assert_int_equal(c.limits.stated, UINT32_C(1) << LIMIT_CONCURRENT);
	assert_int_equal(c.limits.max[LIMIT_CONCURRENT], 6);
}

static void
limit__too_large_or_of_nobody__is_refused(void **state)
{
	struct tier t = { .name = S("too large") };
	struct limit_set set = { 0 };
	uint64_t id;

	(void)state;
	limit_set_put(&t.limits, LIMIT_KEY_REQUESTS_DAY, LIMIT_AMOUNT_MAX + 1);
	assert_int_equal(store_tier_insert(f->db, &t, &id, &f->e),
	    ERR_BAD_PARAM);
	assert_int_equal(store_tier_by_name(f->db, t.name, &f->a, &t, &f->e),
	    ERR_NOT_FOUND);
	limit_set_put(&set, LIMIT_KEY_REQUESTS_DAY, 1);
	assert_int_equal(store_limit_set(f->db,
			     (struct limit_holder){ .tier_id = 4000000 }, &set,
			     &f->e),
	    ERR_BAD_PARAM);
	assert_int_not_equal(store_limit_set(f->db, (struct limit_holder){ 0 },
				 &set, &f->e),
	    OK);
}

static struct key_auth
auth_of(uint8_t mark)
{
	const uint8_t digest[32] = { 77, mark };
	struct key_auth k;

	assert_db_ok(f, store_key_by_digest(f->db, digest, &f->a, &k, &f->e));
	return k;
}

static uint64_t
tier_with(const char *name, int64_t number)
{
	struct tier t = { .name = str_from(name) };
	uint64_t id;

	limit_set_put(&t.limits, LIMIT_KEY_MODEL_REQUESTS_HOUR, number);
	limit_set_put(&t.limits, LIMIT_KEY_TOKENS_HOUR, number);
	assert_db_ok(f, store_tier_insert(f->db, &t, &id, &f->e));
	return id;
}

static void
check_layers(const struct limit_set layers[KEY_LIMITS__N])
{
	for (unsigned i = 0; i < KEY_LIMITS__N; i++) {
		assert_int_equal(__builtin_popcount(layers[i].stated), 2);
		assert_int_equal(limit_set_get(&layers[i],
				     LIMIT_KEY_MODEL_REQUESTS_HOUR),
		    100 + i);
		assert_int_equal(limit_set_get(&layers[i],
				     LIMIT_KEY_TOKENS_HOUR),
		    100 + i);
	}
}

/* Each of those who state a key's limits fills its own layer, when the key is
 * authenticated and when it is shown. */
static void
key__five_state_its_limits__each_is_a_layer(void **state)
{
	uint64_t customer_id = fixture_customer(f, serial);
	struct user u = { .customer_id = customer_id };
	uint64_t before = 0;
	struct key_limits *rows;
	struct limit_set own = { 0 };
	struct customer c;
	struct key k;
	uint64_t ids[2];
	size_t n;

	(void)state;
	limit_set_put(&own, LIMIT_KEY_MODEL_REQUESTS_HOUR, 100);
	limit_set_put(&own, LIMIT_KEY_TOKENS_HOUR, 100);
	assert_db_ok(f, store_key_by_id(f->db, customer_id,
			    key_new(customer_id, 3, &own), &f->a, &k, &f->e));
	assert_int_equal(auth_of(3).layers[KEY_LIMITS_ROLE_TIER].stated, 0);
	k.rate_limit_tier = tier_with("a key's", 101);
	assert_db_ok(f,
	    store_key_update(f->db, &(struct key_update){ .key = &k }, &f->e));
	u.user_id = k.user_id;
	before = generation(GENERATION_CATALOGUE);
	assert_db_ok(f,
	    store_user_set_tier(f->db, &u, tier_with("a user's", 102), &f->e));
	assert_db_ok(f, store_role_tier_set(f->db, S("owner"),
			    tier_with("a role's", 103), &f->e));
	assert_int_equal(generation(GENERATION_CATALOGUE), before + 3);
	assert_db_ok(f,
	    store_customer_by_id(f->db, customer_id, &f->a, &c, &f->e));
	limit_set_put(&c.limits, LIMIT_KEY_MODEL_REQUESTS_HOUR, 104);
	limit_set_put(&c.limits, LIMIT_KEY_TOKENS_HOUR, 104);
	assert_db_ok(f, store_customer_update(f->db, &c, &f->e));

	check_layers(auth_of(3).layers);
	assert_db_ok(f, store_key_limits(f->db, customer_id, k.api_key_id, 9,
			    &f->a, &rows, &n, &f->e));
	assert_int_equal(n, 1);
	assert_int_equal(rows[0].api_key_id, k.api_key_id);
	check_layers(rows[0].layers);
	assert_db_ok(f, store_key_limits(f->db, customer_id + 1, k.api_key_id,
			    9, &f->a, &rows, &n, &f->e));
	assert_int_equal(n, 0);
	ids[0] = k.api_key_id;
	ids[1] = k.api_key_id + 1000000;
	assert_db_ok(f, store_key_limits_some(f->db, customer_id, ids, 2, &f->a,
			    &rows, &n, &f->e));
	assert_int_equal(n, 1);
	assert_int_equal(rows[0].api_key_id, k.api_key_id);
	check_layers(rows[0].layers);
	assert_db_ok(f, store_key_limits_some(f->db, customer_id + 1, ids, 2,
			    &f->a, &rows, &n, &f->e));
	assert_int_equal(n, 0);

	assert_db_ok(f, store_role_tier_set(f->db, S("owner"), 0, &f->e));
	assert_db_ok(f, store_role_tier_set(f->db, S("owner"), 0, &f->e));
	assert_db_ok(f, store_user_set_tier(f->db, &u, 0, &f->e));
	assert_int_equal(auth_of(3).layers[KEY_LIMITS_USER_TIER].stated, 0);
	assert_int_equal(auth_of(3).layers[KEY_LIMITS_ROLE_TIER].stated, 0);
}

static void
tier__seeded__three_are_there(void **state)
{
	static const char *const names[] = { "free", "standard", "premium" };
	struct tier t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_db_ok(f, store_tier_by_name(f->db, str_from(names[i]),
				    &f->a, &t, &f->e));
		assert_true(limit_set_get(&t.limits,
				LIMIT_KEY_MODEL_REQUESTS_MINUTE) > 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(limit__every_metric__is_written_and_read),
		STORE_TEST(limit__number_or_none__is_what_is_read),
		STORE_TEST(limit__too_large_or_of_nobody__is_refused),
		STORE_TEST(key__five_state_its_limits__each_is_a_layer),
		STORE_TEST(tier__seeded__three_are_there),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
