/* SPDX-License-Identifier: MIT */
/* The text of keys, and making them. The store is scripted here. */
#include "support/cmocka_tg.h"

#include <stdio.h>

#include "domain/key.h"
#include "store/operator_key.h"

#define PEPPER \
 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static struct error e;

/* What the store is to answer, and what it was told. */
static enum err store_answer;
static int n_conflicts, n_calls;
static uint8_t stored_digest[KEY_DIGEST_BYTES];

static enum err
answer(struct error *err)
{
	n_calls++;
	if (n_conflicts > 0) {
		n_conflicts--;
		return error_set(err, ERR_CONFLICT, "taken");
	}
	return store_answer ? error_set(err, store_answer, "scripted") : OK;
}

enum err
store_key_insert(struct db *db, const struct key_new *k, uint64_t *ret,
    struct error *err)
{
	(void)db;
	memcpy(stored_digest, k->digest, KEY_DIGEST_BYTES);
	*ret = 5;
	return answer(err);
}

enum err
store_operator_key_insert(struct db *db, const struct operator_key_new *k,
    uint64_t *ret, struct error *err)
{
	(void)db;
	memcpy(stored_digest, k->digest, KEY_DIGEST_BYTES);
	*ret = 6;
	return answer(err);
}

static int
setup(void **state)
{
	(void)state;
	store_answer = OK;
	n_conflicts = n_calls = 0;
	return 0;
}

static void
key_text_generate__both_kinds__have_their_shape(void **state)
{
	char text[KEY_TEXT_BYTES], other[KEY_TEXT_BYTES];
	struct str public_id;
	enum key_kind kind;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		key_text_generate(KEY_CUSTOMER, text);
		assert_int_equal(strlen(text), 52);
		assert_memory_equal(text, "tg_", 3);
		assert_true(key_text_parse(str_from(text), &kind, &public_id));
		assert_int_equal(kind, KEY_CUSTOMER);
		assert_ptr_equal(public_id.p, text + 3);
		assert_int_equal(public_id.n, 10);

		key_text_generate(KEY_OPERATOR, other);
		assert_int_equal(strlen(other), 53);
		assert_true(key_text_parse(str_from(other), &kind, NULL));
		assert_int_equal(kind, KEY_OPERATOR);
	}
}

/* S2: what can't be a key is known without a look-up. */
static void
key_text_parse__one_byte_changed_or_cut__is_refused(void **state)
{
	char text[KEY_TEXT_BYTES], bad[KEY_TEXT_BYTES + 1];
	enum key_kind kind;
	size_t n;

	(void)state;
	key_text_generate(KEY_CUSTOMER, text);
	n = strlen(text);
	for (size_t i = 0; i < n; i++) {
		for (int c = 0; c < 256; c++) {
			memcpy(bad, text, sizeof(text));
			bad[i] = (char)c;
			if (bad[i] == text[i])
				continue;
			assert_false(
			    key_text_parse(str_make(bad, n), &kind, NULL));
		}
	}
	for (size_t i = 0; i < n; i++)
		assert_false(key_text_parse(str_make(text, i), &kind, NULL));
	(void)snprintf(bad, sizeof(bad), "%sx", text);
	assert_false(key_text_parse(str_from(bad), &kind, NULL));
	(void)snprintf(bad, sizeof(bad), " %s", text);
	assert_false(key_text_parse(str_from(bad), &kind, NULL));
}

static void
key_text_parse__known_key__is_accepted(void **state)
{
	/* Checksum by Python: zlib.crc32 of what is before it, in base 62. */
	static const char known[] =
	    "tg_0123456789_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef0ClVGK";
	enum key_kind kind;

	(void)state;
	assert_true(key_text_parse(str_from(known), &kind, NULL));
}

static void
key_create__public_id_is_taken__draws_again(void **state)
{
	struct crypto_key *pepper;
	struct key_ops ops = { .pepper_id = 1 };
	struct key_new k = { .customer_id = 1 };
	char text[KEY_TEXT_BYTES];
	uint8_t digest[KEY_DIGEST_BYTES];
	uint64_t id;

	(void)state;
	assert_ok(crypto_key_from_hex(S(PEPPER), &pepper, &e));
	ops.pepper = pepper;
	n_conflicts = 2;

	assert_ok(key_create(&ops, &k, text, &id, &e));

	assert_int_equal(n_calls, 3);
	assert_int_equal(id, 5);
	assert_int_equal(k.pepper_id, 1);
	key_text_digest(pepper, str_from(text), digest);
	assert_memory_equal(digest, stored_digest, KEY_DIGEST_BYTES);
	crypto_key_free(pepper);
}

