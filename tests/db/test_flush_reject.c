/* SPDX-License-Identifier: MIT */
/* Records that the database does not take: waited for, then set aside. */
#include "db/fixture_flush.h"

#include "base/clock.h"
#include "domain/flush_priv.h"
#include "journal/record.h"
#include "store/rejected.h"

static void
bad_records__among_good_ones__are_set_aside(void **state)
{
	struct flush_test *x = *state;
	struct journal_open o = open_of(x, 500);
	struct journal_settle s = settle_of(x, 500);
	struct flush_stats st;
	struct usage_row row;
	struct usage_rejected *v = NULL;
	enum journal_type type;
	struct str payload;
	size_t n = 0;
	uint32_t slot = 0;

	rig_begin(x->j);
	requests(x, x->j->j, 1, 20);
	o.customer_id = 4000000000; /* no such customer: no ledger account */
	assert_ok(journal_write_open(x->j->j, &o, &slot, &x->e));
	assert_ok(journal_write_settle(x->j->j, slot, &s, &x->e));
	requests(x, x->j->j, 21, 20);
	s = settle_of(x, 501);
	s.tok[TOK_NORMAL][TOK_OUT] = UINT64_MAX; /* no column is so wide */
	assert_ok(journal_write_settle(x->j->j, open_one(x, x->j->j, 501), &s,
	    &x->e));
	requests(x, x->j->j, 41, 20);

	assert_int_equal(pass(x), 60);
	flusher_stats(x->f, &st);
	assert_int_equal(st.n_rejected, 2);
	assert_int_equal(row_of(x, 501, &row), ERR_NOT_FOUND);
	assert_ok(row_of(x, 60, &row));
	assert_int_equal(receivable(x), 60 * 1234567);
	assert_ok(store_rejected_list(x->db, 1, &x->a, &v, &n, &x->e));
	assert_memory_equal(v[0].series, journal_id(x->j->j)->b, 16);
	/* The record is there in full: the open, then the settle. */
	n = journal_unframe((const uint8_t *)v[0].record.p, v[0].record.n, 0,
	    &type, &payload);
	assert_int_equal(type, JOURNAL_OPEN);
	assert_true(n > 0);
	n = journal_unframe((const uint8_t *)v[0].record.p + n,
	    v[0].record.n - n, 0, &type, &payload);
	assert_int_equal(type, JOURNAL_SETTLE);
	assert_clean(x, 62);
}

static void
bad_record__at_first__is_waited_for(void **state)
{
	struct flush_test *x = *state;
	struct journal_open o = open_of(x, 1);
	struct journal_settle s = settle_of(x, 1);
	struct flush_stats st;
	uint32_t slot = 0;
	uint64_t n = 0;

	x->flush.is_impatient = false;
	begin_flusher(x);
	rig_begin(x->j);
	o.customer_id = 4000000000; /* may be there when a restore has ended */
	assert_ok(journal_write_open(x->j->j, &o, &slot, &x->e));
	assert_ok(journal_write_settle(x->j->j, slot, &s, &x->e));
	for (int i = 0; i < 5; i++)
		assert_int_not_equal(flusher_pass(x->f, &n, &x->e), OK);

	flusher_stats(x->f, &st);
	assert_int_equal(st.n_rejected, 0);
	x->f->refused_ms -= 60000;
	assert_int_equal(pass(x), 0);
	flusher_stats(x->f, &st);
	assert_int_equal(st.n_rejected, 1);
}

static void
same_request_twice__second_is_set_aside(void **state)
{
	struct flush_test *x = *state;
	struct flush_stats st;
	struct journal *other = NULL;
	struct journal_open o = open_of(x, 3);
	struct journal_settle s = settle_of(x, 3);
	uint32_t slot = 0;

	rig_begin(x->j);
	assert_ok(journal_write_open(x->j->j, &o, &slot, &x->e));
	assert_ok(journal_write_settle(x->j->j, slot, &s, &x->e));
	assert_int_equal(pass(x), 1);
	assert_ok(journal_open_series(x->j->dir, &x->j->opt, &other, &x->e));
	assert_ok(journal_write_open(other, &o, &slot, &x->e));
	assert_ok(journal_write_settle(other, slot, &s, &x->e));

	assert_int_equal(pass(x), 0);
	flusher_stats(x->f, &st);
	assert_int_equal(st.n_rejected, 1);
	assert_int_equal(receivable(x), 1234567);
	journal_close(&other);
}

