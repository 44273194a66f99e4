/* SPDX-License-Identifier: MIT */
/*
 * Authentication, with a scripted store: its answers, its being down, and a
 * change that happens while a query is under way.
 */
#include "support/cmocka_tg.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "domain/hostmap.h"
#include "domain/key.h"
#include "store/db_pool.h"
#include "store/operator_key.h"
#include "store/tier.h"
#include "support/fixture_dir.h"

#define PEPPER \
 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define NOW INT64_C(1800000000000)

static struct fixture_dir dir;
static struct crypto_key *pepper;
static struct hostmap *map;
static struct key_cache *cache;
static struct arena arena;
static struct error e;
static char text[KEY_TEXT_BYTES];
static struct principal who;

/* The database: one customer's key and one operator's. */
static pthread_mutex_t row_lock = PTHREAD_MUTEX_INITIALIZER;
static struct key_auth row;
static uint8_t row_digest[KEY_DIGEST_BYTES];
static struct operator_key operator_row;
static struct tier tier_row;
static _Atomic enum err db_answer;
static _Atomic unsigned n_queries, n_takes;
static _Atomic unsigned query_takes_us;
static void (*during_query)(void);

enum err
db_pool_take(struct db_pool *pool, int64_t wait_ms, struct db **ret_db,
    struct error *err)
{
	(void)pool;
	(void)wait_ms;
	*ret_db = NULL;
	atomic_fetch_add(&n_takes, 1);
	return db_answer ? error_set(err, db_answer, "scripted") : OK;
}

void
db_pool_give(struct db_pool *pool, struct db *db)
{
	(void)pool;
	(void)db;
}

enum err
store_key_by_digest(struct db *db, const uint8_t digest[KEY_DIGEST_BYTES],
    struct arena *a, struct key_auth *ret, struct error *err)
{
	(void)db;
	(void)a;
	atomic_fetch_add(&n_queries, 1);
	(void)pthread_mutex_lock(&row_lock);
	*ret = row;
	(void)pthread_mutex_unlock(&row_lock);
	if (query_takes_us)
		(void)usleep(query_takes_us);
	if (during_query)
		during_query();
	if (memcmp(digest, row_digest, KEY_DIGEST_BYTES) != 0)
		return error_set(err, ERR_NOT_FOUND, "none");
	return OK;
}

enum err
store_operator_key_by_digest(struct db *db,
    const uint8_t digest[KEY_DIGEST_BYTES], struct arena *a,
    struct operator_key *ret, struct error *err)
{
	(void)db;
	(void)a;
	atomic_fetch_add(&n_queries, 1);
	*ret = operator_row;
	if (memcmp(digest, row_digest, KEY_DIGEST_BYTES) != 0)
		return error_set(err, ERR_NOT_FOUND, "none");
	return OK;
}

enum err
store_tier_list(struct db *db, struct arena *a, struct tier **ret,
    size_t *ret_n, struct error *err)
{
	(void)db;
	(void)a;
	(void)err;
	*ret = &tier_row;
	*ret_n = 1;
	return OK;
}

static void
cache_make(uint64_t cache_s, uint64_t stale_max_s, uint64_t n_keys)
{
	struct key_cache_params params = {
		.map = map,
		.pepper = pepper,
		.cache_s = cache_s,
		.stale_max_s = stale_max_s,
		.n_keys = n_keys,
	};

	key_cache_free(cache);
	assert_ok(key_cache_new(&params, &cache, &e));
}

static int
setup(void **state)
{
	static uint64_t model_ids[] = { 2, 7 };

	(void)state;
	fixture_dir_make(&dir);
	arena_init(&arena, KIB(64));
	if (hostmap_open(dir.path, true, &map, &e))
		return -1;
	key_text_generate(KEY_CUSTOMER, text);
	key_text_digest(pepper, str_from(text), row_digest);
	row = (struct key_auth){
		.api_key_id = 42,
		.customer_id = 5,
		.user_id = 6,
		.public_id = str_make(text + 3, 10),
		.scopes = KEY_SCOPE_INFER,
		.is_active = true,
		.rate_limit_per_minute = -1,
		.rate_limit_per_hour = -1,
		.user_is_active = true,
		.customer_rate_limit_per_minute = -1,
		.customer_rate_limit_per_hour = -1,
		.customer_markup_ppm = 1000000,
		.customer_is_active = true,
		.model_ids = model_ids,
		.n_models = 2,
	};
	operator_row = (struct operator_key){
		.operator_key_id = 9,
		.public_id = S("0123456789"),
		.is_active = true,
	};
	db_answer = OK;
	n_queries = n_takes = 0;
	query_takes_us = 0;
	during_query = NULL;
	cache = NULL;
	cache_make(30, 900, 1000);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	key_cache_free(cache);
	hostmap_close(map);
	arena_fini(&arena);
	fixture_dir_remove(&dir);
	return 0;
}