static void
key_create__store_fails__no_key_is_left_in_memory(void **state)
{
	static const char wiped[KEY_TEXT_BYTES];
	struct crypto_key *pepper;
	struct key_ops ops = { .pepper_id = 1 };
	char text[KEY_TEXT_BYTES];
	uint64_t id;

	(void)state;
	assert_ok(crypto_key_from_hex(S(PEPPER), &pepper, &e));
	ops.pepper = pepper;
	store_answer = ERR_DB_DOWN;
	assert_int_equal(key_create_operator(&ops, S("x"), 0, text, &id, &e),
	    ERR_DB_DOWN);
	assert_memory_equal(text, wiped, sizeof(wiped));
	crypto_key_free(pepper);
}

static void
principal_may_use_model__list__finds_each_and_no_other(void **state)
{
	static const uint64_t ids[] = { 1, 4, 9, 16, UINT64_MAX };
	struct principal p = { .model_ids = ids };

	(void)state;
	for (size_t n = 0; n <= ARRAY_LEN(ids); n++) {
		p.n_models = n;
		for (size_t i = 0; i < ARRAY_LEN(ids); i++)
			assert_int_equal(principal_may_use_model(&p, ids[i]),
			    i < n);
		assert_false(principal_may_use_model(&p, 0));
		assert_false(principal_may_use_model(&p, 5));
	}
	p.all_models = true;
	assert_true(principal_may_use_model(&p, 5));
}

static const uint64_t granted_models[] = { 2, 3, 5 };
static const struct limit_set granted_default = {
	.stated = UINT32_C(1) << LIMIT_KEY_MODEL_REQUESTS_MINUTE |
		  UINT32_C(1) << LIMIT_KEY_MODEL_REQUESTS_HOUR |
		  UINT32_C(1) << LIMIT_CUSTOMER_TOKENS_DAY |
		  UINT32_C(1) << LIMIT_SLIDING,
	.max = { [LIMIT_KEY_MODEL_REQUESTS_MINUTE] = 60,
	    [LIMIT_CUSTOMER_TOKENS_DAY] = 900,
	    [LIMIT_SLIDING] = 1 },
};

/* One number and no other. */
#define ONLY(metric, number)                                          \
 {                                                                    \
  .stated = UINT32_C(1) << (metric), .max = { [(metric)] = (number) } \
 }

/* A key that is restricted in every way. */
static struct principal
restricted_key(void)
{
	struct principal who = {
		.kind = PRINCIPAL_KEY,
		.customer_id = 11,
		.user_id = 12,
		.scopes = KEY_SCOPE_INFER | KEY_SCOPE_KEYS_WRITE,
		.model_ids = granted_models,
		.n_models = ARRAY_LEN(granted_models),
		.expires_at_ms = 5000,
	};

	limit_set_put(&who.limits, LIMIT_KEY_MODEL_REQUESTS_MINUTE, 10);
	limit_set_put(&who.limits, LIMIT_KEY_MODEL_REQUESTS_HOUR, 100);
	limit_set_put(&who.limits, LIMIT_KEY_TOKENS_DAY, 5000);
	limit_set_put(&who.limits, LIMIT_CONCURRENT, 4);
	limit_set_put(&who.limits, LIMIT_SLIDING, 1);
	return who;
}

/* What a body asks for that states nothing but the scopes' default. */
static struct key_new
plain_request(void)
{
	return (struct key_new){
		.scopes = KEY_SCOPE_INFER,
		.all_models = true,
	};
}

