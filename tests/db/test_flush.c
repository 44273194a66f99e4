/* SPDX-License-Identifier: MIT */
/* Journals to a real database and back: every promise of metering that one
 * process can break. */
#include "support/cmocka_tg.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rng.h"
#include "db/fixture_db.h"
#include "domain/flush_backlog.h"
#include "domain/flush_priv.h"
#include "domain/reconcile.h"
#include "journal/reader.h"
#include "journal/writer_priv.h"
#include "store/customer.h"
#include "store/ledger.h"
#include "store/offset.h"
#include "store/refusal.h"
#include "store/rejected.h"
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

static void
begin_flusher(struct flush_test *x)
{
	flusher_free(x->f);
	x->f = NULL;
	assert_ok(flusher_new(&x->flush, &x->f, &x->e));
	assert_ok(flusher_lock(x->f, &x->e));
}

static int
setup(void **state)
{
	struct flush_test *x = calloc(1, sizeof(*x));
	struct customer c = { .name = S("Flush test"), .markup_ppm = 1000000 };
	char email[64];
	uint32_t random;

	assert_non_null(x);
	(void)rig_setup((void **)&x->j);
	x->opt = fixture_options(FIXTURE_ROOT);
	x->opt.name = "tollgate";
	x->db = db_new(&x->opt);
	arena_init(&x->a, MIB(32));
	rng_bytes(&random, sizeof(random));
	x->base = (uint64_t)random << 24;
	(void)snprintf(email, sizeof(email), "flush%08x@example.org", random);
	c.email = str_from(email);
	c.rate_limit_per_minute = c.rate_limit_per_hour = -1;
	assert_ok(store_customer_insert(x->db, &c, &x->customer_id, &x->user_id,
	    &x->e));
	x->flush = (struct flush_options){
		.journal_dir = x->j->dir,
		.db = &x->opt,
		.interval_ms = 20,
		.batch_rows = 100,
		.keep_s = 3600,
		.max_bytes = MIB(64),
		.is_impatient = true,
	};
	begin_flusher(x);
	*state = x;
	return 0;
}

static int
teardown(void **state)
{
	struct flush_test *x = *state;

	flusher_free(x->f);
	db_free(x->db);
	arena_fini(&x->a);
	(void)rig_teardown((void **)&x->j);
	free(x);
	return 0;
}

static struct journal_open
open_of(const struct flush_test *x, uint64_t n)
{
	struct journal_open o = rig_open(x->base + n);

	o.customer_id = x->customer_id;
	o.user_id = x->user_id;
	o.prompt_tok = 10 + n;
	o.start_ms = clock_now_ms();
	return o;
}

static struct journal_settle
settle_of(const struct flush_test *x, uint64_t n)
{
	struct journal_settle s = rig_settle(x->base + n);

	s.tok[TOK_NORMAL][TOK_IN] = n;
	s.tok[TOK_NORMAL][TOK_OUT] = 2 * n;
	return s;
}

static uint32_t
open_one(struct flush_test *x, struct journal *j, uint64_t n)
{
	struct journal_open o = open_of(x, n);
	uint32_t slot = 0;

	if (j->wants_next)
		assert_ok(journal_make_next(j, &x->e));
	assert_ok(journal_write_open(j, &o, &slot, &x->e));
	return slot;
}

static void
requests(struct flush_test *x, struct journal *j, uint64_t first, uint64_t n)
{
	for (uint64_t i = first; i < first + n; i++) {
		struct journal_settle s = settle_of(x, i);

		assert_ok(
		    journal_write_settle(j, open_one(x, j, i), &s, &x->e));
	}
}

static uint64_t
pass(struct flush_test *x)
{
	uint64_t n = 0;

	assert_ok(flusher_pass(x->f, &n, &x->e));
	return n;
}

static enum err
row_of(struct flush_test *x, uint64_t n, struct usage_row *ret)
{
	struct uuid7 id = rig_id(x->base + n);

	return store_usage_by_request_id(x->db, &id, &x->a, ret, &x->e);
}

