/* SPDX-License-Identifier: MIT */
/* What was lost, and what is made of it: workers that were killed, a power cut,
 * a database that was restored. */
#include "db/fixture_flush.h"

#include <stdio.h>
#include <unistd.h>

#include "domain/flush_priv.h"
#include "domain/reconcile.h"
#include "journal/writer_priv.h"

static void
worker_killed__stream_delivered__prompt_and_progress_are_charged(void **state)
{
	struct flush_test *x = *state;
	struct journal_open o = open_of(x, 1);
	struct journal_progress p = { .request_id = o.request_id,
		.delivered_tok = 40,
		.has_output = true };
	struct usage_row row;
	uint32_t slot = 0;

	rig_begin(x->j);
	o.markup_ppm = 1500000;
	o.prompt_tok = 100;
	o.is_long = true;
	assert_ok(journal_write_open(x->j->j, &o, &slot, &x->e));
	assert_ok(journal_write_progress(x->j->j, slot, &p, &x->e));
	p.delivered_tok = 60;
	assert_ok(journal_write_progress(x->j->j, slot, &p, &x->e));
	assert_int_equal(pass(x), 0); /* it lives */
	rig_crash(x->j);

	assert_int_equal(pass(x), 1);
	assert_ok(row_of(x, 1, &row));
	assert_int_equal(row.status, USAGE_INTERRUPTED);
	assert_int_equal(row.usage_source, USAGE_FROM_ESTIMATE);
	assert_int_equal(row.tok[TOK_LONG][TOK_IN], 100);
	assert_int_equal(row.tok[TOK_LONG][TOK_OUT], 60);
	/* (100 x 3 + 60 x 5 + 7) x 1.5 = 910.5, half to even */
	assert_int_equal(row.cost_pusd, 910);
	assert_str_is(row.error_code, "interrupted");
	assert_int_equal(pass(x), 0);
	begin_flusher(x);
	assert_int_equal(pass(x), 0);
	assert_clean(x, 1);
}

static void
worker_killed__progress_was_counted__the_row_says_so(void **state)
{
	struct flush_test *x = *state;
	struct journal_open o = open_of(x, 1);
	struct journal_progress p = { .request_id = o.request_id,
		.delivered_tok = 60,
		.has_output = true,
		.is_counted = true,
		.prompt_tok = 80 };
	struct usage_row row;
	uint32_t slot = 0;

	rig_begin(x->j);
	o.prompt_tok = 100; /* the estimate on entry */
	assert_ok(journal_write_open(x->j->j, &o, &slot, &x->e));
	assert_ok(journal_write_progress(x->j->j, slot, &p, &x->e));
	rig_crash(x->j);

	assert_int_equal(pass(x), 1);
	assert_ok(row_of(x, 1, &row));
	assert_int_equal(row.usage_source, USAGE_FROM_COUNT);
	assert_int_equal(row.tok[TOK_NORMAL][TOK_IN], 80);
	assert_int_equal(row.tok[TOK_NORMAL][TOK_OUT], 60);
	/* 80 x 3 + 60 x 5 + 7 */
	assert_int_equal(row.cost_pusd, 547);
	assert_clean(x, 1);
}

static void
worker_killed__nothing_delivered__costs_nothing(void **state)
{
	struct flush_test *x = *state;
	struct usage_row row;

	rig_begin(x->j);
	requests(x, x->j->j, 1, 4);
	(void)open_one(x, x->j->j, 5);
	rig_crash(x->j);

	assert_int_equal(pass(x), 5);
	assert_ok(row_of(x, 5, &row));
	assert_int_equal(row.status, USAGE_INTERRUPTED);
	assert_int_equal(row.cost_pusd, 0);
	assert_int_equal(row.tok[TOK_NORMAL][TOK_IN], 0);
	assert_clean(x, 5);
}

static void
open_request__across_rotations__is_interrupted_once(void **state)
{
	struct flush_test *x = *state;
	struct journal_progress p = { rig_id(x->base + 5000), 9, true, false,
		0 };
	struct usage_row row;
	uint32_t slot;

	rig_begin(x->j);
	slot = open_one(x, x->j->j, 5000);
	assert_ok(journal_write_progress(x->j->j, slot, &p, &x->e));
	requests(x, x->j->j, 1, 600);
	assert_int_equal(pass(x), 600);
	requests(x, x->j->j, 601, 2000);
	assert_true(x->j->j->stats.n_files > 3);
	begin_flusher(x); /* which must find it in a later file */
	assert_int_equal(pass(x), 2000);
	rig_crash(x->j);

	assert_int_equal(pass(x), 1);
	assert_ok(row_of(x, 5000, &row));
	assert_int_equal(row.status, USAGE_INTERRUPTED);
	assert_int_equal(row.tok[TOK_NORMAL][TOK_OUT], 9);
	assert_clean(x, 2601);
}

static void
power_cut__journal_ends_before_the_offset__no_second_row(void **state)
{
	struct flush_test *x = *state;
	struct journal_series id;
	char path[JOURNAL_PATH_BYTES];
	struct flush_stats st;
	struct usage_row row;
	uint32_t at;

	rig_begin(x->j);
	id = *journal_id(x->j->j);
	requests(x, x->j->j, 1, 5);
	(void)open_one(x, x->j->j, 7);
	at = x->j->j->cur.off;
	requests(x, x->j->j, 6, 1);
	assert_int_equal(pass(x), 6);
	rig_crash(x->j);
	/* The open of 6 was synced, its settle was not. */
	rig_path(x->j, &id, 1, path);
	assert_int_equal(truncate(path, (off_t)at + 208), 0);
	begin_flusher(x);

	assert_int_equal(pass(x), 1); /* 7 only */
	flusher_stats(x->f, &st);
	assert_int_equal(st.n_rejected, 0);
	assert_ok(row_of(x, 6, &row));
	assert_int_equal(row.status, USAGE_OK);
	assert_ok(row_of(x, 7, &row));
	assert_int_equal(row.status, USAGE_INTERRUPTED);
	assert_int_equal(receivable(x), 6 * 1234567);
}

