/* SPDX-License-Identifier: MIT */
/* What is posted with rows of usage: rollups and the ledger, which reconcile
 * compares and reports add up. */
#include "db/fixture_books.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/histogram.h"
#include "store/refusal.h"
#include "store/report.h"
#include "store/rollup.h"
#include "store/user.h"

static struct fixture *const f = &store_fixture;

/* 300 varied rows of one customer over two days and several hours. */
#define N_ROWS 300
static struct usage_row varied[N_ROWS];

static void
vary(uint64_t customer_id, uint64_t key_id, uint64_t model_id)
{
	uint64_t user_id;

	assert_db_ok(f,
	    store_user_owner_id(f->db, customer_id, &user_id, &f->e));
	for (unsigned i = 0; i < N_ROWS; i++) {
		struct usage_row *u = &varied[i];

		*u = fixture_usage(customer_id, key_id, model_id);
		u->user_id = user_id;
		u->request_timestamp_ms -= (int64_t)(i % 50) * HOUR_MS;
		u->status = i % 10 == 0   ? USAGE_TIMEOUT
			    : i % 10 == 5 ? USAGE_CLIENT_CLOSED
					  : USAGE_OK;
		u->provider_id = i % 3;
		u->latency_ms = i;
		u->time_to_first_token_ms = i % 4 == 0 ? -1 : (int64_t)i / 2;
		u->tok[i % 2][i % TOK_CLASS__MAX] += i;
		if (i % 7 == 0)
			u->cost_pusd = DB_MONEY_NULL;
		if (i % 5 == 0)
			u->usage_source = USAGE_FROM_ESTIMATE;
	}
}

static void
posted_twice__rollups_ledger_and_rows_agree(void **state)
{
	uint64_t customer_id = fixture_customer(f, serial);
	uint64_t key_id = fixture_key(f, customer_id, serial);
	uint64_t model_id = fixture_model(f, "posted");
	struct ledger_account *accounts;
	struct reconcile_result r;
	size_t n;

	(void)state;
	vary(customer_id, key_id, model_id);
	books_post(varied, N_ROWS, customer_id, "posted-1");
	vary(customer_id, key_id, model_id);
	books_post(varied, N_ROWS, customer_id, "posted-2");

	r = books_reconcile();

	assert_int_equal(r.n_diffs, 0);
	assert_int_equal(r.usage_rows, 2 * N_ROWS);
	assert_int_equal(r.unpriced_requests, 2 * 43);
	assert_int_equal(r.usage_pusd, 2 * (N_ROWS - 43) * INT64_C(1234567));
	assert_db_ok(f, store_ledger_accounts(f->db, customer_id, &f->a,
			    &accounts, &n, &f->e));
	assert_int_equal(accounts[0].balance_pusd, r.usage_pusd);
	assert_int_equal(accounts[1].balance_pusd, -r.usage_pusd);
}

#define MOVE_BUCKET(table, from, to)                          \
 "UPDATE " table " SET " from " = " from " - 1, " to " = " to \
 " + 1 WHERE " from " > 0 LIMIT 1"

/* A number of a row of usage_ranks; each of "=" for all, "<>" for each one. */
#define OF_RANK(column, sign, one, model, provider, status)     \
 "UPDATE usage_ranks SET " column " = " column " " sign " " one \
 " WHERE model_id " model " 0 AND provider_id " provider        \
 " 0 AND request_status " status " 'all' AND period = 'pentad' LIMIT 1"
#define RANK_IS_OFF(column, one, model, provider, status)                 \
 {                                                                        \
  OF_RANK(column, "+", one, model, provider, status),                     \
      OF_RANK(column, "-", one, model, provider, status), RECONCILE_RANKS \
 }