static void
unknown_error__of_one_record__is_set_aside_in_the_end(void **state)
{
	struct flush_test *x = *state;
	struct journal_settle s = settle_of(x, 3);
	struct flush_stats st;
	uint64_t n = 0, n_total = 0;

	fixture_sql(x->db,
	    "CREATE TRIGGER bad_row BEFORE INSERT ON usage_records "
	    "FOR EACH ROW BEGIN IF NEW.latency_ms = 666 THEN "
	    "SIGNAL SQLSTATE '45000'; END IF; END");
	rig_begin(x->j);
	requests(x, x->j->j, 1, 2);
	s.latency_ms = 666;
	assert_ok(
	    journal_write_settle(x->j->j, open_one(x, x->j->j, 3), &s, &x->e));
	requests(x, x->j->j, 4, 2);

	for (int i = 0; i < 30 && n_total == 0; i++) {
		(void)!flusher_pass(x->f, &n, &x->e);
		n_total += n;
	}
	fixture_sql(x->db, "DROP TRIGGER bad_row");
	flusher_stats(x->f, &st);
	assert_int_equal(n_total, 4);
	assert_int_equal(st.n_rejected, 1);
	assert_clean(x, 5);
}

static void
unknown_error__of_everything__is_waited_out(void **state)
{
	struct flush_test *x = *state;
	struct flush_stats st;
	uint64_t n = 0;

	fixture_sql(x->db,
	    "CREATE TRIGGER bad_row BEFORE INSERT ON usage_records "
	    "FOR EACH ROW SIGNAL SQLSTATE '45000'");
	rig_begin(x->j);
	requests(x, x->j->j, 1, 3);
	for (int i = 0; i < 30; i++)
		assert_int_equal(flusher_pass(x->f, &n, &x->e), ERR_DB_QUERY);
	fixture_sql(x->db, "DROP TRIGGER bad_row");

	assert_int_equal(pass(x), 3);
	flusher_stats(x->f, &st);
	assert_int_equal(st.n_rejected, 0);
	assert_clean(x, 3);
}

/* An update whose migrations have not run yet. A refusal can be written, so that
 * not all is amiss. */
static void
assert_older_schema_is_waited_out(struct flush_test *x, const char *older)
{
	const struct journal_refuse refused = { clock_now_ms(), x->customer_id,
		14, 0, S("rate_limit_exceeded") };
	struct flush_stats st;
	uint64_t n = 0;

	fixture_sql(x->db, "RENAME TABLE usage_sums TO usage_sums_kept, "
			   "usage_ranks TO usage_ranks_kept");
	fixture_sql(x->db, "CREATE TABLE usage_sums LIKE usage_sums_kept");
	fixture_sql(x->db, "CREATE TABLE usage_ranks LIKE usage_ranks_kept");
	fixture_sql(x->db, older);
	rig_begin(x->j);
	assert_ok(journal_write_refuse(x->j->j, &refused, &x->e));
	requests(x, x->j->j, 1, 3);
	for (int i = 0; i < 30; i++)
		assert_int_equal(flusher_pass(x->f, &n, &x->e), ERR_DB_DOWN);
	flusher_stats(x->f, &st);
	assert_int_equal(st.n_rejected, 0);
	fixture_sql(x->db, "DROP TABLE usage_sums, usage_ranks");
	fixture_sql(x->db, "RENAME TABLE usage_sums_kept TO usage_sums, "
			   "usage_ranks_kept TO usage_ranks");

	assert_int_equal(pass(x), 3);
	flusher_stats(x->f, &st);
	assert_int_equal(st.n_rejected, 0);
	assert_int_equal(st.n_refusals, 1);
	assert_clean(x, 3);
}

/* The flusher knows a period that a table does not. */
static void
schema_is_older__name_of_enum_is_missing__is_waited_out(void **state)
{
	assert_older_schema_is_waited_out(*state,
	    "ALTER TABLE usage_sums MODIFY period ENUM('hour','day','month') "
	    "NOT NULL");
}

static void
schema_is_older__column_is_missing__is_waited_out(void **state)
{
	assert_older_schema_is_waited_out(*state,
	    "ALTER TABLE usage_ranks CHANGE model_id id INT UNSIGNED NOT NULL");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FLUSH_TEST(bad_records__among_good_ones__are_set_aside),
		FLUSH_TEST(bad_record__at_first__is_waited_for),
		FLUSH_TEST(same_request_twice__second_is_set_aside),
		FLUSH_TEST(
		    unknown_error__of_one_record__is_set_aside_in_the_end),
		FLUSH_TEST(unknown_error__of_everything__is_waited_out),
		FLUSH_TEST(
		    schema_is_older__name_of_enum_is_missing__is_waited_out),
		FLUSH_TEST(schema_is_older__column_is_missing__is_waited_out),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
