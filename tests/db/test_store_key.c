/* SPDX-License-Identifier: MIT */
/* Customers' keys and operators' keys. */
#include "db/fixture_store.h"

#include "store/customer.h"
#include "store/generation.h"
#include "store/key.h"
#include "store/label.h"
#include "store/operator_key.h"
#include "store/tier.h"

static struct fixture *const f = &store_fixture;

#define FAR_MS INT64_C(4102444800000) /* 2100-01-01 */

static struct key_auth
auth_of(const uint8_t digest[32])
{
	struct key_auth k;

	assert_db_ok(f, store_key_by_digest(f->db, digest, &f->a, &k, &f->e));
	return k;
}

static void
key__by_digest__brings_models_and_customers_settings(void **state)
{
	uint64_t customer_id = fixture_customer(f, serial);
	uint64_t m1 = fixture_model(f, "auth-1"),
		 m2 = fixture_model(f, "auth-2");
	const uint64_t models[] = { m2, m1 };
	struct key_new k = { .customer_id = customer_id,
		.public_id = S("0123456789"),
		.pepper_id = 65535,
		.name = S("n"),
		.scopes = KEY_SCOPE_INFER | KEY_SCOPE_MANAGE,
		.model_ids = models,
		.n_models = 2,
		.expires_at_ms = FAR_MS,
		.digest = { 200, 0, 1 } };
	struct customer c;
	struct key_auth auth;
	uint64_t id;

	(void)state;
	limit_set_put(&k.limits, LIMIT_KEY_MODEL_REQUESTS_MINUTE, 5);
	assert_db_ok(f, store_key_insert(f->db, &k, &id, &f->e));
	assert_db_ok(f,
	    store_customer_by_id(f->db, customer_id, &f->a, &c, &f->e));
	limit_set_put(&c.limits, LIMIT_KEY_MODEL_REQUESTS_HOUR, 900);
	c.markup_ppm = 1500000;
	assert_db_ok(f, store_customer_update(f->db, &c, &f->e));

	auth = auth_of(k.digest);

	assert_int_equal(auth.api_key_id, id);
	assert_int_equal(auth.customer_id, customer_id);
	assert_int_not_equal(auth.user_id, 0);
	assert_int_equal(auth.scopes, KEY_SCOPE_INFER | KEY_SCOPE_MANAGE);
	assert_int_equal(auth.layers[KEY_LIMITS_OWN].stated,
	    UINT32_C(1) << LIMIT_KEY_MODEL_REQUESTS_MINUTE);
	assert_int_equal(limit_set_get(&auth.layers[KEY_LIMITS_OWN],
			     LIMIT_KEY_MODEL_REQUESTS_MINUTE),
	    5);
	assert_int_equal(limit_set_get(&auth.layers[KEY_LIMITS_CUSTOMER],
			     LIMIT_KEY_MODEL_REQUESTS_HOUR),
	    900);
	assert_int_equal(auth.customer_markup_ppm, 1500000);
	assert_int_equal(auth.expires_at_ms, FAR_MS);
	assert_false(auth.is_refused);
	assert_false(auth.all_models);
	assert_int_equal(auth.n_models, 2);
	assert_int_equal(auth.model_ids[0], m1);
	assert_int_equal(auth.model_ids[1], m2);
	assert_str_is(auth.public_id, "0123456789");

	assert_db_ok(f, store_customer_archive(f->db, customer_id, &f->e));
	assert_true(auth_of(k.digest).is_refused);
}

static void
key__unknown_digest__is_not_found(void **state)
{
	static const uint8_t digest[32] = { 77 };
	struct key_auth k;

	(void)state;
	assert_int_equal(store_key_by_digest(f->db, digest, &f->a, &k, &f->e),
	    ERR_NOT_FOUND);
}

static void
key__unknown_model__nothing_is_inserted(void **state)
{
	uint64_t customer_id = fixture_customer(f, serial), id;
	const uint64_t models[] = { 4000000 };
	struct key_new k = { .customer_id = customer_id,
		.public_id = S("unknownmod"),
		.pepper_id = 1,
		.name = S("n"),
		.scopes = KEY_SCOPE_INFER,
		.model_ids = models,
		.n_models = 1,
		.digest = { 201 } };
	struct key_auth auth;

	(void)state;
	assert_int_equal(store_key_insert(f->db, &k, &id, &f->e),
	    ERR_BAD_PARAM);
	assert_int_equal(store_key_by_digest(f->db, k.digest, &f->a, &auth,
			     &f->e),
	    ERR_NOT_FOUND);
}