static void
reconcile__rollup_ledger_or_balance_is_off__says_which(void **state)
{
	static const struct {
		const char *spoil, *mend;
		enum reconcile_check check;
	} cases[] = {
		{ "UPDATE usage_hourly SET requests = requests + 1 LIMIT 1",
		    "UPDATE usage_hourly SET requests = requests - 1 LIMIT 1",
		    RECONCILE_HOURLY },
		{ "UPDATE usage_hourly SET ttft_h05 = ttft_h05 + 1 LIMIT 1",
		    "UPDATE usage_hourly SET ttft_h05 = ttft_h05 - 1 LIMIT 1",
		    RECONCILE_HOURLY },
		/* As many as before, one of them in another bucket: the last
		 * one, which no row of these has. */
		{ MOVE_BUCKET("usage_hourly", "latency_h12", "latency_h35"),
		    MOVE_BUCKET("usage_hourly", "latency_h35", "latency_h12"),
		    RECONCILE_HOURLY },
		{ MOVE_BUCKET("usage_hourly", "ttft_h11", "ttft_h35"),
		    MOVE_BUCKET("usage_hourly", "ttft_h35", "ttft_h11"),
		    RECONCILE_HOURLY },
		{ "UPDATE usage_hourly SET time_to_first_token_ms = "
		  "time_to_first_token_ms + 1 LIMIT 1",
		    "UPDATE usage_hourly SET time_to_first_token_ms = "
		    "time_to_first_token_ms - 1 LIMIT 1",
		    RECONCILE_HOURLY },
		{ MOVE_BUCKET("usage_daily", "latency_h12", "latency_h35"),
		    MOVE_BUCKET("usage_daily", "latency_h35", "latency_h12"),
		    RECONCILE_DAILY },
		{ MOVE_BUCKET("usage_sums", "ttft_h11", "ttft_h35"),
		    MOVE_BUCKET("usage_sums", "ttft_h35", "ttft_h11"),
		    RECONCILE_ALL },
		{ "UPDATE usage_daily SET token_in_count = token_in_count + 1, "
		  "token_out_count = token_out_count - 1 LIMIT 1",
		    "UPDATE usage_daily SET token_in_count = token_in_count - "
		    "1, token_out_count = token_out_count + 1 LIMIT 1",
		    RECONCILE_DAILY },
		{ "UPDATE usage_daily SET cost_in_usd = cost_in_usd + "
		  "0.000000000001 LIMIT 1",
		    "UPDATE usage_daily SET cost_in_usd = cost_in_usd - "
		    "0.000000000001 LIMIT 1",
		    RECONCILE_DAILY },
		{ "UPDATE usage_monthly SET token_in_count = token_in_count + 1, "
		  "token_out_count = token_out_count - 1 LIMIT 1",
		    "UPDATE usage_monthly SET token_in_count = token_in_count - "
		    "1, token_out_count = token_out_count + 1 LIMIT 1",
		    RECONCILE_MONTHLY },
		{ "UPDATE usage_monthly SET cost_in_usd = cost_in_usd + "
		  "0.000000000001 LIMIT 1",
		    "UPDATE usage_monthly SET cost_in_usd = cost_in_usd - "
		    "0.000000000001 LIMIT 1",
		    RECONCILE_MONTHLY },
		{ "UPDATE usage_callers SET token_in_count = token_in_count + 1, "
		  "token_out_count = token_out_count - 1 LIMIT 1",
		    "UPDATE usage_callers SET token_in_count = token_in_count - "
		    "1, token_out_count = token_out_count + 1 LIMIT 1",
		    RECONCILE_CALLERS },
		{ "UPDATE usage_callers SET failed_requests = failed_requests + "
		  "1 LIMIT 1",
		    "UPDATE usage_callers SET failed_requests = failed_requests "
		    "- 1 LIMIT 1",
		    RECONCILE_CALLERS },
		{ "UPDATE usage_totals SET token_in_count = token_in_count + 1, "
		  "token_out_count = token_out_count - 1 LIMIT 1",
		    "UPDATE usage_totals SET token_in_count = token_in_count - "
		    "1, token_out_count = token_out_count + 1 LIMIT 1",
		    RECONCILE_OVERALL },
		{ "UPDATE usage_totals SET cost_in_usd = cost_in_usd + "
		  "0.000000000001 LIMIT 1",
		    "UPDATE usage_totals SET cost_in_usd = cost_in_usd - "
		    "0.000000000001 LIMIT 1",
		    RECONCILE_OVERALL },
		{ "UPDATE usage_totals SET latency_ms = latency_ms + 1 WHERE "
		  "period = 'pentad' LIMIT 1",
		    "UPDATE usage_totals SET latency_ms = latency_ms - 1 WHERE "
		    "period = 'pentad' LIMIT 1",
		    RECONCILE_OVERALL },
		{ "UPDATE usage_sums SET requests = requests + 1 WHERE period = "
		  "'pentad' LIMIT 1",
		    "UPDATE usage_sums SET requests = requests - 1 WHERE period "
		    "= 'pentad' LIMIT 1",
		    RECONCILE_ALL },
		{ "UPDATE usage_sums SET failed_requests = failed_requests + 1 "
		  "LIMIT 1",
		    "UPDATE usage_sums SET failed_requests = failed_requests - 1 "
		    "LIMIT 1",
		    RECONCILE_ALL },
		{ "UPDATE usage_sums SET cost_in_usd = cost_in_usd + "
		  "0.000000000001 LIMIT 1",
		    "UPDATE usage_sums SET cost_in_usd = cost_in_usd - "
		    "0.000000000001 LIMIT 1",
		    RECONCILE_ALL },
		{ "UPDATE usage_ranks SET token_in_count = token_in_count + 1, "
		  "token_out_count = token_out_count - 1 LIMIT 1",
		    "UPDATE usage_ranks SET token_in_count = token_in_count - 1, "
		    "token_out_count = token_out_count + 1 LIMIT 1",
		    RECONCILE_RANKS },
		RANK_IS_OFF("failed_requests", "1", "=", "=", "="),
		RANK_IS_OFF("requests", "1", "<>", "=", "="),
		RANK_IS_OFF("token_in_count", "1", "=", "<>", "="),
		RANK_IS_OFF("cost_in_usd", "0.000000000001", "=", "=", "<>"),
		RANK_IS_OFF("failed_requests", "1", "<>", "<>", "="),
		RANK_IS_OFF("token_out_count", "1", "<>", "=", "<>"),
		RANK_IS_OFF("requests", "1", "=", "<>", "<>"),
		RANK_IS_OFF("cost_in_usd", "0.000000000001", "<>", "<>", "<>"),
		{ "UPDATE ledger_accounts SET balance_usd = balance_usd + 1 "
		  "ORDER BY account_id LIMIT 1",
		    "UPDATE ledger_accounts SET balance_usd = balance_usd - 1 "
		    "ORDER BY account_id LIMIT 1",
		    RECONCILE_BALANCE },
	};
	struct db *root = fixture_connect(FIXTURE_ROOT);
	struct reconcile_result r;

	(void)state;
	fixture_sql(root, "USE tollgate");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		fixture_sql(root, cases[i].spoil);
		assert_db_ok(f, store_reconcile(f->db, &f->a, &r, &f->e));
		/* First where it is; then what is compared with that. */
		assert_in_range(r.n_diffs, 1, 5);
		assert_int_equal(r.diffs[0].check, cases[i].check);
		fixture_sql(root, cases[i].mend);
	}
	assert_int_equal(books_reconcile().n_diffs, 0);
	db_free(root);
}

