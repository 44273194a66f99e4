/* SPDX-License-Identifier: MIT */
/* A limiter for each test, above a real memcached of its own. */
#ifndef TG_TESTS_LIMIT_FIXTURE_H
#define TG_TESTS_LIMIT_FIXTURE_H

#include "support/cmocka_tg.h"

#include "domain/hostmap.h"
#include "domain/limit.h"
#include "support/fixture_memcached.h"

/* 2026-11-22T00:00:00Z and a bit: an hour's and a minute's start. */
#define HOUR  (INT64_C(1795305600000))
#define NOW   (HOUR + 20 * 60000 + 12345)
#define MODEL 3

extern struct fixture_memcached server;
extern struct hostmap *map;
extern struct limiter *limiter;
extern struct limit_settings settings; /* anew for each test */
extern struct error e;
/* Who asks: others for each test, so that each has its own counters. */
extern struct principal who;
extern struct limit_client client;

/** Around all tests of a program. False: there is no memcached, which is
 * said. */
bool limit_fixture_start(void);
void limit_fixture_stop(void);
/* For cmocka. */
int limit_setup(void **state);
int limit_teardown(void **state);
#define LIMIT_TEST(name) \
 cmocka_unit_test_setup_teardown(name, limit_setup, limit_teardown)

/** The map, the cache and the limiter, as each process has them. */
void open_all(void);
void close_all(void);
/** This host's counters are gone. */
void map_remove(void);

/** Requests a minute and an hour, of a key and model. */
void rates_set(int64_t per_minute, int64_t per_hour);
/** This limit, and no other. */
void only(enum limit_metric metric, int64_t max);
enum err take(uint64_t tok, int64_t now_ms, struct limit_take *t);
/** How many of so many requests are granted. */
unsigned grants_of(unsigned n_requests, int64_t now_ms);

#endif