static void
key_grant__nothing_stated__is_what_the_key_has(void **state)
{
	struct principal who = restricted_key();
	struct key_new k = plain_request();

	(void)state;
	assert_ok(key_grant(&who, &granted_default, &k, &e));
	assert_int_equal(k.user_id, 12);
	assert_false(k.all_models);
	assert_ptr_equal(k.model_ids, granted_models);
	assert_int_equal(k.n_models, 3);
	assert_int_equal(limit_set_get(&k.limits,
			     LIMIT_KEY_MODEL_REQUESTS_MINUTE),
	    10);
	assert_int_equal(limit_set_get(&k.limits,
			     LIMIT_KEY_MODEL_REQUESTS_HOUR),
	    100);
	assert_int_equal(k.expires_at_ms, 5000);
	assert_int_equal(limit_set_get(&k.limits, LIMIT_KEY_TOKENS_DAY), 5000);
	assert_int_equal(limit_set_get(&k.limits, LIMIT_CONCURRENT), 4);
	assert_int_equal(limit_set_get(&k.limits, LIMIT_SLIDING), 1);
	assert_int_equal(limit_set_get(&k.limits, LIMIT_KEY_TOKENS_HOUR),
	    LIMIT_UNSTATED);
}

static void
key_grant__more_than_the_key_has__is_refused_by_name(void **state)
{
	static const uint64_t other_model[] = { 2, 4 };
	static const struct {
		const char *param;
		struct key_new k;
	} cases[] = {
		{ "scopes", { .scopes = KEY_SCOPE_MANAGE } },
		{ "rate_limit_tier", { .rate_limit_tier = 1 } },
		{ "user_id", { .user_id = 13 } },
		{ "allowed_models",
		    { .model_ids = other_model, .n_models = 2 } },
		{ "expires_at", { .expires_at_ms = 5001 } },
		{ "rate_limit",
		    { .limits = ONLY(LIMIT_KEY_MODEL_REQUESTS_MINUTE, 11) } },
		{ "rate_limit",
		    { .limits = ONLY(LIMIT_KEY_MODEL_REQUESTS_MINUTE, 0) } },
		{ "rate_limit_per_hour",
		    { .limits = ONLY(LIMIT_KEY_MODEL_REQUESTS_HOUR, 101) } },
	};
	struct principal who = restricted_key();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct key_new k = cases[i].k;

		assert_int_equal(key_grant(&who, &granted_default, &k, &e),
		    ERR_FORBIDDEN);
		assert_string_equal(e.param, cases[i].param);
	}
}

/* S9: nobody else's user, but for the owner's key that manages. */
static void
key_grant__owner_that_manages__acts_for_all_users(void **state)
{
	struct principal who = restricted_key();
	struct key_new k = plain_request();

	(void)state;
	k.user_id = 13;
	who.scopes |= KEY_SCOPE_MANAGE;
	who.role = USER_DEVELOPER;
	assert_int_equal(key_grant(&who, &granted_default, &k, &e),
	    ERR_FORBIDDEN);
	who.role = USER_OWNER;
	assert_ok(key_grant(&who, &granted_default, &k, &e));
	assert_int_equal(k.user_id, 13);
	who.scopes &= ~(uint64_t)KEY_SCOPE_MANAGE;
	assert_int_equal(key_grant(&who, &granted_default, &k, &e),
	    ERR_FORBIDDEN);
}

/* Who is signed in, too: a developer makes keys of its own, an owner any. */
static void
key_grant__session__is_bound_by_its_role(void **state)
{
	static const struct {
		const char *param;
		struct key_new k;
	} cases[] = {
		{ "scopes", { .scopes = KEY_SCOPE_MANAGE } },
		{ "rate_limit_tier", { .rate_limit_tier = 1 } },
		{ "user_id", { .user_id = 13 } },
	};
	struct principal who = {
		.kind = PRINCIPAL_SESSION,
		.customer_id = 11,
		.user_id = 12,
		.role = USER_DEVELOPER,
		.scopes = KEY_SCOPE_KEYS_WRITE,
	};
	struct key_new k = plain_request();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct key_new asked = cases[i].k;

		assert_int_equal(key_grant(&who, &granted_default, &asked, &e),
		    ERR_FORBIDDEN);
		assert_string_equal(e.param, cases[i].param);
	}
	assert_ok(key_grant(&who, &granted_default, &k, &e));
	assert_int_equal(k.user_id, 12);
	assert_true(k.all_models);
	who.role = USER_OWNER;
	who.scopes |= KEY_SCOPE_MANAGE;
	k.user_id = 13;
	k.scopes = KEY_SCOPE_MANAGE;
	assert_ok(key_grant(&who, &granted_default, &k, &e));
	assert_int_equal(k.user_id, 13);
}