static void
reconcile__row_without_rollup_and_customer__is_found_by_three_checks(
    void **state)
{
	struct usage_row u = fixture_usage(7777, 8888, 9999);
	struct db *root = fixture_connect(FIXTURE_ROOT);
	struct reconcile_result r;

	(void)state;
	assert_db_ok(f, store_usage_insert(f->db, &u, 1, &f->e));

	assert_db_ok(f, store_reconcile(f->db, &f->a, &r, &f->e));

	assert_int_equal(r.n_diffs, 3);
	assert_int_equal(r.diffs[0].check, RECONCILE_HOURLY);
	assert_int_equal(r.diffs[0].rows_requests, 1);
	assert_int_equal(r.diffs[0].sums_requests, 0);
	assert_int_equal(r.diffs[0].rows_tok, 120);
	assert_int_equal(r.diffs[0].rows_pusd, 1234567);
	assert_int_equal(r.diffs[1].check, RECONCILE_LEDGER);
	assert_int_equal(r.diffs[2].check, RECONCILE_ORPHAN);
	fixture_sql(root, "DELETE FROM tollgate.usage_records WHERE "
			  "customer_id = 7777");
	db_free(root);
}

static void
ledger__cause_again__is_conflict_and_balances_stay(void **state)
{
	uint64_t customer_id = fixture_customer(f, serial);
	struct ledger_usage p = { customer_id, 5, S("cause-once") };
	struct books_batch b = { NULL, 0, &p, 1 };
	struct ledger_account *accounts;
	size_t n;

	(void)state;
	assert_db_ok(f, db_txn(f->db, books_post_txn, &b, &f->e));
	assert_int_equal(db_txn(f->db, books_post_txn, &b, &f->e),
	    ERR_CONFLICT);

	assert_db_ok(f, store_ledger_accounts(f->db, customer_id, &f->a,
			    &accounts, &n, &f->e));
	assert_int_equal(accounts[0].kind, LEDGER_RECEIVABLE);
	assert_int_equal(accounts[0].balance_pusd, 5);
	assert_int_equal(accounts[1].balance_pusd, -5);
}