/* What a dump taken before the load would bring back. */
static void
forget_all(struct flush_test *x)
{
	fixture_sql(x->db, "SET FOREIGN_KEY_CHECKS = 0");
	fixture_sql(x->db, "DELETE FROM usage_records");
	fixture_sql(x->db, "DELETE FROM usage_hourly");
	fixture_sql(x->db, "DELETE FROM usage_daily");
	fixture_sql(x->db, "DELETE FROM usage_monthly");
	fixture_sql(x->db, "DELETE FROM usage_callers");
	fixture_sql(x->db, "DELETE FROM usage_totals");
	fixture_sql(x->db, "DELETE FROM usage_sums");
	fixture_sql(x->db, "DELETE FROM usage_ranks");
	fixture_sql(x->db, "DELETE FROM usage_refusals");
	fixture_sql(x->db, "DELETE FROM usage_refusal_keys");
	fixture_sql(x->db, "DELETE FROM usage_refusal_totals");
	fixture_sql(x->db, "DELETE FROM ledger_transfers");
	fixture_sql(x->db, "DELETE FROM journal_offsets");
	fixture_sql(x->db, "UPDATE ledger_accounts SET balance_usd = 0");
	fixture_sql(x->db, "SET FOREIGN_KEY_CHECKS = 1");
}

static void
database_restored__journals_heal_it(void **state)
{
	struct flush_test *x = *state;
	struct journal *closed = NULL;

	rig_begin(x->j);
	assert_ok(journal_open_series(x->j->dir, &x->j->opt, &closed, &x->e));
	requests(x, closed, 1, 40);
	journal_close(&closed);
	requests(x, x->j->j, 41, 60);
	assert_int_equal(pass(x), 100);
	forget_all(x); /* on the same server, under the same connection */
	x->f->check_ms = 0;

	assert_int_equal(pass(x), 100);
	assert_int_equal(receivable(x), 100 * 1234567);
	assert_clean(x, 100);
}

static void
database_restored__only_a_closed_series__is_noticed(void **state)
{
	struct flush_test *x = *state;

	rig_begin(x->j);
	requests(x, x->j->j, 1, 5);
	journal_close(&x->j->j);
	assert_int_equal(pass(x), 5);
	forget_all(x);
	x->f->check_ms = 0;

	assert_int_equal(pass(x), 5);
	assert_clean(x, 5);
}

static void
reconcile__row_removed__is_found(void **state)
{
	struct flush_test *x = *state;
	struct reconcile r;
	char text[128];

	rig_begin(x->j);
	requests(x, x->j->j, 1, 70);
	assert_int_equal(pass(x), 70);
	(void)snprintf(text, sizeof(text),
	    "DELETE FROM usage_records WHERE customer_id = %ju LIMIT 1",
	    (uintmax_t)x->customer_id);
	fixture_sql(x->db, text);

	assert_ok(reconcile_run(x->db, x->j->dir, &x->a, &r, &x->e));
	assert_int_equal(r.n_faults, 1);
	assert_int_equal(r.faults[0].fault, RECONCILE_NO_ROW);
	assert_true(r.books.n_diffs > 0);
	forget_all(x); /* leave no difference to the other tests */
}

/* CHECKLIST B37: the journal knows whose row it is, whatever sums say. */
static void
reconcile__row_twice__is_found(void **state)
{
	struct flush_test *x = *state;
	const struct journal_open o = open_of(x, 1);
	struct usage_row u = fixture_usage(x->customer_id, o.api_key_id,
	    o.model_id);
	struct reconcile r;

	rig_begin(x->j);
	requests(x, x->j->j, 1, 3);
	assert_int_equal(pass(x), 3);
	assert_clean(x, 3);
	u.request_id = o.request_id;
	/* Before the other, so that no index sees it. */
	u.request_timestamp_ms = o.start_ms - 1000;
	assert_ok(store_usage_insert(x->db, &u, 1, &x->e));

	assert_ok(reconcile_run(x->db, x->j->dir, &x->a, &r, &x->e));
	assert_int_equal(r.n_faults, 1);
	assert_int_equal(r.faults[0].fault, RECONCILE_TWO_ROWS);
	assert_memory_equal(&r.faults[0].request_id, &o.request_id,
	    sizeof(o.request_id));
	assert_int_equal(r.faults[0].n_rows, 2);
	assert_true(r.books.n_diffs > 0);
	forget_all(x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FLUSH_TEST(
		    worker_killed__stream_delivered__prompt_and_progress_are_charged),
		FLUSH_TEST(
		    worker_killed__progress_was_counted__the_row_says_so),
		FLUSH_TEST(worker_killed__nothing_delivered__costs_nothing),
		FLUSH_TEST(open_request__across_rotations__is_interrupted_once),
		FLUSH_TEST(
		    power_cut__journal_ends_before_the_offset__no_second_row),
		FLUSH_TEST(database_restored__journals_heal_it),
		FLUSH_TEST(database_restored__only_a_closed_series__is_noticed),
		FLUSH_TEST(reconcile__row_removed__is_found),
		FLUSH_TEST(reconcile__row_twice__is_found),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
