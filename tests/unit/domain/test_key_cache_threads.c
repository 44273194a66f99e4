/* SPDX-License-Identifier: MIT */
/* Authentication by many threads: of a key that is new, of one that is revoked
 * meanwhile. */
#include "key_cache_fixture.h"

#include <unistd.h>

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
		if (key_authenticate(cache, str_from(text), NULL, NOW, &a, &own,
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
		enum err rc = key_authenticate(cache, str_from(text), NULL, NOW,
		    &a, &own, &err);

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
	row.is_refused = revoked;
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		KEY_CACHE_TEST(
		    key_authenticate__many_threads_one_new_key__one_query),
		KEY_CACHE_TEST(
		    key_authenticate__revokes_under_load__none_is_outlived),
	};
	int n_failed;

	key_cache_fixture_start();
	n_failed = cmocka_run_group_tests(tests, NULL, NULL);
	key_cache_fixture_stop();
	return n_failed;
}