/* A balance may grow beyond what an int64_t of pico-dollars holds. */
static void
ledger__balance_beyond_an_amount__usage_is_still_posted(void **state)
{
	uint64_t customer_id = fixture_customer(f, serial);
	uint64_t key_id = fixture_key(f, customer_id, serial);
	uint64_t model_id = fixture_model(f, "beyond");
	const struct usage_row u = fixture_usage(customer_id, key_id, model_id);
	char sql[256];

	(void)state;
	(void)snprintf(sql, sizeof(sql),
	    "UPDATE ledger_accounts SET balance_usd = 99000000 WHERE "
	    "customer_id = %llu AND kind = 'receivable'",
	    (unsigned long long)customer_id);
	fixture_sql(f->db, sql);

	books_post(&u, 1, customer_id, "beyond");

	(void)snprintf(sql, sizeof(sql),
	    "SELECT balance_usd > 99000000 FROM ledger_accounts WHERE "
	    "customer_id = %llu AND kind = 'receivable'",
	    (unsigned long long)customer_id);
	assert_int_equal(fixture_number(f->db, sql), 1);
	(void)snprintf(sql, sizeof(sql),
	    "UPDATE ledger_accounts SET balance_usd = balance_usd - 99000000 "
	    "WHERE customer_id = %llu AND kind = 'receivable'",
	    (unsigned long long)customer_id);
	fixture_sql(f->db, sql);
}

static void
ledger__customer_without_accounts__is_corrupt(void **state)
{
	struct ledger_usage p = { 7777, 5, S("cause-nobody") };

	(void)state;
	assert_int_equal(store_ledger_usage(f->db, &p, 1, &f->a, &f->e),
	    ERR_CORRUPT);
	p.amount_pusd = -1;
	assert_int_equal(store_ledger_usage(f->db, &p, 1, &f->a, &f->e),
	    ERR_BAD_PARAM);
	p.amount_pusd = 0;
	assert_db_ok(f, store_ledger_usage(f->db, &p, 1, &f->a, &f->e));
}

/* A page that is open asks for it: whatever moves a number has to move it. */
static void
report_pulse__whatever_is_posted__differs(void **state)
{
	uint64_t customer_id = fixture_customer(f, ++serial);
	uint64_t key_id = fixture_key(f, customer_id, serial);
	uint64_t model_id = fixture_model(f, "pulse");
	int64_t to_ms = FIXTURE_TIME_MS, from_ms = to_ms - 29 * DAY_MS;
	struct usage_refusal refused = { customer_id, to_ms - to_ms % HOUR_MS,
		key_id, model_id, S("rate_limit_exceeded"), 4 };
	const struct ledger_change credit = { customer_id, 5, S("pulse-1") };
	struct report_pulse p, other;
	int64_t pusd;

	(void)state;
	assert_db_ok(f,
	    store_report_pulse(f->db, customer_id, from_ms, to_ms, &p, &f->e));
	assert_int_equal(p.requests, 0);
	assert_int_equal(p.budgets_at_ms, 0);
	vary(customer_id, key_id, model_id);
	books_post(varied, N_ROWS, customer_id, "pulse");
	assert_db_ok(f, store_refusal_add(f->db, &refused, 1, &f->a, &f->e));
	assert_db_ok(f, store_ledger_credit(f->db, &credit, &f->a, &f->e));

	assert_db_ok(f,
	    store_report_pulse(f->db, customer_id, from_ms, to_ms, &p, &f->e));
	assert_int_equal(p.requests, N_ROWS);
	assert_int_equal(p.unpriced_requests, 43);
	assert_int_equal(p.cost_pusd, (N_ROWS - 43) * INT64_C(1234567));
	assert_int_equal(p.refusals, 4);
	assert_int_equal(p.credited_pusd, 5);
	assert_db_ok(f, store_report_pulse(f->db, customer_id + 1, from_ms,
			    to_ms, &other, &f->e));
	assert_int_equal(other.requests, 0);

	assert_db_ok(f, store_report_spent_before(f->db, customer_id,
			    to_ms + 40 * DAY_MS, &pusd, &f->e));
	assert_int_equal(pusd, p.cost_pusd);
	assert_db_ok(f, store_report_spent_before(f->db, customer_id,
			    to_ms - 40 * DAY_MS, &pusd, &f->e));
	assert_int_equal(pusd, 0);
}