static enum err
ask(void)
{
	return key_authenticate(cache, str_from(text), NOW, &arena, &who, &e);
}

/* All refusals look alike to the client. */
static void
assert_refused(enum err err)
{
	assert_int_equal(err, ERR_UNAUTHORIZED);
	assert_int_equal(e.code, ERR_UNAUTHORIZED);
	assert_string_equal(e.public_text, "");
	assert_string_equal(e.param, "");
}

static void
key_authenticate__good_key__gives_its_principal(void **state)
{
	(void)state;
	assert_ok(ask());
	assert_int_equal(who.kind, PRINCIPAL_KEY);
	assert_int_equal(who.api_key_id, 42);
	assert_int_equal(who.customer_id, 5);
	assert_int_equal(who.user_id, 6);
	assert_int_equal(who.markup_ppm, 1000000);
	assert_memory_equal(who.public_id, text + 3, 10);
	assert_true(principal_has_scopes(&who, KEY_SCOPE_INFER));
	assert_false(principal_has_scopes(&who, KEY_SCOPE_MANAGE));
	assert_false(principal_is_operator(&who));
	assert_true(principal_may_use_model(&who, 7));
	assert_false(principal_may_use_model(&who, 3));

	assert_ok(ask());
	assert_int_equal(n_queries, 1);
}

static void
key_authenticate__operator_key__is_operator_without_inference(void **state)
{
	(void)state;
	key_text_generate(KEY_OPERATOR, text);
	key_text_digest(pepper, str_from(text), row_digest);
	assert_ok(ask());
	assert_true(principal_is_operator(&who));
	assert_int_equal(who.operator_key_id, 9);
	assert_int_equal(who.customer_id, 0);
	assert_true(principal_has_scopes(&who, KEY_SCOPE_KEYS_WRITE));
	assert_false(principal_has_scopes(&who, KEY_SCOPE_INFER));
}

static void
key_authenticate__limits_in_layers__nearest_is_taken(void **state)
{
	(void)state;
	tier_row = (struct tier){
		.tier_id = 3,
		.rate_limit_per_minute = 100,
		.rate_limit_per_hour = 1000,
	};
	row.rate_limit_tier = 3;
	row.rate_limit_per_minute = 10;
	row.customer_rate_limit_per_hour = 7;
	assert_ok(ask());
	assert_int_equal(who.rates.requests[LIMIT_MINUTE], 10);
	assert_int_equal(who.rates.requests[LIMIT_HOUR], 1000);
}

/* S2: junk costs no query; the answer is the same for all. */
static void
key_authenticate__not_a_key__is_refused_without_a_query(void **state)
{
	static const char *const junk[] = { "", "tg_", "sk-abc", "' OR 1=1 -- ",
		"tg_0123456789_ABCDEFGHIJKLMNOPQRSTUVWXYZ" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(junk); i++)
		assert_refused(key_authenticate(cache, str_from(junk[i]), NOW,
		    &arena, &who, &e));
	assert_int_equal(n_queries, 0);
}

static void
key_authenticate__unknown_key__is_asked_for_once(void **state)
{
	struct key_cache_stats stats;

	(void)state;
	key_text_generate(KEY_CUSTOMER, text);
	assert_refused(ask());
	assert_refused(ask());
	assert_refused(ask());
	assert_int_equal(n_queries, 1);
	key_cache_stats(cache, &stats);
	assert_int_equal(stats.n_negative_hits, 2);
}

/* A flood of unknown keys pushes out no known one. */
static void
key_authenticate__flood_of_unknown_keys__known_one_stays(void **state)
{
	char known[KEY_TEXT_BYTES];

	(void)state;
	cache_make(30, 900, 32);
	memcpy(known, text, sizeof(known));
	assert_ok(ask());
	for (int i = 0; i < 5000; i++) {
		key_text_generate(KEY_CUSTOMER, text);
		assert_refused(ask());
	}
	n_queries = 0;
	memcpy(text, known, sizeof(known));
	assert_ok(ask());
	assert_int_equal(n_queries, 0);
}