/* What operators gave is the most that who is signed in may state. */
static void
key_limits_check__beyond_what_holds_without__is_refused(void **state)
{
	struct limit_set layers[KEY_LIMITS__N] = { 0 };
	struct limit_set before = { 0 };
	struct limit_set *own = &layers[KEY_LIMITS_OWN];

	(void)state;
	limit_set_put(&layers[KEY_LIMITS_CUSTOMER],
	    LIMIT_KEY_MODEL_REQUESTS_MINUTE, 20);
	limit_set_put(own, LIMIT_KEY_MODEL_REQUESTS_MINUTE, 20);
	limit_set_put(own, LIMIT_CUSTOMER_TOKENS_DAY, 900);
	limit_set_put(own, LIMIT_KEY_TOKENS_DAY, 1000000);
	assert_ok(key_limits_check(NULL, layers, &granted_default, &e));
	limit_set_put(own, LIMIT_KEY_MODEL_REQUESTS_MINUTE, 21);
	assert_int_equal(key_limits_check(NULL, layers, &granted_default, &e),
	    ERR_FORBIDDEN);
	assert_string_equal(e.param, "key_model.requests.minute");
	limit_set_put(&layers[KEY_LIMITS_TIER], LIMIT_KEY_MODEL_REQUESTS_MINUTE,
	    21);
	assert_ok(key_limits_check(NULL, layers, &granted_default, &e));
	limit_set_put(own, LIMIT_CUSTOMER_TOKENS_DAY, 0);
	assert_int_equal(key_limits_check(NULL, layers, &granted_default, &e),
	    ERR_FORBIDDEN);
	limit_set_put(&before, LIMIT_CUSTOMER_TOKENS_DAY, 0);
	assert_ok(key_limits_check(&before, layers, &granted_default, &e));
}

/* A form that is sent twice makes one key. */
static void
key_public_id_of__the_same__is_the_same_in_a_key(void **state)
{
	char id[KEY_PUBLIC_ID_BYTES], again[KEY_PUBLIC_ID_BYTES];
	char other[KEY_PUBLIC_ID_BYTES], text[KEY_TEXT_BYTES];
	struct crypto_key *pepper;
	enum key_kind kind;
	struct str public_id;

	(void)state;
	assert_ok(crypto_key_from_hex(S("00112233445566778899aabbccddeeff"
					"00112233445566778899aabbccddeeff"),
	    &pepper, &e));
	key_public_id_of(pepper, S("form 1"), id);
	key_public_id_of(pepper, S("form 1"), again);
	key_public_id_of(pepper, S("form 2"), other);
	crypto_key_free(pepper);

	assert_memory_equal(id, again, sizeof(id));
	assert_memory_not_equal(id, other, sizeof(id));
	key_text_generate_as(KEY_CUSTOMER, str_make(id, sizeof(id)), text);
	assert_true(key_text_parse(str_from(text), &kind, &public_id));
	assert_memory_equal(public_id.p, id, sizeof(id));
}

static void
key_grant__addresses_and_project__handed_on_and_never_widened(void **state)
{
	static const struct {
		struct str ips;
		bool is_within;
	} cases[] = { { STR_INIT("10.0.0.0/8"), true },
		{ STR_INIT("10.2.3.0/24"), true },
		{ STR_INIT("10.2.3.4,2001:db8::1"), true },
		{ STR_INIT("10.0.0.0/7"), false },
		{ STR_INIT("0.0.0.0/0"), false }, { STR_INIT("::/0"), false },
		{ STR_INIT("10.0.0.1,11.0.0.1"), false },
		{ STR_INIT("2001:db9::/32"), false },
		{ STR_INIT("rubbish"), false } };
	struct principal who = restricted_key();
	struct key_new k = plain_request();
	struct arena a;

	(void)state;
	arena_init(&a, KIB(4));
	who.allowed_ips_text = S("10.0.0.0/8,2001:db8::/32");
	assert_ok(
	    cidr_list_parse(&a, who.allowed_ips_text, &who.allowed_ips, &e));
	who.project_id = 4;
	assert_ok(key_grant(&who, &granted_default, &k, &e));
	assert_str_is(k.allowed_ips, "10.0.0.0/8,2001:db8::/32");
	assert_int_equal(k.project_id, 4);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		k = plain_request();
		k.allowed_ips = cases[i].ips;
		assert_int_equal(key_grant(&who, &granted_default, &k, &e),
		    cases[i].is_within ? OK : ERR_FORBIDDEN);
		if (!cases[i].is_within)
			assert_string_equal(e.param, "allowed_ips");
	}
	k = plain_request();
	k.project_id = 5;
	assert_int_equal(key_grant(&who, &granted_default, &k, &e),
	    ERR_FORBIDDEN);
	assert_string_equal(e.param, "project_id");
	arena_fini(&a);
}