static void
ledger__credits__of_a_time_and_before_it_are_all_there_is(void **state)
{
	uint64_t customer_id = fixture_customer(f, ++serial);
	const struct ledger_change credits[] = {
		{ customer_id, 70, S("credit:1:a") },
		{ customer_id, -30, S("credit:1:b") },
	};
	struct ledger_credit *rows, *all;
	int64_t pusd, at_ms;
	size_t n;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(credits); i++)
		assert_db_ok(f,
		    store_ledger_credit(f->db, &credits[i], &f->a, &f->e));
	assert_db_ok(f, store_ledger_credits(f->db, customer_id, 0, 9, &f->a,
			    &all, &n, &f->e));
	assert_int_equal(n, 2);
	at_ms = all[1].created_at_ms;

	assert_db_ok(f, store_ledger_credits_during(f->db, customer_id, at_ms,
			    at_ms + DAY_MS, 9, &f->a, &rows, &n, &f->e));
	assert_int_equal(n, 2);
	assert_int_equal(rows[0].amount_pusd, -30);
	assert_int_equal(rows[1].amount_pusd, 70);
	assert_str_is(rows[0].cause, "credit:1:b");
	assert_db_ok(f, store_ledger_credits_during(f->db, customer_id,
			    at_ms - DAY_MS, at_ms, 9, &f->a, &rows, &n, &f->e));
	assert_int_equal(n, 0);
	assert_db_ok(f, store_ledger_credited_before(f->db, customer_id,
			    at_ms + DAY_MS, &f->a, &pusd, &f->e));
	assert_int_equal(pusd, 40);
	assert_db_ok(f, store_ledger_credited_before(f->db, customer_id, at_ms,
			    &f->a, &pusd, &f->e));
	assert_int_equal(pusd, 0);
}

