/* SPDX-License-Identifier: MIT */
/* Months that are closed: rows go, sums stay, and the books agree. */
#include "db/fixture_books.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "domain/prune.h"
#include "domain/rerate.h"
#include "store/partition.h"
#include "store/price.h"
#include "store/user.h"

static struct fixture *const f = &store_fixture;

/* 2027-02-01 and 2027-03-01: months that have partitions of their own. */
#define FEBRUARY_MS INT64_C(1801440000000)
#define MARCH_MS    INT64_C(1803859200000)

static uint64_t customer_id, model_id, price_id;
static struct usage_row proto;

static int
setup(void **state)
{
	struct price p = { .effective_from_ms = FIXTURE_TIME_MS };

	if (fixture_setup(state) != 0 || store_setup(state) != 0)
		return -1;
	customer_id = fixture_customer(f, 1);
	model_id = fixture_model(f, "pruned");
	proto = fixture_usage(customer_id, fixture_key(f, customer_id, 1),
	    model_id);
	assert_db_ok(f,
	    store_user_owner_id(f->db, customer_id, &proto.user_id, &f->e));
	proto.price_version_id = 0; /* of an earlier price, say */
	p.model_id = model_id;
	for (int c = 0; c < TOK_CLASS__MAX; c++)
		p.tok_pusd[TOK_NORMAL][c] = p.tok_pusd[TOK_LONG][c] = 10;
	assert_db_ok(f, store_price_insert(f->db, &p, &price_id, &f->e));
	return store_teardown(state);
}

static void
post(const int64_t *times_ms, size_t n, const char *cause)
{
	struct usage_row *rows = arena_array(&f->a, struct usage_row, n);

	for (size_t i = 0; i < n; i++) {
		rows[i] = proto;
		rows[i].request_timestamp_ms = times_ms[i];
		rows[i].request_id = uuid7_new(times_ms[i]);
		rows[i].status = i % 5 == 1 ? USAGE_TIMEOUT : USAGE_OK;
		rows[i].tok[i % 2][i % TOK_CLASS__MAX] += i;
		rows[i].time_to_first_token_ms = i % 3 == 0 ? -1 : 17;
		if (i % 4 == 3) {
			rows[i].cost_pusd = DB_MONEY_NULL;
			rows[i].provider_cost_pusd = DB_MONEY_NULL;
		}
		if (i % 5 == 0)
			rows[i].usage_source = USAGE_FROM_ESTIMATE;
	}
	books_post(rows, n, customer_id, cause);
}

static struct prune_result
prune(int64_t before_ms)
{
	struct db *db = fixture_connect(FIXTURE_MIGRATE);
	struct prune_result r;

	assert_db_ok(f, prune_run(db, before_ms, &f->a, &r, &f->e));
	db_free(db);
	return r;
}

static uint64_t
number(const char *text)
{
	return fixture_number(f->db, text);
}

static uint64_t
n_partitions(void)
{
	return number("SELECT COUNT(*) FROM information_schema.partitions "
		      "WHERE table_schema = 'tollgate' AND table_name = "
		      "'usage_records'");
}

/* CHECKLIST B39: the last millisecond of a month and the first of the next. */
static void
prune__at_a_months_boundary__closes_what_is_before_it(void **state)
{
	const int64_t times_ms[] = { FEBRUARY_MS - 20 * DAY_MS,
		FEBRUARY_MS - DAY_MS, FEBRUARY_MS - HOUR_MS, FEBRUARY_MS - 1,
		FEBRUARY_MS, FEBRUARY_MS + DAY_MS, MARCH_MS - 1, MARCH_MS };
	uint64_t before = n_partitions();
	int64_t balance_pusd, end_ms;
	struct reconcile_result r;
	struct prune_result p;

	(void)state;
	post(times_ms, ARRAY_LEN(times_ms), "boundary");
	balance_pusd = books_balance(customer_id);
	assert_db_ok(f, store_closing_end(f->db, &f->a, &end_ms, &f->e));
	assert_int_equal(end_ms, 0);

	p = prune(FEBRUARY_MS);

	assert_int_equal(p.rows, 4);
	assert_int_equal(p.partitions, before - n_partitions());
	assert_true(p.partitions >= 1);
	assert_int_equal(number("SELECT COUNT(*) FROM usage_records"), 4);
	assert_int_equal(number("SELECT SUM(requests) FROM usage_closings"), 4);
	assert_int_equal(number("SELECT COUNT(DISTINCT month) FROM "
				"usage_closings WHERE month = '2027-01-01'"),
	    1);
	assert_db_ok(f, store_closing_end(f->db, &f->a, &end_ms, &f->e));
	assert_int_equal(end_ms, FEBRUARY_MS);
	r = books_reconcile();
	assert_int_equal(r.n_diffs, 0);
	assert_int_equal(r.usage_rows, 4);
	assert_int_equal(r.closed_requests, 4);
	assert_int_equal(r.unpriced_requests, 2);
	assert_int_equal(r.usage_pusd + r.closed_pusd, balance_pusd);

	p = prune(FEBRUARY_MS);
	assert_int_equal(p.rows, 0);
	assert_int_equal(p.partitions, 0);
}