static int64_t
receivable(struct flush_test *x)
{
	struct ledger_account *v = NULL;
	size_t n = 0;

	assert_ok(
	    store_ledger_accounts(x->db, x->customer_id, &x->a, &v, &n, &x->e));
	for (size_t i = 0; i < n; i++) {
		if (v[i].kind == LEDGER_RECEIVABLE)
			return v[i].balance_pusd;
	}
	return -1;
}

/* The journals of this test against the rows; the books of all tests. */
static void
assert_clean(struct flush_test *x, uint64_t n_journaled)
{
	struct reconcile r;

	assert_ok(reconcile_run(x->db, x->j->dir, &x->a, &r, &x->e));
	assert_int_equal(r.n_faults, 0);
	assert_int_equal(r.n_damaged, 0);
	for (size_t i = 0; i < r.books.n_diffs; i++)
		/* Models and keys of these tests are not in the tables. */
		assert_int_equal(r.books.diffs[i].check, RECONCILE_ORPHAN);
	assert_int_equal(r.n_journaled, n_journaled);
}

static void
sql(struct flush_test *x, const char *text)
{
	assert_ok(db_run_script_statement(x->db, str_from(text), &x->e));
}

static void
settled__flushed__has_its_row_and_its_transfer(void **state)
{
	struct flush_test *x = *state;
	struct usage_row row;

	rig_begin(x->j);
	requests(x, x->j->j, 1, 3);

	assert_int_equal(pass(x), 3);
	assert_ok(row_of(x, 3, &row));
	assert_int_equal(row.customer_id, x->customer_id);
	assert_int_equal(row.tok[TOK_NORMAL][TOK_IN], 3);
	assert_int_equal(row.tok[TOK_NORMAL][TOK_OUT], 6);
	assert_int_equal(row.cost_pusd, 1234567);
	assert_int_equal(row.provider_cost_pusd, 7654);
	assert_int_equal(row.status, USAGE_OK);
	assert_int_equal(row.latency_ms, 120);
	assert_int_equal(row.time_to_first_token_ms, -1);
	assert_int_equal(row.price_version_id, 20);
	assert_str_is(row.model_requested, "gpt2-mini");
	assert_str_is(row.provider_used, "local");
	assert_int_equal(receivable(x), 3 * 1234567);
	assert_clean(x, 3);
}

static void
pass__again__adds_nothing(void **state)
{
	struct flush_test *x = *state;

	rig_begin(x->j);
	requests(x, x->j->j, 1, 250); /* more than two batches */
	assert_int_equal(pass(x), 250);

	assert_int_equal(pass(x), 0);
	begin_flusher(x);
	assert_int_equal(pass(x), 0);
	assert_int_equal(receivable(x), 250 * 1234567);
	assert_clean(x, 250);
}

static void
open_request__flusher_restarted__settles_later(void **state)
{
	struct flush_test *x = *state;
	struct journal_settle s = settle_of(x, 7);
	struct usage_row row;
	uint32_t slot;

	rig_begin(x->j);
	slot = open_one(x, x->j->j, 7);
	requests(x, x->j->j, 8, 5);
	assert_int_equal(pass(x), 5);
	begin_flusher(x);
	assert_int_equal(pass(x), 0);
	assert_ok(journal_write_settle(x->j->j, slot, &s, &x->e));

	assert_int_equal(pass(x), 1);
	assert_ok(row_of(x, 7, &row));
	assert_clean(x, 6);
}

static void
unpriced__flushed__has_no_cost(void **state)
{
	struct flush_test *x = *state;
	struct journal_settle s = settle_of(x, 1);
	struct usage_row row;

	rig_begin(x->j);
	s.is_unpriced = true;
	assert_ok(
	    journal_write_settle(x->j->j, open_one(x, x->j->j, 1), &s, &x->e));

	assert_int_equal(pass(x), 1);
	assert_ok(row_of(x, 1, &row));
	assert_true(row.cost_pusd == DB_MONEY_NULL);
	assert_int_equal(receivable(x), 0);
	assert_clean(x, 1);
}