static void
report__of_posted_rows__adds_up(void **state)
{
	uint64_t customer_id = fixture_customer(f, serial);
	uint64_t key_id = fixture_key(f, customer_id, serial);
	uint64_t model_id = fixture_model(f, "reported");
	int64_t to_ms = FIXTURE_TIME_MS, from_ms = to_ms - 29 * DAY_MS;
	struct usage_refusal refused = { customer_id, to_ms - to_ms % HOUR_MS,
		key_id, model_id, S("rate_limit_exceeded"), 4 };
	struct report_refusal *refusals;
	struct report_totals totals, other;
	struct report_model *models;
	struct report_day *days;
	size_t n;

	(void)state;
	vary(customer_id, key_id, model_id);
	books_post(varied, N_ROWS, customer_id, "reported");
	assert_db_ok(f, store_refusal_add(f->db, &refused, 1, &f->a, &f->e));
	assert_db_ok(f, store_refusal_add(f->db, &refused, 1, &f->a, &f->e));

	assert_db_ok(f, store_report_totals(f->db, customer_id, from_ms, to_ms,
			    &totals, &f->e));
	assert_int_equal(totals.requests, N_ROWS);
	assert_int_equal(totals.failed_requests, 30);
	assert_int_equal(totals.unpriced_requests, 43);
	assert_int_equal(totals.estimated_requests, 60);
	assert_int_equal(totals.in_tok + totals.out_tok,
	    N_ROWS * 120 + N_ROWS * (N_ROWS - 1) / 2);
	assert_int_equal(totals.cost_pusd, (N_ROWS - 43) * INT64_C(1234567));
	assert_int_equal(histogram_total(&totals.latency), N_ROWS);
	assert_int_equal(histogram_total(&totals.ttft), N_ROWS - 75);
	assert_in_range(histogram_percentile_ms(&totals.latency, 500), 135,
	    165);

	assert_db_ok(f, store_report_days(f->db, customer_id, from_ms, to_ms,
			    &f->a, &days, &n, &f->e));
	assert_int_equal(n, 3);
	assert_int_equal(days[2].day_ms, to_ms - to_ms % DAY_MS);
	assert_int_equal(days[0].requests + days[1].requests + days[2].requests,
	    N_ROWS);

	assert_db_ok(f, store_report_models(f->db, customer_id, from_ms, to_ms,
			    &f->a, &models, &n, &f->e));
	assert_int_equal(n, 1);
	assert_str_is(models[0].name, "reported");
	assert_int_equal(models[0].requests, N_ROWS);

	assert_db_ok(f, store_report_refusals(f->db, customer_id, from_ms,
			    to_ms, &f->a, &refusals, &n, &f->e));
	assert_int_equal(n, 1);
	assert_str_is(refusals[0].reason, "rate_limit_exceeded");
	assert_int_equal(refusals[0].refusals, 8);

	assert_db_ok(f, store_report_totals(f->db, customer_id + 1, from_ms,
			    to_ms, &other, &f->e));
	assert_int_equal(other.requests, 0);
	assert_int_equal(histogram_percentile_ms(&other.latency, 500), -1);
}

/* What one connection can write: printed, not judged. */
static void
speed__usage_with_rollups_and_ledger__is_printed(void **state)
{
	enum {
		BATCH = 1000,
		BATCHES = 100,
		KEYS = 50
	};
	static struct usage_row rows[BATCH];
	struct reconcile_result r;
	uint64_t customer_id = fixture_customer(f, serial);
	uint64_t model_id = fixture_model(f, "speed");
	uint64_t keys[KEYS];
	int64_t start_us;
	char cause[32];

	(void)state;
	for (unsigned i = 0; i < KEYS; i++)
		keys[i] = fixture_key(f, customer_id, 1000 + i);
	start_us = clock_mono_us();
	for (unsigned b = 0; b < BATCHES; b++) {
		for (unsigned i = 0; i < BATCH; i++)
			rows[i] = fixture_usage(customer_id, keys[i % KEYS],
			    model_id);
		(void)snprintf(cause, sizeof(cause), "speed-%u", b);
		books_post(rows, BATCH, customer_id, cause);
	}
	print_message("# %d rows with rollups and ledger: %.0f rows/s\n",
	    BATCH * BATCHES,
	    1e6 * BATCH * BATCHES / (double)(clock_mono_us() - start_us));
	start_us = clock_mono_us();
	assert_db_ok(f, store_reconcile(f->db, &f->a, &r, &f->e));
	print_message("# reconciled in %.1f s\n",
	    (double)(clock_mono_us() - start_us) / 1e6);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(posted_twice__rollups_ledger_and_rows_agree),
		STORE_TEST(
		    reconcile__rollup_ledger_or_balance_is_off__says_which),
		STORE_TEST(
		    reconcile__row_without_rollup_and_customer__is_found_by_three_checks),
		STORE_TEST(ledger__cause_again__is_conflict_and_balances_stay),
		STORE_TEST(
		    ledger__balance_beyond_an_amount__usage_is_still_posted),
		STORE_TEST(ledger__customer_without_accounts__is_corrupt),
		STORE_TEST(report__of_posted_rows__adds_up),
		STORE_TEST(report_pulse__whatever_is_posted__differs),
		STORE_TEST(
		    ledger__credits__of_a_time_and_before_it_are_all_there_is),
		STORE_TEST(speed__usage_with_rollups_and_ledger__is_printed),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