/* A host was cut off for long: its journal comes after the month is closed. */
static void
prune__rows_come_late__are_kept_and_closed_the_next_time(void **state)
{
	const int64_t late_ms[] = { FEBRUARY_MS - 3 * DAY_MS,
		FEBRUARY_MS - 2 * DAY_MS };

	(void)state;
	post(late_ms, ARRAY_LEN(late_ms), "late");
	assert_int_equal(number("SELECT COUNT(*) FROM usage_records"), 6);
	assert_int_equal(books_reconcile().n_diffs, 0);

	assert_int_equal(prune(FEBRUARY_MS).rows, 2);

	assert_int_equal(books_reconcile().n_diffs, 0);
	assert_int_equal(books_reconcile().closed_requests, 6);
}

static void
prune__after_rerating__closes_at_the_costs_in_force(void **state)
{
	struct rerate_options opt = {
		{ FEBRUARY_MS, MARCH_MS + DAY_MS, model_id }, false
	};
	struct reconcile_result before, after;
	struct rerate_result r;
	int64_t balance_pusd;

	(void)state;
	assert_db_ok(f, rerate_run(f->db, &opt, &f->a, &r, &f->e));
	assert_true(r.models[0].priced > 0);
	before = books_reconcile();
	balance_pusd = books_balance(customer_id);
	assert_int_equal(before.n_diffs, 0);
	assert_true(before.adjustments > 0);

	assert_int_equal(prune(MARCH_MS).rows, 3);

	after = books_reconcile();
	assert_int_equal(after.n_diffs, 0);
	assert_int_equal(after.usage_pusd + after.closed_pusd +
			     after.adjusted_pusd,
	    balance_pusd);
	assert_int_equal(books_balance(customer_id), balance_pusd);
	assert_int_equal(after.unpriced_requests, before.unpriced_requests);
	assert_true(after.adjustments < before.adjustments);

	/* What is closed can't be rated again, what is open can. */
	assert_int_equal(rerate_run(f->db, &opt, &f->a, &r, &f->e),
	    ERR_BAD_PARAM);
	opt.filter.from_ms = MARCH_MS;
	assert_db_ok(f, rerate_run(f->db, &opt, &f->a, &r, &f->e));
}

/* CHECKLIST B37 */
static void
reconcile__closing_altered__is_found(void **state)
{
	static const char *const columns[] = { "requests", "unpriced_requests",
		"estimated_requests", "started_requests", "token_in_count",
		"long_context_token_out_image_count", "cost_in_usd",
		"provider_cost_in_usd", "latency_ms" };
	struct db *root = fixture_connect(FIXTURE_ROOT);
	struct reconcile_result r;
	char text[200];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		(void)snprintf(text, sizeof(text),
		    "UPDATE tollgate.usage_closings SET %s = %s + 1 LIMIT 1",
		    columns[i], columns[i]);
		fixture_sql(root, text);
		assert_db_ok(f, store_reconcile(f->db, &f->a, &r, &f->e));
		assert_in_range(r.n_diffs, 1, 3);
		(void)snprintf(text, sizeof(text),
		    "UPDATE tollgate.usage_closings SET %s = %s - 1 LIMIT 1",
		    columns[i], columns[i]);
		fixture_sql(root, text);
	}
	assert_int_equal(books_reconcile().n_diffs, 0);
	db_free(root);
}