static void
key_authenticate__inactive_in_any_way__is_refused(void **state)
{
	struct key_auth good = row;

	(void)state;
	for (int i = 0; i < 5; i++) {
		row = good;
		switch (i) {
		case 0:
			row.is_active = false;
			break;
		case 1:
			row.revoked_at_ms = NOW;
			break;
		case 2:
			row.user_is_active = false;
			break;
		case 3:
			row.customer_is_active = false;
			break;
		default:
			row.expires_at_ms = NOW;
			break;
		}
		cache_make(30, 900, 1000);
		assert_refused(ask());
		assert_refused(ask()); /* from the cache too */
	}
}

static void
key_authenticate__expires_while_cached__is_refused_to_the_millisecond(
    void **state)
{
	(void)state;
	row.expires_at_ms = NOW + 1;
	assert_ok(ask());
	assert_refused(
	    key_authenticate(cache, str_from(text), NOW + 1, &arena, &who, &e));
	assert_refused(key_check_again(cache, &who, NOW + 1, &arena, &e));
}

static void
key_authenticate__slot_bumped__asks_again_and_refuses(void **state)
{
	(void)state;
	assert_ok(ask());
	row.revoked_at_ms = NOW;
	assert_ok(ask());

	hostmap_slot_bump(map, generation_key_slot(42));

	assert_refused(ask());
	assert_int_equal(n_queries, 2);
}

static void
key_check_again__revoked_after_authentication__is_refused(void **state)
{
	(void)state;
	assert_ok(ask());
	assert_ok(key_check_again(cache, &who, NOW, &arena, &e));
	assert_int_equal(n_queries, 1);
	row.revoked_at_ms = NOW;
	hostmap_slot_bump(map, generation_key_slot(42));

	assert_refused(key_check_again(cache, &who, NOW, &arena, &e));
}

/* The revoke commits and is answered between our query's reading of the row
 * and its end. */
static void
revoke_meanwhile(void)
{
	during_query = NULL;
	row.revoked_at_ms = NOW;
	hostmap_slot_bump(map, generation_key_slot(42));
}

static void
key_authenticate__revoked_during_the_query__is_refused(void **state)
{
	(void)state;
	during_query = revoke_meanwhile;
	assert_refused(ask());
	assert_int_equal(n_queries, 2);
}

static void
key_authenticate__catalogue_changed__asks_again(void **state)
{
	(void)state;
	assert_ok(ask());
	row.customer_rate_limit_per_minute = 3;
	hostmap_slot_bump(map, GENERATION_CATALOGUE);
	assert_ok(ask());
	assert_int_equal(who.rates.requests[LIMIT_MINUTE], 3);
}

static void
key_authenticate__older_than_the_cache_keeps__is_asked_for_again(void **state)
{
	(void)state;
	cache_make(0, 900, 1000);
	assert_ok(ask());
	row.scopes = KEY_SCOPE_USAGE_READ; /* changed without any bump */
	assert_ok(ask());
	assert_int_equal(who.scopes, KEY_SCOPE_USAGE_READ);
}

static void
key_authenticate__database_down__known_keys_go_on(void **state)
{
	char unknown[KEY_TEXT_BYTES];

	(void)state;
	cache_make(0, 900, 1000); /* every use wants to ask again */
	assert_ok(ask());
	db_answer = ERR_DB_DOWN;
	n_takes = 0;

	for (int i = 0; i < 100; i++)
		assert_ok(ask());
	/* One attempt a second, not one a request. */
	assert_in_range(n_takes, 1, 5);
	hostmap_slot_bump(map, GENERATION_CATALOGUE);
	assert_ok(ask());

	/* Not 401: nobody knows whether it is a key. */
	key_text_generate(KEY_CUSTOMER, unknown);
	assert_int_equal(key_authenticate(cache, str_from(unknown), NOW, &arena,
			     &who, &e),
	    ERR_DB_DOWN);
	assert_int_equal(n_queries, 1);
	/* A key that changed must not be believed. */
	hostmap_slot_bump(map, generation_key_slot(42));
	assert_int_equal(ask(), ERR_DB_DOWN);
}

static void
key_authenticate__database_down_for_too_long__is_unavailable(void **state)
{
	(void)state;
	cache_make(0, 0, 1000);
	assert_ok(ask());
	db_answer = ERR_DB_DOWN;
	assert_int_equal(ask(), ERR_DB_DOWN);
}

/* Many threads meet one key that nobody knows yet. */
#define N_THREADS 16

static void *
ask_thread(void *arg)
{
	struct principal own;
	struct arena a;
	struct error err;

	arena_init(&a, KIB(64));
	for (int i = 0; i < 2000; i++) {
		if (key_authenticate(cache, str_from(text), NOW, &a, &own,
			&err) ||
		    own.api_key_id != 42 || own.n_models != 2 ||
		    own.model_ids[1] != 7)
			return arg;
		arena_reset(&a);
	}
	arena_fini(&a);
	return NULL;
}

