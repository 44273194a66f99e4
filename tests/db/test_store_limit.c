/* SPDX-License-Identifier: MIT */
/* Limits of tiers, customers, keys; tiers of users and roles. */
#include "db/fixture_store.h"

#include <stdio.h>

#include "store/generation.h"
#include "store/key.h"
#include "store/limit.h"
#include "store/tier.h"
#include "store/user.h"

static struct fixture *const f = &store_fixture;

static uint64_t
tier_new(const char *name)
{
	struct tier t = {
		.name = str_from(name),
		.rate_limit_per_minute = -1,
		.rate_limit_per_hour = -1,
	};
	uint64_t id;

	assert_db_ok(f, store_tier_insert(f->db, &t, &id, &f->e));
	return id;
}

static uint64_t
key_new(uint64_t customer_id, uint8_t mark, const struct limit_set *limits)
{
	struct key_new k = {
		.customer_id = customer_id,
		.pepper_id = 1,
		.name = S("n"),
		.scopes = KEY_SCOPE_INFER,
		.all_models = true,
		.rate_limit_per_minute = -1,
		.rate_limit_per_hour = -1,
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

static void
limit__metrics__are_the_columns_values(void **state)
{
	struct limit_holder holder = { .tier_id = tier_new("every metric") };
	struct limit_change changes[LIMIT__METRICS];
	struct limit_set set;
	size_t n = 0;

	(void)state;
	for (unsigned m = 0; m < LIMIT__METRICS; m++)
		if (m != LIMIT_KEY_MODEL_REQUESTS_MINUTE &&
		    m != LIMIT_KEY_MODEL_REQUESTS_HOUR)
			changes[n++] = (struct limit_change){ m, 100 + m };
	assert_db_ok(f, store_limit_change(f->db, holder, changes, n, &f->e));
	assert_db_ok(f, store_limit_load(f->db, holder, &f->a, &set, &f->e));
	for (size_t i = 0; i < n; i++)
		assert_int_equal(limit_set_get(&set, changes[i].metric),
		    changes[i].max);
	assert_int_equal(__builtin_popcount(set.stated), n);
}

static void
limit_change__number_or_none__is_what_is_read(void **state)
{
	struct limit_holder holder = {
		.customer_id = fixture_customer(f, serial),
	};
	struct limit_change changes[] = {
		{ LIMIT_CUSTOMER_TOKENS_DAY, LIMIT_AMOUNT_MAX },
		{ LIMIT_CONCURRENT, 5 },
	};
	unsigned slot = generation_customer_slot(holder.customer_id);
	uint64_t before = generation(slot);
	struct limit_set set;

	(void)state;
	assert_db_ok(f, store_limit_change(f->db, holder, changes, 2, &f->e));
	assert_int_equal(generation(slot), before + 1);
	changes[0].max = LIMIT_UNSTATED;
	changes[1].max = 6;
	assert_db_ok(f, store_limit_change(f->db, holder, changes, 2, &f->e));
	assert_db_ok(f, store_limit_load(f->db, holder, &f->a, &set, &f->e));
	assert_int_equal(set.stated, UINT32_C(1) << LIMIT_CONCURRENT);
	assert_int_equal(set.max[LIMIT_CONCURRENT], 6);
}

static void
limit_change__column_or_nobody__is_refused(void **state)
{
	struct limit_holder holder = { .tier_id = tier_new("of columns") };
	struct limit_change c = { LIMIT_KEY_MODEL_REQUESTS_MINUTE, 1 };

	(void)state;
	assert_int_not_equal(store_limit_change(f->db, holder, &c, 1, &f->e),
	    OK);
	c.metric = LIMIT_KEY_REQUESTS_DAY;
	holder.tier_id = 4000000;
	assert_int_equal(store_limit_change(f->db, holder, &c, 1, &f->e),
	    ERR_BAD_PARAM);
	holder.tier_id = 0;
	assert_int_not_equal(store_limit_change(f->db, holder, &c, 1, &f->e),
	    OK);
}

/* What a key's loading finds: its own rows, its customer's, its tiers'. */
static void
limit_for_key__three_holders__are_all_found(void **state)
{
	uint64_t customer_id = fixture_customer(f, serial);
	uint64_t tier_id = tier_new("for a key"), other = tier_new("no key's");
	struct limit_set own = { 0 };
	struct limit_change c = { LIMIT_KEY_TOKENS_HOUR, 2 };
	struct limit_row *rows;
	uint64_t sum = 0;
	size_t n;

	(void)state;
	limit_set_put(&own, LIMIT_KEY_TOKENS_HOUR, 1);
	struct limit_query q = {
		.api_key_id = key_new(customer_id, 1, &own),
		.customer_id = customer_id,
		.tier_id = { 0, tier_id, 0 },
	};
	(void)key_new(customer_id, 2, &own);
	assert_db_ok(f, store_limit_change(f->db,
			    (struct limit_holder){ .customer_id = customer_id },
			    &c, 1, &f->e));
	c.max = 4;
	assert_db_ok(f,
	    store_limit_change(f->db,
		(struct limit_holder){ .tier_id = tier_id }, &c, 1, &f->e));
	c.max = 8;
	assert_db_ok(f,
	    store_limit_change(f->db, (struct limit_holder){ .tier_id = other },
		&c, 1, &f->e));
	assert_db_ok(f,
	    store_limit_for_key(f->db, &q, &f->a, &rows, &n, &f->e));
	assert_int_equal(n, 3);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(rows[i].metric, LIMIT_KEY_TOKENS_HOUR);
		sum += rows[i].max;
	}
	assert_int_equal(sum, 1 + 2 + 4);
}

static struct key_auth
auth_of(uint8_t mark)
{
	const uint8_t digest[32] = { 77, mark };
	struct key_auth k;

	assert_db_ok(f, store_key_by_digest(f->db, digest, &f->a, &k, &f->e));
	return k;
}

static void
tier__of_user_and_role__come_with_the_key(void **state)
{
	uint64_t customer_id = fixture_customer(f, serial);
	uint64_t of_user = tier_new("a user's"), of_role = tier_new("a role's");
	struct user u = { .customer_id = customer_id };
	uint64_t before;

	(void)state;
	(void)key_new(customer_id, 3, NULL);
	assert_int_equal(auth_of(3).role_rate_limit_tier, 0);
	before = generation(GENERATION_CATALOGUE);
	u.user_id = auth_of(3).user_id;
	assert_db_ok(f, store_user_set_tier(f->db, &u, of_user, &f->e));
	assert_db_ok(f, store_role_tier_set(f->db, S("owner"), of_role, &f->e));
	assert_int_equal(generation(GENERATION_CATALOGUE), before + 1);
	assert_int_equal(auth_of(3).user_rate_limit_tier, of_user);
	assert_int_equal(auth_of(3).role_rate_limit_tier, of_role);
	assert_db_ok(f, store_role_tier_set(f->db, S("owner"), 0, &f->e));
	assert_db_ok(f, store_role_tier_set(f->db, S("owner"), 0, &f->e));
	assert_db_ok(f, store_user_set_tier(f->db, &u, 0, &f->e));
	assert_int_equal(auth_of(3).user_rate_limit_tier, 0);
	assert_int_equal(auth_of(3).role_rate_limit_tier, 0);
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
		assert_true(t.rate_limit_per_minute > 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(limit__metrics__are_the_columns_values),
		STORE_TEST(limit_change__number_or_none__is_what_is_read),
		STORE_TEST(limit_change__column_or_nobody__is_refused),
		STORE_TEST(limit_for_key__three_holders__are_all_found),
		STORE_TEST(tier__of_user_and_role__come_with_the_key),
		STORE_TEST(tier__seeded__three_are_there),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