static void
key__toggled__inverts_and_bumps_its_slot(void **state)
{
	uint64_t customer_id = fixture_customer(f, serial);
	uint64_t id = fixture_key(f, customer_id, serial);
	uint64_t before = generation(generation_key_slot(id));
	bool is_active;

	(void)state;
	assert_db_ok(f,
	    store_key_toggle(f->db, customer_id, id, -1, &is_active, &f->e));
	assert_false(is_active);
	assert_db_ok(f, store_key_toggle(f->db, 0, id, -1, &is_active, &f->e));
	assert_true(is_active);
	assert_db_ok(f, store_key_toggle(f->db, 0, id, 1, &is_active, &f->e));
	assert_true(is_active);
	assert_int_equal(generation(generation_key_slot(id)), before + 3);
}

static void
key__of_another_customer__is_not_found_and_unchanged(void **state)
{
	uint64_t mine = fixture_customer(f, serial++);
	uint64_t theirs = fixture_customer(f, serial);
	uint64_t id = fixture_key(f, theirs, serial);
	struct key k;
	bool is_active;

	(void)state;
	assert_int_equal(store_key_toggle(f->db, mine, id, -1, &is_active,
			     &f->e),
	    ERR_NOT_FOUND);
	assert_int_equal(store_key_revoke(f->db, mine, id, &f->e),
	    ERR_NOT_FOUND);
	assert_int_equal(store_key_by_id(f->db, mine, id, &f->a, &k, &f->e),
	    ERR_NOT_FOUND);
	assert_db_ok(f, store_key_by_id(f->db, theirs, id, &f->a, &k, &f->e));
	assert_true(k.is_active);
	assert_int_equal(k.revoked_at_ms, 0);
}

static void
key__revoked__stays_revoked_and_cannot_be_toggled(void **state)
{
	uint64_t customer_id = fixture_customer(f, serial);
	uint64_t id = fixture_key(f, customer_id, serial);
	struct key first, again;
	bool is_active;

	(void)state;
	assert_db_ok(f, store_key_revoke(f->db, customer_id, id, &f->e));
	assert_db_ok(f,
	    store_key_by_id(f->db, customer_id, id, &f->a, &first, &f->e));
	assert_db_ok(f, store_key_revoke(f->db, 0, id, &f->e));
	assert_db_ok(f,
	    store_key_by_id(f->db, customer_id, id, &f->a, &again, &f->e));

	assert_false(first.is_active);
	assert_int_not_equal(first.revoked_at_ms, 0);
	assert_int_equal(first.revoked_at_ms, again.revoked_at_ms);
	assert_int_equal(store_key_toggle(f->db, 0, id, 1, &is_active, &f->e),
	    ERR_CONFLICT);
}

static void
key__touched__keeps_the_latest_time(void **state)
{
	uint64_t customer_id = fixture_customer(f, serial);
	uint64_t id = fixture_key(f, customer_id, serial);
	struct key_use late = { id, FIXTURE_TIME_MS },
		       early = { id, FIXTURE_TIME_MS - 5000 };
	struct key k;

	(void)state;
	assert_db_ok(f, store_key_touch(f->db, &late, 1, &f->e));
	assert_db_ok(f, store_key_touch(f->db, &early, 1, &f->e));

	assert_db_ok(f,
	    store_key_by_id(f->db, customer_id, id, &f->a, &k, &f->e));
	assert_int_equal(k.last_used_at_ms, FIXTURE_TIME_MS);
}

static void
key__models_replaced__only_the_new_ones_remain(void **state)
{
	uint64_t customer_id = fixture_customer(f, serial);
	uint64_t id = fixture_key(f, customer_id, serial);
	uint64_t m1 = fixture_model(f, "set-1"), m2 = fixture_model(f, "set-2");
	const uint64_t *lists[] = { &m1, &m2 };
	uint64_t *models;
	struct key k;
	size_t n;

	(void)state;
	assert_db_ok(f,
	    store_key_by_id(f->db, customer_id, id, &f->a, &k, &f->e));
	k.all_models = false;
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		assert_db_ok(f,
		    store_key_update(f->db,
			&(struct key_update){ &k, true, lists[i], 1 }, &f->e));

	assert_db_ok(f, store_key_models(f->db, id, &f->a, &models, &n, &f->e));
	assert_int_equal(n, 1);
	assert_int_equal(models[0], m2);
}