static void
settle__other_provider__replaces_the_open_s(void **state)
{
	struct flush_test *x = *state;
	struct journal_settle s = settle_of(x, 1);
	struct usage_row row;

	rig_begin(x->j);
	s.provider_id = 99;
	s.provider_used = S("fallback");
	s.price_version_id = 21;
	s.error_code = S("upstream_error");
	s.status = USAGE_UPSTREAM_ERROR;
	assert_ok(
	    journal_write_settle(x->j->j, open_one(x, x->j->j, 1), &s, &x->e));

	assert_int_equal(pass(x), 1);
	assert_ok(row_of(x, 1, &row));
	assert_int_equal(row.provider_id, 99);
	assert_str_is(row.provider_used, "fallback");
	assert_int_equal(row.price_version_id, 21);
	assert_str_is(row.error_code, "upstream_error");
}

static void
refused__before_and_after_open__are_counted(void **state)
{
	struct flush_test *x = *state;
	struct journal_settle s = settle_of(x, 1);
	struct journal_refuse r = { clock_now_ms(), x->customer_id, 14, 0,
		S("model_not_allowed") };
	struct flush_stats st;
	struct usage_row row;

	rig_begin(x->j);
	s.refuse_reason = S("rate_limit_exceeded");
	assert_ok(
	    journal_write_settle(x->j->j, open_one(x, x->j->j, 1), &s, &x->e));
	assert_ok(journal_write_refuse(x->j->j, &r, &x->e));
	assert_ok(journal_write_refuse(x->j->j, &r, &x->e));

	assert_int_equal(pass(x), 0);
	flusher_stats(x->f, &st);
	assert_int_equal(st.n_refusals, 3);
	assert_int_equal(row_of(x, 1, &row), ERR_NOT_FOUND);
	assert_int_equal(receivable(x), 0);
	assert_clean(x, 0);
}

static void
worker_killed__stream_delivered__prompt_and_progress_are_charged(void **state)
{
	struct flush_test *x = *state;
	struct journal_open o = open_of(x, 1);
	struct journal_progress p = { o.request_id, 40, true };
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
	struct journal_progress p = { rig_id(x->base + 5000), 9, true };
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
orderly_end__series_is_closed(void **state)
{
	struct flush_test *x = *state;
	struct journal_series id;
	struct journal_offset off;

	rig_begin(x->j);
	id = *journal_id(x->j->j);
	requests(x, x->j->j, 1, 2);
	journal_close(&x->j->j);

	assert_int_equal(pass(x), 2);
	assert_ok(store_offset_get(x->db, id.b, &x->a, &off, &x->e));
	assert_true(off.is_closed);
	assert_clean(x, 2);
}

static void
two_series__one_pass__both_are_flushed(void **state)
{
	struct flush_test *x = *state;
	struct journal *other = NULL;

	rig_begin(x->j);
	assert_ok(journal_open_series(x->j->dir, &x->j->opt, &other, &x->e));
	requests(x, x->j->j, 1, 30);
	requests(x, other, 31, 30);

	assert_int_equal(pass(x), 60);
	requests(x, other, 61, 3);
	assert_int_equal(pass(x), 3);
	journal_close(&other);
	assert_int_equal(pass(x), 0);
	assert_int_equal(receivable(x), 63 * 1234567);
	assert_clean(x, 63);
}

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

/* What a dump taken before the load would bring back. */
static void
forget_all(struct flush_test *x)
{
	sql(x, "SET FOREIGN_KEY_CHECKS = 0");
	sql(x, "DELETE FROM usage_records");
	sql(x, "DELETE FROM usage_hourly");
	sql(x, "DELETE FROM usage_daily");
	sql(x, "DELETE FROM usage_refusals");
	sql(x, "DELETE FROM ledger_transfers");
	sql(x, "DELETE FROM journal_offsets");
	sql(x, "UPDATE ledger_accounts SET balance_usd = 0");
	sql(x, "SET FOREIGN_KEY_CHECKS = 1");
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

/* Two flushers that both believe to be the one: no lock is taken. */
static void *
rival(void *arg)
{
	struct flush_test *x = arg;
	struct flusher *f = NULL;
	struct error e;
	uint64_t n = 0;

	if (flusher_new(&x->flush, &f, &e) != OK)
		return NULL;
	for (int i = 0; i < 50; i++)
		(void)!flusher_pass(f, &n, &e);
	flusher_free(f);
	return NULL;
}

static void
two_flushers__at_once__count_once(void **state)
{
	struct flush_test *x = *state;
	pthread_t t[2];
	uint64_t n_before = 0, n_after = 0;

	assert_ok(store_rejected_count(x->db, &n_before, &x->e));
	x->flush.batch_rows = 7;
	rig_begin(x->j);
	requests(x, x->j->j, 1, 400);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&t[i], NULL, rival, x), 0);
	requests(x, x->j->j, 401, 400);
	for (int i = 0; i < 2; i++)
		(void)pthread_join(t[i], NULL);
	(void)pass(x);

	/* Not even tried: the offsets alone keep them apart. */
	assert_ok(store_rejected_count(x->db, &n_after, &x->e));
	assert_int_equal(n_after, n_before);
	assert_int_equal(receivable(x), 800 * 1234567);
	assert_clean(x, 800);
}