static void
key_authenticate__many_threads_one_new_key__one_query(void **state)
{
	pthread_t t[N_THREADS];
	void *failed;

	(void)state;
	query_takes_us = 50000;
	for (size_t i = 0; i < N_THREADS; i++)
		assert_ok(pthread_create(&t[i], NULL, ask_thread, text));
	for (size_t i = 0; i < N_THREADS; i++) {
		assert_ok(pthread_join(t[i], &failed));
		assert_null(failed);
	}
	assert_int_equal(n_queries, 1);
}

/* Revokes and new keys while others ask: after a revoke's answer nobody may
 * be let in. For ThreadSanitizer too. */
static _Atomic unsigned epoch; /* odd: revoked */
static _Atomic bool is_over;

static void *
watch_thread(void *arg)
{
	struct principal own;
	struct arena a;
	struct error err;

	arena_init(&a, KIB(64));
	while (!is_over) {
		unsigned before = epoch;
		enum err rc = key_authenticate(cache, str_from(text), NOW, &a,
		    &own, &err);

		if (before % 2 && rc == OK && epoch == before)
			return arg;
		arena_reset(&a);
	}
	arena_fini(&a);
	return NULL;
}

static void
row_set_revoked(bool revoked)
{
	(void)pthread_mutex_lock(&row_lock);
	row.revoked_at_ms = revoked ? NOW : 0;
	(void)pthread_mutex_unlock(&row_lock);
	hostmap_slot_bump(map, generation_key_slot(42));
}

static void
key_authenticate__revokes_under_load__none_is_outlived(void **state)
{
	pthread_t t[4];
	void *failed;

	(void)state;
	query_takes_us = 20;
	is_over = false;
	epoch = 0;
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		assert_ok(pthread_create(&t[i], NULL, watch_thread, text));
	for (int i = 0; i < 300; i++) {
		row_set_revoked(true);
		epoch++; /* the answer went out */
		(void)usleep(500);
		epoch++;
		row_set_revoked(false);
		(void)usleep(500);
	}
	is_over = true;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		assert_ok(pthread_join(t[i], &failed));
		assert_null(failed);
	}
}

/* Each request pays for this: a cached key costs at most 2 microseconds of
 * this thread's time. */
static void
key_authenticate__cached__is_cheap_and_allocates_nothing(void **state)
{
	struct timespec from, to;
	int64_t ns;

	(void)state;
	row.all_models = true;
	assert_ok(ask());
	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	for (int i = 0; i < 100000; i++)
		(void)!ask();
	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	ns = (to.tv_sec - from.tv_sec) * 1000000000 + to.tv_nsec - from.tv_nsec;
	print_message("key_authenticate: %lld ns\n", (long long)ns / 100000);
	assert_int_equal(arena.n_alloc, 0);
	/* Ten times the aim, so that a busy machine fails no build. */
	assert_true(ns / 100000 < 20000);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(key_authenticate__good_key__gives_its_principal),
		TEST(
		    key_authenticate__operator_key__is_operator_without_inference),
		TEST(key_authenticate__limits_in_layers__nearest_is_taken),
		TEST(key_authenticate__not_a_key__is_refused_without_a_query),
		TEST(key_authenticate__unknown_key__is_asked_for_once),
		TEST(key_authenticate__flood_of_unknown_keys__known_one_stays),
		TEST(key_authenticate__inactive_in_any_way__is_refused),
		TEST(
		    key_authenticate__expires_while_cached__is_refused_to_the_millisecond),
		TEST(key_authenticate__slot_bumped__asks_again_and_refuses),
		TEST(key_check_again__revoked_after_authentication__is_refused),
		TEST(key_authenticate__revoked_during_the_query__is_refused),
		TEST(key_authenticate__catalogue_changed__asks_again),
		TEST(
		    key_authenticate__older_than_the_cache_keeps__is_asked_for_again),
		TEST(key_authenticate__database_down__known_keys_go_on),
		TEST(
		    key_authenticate__database_down_for_too_long__is_unavailable),
		TEST(key_authenticate__many_threads_one_new_key__one_query),
		TEST(key_authenticate__revokes_under_load__none_is_outlived),
		TEST(key_authenticate__cached__is_cheap_and_allocates_nothing),
	};
	int n_failed;

	if (crypto_init(&e) || crypto_key_from_hex(S(PEPPER), &pepper, &e))
		return 1;
	n_failed = cmocka_run_group_tests(tests, NULL, NULL);
	crypto_key_free(pepper);
	return n_failed;
}