/* The second step waits for a row that somebody holds. */
static void
prune__killed_in_the_middle__ends_the_same_when_repeated(void **state)
{
	enum {
		N = 3 * CLOSING_ROWS_MAX
	};
	static int64_t times_ms[N];
	uint64_t n_open, n_closed = books_reconcile().closed_requests;
	struct db *root = fixture_connect(FIXTURE_ROOT);
	int64_t balance_pusd, start_us;
	uint64_t n_left;
	int status;
	pid_t pid;

	(void)state;
	for (size_t i = 0; i < N; i++)
		times_ms[i] = MARCH_MS + (int64_t)i * 60000;
	post(times_ms, N, "killed");
	balance_pusd = books_balance(customer_id);
	n_open = number("SELECT COUNT(*) FROM usage_records");
	fixture_sql(root, "USE tollgate");
	fixture_sql(root, "START TRANSACTION");
	(void)fixture_number(root,
	    "SELECT usage_id FROM usage_records ORDER BY usage_id DESC LIMIT 1 "
	    "FOR UPDATE");
	db_free(f->db);
	f->db = NULL;

	pid = fork();
	if (pid == 0) {
		struct prune_result r;

		f->db = fixture_connect(FIXTURE_MIGRATE);
		_exit(prune_run(f->db, MARCH_MS + 31 * DAY_MS, &f->a, &r,
			  &f->e) != OK);
	}
	f->db = fixture_connect(FIXTURE_APP);
	while (number("SELECT COUNT(*) FROM usage_records") == n_open)
		assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	fixture_sql(root, "ROLLBACK");

	n_left = number("SELECT COUNT(*) FROM usage_records");
	assert_true(n_left > 0);
	assert_int_equal(books_reconcile().n_diffs, 0);
	start_us = clock_mono_us();
	(void)prune(MARCH_MS + 31 * DAY_MS);
	print_message("# pruned at %.0f rows/s, partitions included\n",
	    1e6 * (double)n_left / (double)(clock_mono_us() - start_us));
	assert_int_equal(number("SELECT COUNT(*) FROM usage_records"), 0);
	assert_int_equal(number("SELECT COUNT(*) FROM usage_adjustments"), 0);
	assert_int_equal(books_reconcile().n_diffs, 0);
	assert_int_equal(books_reconcile().closed_requests, n_closed + n_open);
	assert_int_equal(books_balance(customer_id), balance_pusd);
	assert_int_equal(books_reconcile().closed_pusd, balance_pusd);
	/* Months to come have their partitions still. */
	fixture_sql(root, "USE tollgate");
	{
		struct db *migrate = fixture_connect(FIXTURE_MIGRATE);

		assert_db_ok(f,
		    partition_ensure(migrate, MARCH_MS, &f->a, &f->e));
		db_free(migrate);
	}
	db_free(root);
}

static void
prune_check__month_that_journals_may_hold__is_refused(void **state)
{
	struct error e;

	(void)state;
	assert_int_equal(prune_check(MARCH_MS, MARCH_MS + 8 * DAY_MS, 0, &e),
	    OK);
	assert_int_equal(prune_check(MARCH_MS, MARCH_MS + 8 * DAY_MS - 1, 0,
			     &e),
	    ERR_BAD_PARAM);
	assert_int_equal(prune_check(MARCH_MS, MARCH_MS + 8 * DAY_MS,
			     9 * DAY_MS, &e),
	    ERR_BAD_PARAM);
	assert_int_equal(prune_check(MARCH_MS + DAY_MS, MARCH_MS + 90 * DAY_MS,
			     0, &e),
	    ERR_BAD_PARAM);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(
		    prune__at_a_months_boundary__closes_what_is_before_it),
		STORE_TEST(
		    prune__rows_come_late__are_kept_and_closed_the_next_time),
		STORE_TEST(prune__after_rerating__closes_at_the_costs_in_force),
		STORE_TEST(reconcile__closing_altered__is_found),
		STORE_TEST(
		    prune__killed_in_the_middle__ends_the_same_when_repeated),
		cmocka_unit_test(
		    prune_check__month_that_journals_may_hold__is_refused),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, setup, NULL);
}