static void
flusher_lock__held__is_refused_to_others(void **state)
{
	struct flush_test *x = *state;
	struct flusher *other = NULL;

	assert_ok(flusher_new(&x->flush, &other, &x->e));
	assert_int_equal(flusher_lock(other, &x->e), ERR_CONFLICT);
	flusher_unlock(x->f);
	assert_ok(flusher_lock(other, &x->e));
	flusher_free(other);
}

static unsigned
n_files(struct flush_test *x)
{
	struct journal_entry *v = NULL;
	size_t n = 0;
	unsigned n_files = 0;

	assert_ok(journal_list(x->j->dir, &v, &n, &x->e));
	for (size_t i = 0; i < n; i++) {
		if (v[i].first_no != 0)
			n_files += v[i].last_no - v[i].first_no + 1;
	}
	free(v);
	return n_files;
}

static void
drained_files__kept_long_enough__are_removed(void **state)
{
	struct flush_test *x = *state;

	rig_begin(x->j);
	(void)open_one(x, x->j->j, 9000);
	requests(x, x->j->j, 1, 2500);
	assert_true(x->j->j->stats.n_files > 2);
	assert_int_equal(pass(x), 2500);
	assert_true(n_files(x) > 2);
	x->flush.keep_s = 0;
	begin_flusher(x);
	clock_set_for_test(clock_now_ms() + 5000);

	assert_int_equal(pass(x), 0);
	clock_set_for_test(0);
	/* The one it writes and the one made ahead; the open one is known. */
	assert_true(n_files(x) <= 2);
	begin_flusher(x);
	rig_crash(x->j);
	assert_int_equal(pass(x), 1); /* 9000, interrupted */
}

/* In front of the C library's: the process dies at its first removal. */
static bool is_killed_by_unlink;

int
unlink(const char *path)
{
	if (is_killed_by_unlink)
		(void)raise(SIGKILL);
	return unlinkat(AT_FDCWD, path, 0);
}