static void
key_grant__other_limits_beyond_its_own__are_refused(void **state)
{
	static const struct {
		enum limit_metric metric;
		int64_t max;
	} cases[] = {
		{ LIMIT_KEY_TOKENS_DAY, 5001 },
		{ LIMIT_KEY_TOKENS_DAY, 0 }, /* none at all */
		{ LIMIT_CONCURRENT, 5 },
		{ LIMIT_SLIDING, 0 },
	};
	struct principal who = restricted_key();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct key_new k = plain_request();

		limit_set_put(&k.limits, cases[i].metric, cases[i].max);
		assert_int_equal(key_grant(&who, &granted_default, &k, &e),
		    ERR_FORBIDDEN);
		assert_string_equal(e.param, "rate_limits");
	}
}

/* S9: what nobody states is bound by the configuration, every metric of it. */
static void
key_grant__limits_by_default__bound_what_is_stated(void **state)
{
	static const struct {
		enum limit_metric metric;
		int64_t max;
		enum err want;
	} cases[] = {
		{ LIMIT_KEY_MODEL_REQUESTS_MINUTE, 60, OK },
		{ LIMIT_KEY_MODEL_REQUESTS_MINUTE, 61, ERR_FORBIDDEN },
		{ LIMIT_KEY_MODEL_REQUESTS_MINUTE, 0, ERR_FORBIDDEN },
		{ LIMIT_KEY_MODEL_REQUESTS_HOUR, 1000000, OK }, /* of 0 */
		{ LIMIT_CUSTOMER_TOKENS_DAY, 900, OK },
		{ LIMIT_CUSTOMER_TOKENS_DAY, 901, ERR_FORBIDDEN },
		{ LIMIT_CUSTOMER_TOKENS_DAY, 0, ERR_FORBIDDEN },
		{ LIMIT_SLIDING, 1, OK }, { LIMIT_SLIDING, 0, ERR_FORBIDDEN },
		{ LIMIT_KEY_TOKENS_HOUR, 5, OK }, /* of nobody's limit */
	};
	struct principal who = restricted_key();
	struct key_new k = plain_request();

	(void)state;
	who.limits = (struct limit_set){ 0 };
	assert_ok(key_grant(&who, &granted_default, &k, &e));
	assert_int_equal(k.limits.stated, 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		k = plain_request();
		limit_set_put(&k.limits, cases[i].metric, cases[i].max);
		assert_int_equal(key_grant(&who, &granted_default, &k, &e),
		    cases[i].want);
		who.kind = PRINCIPAL_OPERATOR;
		assert_ok(key_grant(&who, &granted_default, &k, &e));
		who.kind = PRINCIPAL_KEY;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    key_text_generate__both_kinds__have_their_shape),
		cmocka_unit_test(
		    key_text_parse__one_byte_changed_or_cut__is_refused),
		cmocka_unit_test(key_text_parse__known_key__is_accepted),
		cmocka_unit_test_setup(
		    key_create__public_id_is_taken__draws_again, setup),
		cmocka_unit_test_setup(
		    key_create__store_fails__no_key_is_left_in_memory, setup),
		cmocka_unit_test(
		    principal_may_use_model__list__finds_each_and_no_other),
		cmocka_unit_test(
		    key_grant__nothing_stated__is_what_the_key_has),
		cmocka_unit_test(
		    key_grant__more_than_the_key_has__is_refused_by_name),
		cmocka_unit_test(
		    key_grant__other_limits_beyond_its_own__are_refused),
		cmocka_unit_test(
		    key_grant__owner_that_manages__acts_for_all_users),
		cmocka_unit_test(key_grant__session__is_bound_by_its_role),
		cmocka_unit_test(
		    key_limits_check__beyond_what_holds_without__is_refused),
		cmocka_unit_test(
		    key_public_id_of__the_same__is_the_same_in_a_key),
		cmocka_unit_test(
		    key_grant__addresses_and_project__handed_on_and_never_widened),
		cmocka_unit_test(
		    key_grant__limits_by_default__bound_what_is_stated),
	};

	if (crypto_init(&e))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