static void
operator_key__revoked__is_found_as_revoked(void **state)
{
	struct operator_key_new k = { .public_id = S("operator01"),
		.digest = { 5, 5 },
		.pepper_id = 1,
		.name = S("root") };
	struct operator_key found;
	uint64_t id, before;

	(void)state;
	assert_db_ok(f, store_operator_key_insert(f->db, &k, &id, &f->e));
	before = generation(generation_key_slot(id));
	assert_db_ok(f, store_operator_key_revoke(f->db, id, &f->e));

	assert_db_ok(f, store_operator_key_by_digest(f->db, k.digest, &f->a,
			    &found, &f->e));
	assert_false(found.is_active);
	assert_int_not_equal(found.revoked_at_ms, 0);
	assert_int_equal(generation(generation_key_slot(id)), before + 1);
}

/* Statements of this connection. */
static uint64_t
n_executed(void)
{
	return fixture_number(f->db,
	    "SELECT variable_value FROM information_schema.session_status "
	    "WHERE variable_name = 'Com_stmt_execute'");
}

/* What a look-up takes, but for the counting. */
static uint64_t
n_asked(const uint8_t digest[32], enum err want, struct key_auth *ret)
{
	uint64_t before, own = n_executed();

	before = n_executed();
	own = before - own;
	assert_int_equal(store_key_by_digest(f->db, digest, &f->a, ret, &f->e),
	    want);
	return n_executed() - before - own;
}

/* CHECKLIST S2: whatever is the matter with a key, it is refused by as many
 * statements as one that was never there, and names what ends the refusal. */
static void
key__refused_in_any_way__takes_what_an_unknown_one_takes(void **state)
{
#define OF_IT " WHERE public_id = 'REFUSED001'"
#define WITH_IT(table, id) \
 "UPDATE " table " x JOIN api_keys USING (" id ") SET x."
	static const struct {
		const char *off, *on;
	} ways[] = {
		{ "UPDATE api_keys SET is_active = 0" OF_IT,
		    "UPDATE api_keys SET is_active = 1" OF_IT },
		{ "UPDATE api_keys SET expires_at = NOW(6)" OF_IT,
		    "UPDATE api_keys SET expires_at = NULL" OF_IT },
		{ WITH_IT("users", "user_id") "is_active = 0" OF_IT,
		    WITH_IT("users", "user_id") "is_active = 1" OF_IT },
		{ WITH_IT("users", "user_id") "archived_at = NOW(6)" OF_IT,
		    WITH_IT("users", "user_id") "archived_at = NULL" OF_IT },
		{ WITH_IT("customers", "customer_id") "is_active = 0" OF_IT,
		    WITH_IT("customers", "customer_id") "is_active = 1" OF_IT },
		{ WITH_IT("customers",
		      "customer_id") "archived_at = NOW(6)" OF_IT,
		    WITH_IT("customers",
			"customer_id") "archived_at = NULL" OF_IT },
		{ WITH_IT("projects",
		      "project_id") "archived_at = NOW(6)" OF_IT,
		    WITH_IT("projects",
			"project_id") "archived_at = NULL" OF_IT },
		{ "UPDATE api_keys SET revoked_at = NOW(6)" OF_IT, NULL },
	};
	static const uint8_t now[32] = { 231 }, before[32] = { 232 },
			     none[32] = { 233 };
	uint64_t customer_id = fixture_customer(f, serial), id, n;
	struct key_new new = { .customer_id = customer_id,
		.public_id = S("REFUSED001"),
		.pepper_id = 1,
		.name = S("n"),
		.scopes = KEY_SCOPE_INFER,
		.all_models = true,
		.digest = { 231 } };
	struct key_auth k;

	(void)state;
	assert_db_ok(f, store_key_insert(f->db, &new, &id, &f->e));
	fixture_sql(f->db, "INSERT INTO projects (customer_id, name) SELECT "
			   "customer_id, 'refused' FROM api_keys" OF_IT);
	fixture_sql(f->db,
	    "UPDATE api_keys JOIN projects p USING (customer_id) SET "
	    "api_keys.project_id = p.project_id, previous_public_id = "
	    "'REFUSED000', previous_secret = RPAD(X'E8', 32, X'00'), "
	    "previous_pepper_id = 1, previous_expires_at = '2100-01-01'" OF_IT);
	n = n_asked(none, ERR_NOT_FOUND, &k);
	assert_true(n > 0);
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		assert_false(auth_of(now).is_refused);
		assert_false(auth_of(before).is_refused);
		fixture_sql(f->db, ways[i].off);
		for (int is_before = 0; is_before < 2; is_before++) {
			assert_int_equal(n_asked(is_before ? before : now, OK,
					     &k),
			    n);
			assert_true(k.is_refused);
			assert_int_equal(k.api_key_id, id);
			assert_int_equal(k.customer_id, customer_id);
		}
		if (ways[i].on)
			fixture_sql(f->db, ways[i].on);
	}
	fixture_sql(f->db,
	    "UPDATE api_keys SET previous_expires_at = NOW(6)" OF_IT);
	assert_int_equal(n_asked(before, ERR_NOT_FOUND, &k), n);