static void
flusher_killed__between_commit_and_removal__nothing_twice(void **state)
{
	struct flush_test *x = *state;
	uint64_t n = 0;
	int status = 0;
	pid_t pid;

	rig_begin(x->j);
	requests(x, x->j->j, 1, 2500);
	journal_close(&x->j->j);
	x->flush.keep_s = 0;
	flusher_free(x->f); /* its lock would keep the other out */
	x->f = NULL;
	pid = fork();
	if (pid == 0) {
		struct flusher *f = NULL;

		clock_set_for_test(clock_now_ms() + 60000);
		is_killed_by_unlink = true;
		if (flusher_new(&x->flush, &f, &x->e) != OK ||
		    flusher_lock(f, &x->e) != OK)
			_exit(1);
		for (int i = 0; i < 2; i++) {
			f->kept_ms = 0; /* time to remove what is drained */
			(void)!flusher_pass(f, &n, &x->e);
		}
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_true(n_files(x) > 2);
	assert_int_equal(receivable(x), INT64_C(2500) * 1234567);
	assert_clean(x, 2500);

	begin_flusher(x);
	clock_set_for_test(clock_now_ms() + 60000);
	assert_int_equal(pass(x), 0);
	clock_set_for_test(0);
	assert_int_equal(n_files(x), 0);
	assert_int_equal(receivable(x), INT64_C(2500) * 1234567);
}

static void
folder_full__drained_files_make_room(void **state)
{
	struct flush_test *x = *state;

	x->flush.max_bytes = x->j->opt.max_bytes = 4 * x->j->opt.file_bytes;
	begin_flusher(x);
	rig_begin(x->j);
	for (unsigned i = 0; i < 12; i++) {
		requests(x, x->j->j, 1 + i * 300, 300);
		x->f->kept_ms = 0;
		assert_int_equal(pass(x), 300);
	}

	assert_true(x->j->j->stats.n_files > 4);
	assert_true(n_files(x) <= 4);
}

static void
damage__in_the_middle__is_told_and_the_rest_flushed(void **state)
{
	struct flush_test *x = *state;
	char path[JOURNAL_PATH_BYTES];
	struct flush_stats st;
	struct reconcile r;
	uint32_t at;
	int fd;

	rig_begin(x->j);
	requests(x, x->j->j, 1, 10);
	at = x->j->j->cur.off;
	requests(x, x->j->j, 11, 1);
	rig_path(x->j, journal_id(x->j->j), 1, path);
	requests(x, x->j->j, 12, 10);
	rig_crash(x->j);
	fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, "damage", 6, (off_t)at + 20), 6);
	(void)close(fd);

	/* The open of request 11 is lost, so its settle is set aside. */
	assert_int_equal(pass(x), 20);
	flusher_stats(x->f, &st);
	assert_int_equal(st.n_corrupt, 1);
	assert_int_equal(st.n_rejected, 1);
	assert_ok(reconcile_run(x->db, x->j->dir, &x->a, &r, &x->e));
	assert_int_equal(r.n_damaged, 1);
	assert_false(reconcile_is_clean(&r));
}

static void
one_series__unreadable__does_not_stop_the_others(void **state)
{
	struct flush_test *x = *state;
	const struct journal_series bad = { { 1, 2, 3 } };
	char path[JOURNAL_PATH_BYTES];
	struct flush_backlog b;
	struct reconcile r;

	rig_begin(x->j);
	requests(x, x->j->j, 1, 5);
	journal_file_path(path, x->j->dir, &bad, 1);
	assert_int_equal(mkdir(path, 0700), 0); /* reading it is an error */

	assert_int_equal(pass(x), 5);
	requests(x, x->j->j, 6, 5);
	assert_int_equal(pass(x), 5);
	assert_ok(reconcile_run(x->db, x->j->dir, &x->a, &r, &x->e));
	assert_int_equal(r.n_faults, 1);
	assert_int_equal(r.faults[0].fault, RECONCILE_NO_SERIES);
	assert_memory_equal(r.faults[0].series.b, bad.b, sizeof(bad.b));
	assert_int_equal(r.n_journaled, 10);
	assert_false(reconcile_is_clean(&r));
	assert_ok(flush_backlog(x->db, x->j->dir, &x->a, &b, &x->e));
	assert_int_equal(b.n_unreadable, 1);
	assert_memory_equal(b.unreadable.b, bad.b, sizeof(bad.b));
	assert_int_equal(b.oldest_ms, 0);
	assert_int_equal(rmdir(path), 0);
}

