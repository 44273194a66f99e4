/* SPDX-License-Identifier: MIT */
/*
 * CHECKLIST B2: what requests cost, one by one, is what rows, rollups and
 * ledger say in the end, to the pico-dollar: random counts, prices and markups
 * by way of the journal and the flusher, beside a sum of exact integers that
 * shares no line with the program. TG_SUM_REQUESTS says how many (20,000).
 */
#include "db/fixture_flush.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/money.h"
#include "domain/price.h"
#include "domain/reconcile.h"
#include "journal/writer_priv.h"
#include "store/customer.h"
#include "store/db_priv.h"
#include "store/price.h"

#define N_CUSTOMERS 5
#define N_AT_ONCE   5000 /* written before the flusher runs */
#define DAYS        40   /* over which the requests are spread */

__extension__ typedef unsigned __int128 u128;

static uint64_t random_state = 20261126;

/* xorshift64*: the same cases every time. */
static uint64_t
below(uint64_t bound)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % bound;
}

struct sums {
	uint64_t customer_id, user_id;
	u128 charged, provider;
};

static void
customers_make(struct flush_test *x, struct sums v[N_CUSTOMERS])
{
	for (unsigned i = 0; i < N_CUSTOMERS; i++) {
		struct customer c = { .name = S("Sum"), .markup_ppm = 1000000 };
		char email[32];

		(void)snprintf(email, sizeof(email), "sum%u@example.org", i);
		c.email = str_from(email);
		assert_ok(store_customer_insert(x->db, &c, &v[i].customer_id,
		    &v[i].user_id, &x->e));
	}
}

/* Costs of one request by the program, which must be the exact ones. */
static struct cost
costs_of(struct flush_test *x, const struct price *p, const struct tokens *t,
    uint32_t markup_ppm, struct sums *sum)
{
	u128 provider = (u128)p->request_pusd, charged, rest;
	struct cost cost;

	for (int i = 0; i < TOK_CONTEXT__MAX; i++)
		for (int c = 0; c < TOK_CLASS__MAX; c++)
			provider += (u128)p->tok_pusd[i][c] * t->tok[i][c];
	charged = provider * markup_ppm / 1000000;
	rest = provider * markup_ppm % 1000000;
	if (2 * rest > 1000000 || (2 * rest == 1000000 && charged % 2))
		charged++;
	assert_ok(price_cost(p, t, markup_ppm, &cost, &x->e));
	assert_true((u128)cost.provider_pusd == provider);
	assert_true((u128)cost.charged_pusd == charged);
	sum->provider += provider;
	sum->charged += charged;
	return cost;
}

static void
request(struct flush_test *x, uint64_t n, int64_t start_ms, struct sums *sum)
{
	struct journal_open o = open_of(x, n);
	struct journal_settle s = settle_of(x, n);
	struct price p = { .request_pusd = (int64_t)below(1000000) };
	uint32_t slot = 0, markup_ppm = 900000 + (uint32_t)below(1100000);
	struct tokens t;
	struct cost cost;

	for (int i = 0; i < TOK_CONTEXT__MAX; i++)
		for (int c = 0; c < TOK_CLASS__MAX; c++) {
			t.tok[i][c] = below(4) ? 0 : below(5000);
			p.tok_pusd[i][c] = (int64_t)below(60000000);
		}
	cost = costs_of(x, &p, &t, markup_ppm, sum);
	o.start_ms = start_ms;
	o.customer_id = sum->customer_id;
	o.user_id = sum->user_id;
	o.api_key_id = 1 + below(3);
	o.model_id = 1 + below(3);
	o.markup_ppm = markup_ppm;
	memcpy(s.tok, t.tok, sizeof(s.tok));
	s.cost_pusd = cost.charged_pusd;
	s.provider_cost_pusd = cost.provider_pusd;
	if (x->j->j->wants_next)
		assert_ok(journal_make_next(x->j->j, &x->e));
	assert_ok(journal_write_open(x->j->j, &o, &slot, &x->e));
	assert_ok(journal_write_settle(x->j->j, slot, &s, &x->e));
}

/* The sum of a column over a customer's rows. */
static void
assert_amount(struct flush_test *x, u128 want, const char *column,
    const char *from, uint64_t customer_id)
{
	char text[400];
	int64_t got;
	MYSQL_RES *rows;
	MYSQL_ROW row;

	(void)snprintf(text, sizeof(text),
	    "SELECT SUM(%s) FROM %scustomer_id = %llu", column, from,
	    (unsigned long long)customer_id);
	fixture_sql(x->db, text);
	rows = mysql_store_result(&x->db->my);
	row = mysql_fetch_row(rows);
	assert_non_null(row[0]);
	assert_ok(money_from_decimal(str_from(row[0]), &got, &x->e));
	if ((u128)got != want)
		print_message("# %s: %lld\n", text, (long long)got);
	assert_true((u128)got == want);
	mysql_free_result(rows);
}

