/* SPDX-License-Identifier: MIT */
#include "key_cache_fixture.h"

#include <stdlib.h>
#include <unistd.h>

#include "store/db_pool.h"
#include "support/fixture_dir.h"

#define PEPPER \
 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static struct fixture_dir dir;
struct crypto_key *pepper;
struct hostmap *map;
struct key_cache *cache;
struct arena arena;
struct error e;
char text[KEY_TEXT_BYTES];
struct principal who;

pthread_mutex_t row_lock = PTHREAD_MUTEX_INITIALIZER;
struct key_auth row;
uint8_t row_digest[KEY_DIGEST_BYTES];
struct operator_key operator_row;
_Atomic enum err db_answer;
_Atomic unsigned n_queries, n_takes;
_Atomic unsigned query_takes_us;
void (*during_query)(void);
unsigned n_rehashed;
bool is_rehash_lost;
uint64_t rehashed_to;
enum err touch_answer;
unsigned n_touched;

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
store_key_rehash(struct db *db, bool is_operator,
    const uint8_t was[KEY_DIGEST_BYTES], const uint8_t is[KEY_DIGEST_BYTES],
    uint64_t pepper_id, struct error *err)
{
	(void)db;
	(void)is_operator;
	(void)err;
	n_rehashed++;
	rehashed_to = pepper_id;
	if (!is_rehash_lost && memcmp(was, row_digest, KEY_DIGEST_BYTES) == 0)
		memcpy(row_digest, is, KEY_DIGEST_BYTES);
	return OK;
}

enum err
store_key_touch(struct db *db, const struct key_use *uses, size_t n,
    struct error *err)
{
	(void)db;
	(void)uses;
	if (touch_answer)
		return error_set(err, touch_answer, "scripted");
	n_touched += (unsigned)n;
	return OK;
}

enum err
store_operator_key_touch(struct db *db, uint64_t operator_key_id,
    struct error *err)
{
	(void)db;
	(void)operator_key_id;
	if (touch_answer)
		return error_set(err, touch_answer, "scripted");
	n_touched++;
	return OK;
}

enum err
store_budget_for_key(struct db *db, uint64_t customer_id, uint64_t project_id,
    uint64_t api_key_id, const struct budget_starts *starts, struct arena *a,
    struct budget **ret, size_t *ret_n, struct error *err)
{
	(void)db;
	(void)customer_id;
	(void)project_id;
	(void)api_key_id;
	(void)starts;
	(void)a;
	(void)err;
	*ret = NULL;
	*ret_n = 0;
	return OK;
}

void
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

int
key_cache_setup(void **state)
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
		.customer_markup_ppm = 1000000,
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
	n_rehashed = 0;
	cache = NULL;
	cache_make(30, 900, 1000);
	return 0;
}

int
key_cache_teardown(void **state)
{
	(void)state;
	key_cache_free(cache);
	hostmap_close(map);
	arena_fini(&arena);
	fixture_dir_remove(&dir);
	return 0;
}

enum err
ask(void)
{
	return key_authenticate(cache, str_from(text), NULL, NOW, &arena, &who,
	    &e);
}

void
assert_refused(enum err err)
{
	assert_int_equal(err, ERR_UNAUTHORIZED);
	assert_int_equal(e.code, ERR_UNAUTHORIZED);
	assert_string_equal(e.public_text, "");
	assert_string_equal(e.param, "");
}

void
key_cache_fixture_start(void)
{
	if (crypto_init(&e) || crypto_key_from_hex(S(PEPPER), &pepper, &e))
		exit(1);
}

void
key_cache_fixture_stop(void)
{
	crypto_key_free(pepper);
}
