/* SPDX-License-Identifier: MIT */
/*
 * A flusher between a journal folder and a customer, both made for each test,
 * in the one database of its program.
 */
#ifndef TG_TESTS_DB_FIXTURE_FLUSH_H
#define TG_TESTS_DB_FIXTURE_FLUSH_H

#include "db/fixture_db.h"

#include "domain/flush.h"
#include "journal/writer.h"
#include "store/usage.h"
#include "unit/journal/rig.h"

struct flush_test {
	struct rig *j;
	struct db_options opt;
	struct db *db;
	struct flusher *f;
	struct flush_options flush;
	struct arena a;
	uint64_t customer_id;
	uint64_t user_id;
	uint64_t base; /* makes request ids unique to the test */
	struct error e;
};

/* For cmocka. */
int flush_setup(void **state);
int flush_teardown(void **state);
#define FLUSH_TEST(name) \
 cmocka_unit_test_setup_teardown(name, flush_setup, flush_teardown)

/* A new flusher with the options in x, in place of the one before. */
void begin_flusher(struct flush_test *x);
/* One pass, which goes well: how many rows it wrote. */
uint64_t pass(struct flush_test *x);

/* Records of request n of this test. */
struct journal_open open_of(const struct flush_test *x, uint64_t n);
struct journal_settle settle_of(const struct flush_test *x, uint64_t n);
/* Write the open of request n; its slot. */
uint32_t open_one(struct flush_test *x, struct journal *j, uint64_t n);
/* Write n requests from `first` on, opened and settled. */
void requests(struct flush_test *x, struct journal *j, uint64_t first,
    uint64_t n);

/* The row of request n. Errors: ERR_NOT_FOUND. */
enum err row_of(struct flush_test *x, uint64_t n, struct usage_row *ret);
/* What the customer owes, pico-USD. */
int64_t receivable(struct flush_test *x);
/* The journals of this test against the rows; the books of all tests. */
void assert_clean(struct flush_test *x, uint64_t n_journaled);

#endif