/* Each of "=" for all, "<>" for each one. */
#define RANKS_WHERE(model, provider, status)                        \
 "usage_ranks WHERE model_id " model " 0 AND provider_id " provider \
 " 0 AND request_status " status " 'all' AND "

static void
costs__through_journal_and_flusher__are_one_sum_everywhere(void **state)
{
	static const char *const of_customer[] = { "usage_records WHERE ",
		"usage_hourly WHERE ", "usage_daily WHERE ",
		"usage_monthly WHERE ",
		"usage_callers WHERE period = 'day' AND ",
		"usage_callers WHERE period = 'month' AND ",
		"usage_totals WHERE period = 'hour' AND ",
		"usage_totals WHERE period = 'day' AND ",
		"usage_totals WHERE period = 'month' AND ",
		"usage_totals WHERE period = 'pentad' AND ",
		"usage_sums WHERE period = 'hour' AND ",
		"usage_sums WHERE period = 'day' AND ",
		"usage_sums WHERE period = 'month' AND ",
		"usage_sums WHERE period = 'pentad' AND " };
	static const char *const ranks[] = { RANKS_WHERE("=", "=",
						 "=") "period = 'hour' AND ",
		RANKS_WHERE("<>", "=", "=") "period = 'pentad' AND ",
		RANKS_WHERE("=", "<>", "=") "period = 'day' AND ",
		RANKS_WHERE("=", "=", "<>") "period = 'month' AND ",
		RANKS_WHERE("<>", "<>", "=") "period = 'hour' AND ",
		RANKS_WHERE("<>", "=", "<>") "period = 'pentad' AND ",
		RANKS_WHERE("=", "<>", "<>") "period = 'day' AND ",
		RANKS_WHERE("<>", "<>", "<>") "period = 'month' AND " };
	const char *asked = getenv("TG_SUM_REQUESTS");
	uint64_t n_all = asked ? strtoull(asked, NULL, 10) : 20000;
	struct flush_test *x = *state;
	struct sums v[N_CUSTOMERS] = { 0 }, everybody = { 0 };
	int64_t from_ms = clock_now_ms() - DAYS * DAY_MS;
	uint64_t n_flushed = 0;
	struct reconcile r;

	customers_make(x, v);
	x->j->opt.file_bytes = MIB(16);
	x->j->opt.max_bytes = x->flush.max_bytes = UINT64_C(4) << 30;
	x->flush.batch_rows = 1000;
	x->flush.keep_s = 0;
	begin_flusher(x);
	rig_begin(x->j);
	for (uint64_t i = 0; i < n_all; i++) {
		request(x, i + 1,
		    from_ms + (int64_t)(i * (uint64_t)(DAYS * DAY_MS) / n_all),
		    &v[below(N_CUSTOMERS)]);
		if ((i + 1) % N_AT_ONCE == 0 || i + 1 == n_all) {
			assert_ok(journal_sync_now(x->j->j, &x->e));
			n_flushed += pass(x);
		}
	}
	assert_int_equal(n_flushed, n_all);
	for (unsigned i = 0; i < N_CUSTOMERS; i++) {
		uint64_t id = v[i].customer_id;

		for (size_t k = 0; k < ARRAY_LEN(of_customer); k++) {
			assert_amount(x, v[i].charged, "cost_in_usd",
			    of_customer[k], id);
			assert_amount(x, v[i].provider, "provider_cost_in_usd",
			    of_customer[k], id);
		}
		for (size_t k = 0; k < ARRAY_LEN(ranks); k++)
			assert_amount(x, v[i].charged, "cost_in_usd", ranks[k],
			    id);
		assert_amount(x, v[i].charged, "amount_usd",
		    "ledger_transfers t JOIN ledger_accounts a ON a.account_id "
		    "= t.debit_account_id WHERE ",
		    id);
		assert_amount(x, v[i].charged, "balance_usd",
		    "ledger_accounts WHERE kind = 'receivable' AND ", id);
		everybody.charged += v[i].charged;
		everybody.provider += v[i].provider;
	}
	for (size_t k = 6; k < ARRAY_LEN(of_customer); k++) {
		assert_amount(x, everybody.charged, "cost_in_usd",
		    of_customer[k], 0);
		assert_amount(x, everybody.provider, "provider_cost_in_usd",
		    of_customer[k], 0);
	}
	assert_ok(reconcile_run(x->db, x->j->dir, &x->a, &r, &x->e));
	assert_int_equal(r.n_faults, 0);
	for (size_t i = 0; i < r.books.n_diffs; i++)
		/* Its keys and models are not in the tables. */
		assert_int_equal(r.books.diffs[i].check, RECONCILE_ORPHAN);
	print_message("# %llu requests\n", (unsigned long long)n_all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FLUSH_TEST(
		    costs__through_journal_and_flusher__are_one_sum_everywhere),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
