/* SPDX-License-Identifier: MIT */
/* Journals to a real database: each request has one row and one transfer,
 * however often and by however many flushers it is read. */
#include "db/fixture_flush.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "domain/flush_backlog.h"
#include "store/offset.h"
#include "store/rejected.h"

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
	/* Of the customer and of everybody, each by hour, day and month. */
	assert_int_equal(fixture_number(x->db,
			     "SELECT SUM(refusals) FROM usage_refusals"),
	    3);
	assert_int_equal(fixture_number(x->db,
			     "SELECT SUM(refusals) FROM usage_refusal_keys"),
	    3 * 3);
	assert_int_equal(fixture_number(x->db,
			     "SELECT SUM(refusals) FROM usage_refusal_totals"),
	    2 * 3 * 3);
	assert_int_equal(row_of(x, 1, &row), ERR_NOT_FOUND);
	assert_int_equal(receivable(x), 0);
	assert_clean(x, 0);
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
	assert_int_equal(b.n_waiting, 1);
	assert_int_equal(b.n_unreadable, 0);
	(void)pass(x);
	assert_ok(flush_backlog(x->db, x->j->dir, &x->a, &b, &x->e));
	assert_int_equal(b.oldest_ms, 0);
}

/* Requests of the customer in one period of a rollup. */
static uint64_t
requests_in(struct flush_test *x, const char *period, const char *start)
{
	char query[300];

	(void)snprintf(query, sizeof(query),
	    "SELECT COALESCE(SUM(requests), 0) FROM %s = '%s' AND customer_id "
	    "= %llu",
	    period, start, (unsigned long long)x->customer_id);
	return fixture_number(x->db, query);
}

#define RANKS_OF_ALL                                       \
 "usage_ranks WHERE model_id = 0 AND provider_id = 0 AND " \
 "request_status = 'all' AND "

/* CHECKLIST B39: ends of months and years, a leap day, and the nights in which
 * clocks change where the server and this process believe to be. */
static void
flushed__at_the_ends_of_periods__counts_in_those_of_utc(void **state)
{
	static const char *const times[] = { "2026-03-29T00:59:59.999Z",
		"2026-03-29T01:00:00.000Z", "2026-10-25T00:59:59.999Z",
		"2026-10-25T01:00:00.000Z", "2026-12-31T23:59:59.999Z",
		"2027-01-01T00:00:00.000Z", "2028-02-28T23:59:59.999Z",
		"2028-02-29T00:00:00.000Z", "2028-02-29T23:59:59.999Z",
		"2028-03-01T00:00:00.000Z" };
	/* A start is its beginning and what is behind it. */
	static const struct {
		const char *table;
		size_t n;
		const char *rest;
	} periods[] = { { "usage_hourly WHERE hour", 13, ":00:00" },
		{ "usage_daily WHERE day", 10, "" },
		{ "usage_monthly WHERE month", 7, "-01" },
		{ "usage_callers WHERE period = 'day' AND start", 10, "" },
		{ "usage_callers WHERE period = 'month' AND start", 7, "-01" },
		{ "usage_sums WHERE period = 'hour' AND start", 13, ":00:00" },
		{ "usage_sums WHERE period = 'day' AND start", 10, "" },
		{ "usage_sums WHERE period = 'month' AND start", 7, "-01" },
		{ RANKS_OF_ALL "period = 'hour' AND "
			       "start",
		    13, ":00:00" },
		{ RANKS_OF_ALL "period = 'day' AND "
			       "start",
		    10, "" },
		{ RANKS_OF_ALL "period = 'month' AND "
			       "start",
		    7, "-01" },
		{ "usage_totals WHERE period = 'hour' AND start", 13,
		    ":00:00" },
		{ "usage_totals WHERE period = 'day' AND start", 10, "" },
		{ "usage_totals WHERE period = 'month' AND start", 7, "-01" } };
	struct flush_test *x = *state;

	assert_int_equal(setenv("TZ", "Europe/Berlin", 1), 0);
	tzset();
	fixture_sql(x->db, "SET GLOBAL time_zone = '+05:30'");
	begin_flusher(x);
	rig_begin(x->j);
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		struct journal_open o = open_of(x, 1 + i);
		struct journal_settle s = settle_of(x, 1 + i);
		uint32_t slot;

		assert_true(clock_parse(str_from(times[i]), &o.start_ms));
		assert_ok(journal_write_open(x->j->j, &o, &slot, &x->e));
		assert_ok(journal_write_settle(x->j->j, slot, &s, &x->e));
	}
	assert_int_equal(pass(x), ARRAY_LEN(times));

	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		for (size_t p = 0; p < ARRAY_LEN(periods); p++) {
			uint64_t want = 0;
			char start[32];

			for (size_t k = 0; k < ARRAY_LEN(times); k++)
				want += strncmp(times[i], times[k],
					    periods[p].n) == 0;
			(void)snprintf(start, sizeof(start), "%.*s%s",
			    (int)periods[p].n, times[i], periods[p].rest);
			assert_int_equal(requests_in(x, periods[p].table,
					     start),
			    want);
		}
	assert_clean(x, ARRAY_LEN(times));
	fixture_sql(x->db, "SET GLOBAL time_zone = 'SYSTEM'");
	assert_int_equal(unsetenv("TZ"), 0);
	tzset();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FLUSH_TEST(settled__flushed__has_its_row_and_its_transfer),
		FLUSH_TEST(pass__again__adds_nothing),
		FLUSH_TEST(open_request__flusher_restarted__settles_later),
		FLUSH_TEST(unpriced__flushed__has_no_cost),
		FLUSH_TEST(settle__other_provider__replaces_the_open_s),
		FLUSH_TEST(refused__before_and_after_open__are_counted),
		FLUSH_TEST(orderly_end__series_is_closed),
		FLUSH_TEST(two_series__one_pass__both_are_flushed),
		FLUSH_TEST(two_flushers__at_once__count_once),
		FLUSH_TEST(
		    flushed__at_the_ends_of_periods__counts_in_those_of_utc),
		FLUSH_TEST(flusher_lock__held__is_refused_to_others),
		FLUSH_TEST(
		    backlog__settled_but_not_flushed__is_told_by_its_oldest),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
