/* SPDX-License-Identifier: MIT */
/*
 * A cache of keys for each test, above a scripted store in place of libstore:
 * one customer's key, one operator's.
 */
#ifndef TG_TESTS_KEY_CACHE_FIXTURE_H
#define TG_TESTS_KEY_CACHE_FIXTURE_H

#include "support/cmocka_tg.h"

#include <pthread.h>
#include <stdatomic.h>

#include "domain/hostmap.h"
#include "domain/key.h"
#include "store/operator_key.h"

#define NOW INT64_C(1800000000000)

extern struct crypto_key *pepper;
extern struct hostmap *map;
extern struct key_cache *cache;
extern struct arena arena;
extern char text[KEY_TEXT_BYTES]; /* the key that ask() shows */
/* Of the last ask(). */
extern struct error e;
extern struct principal who;

/* The database. Both kinds of key are found by row_digest. */
extern pthread_mutex_t row_lock;
extern struct key_auth row; /* with row_lock, once there are threads */
extern uint8_t row_digest[KEY_DIGEST_BYTES];
extern struct operator_key operator_row;
extern _Atomic enum err db_answer; /* of taking a connection */
extern _Atomic unsigned n_queries, n_takes;
extern _Atomic unsigned query_takes_us;
extern void (*during_query)(void); /* after the row was read; or NULL */

extern unsigned n_rehashed; /* keys written anew, and with which pepper */
extern bool is_rehash_lost; /* as on a host whose pepper is the older one */
extern uint64_t rehashed_to;

extern enum err touch_answer; /* of writing uses down */
extern unsigned n_touched;    /* uses of either kind that were written */

/** Around all tests of a program. */
void key_cache_fixture_start(void);
void key_cache_fixture_stop(void);
/* For cmocka. */
int key_cache_setup(void **state);
int key_cache_teardown(void **state);
#define KEY_CACHE_TEST(name) \
 cmocka_unit_test_setup_teardown(name, key_cache_setup, key_cache_teardown)

/** An empty cache in place of the one before; see struct key_cache_params. */
void cache_make(uint64_t cache_s, uint64_t stale_max_s, uint64_t n_keys);
/** key_authenticate() with `text`, at NOW. */
enum err ask(void);
/** All refusals look alike to the client: err and `e` are one of them. */
void assert_refused(enum err err);

#endif