#undef OF_IT
#undef WITH_IT
}

static size_t
count_keys(uint64_t tenant, struct key_filter filter)
{
	struct key *rows;
	uint64_t next;
	size_t n;

	assert_db_ok(f, store_key_page(f->db, tenant, &filter, 0, 100, &f->a,
			    &rows, &n, &next, &f->e));
	return n;
}

static void
key__each_criterion__finds_what_it_says(void **state)
{
	uint64_t c = fixture_customer(f, serial++);
	uint64_t other = fixture_customer(f, serial++);
	uint64_t m = fixture_model(f, "criteria"), id, tier_id;
	const uint64_t models[] = { m };
	const struct tier tier = { .name = S("criteria") };
	struct key_new k = { .customer_id = c,
		.public_id = S("CRITERIA01"),
		.pepper_id = 1,
		.name = S("by name"),
		.scopes = KEY_SCOPE_INFER,
		.model_ids = models,
		.n_models = 1,
		.expires_at_ms = FIXTURE_TIME_MS * 2,
		.digest = { 210 } };
	struct label project = { .name = S("p") };
	struct key_use use;

	(void)state;
	assert_db_ok(f, store_tier_insert(f->db, &tier, &tier_id, &f->e));
	k.rate_limit_tier = tier_id;
	project.customer_id = c;
	assert_db_ok(f, store_label_insert(f->db, LABEL_PROJECT, &project,
			    &k.project_id, &f->e));
	assert_db_ok(f, store_key_insert(f->db, &k, &id, &f->e));
	use = (struct key_use){ id, FIXTURE_TIME_MS };
	assert_db_ok(f, store_key_touch(f->db, &use, 1, &f->e));
	(void)fixture_key(f, c, serial++);
	(void)fixture_key(f, other, serial);
	const struct {
		struct key_filter filter;
		size_t n;
	} cases[] = {
		{ { .customer_id = c }, 2 },
		{ { .customer_id = other }, 0 },
		{ { .project_id = k.project_id }, 1 },
		{ { .name = S("by name") }, 1 },
		{ { .prefix = S("CRIT") }, 1 },
		{ { .prefix = S("CRITERIA01") }, 1 },
		{ { .prefix = S("RITERIA") }, 0 },
		{ { .tier = S("criteria") }, 1 },
		{ { .model_id = m }, 2 }, /* the other one may use all */
		{ { .state = KEY_ACTIVE + 1 }, 2 },
		{ { .state = KEY_REVOKED + 1 }, 0 },
		{ { .last_used_from_ms = FIXTURE_TIME_MS }, 1 },
		{ { .last_used_from_ms = FIXTURE_TIME_MS + 1 }, 0 },
		{ { .last_used_to_ms = FIXTURE_TIME_MS }, 1 }, /* never */
		{ { .last_used_to_ms = FIXTURE_TIME_MS + 1 }, 2 },
		{ { .expires_to_ms = FIXTURE_TIME_MS * 2 }, 0 },
		{ { .expires_to_ms = FIXTURE_TIME_MS * 2 + 1 }, 1 },
		{ { .created_from_ms = 1, .created_to_ms = 2 }, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (count_keys(c, cases[i].filter) != cases[i].n)
			print_message("# case %zu\n", i);
		assert_int_equal(count_keys(c, cases[i].filter), cases[i].n);
	}
	assert_int_equal(count_keys(0,
			     (struct key_filter){ .customer_id = other }),
	    1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(
		    key__by_digest__brings_models_and_customers_settings),
		STORE_TEST(key__unknown_digest__is_not_found),
		STORE_TEST(
		    key__refused_in_any_way__takes_what_an_unknown_one_takes),
		STORE_TEST(key__unknown_model__nothing_is_inserted),
		STORE_TEST(key__toggled__inverts_and_bumps_its_slot),
		STORE_TEST(
		    key__of_another_customer__is_not_found_and_unchanged),
		STORE_TEST(key__revoked__stays_revoked_and_cannot_be_toggled),
		STORE_TEST(key__touched__keeps_the_latest_time),
		STORE_TEST(key__models_replaced__only_the_new_ones_remain),
		STORE_TEST(key__each_criterion__finds_what_it_says),
		STORE_TEST(operator_key__revoked__is_found_as_revoked),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