static void
backlog__settled_but_not_flushed__is_told_by_its_oldest(void **state)
{
	struct flush_test *x = *state;
	struct journal_refuse refuse = { .time_ms = 1795305600000,
		.customer_id = x->customer_id,
		.reason = S("rate_limited") };
	struct flush_backlog b;

	rig_begin(x->j);
	(void)open_one(x, x->j->j, 1); /* under way: nothing is late */
	assert_ok(flush_backlog(x->db, x->j->dir, &x->a, &b, &x->e));
	assert_int_equal(b.oldest_ms, 0);
	assert_ok(journal_write_refuse(x->j->j, &refuse, &x->e));
	assert_ok(flush_backlog(x->db, x->j->dir, &x->a, &b, &x->e));
	assert_int_equal(b.oldest_ms, 1795305600000);
	assert_int_equal(b.n_unreadable, 0);
	(void)pass(x);
	assert_ok(flush_backlog(x->db, x->j->dir, &x->a, &b, &x->e));
	assert_int_equal(b.oldest_ms, 0);
}

static void
unknown_error__of_one_record__is_set_aside_in_the_end(void **state)
{
	struct flush_test *x = *state;
	struct journal_settle s = settle_of(x, 3);
	struct flush_stats st;
	uint64_t n = 0, n_total = 0;

	sql(x, "CREATE TRIGGER bad_row BEFORE INSERT ON usage_records "
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
	sql(x, "DROP TRIGGER bad_row");
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

	sql(x, "CREATE TRIGGER bad_row BEFORE INSERT ON usage_records "
	       "FOR EACH ROW SIGNAL SQLSTATE '45000'");
	rig_begin(x->j);
	requests(x, x->j->j, 1, 3);
	for (int i = 0; i < 30; i++)
		assert_int_equal(flusher_pass(x->f, &n, &x->e), ERR_DB_QUERY);
	sql(x, "DROP TRIGGER bad_row");

	assert_int_equal(pass(x), 3);
	flusher_stats(x->f, &st);
	assert_int_equal(st.n_rejected, 0);
	assert_clean(x, 3);
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
	sql(x, text);

	assert_ok(reconcile_run(x->db, x->j->dir, &x->a, &r, &x->e));
	assert_int_equal(r.n_faults, 1);
	assert_int_equal(r.faults[0].fault, RECONCILE_NO_ROW);
	assert_true(r.books.n_diffs > 0);
	forget_all(x); /* leave no difference to the other tests */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(settled__flushed__has_its_row_and_its_transfer),
		TEST(pass__again__adds_nothing),
		TEST(open_request__flusher_restarted__settles_later),
		TEST(unpriced__flushed__has_no_cost),
		TEST(settle__other_provider__replaces_the_open_s),
		TEST(refused__before_and_after_open__are_counted),
		TEST(
		    worker_killed__stream_delivered__prompt_and_progress_are_charged),
		TEST(worker_killed__nothing_delivered__costs_nothing),
		TEST(open_request__across_rotations__is_interrupted_once),
		TEST(orderly_end__series_is_closed),
		TEST(two_series__one_pass__both_are_flushed),
		TEST(bad_records__among_good_ones__are_set_aside),
		TEST(bad_record__at_first__is_waited_for),
		TEST(same_request_twice__second_is_set_aside),
		TEST(database_restored__journals_heal_it),
		TEST(database_restored__only_a_closed_series__is_noticed),
		TEST(two_flushers__at_once__count_once),
		TEST(flusher_lock__held__is_refused_to_others),
		TEST(drained_files__kept_long_enough__are_removed),
		TEST(flusher_killed__between_commit_and_removal__nothing_twice),
		TEST(folder_full__drained_files_make_room),
		TEST(damage__in_the_middle__is_told_and_the_rest_flushed),
		TEST(one_series__unreadable__does_not_stop_the_others),
		TEST(backlog__settled_but_not_flushed__is_told_by_its_oldest),
		TEST(unknown_error__of_one_record__is_set_aside_in_the_end),
		TEST(unknown_error__of_everything__is_waited_out),
		TEST(power_cut__journal_ends_before_the_offset__no_second_row),
		TEST(reconcile__row_removed__is_found),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
