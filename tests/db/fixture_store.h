/* SPDX-License-Identifier: MIT */
/* A connection of the workers' account for each test of store/. */
#ifndef TG_TESTS_DB_FIXTURE_STORE_H
#define TG_TESTS_DB_FIXTURE_STORE_H

#include "db/fixture_db.h"

extern struct fixture store_fixture;
extern unsigned serial; /* makes names unique over the tests of a program */

/* For cmocka. No test may leave a transaction open. */
int store_setup(void **state);
int store_teardown(void **state);
#define STORE_TEST(name) \
 cmocka_unit_test_setup_teardown(name, store_setup, store_teardown)

/* How often that slot was bumped. */
uint64_t generation(unsigned slot);

#endif
