/* SPDX-License-Identifier: MIT */
/* Usage that is rated anew: exactly once, and the books agree. */
#include "db/fixture_books.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "domain/budget.h"
#include "domain/budget_period.h"
#include "domain/rerate.h"
#include "store/price.h"

static struct fixture *const f = &store_fixture;

#define FROM_MS (FIXTURE_TIME_MS - 10 * DAY_MS)
#define TO_MS   (FIXTURE_TIME_MS + DAY_MS)

/* Input and output of that many pico-USD a token from then on. */
static uint64_t
set_price(uint64_t model_id, int64_t from_ms, int64_t in_pusd, int64_t out_pusd,
    int64_t request_pusd)
{
	struct price p = { .model_id = model_id,
		.effective_from_ms = from_ms,
		.request_pusd = request_pusd };
	uint64_t id;

	for (int c = 0; c < TOK_CLASS__MAX; c++)
		for (int x = 0; x < TOK_CONTEXT__MAX; x++)
			p.tok_pusd[x][c] =
			    (c < TOK_CLASS_FIRST_OUT ? in_pusd : out_pusd) *
			    (x + 1);
	assert_db_ok(f, store_price_insert(f->db, &p, &id, &f->e));
	return id;
}

/* A customer with a key, and a model. */
struct party {
	uint64_t customer_id, key_id, model_id;
	struct usage_row row; /* to copy */
};

static struct party
party(const char *model)
{
	static unsigned n;
	struct party p;

	n++;
	p.customer_id = fixture_customer(f, 100 + n);
	p.key_id = fixture_key(f, p.customer_id, 100 + n);
	p.model_id = fixture_model(f, model);
	p.row = fixture_usage(p.customer_id, p.key_id, p.model_id);
	p.row.markup_ppm = 1500000;
	return p;
}

static struct usage_row
row_of(const struct party *p, int64_t time_ms, uint64_t price_version_id,
    int64_t provider_pusd)
{
	struct usage_row u = p->row;

	u.request_id = uuid7_new(time_ms);
	u.request_timestamp_ms = time_ms;
	u.price_version_id = price_version_id;
	u.provider_cost_pusd = provider_pusd;
	u.cost_pusd = provider_pusd == DB_MONEY_NULL ? DB_MONEY_NULL
						     : provider_pusd * 3 / 2;
	return u;
}

static struct rerate_result
rerate(uint64_t model_id, bool is_dry)
{
	struct rerate_options opt = { { FROM_MS, TO_MS, model_id }, is_dry };
	struct rerate_result r;

	assert_db_ok(f, rerate_run(f->db, &opt, &f->a, &r, &f->e));
	return r;
}

static uint64_t
n_adjustments(uint64_t customer_id)
{
	char text[120];

	(void)snprintf(text, sizeof(text),
	    "SELECT COUNT(*) FROM usage_adjustments WHERE customer_id = %llu",
	    (unsigned long long)customer_id);
	return fixture_number(f->db, text);
}

/* 100 in and 20 out a row. */
static void
rerate__prices_were_wrong__books_the_difference_once(void **state)
{
	struct party p = party("wrong");
	uint64_t v1 = set_price(p.model_id, FROM_MS - DAY_MS, 10, 100, 0);
	struct usage_row rows[40];
	struct rerate_result r;

	(void)state;
	for (int i = 0; i < 40; i++)
		rows[i] = row_of(&p, FROM_MS + i * HOUR_MS, v1, 3000);
	books_post(rows, 40, p.customer_id, "wrong");
	/* Dearer from the tenth row on, and cheaper than ever from the
	 * thirtieth; a price of after the last row changes none. */
	(void)set_price(p.model_id, FROM_MS + 10 * HOUR_MS, 11, 100, 7);
	(void)set_price(p.model_id, FROM_MS + 30 * HOUR_MS, 1, 1, 0);
	(void)set_price(p.model_id, FROM_MS + 40 * HOUR_MS, 9, 9, 0);

	r = rerate(p.model_id, true);
	assert_int_equal(r.n_models, 1);
	assert_int_equal(r.models[0].requests, 40);
	assert_int_equal(r.models[0].changed, 30);
	assert_int_equal(r.models[0].change_provider_pusd,
	    20 * 107 - 10 * (3000 - 120));
	assert_int_equal(n_adjustments(p.customer_id), 0);
	assert_int_equal(books_balance(p.customer_id), 40 * 4500);

	r = rerate(p.model_id, false);
	assert_int_equal(r.models[0].changed, 30);
	/* 3107 x 1.5 = 4660.5: half to even. */
	assert_int_equal(r.models[0].change_pusd,
	    20 * (4660 - 4500) + 10 * (180 - 4500));
	assert_int_equal(books_balance(p.customer_id),
	    40 * 4500 + r.models[0].change_pusd);
	assert_int_equal(n_adjustments(p.customer_id), 30);
	assert_int_equal(books_reconcile().n_diffs, 0);

	r = rerate(0, false);
	for (size_t i = 0; i < r.n_models; i++)
		assert_int_equal(r.models[i].changed, 0);
	assert_int_equal(n_adjustments(p.customer_id), 30);

	/* Rows are history. */
	assert_int_equal(40,
	    fixture_number(f->db, "SELECT COUNT(*) FROM usage_records WHERE "
				  "provider_cost_in_usd = 0.000000003"));
}

/* ---- budgets ---- */

static enum err
set_budgets(struct db *db, void *arg, struct error *e)
{
	const struct party *p = arg;
	const struct budget_terms of_key = { 60000, BUDGET_HARD, BUDGET_DAY,
		S("50,100") };
	const struct budget_terms of_all = { 1000000, BUDGET_SOFT, BUDGET_TOTAL,
		S("") };
	const struct budget_holder key = { .scope = BUDGET_KEY,
		.customer_id = p->customer_id,
		.api_key_id = p->key_id };
	const struct budget_holder customer = { .scope = BUDGET_CUSTOMER,
		.customer_id = p->customer_id };
	enum err err = budget_set(db, &key, &of_key, FROM_MS, &f->a, e);

	return err ? err
		   : budget_set(db, &customer, &of_all, FROM_MS, &f->a, e);
}

static int64_t
spent_of(const struct party *p, enum budget_scope scope, int64_t at_ms)
{
	struct budget_starts starts = budget_starts_of(at_ms);
	struct budget *v;
	size_t n;

	assert_db_ok(f, store_budget_for_key(f->db, p->customer_id, 0,
			    p->key_id, &starts, &f->a, &v, &n, &f->e));
	for (size_t i = 0; i < n; i++)
		if (v[i].scope == scope)
			return v[i].spent_pusd;
	return -1;
}

/* What was spent follows in the period of each request, whichever way its cost
 * went; a percentage that it reaches so is told of. */
static void
rerate__rows_of_budgets__what_was_spent_follows(void **state)
{
	const int64_t next_ms = FROM_MS - FROM_MS % DAY_MS + DAY_MS;
	struct party p = party("budgets");
	uint64_t v1 = set_price(p.model_id, FROM_MS - DAY_MS, 10, 100, 0);
	struct usage_row rows[8];
	char text[160];

	(void)state;
	for (int i = 0; i < 8; i++) /* six on the first day, two on the next */
		rows[i] = row_of(&p, i < 6 ? FROM_MS : next_ms, v1, 3000);
	books_post(rows, 8, p.customer_id, "budgets");
	assert_db_ok(f, db_txn(f->db, set_budgets, &p, &f->e));
	assert_int_equal(spent_of(&p, BUDGET_KEY, FROM_MS), 6 * 4500);
	assert_int_equal(spent_of(&p, BUDGET_CUSTOMER, FROM_MS), 8 * 4500);
	assert_int_equal(books_reconcile().n_diffs, 0);
	(void)set_price(p.model_id, FROM_MS - 1, 20, 200, 0);
	(void)set_price(p.model_id, next_ms, 1, 1, 0);

	(void)rerate(p.model_id, false);

	assert_int_equal(spent_of(&p, BUDGET_KEY, FROM_MS), 6 * 9000);
	assert_int_equal(spent_of(&p, BUDGET_KEY, next_ms), 2 * 180);
	assert_int_equal(spent_of(&p, BUDGET_CUSTOMER, FROM_MS),
	    6 * 9000 + 2 * 180);
	(void)snprintf(text, sizeof(text),
	    "SELECT COUNT(*) FROM notices WHERE kind = 'budget.reached' AND "
	    "customer_id = %llu",
	    (unsigned long long)p.customer_id);
	assert_int_equal(fixture_number(f->db, text), 1); /* 50 */
	assert_int_equal(books_reconcile().n_diffs, 0);

	/* One that did not follow is found. */
	(void)snprintf(text, sizeof(text),
	    "UPDATE budget_periods SET spent_usd = 0.000000027 WHERE budget_id "
	    "IN (SELECT budget_id FROM budgets WHERE api_key_id = %llu) AND "
	    "spent_usd = 0.000000054",
	    (unsigned long long)p.key_id);
	fixture_sql(f->db, text);
	assert_int_equal(books_reconcile().n_diffs, 1);
	(void)snprintf(text, sizeof(text),
	    "DELETE FROM budgets WHERE customer_id = %llu",
	    (unsigned long long)p.customer_id);
	fixture_sql(f->db, text);
}

/* Reported ones owe the price per request if they ended well; requests that
 * went through us do not. */
static void
rerate__no_token__follows_the_rule_it_was_charged_by(void **state)
{
	struct party p = party("images");
	uint64_t v1 = set_price(p.model_id, FROM_MS - DAY_MS, 10, 100, 700);
	struct usage_row rows[3];
	struct rerate_result r;

	(void)state;
	for (int i = 0; i < 3; i++) {
		rows[i] = row_of(&p, FROM_MS + HOUR_MS, v1, i ? 0 : 700);
		memset(rows[i].tok, 0, sizeof(rows[i].tok));
		rows[i].origin = i < 2 ? USAGE_API : USAGE_GATEWAY;
		rows[i].status = i == 1 ? USAGE_TIMEOUT : USAGE_OK;
	}
	books_post(rows, 3, p.customer_id, "images");
	(void)set_price(p.model_id, FROM_MS, 10, 100, 900);

	r = rerate(p.model_id, false);

	assert_int_equal(r.models[0].requests, 3);
	assert_int_equal(r.models[0].changed, 1);
	assert_int_equal(r.models[0].change_provider_pusd, 200);
	assert_int_equal(books_reconcile().n_diffs, 0);
}

static void
rerate__again_after_another_correction__adds_a_second_adjustment(void **state)
{
	struct party p = party("twice");
	uint64_t v1 = set_price(p.model_id, FROM_MS - DAY_MS, 10, 100, 0);
	struct usage_row u = row_of(&p, FROM_MS + HOUR_MS, v1, 3000);

	(void)state;
	books_post(&u, 1, p.customer_id, "twice");
	(void)set_price(p.model_id, FROM_MS, 20, 100, 0);
	(void)rerate(p.model_id, false);
	assert_int_equal(books_balance(p.customer_id), 6000);
	(void)set_price(p.model_id, FROM_MS + 1, 0, 0, 0);
	(void)rerate(p.model_id, false);

	assert_int_equal(books_balance(p.customer_id), 0);
	assert_int_equal(n_adjustments(p.customer_id), 2);
	assert_int_equal(books_reconcile().n_diffs, 0);
}

static void
rerate__cost_unknown__gets_one_where_a_price_is_in_force(void **state)
{
	struct party p = party("unpriced");
	struct usage_row rows[4];
	struct rerate_result r;
	uint64_t before;

	(void)state;
	before = books_reconcile().unpriced_requests;
	for (int i = 0; i < 4; i++)
		rows[i] = row_of(&p, FROM_MS + i * HOUR_MS, 0, DB_MONEY_NULL);
	rows[3].status = USAGE_UPSTREAM_ERROR; /* with nothing used */
	memset(rows[3].tok, 0, sizeof(rows[3].tok));
	books_post(rows, 4, p.customer_id, "unpriced");
	assert_int_equal(books_reconcile().unpriced_requests, before + 4);
	(void)set_price(p.model_id, FROM_MS + 2 * HOUR_MS, 10, 100, 50);

	r = rerate(p.model_id, false);

	assert_int_equal(r.models[0].priced, 2);
	assert_int_equal(r.models[0].unpriced, 2);
	/* The failed one owes nothing, which is known now. */
	assert_int_equal(r.models[0].change_provider_pusd, 3050);
	assert_int_equal(books_balance(p.customer_id), 4575);
	assert_int_equal(books_reconcile().unpriced_requests, before + 2);
	assert_int_equal(books_reconcile().n_diffs, 0);
	r = rerate(p.model_id, false);
	assert_int_equal(r.models[0].changed, 0);
}

static void
rerate__long_context_and_other_months__only_what_was_asked_for(void **state)
{
	struct party p = party("long"), other = party("other");
	struct usage_row rows[3], u;

	(void)state;
	rows[0] = row_of(&p, FROM_MS, 0, DB_MONEY_NULL);
	rows[1] = row_of(&p, FROM_MS - 1, 0, DB_MONEY_NULL);
	rows[2] = row_of(&p, TO_MS, 0, DB_MONEY_NULL);
	memset(rows[0].tok, 0, sizeof(rows[0].tok));
	rows[0].tok[TOK_LONG][TOK_IN_CACHED] = 7;
	rows[0].tok[TOK_LONG][TOK_OUT_IMAGE] = 5;
	books_post(rows, 3, p.customer_id, "long");
	u = row_of(&other, FROM_MS, 0, DB_MONEY_NULL);
	books_post(&u, 1, other.customer_id, "other");
	(void)set_price(p.model_id, FROM_MS - 2 * DAY_MS, 10, 100, 0);
	(void)set_price(other.model_id, FROM_MS - 2 * DAY_MS, 10, 100, 0);

	(void)rerate(p.model_id, false);

	assert_int_equal(books_balance(p.customer_id),
	    (7 * 20 + 5 * 200) * 3 / 2);
	assert_int_equal(books_balance(other.customer_id), 0);
	assert_int_equal(n_adjustments(p.customer_id), 1);
	assert_int_equal(books_reconcile().n_diffs, 0);
}

/* Rows of two customers, a batch each: the second can't be booked while its
 * account is locked, so the process is killed between the two. */
static void
rerate__killed_in_the_middle__ends_the_same_when_repeated(void **state)
{
	enum {
		N = 1000
	};
	static struct usage_row rows[N];
	struct party first = party("killed"), second = party("killed-too");
	uint64_t v1 = set_price(first.model_id, FROM_MS - DAY_MS, 10, 100, 0);
	struct db *root = fixture_connect(FIXTURE_ROOT);
	char text[120];
	int status;
	pid_t pid;

	(void)state;
	second.row.model_id = first.model_id;
	for (int i = 0; i < N; i++)
		rows[i] = row_of(&first, FROM_MS + i * 60000, v1, 3000);
	books_post(rows, N, first.customer_id, "killed-1");
	for (int i = 0; i < N; i++)
		rows[i] = row_of(&second, FROM_MS + i * 60000, v1, 3000);
	books_post(rows, N, second.customer_id, "killed-2");
	(void)set_price(first.model_id, FROM_MS, 10, 101, 0);
	(void)snprintf(text, sizeof(text),
	    "SELECT COUNT(*) FROM ledger_accounts WHERE customer_id = %llu "
	    "FOR UPDATE",
	    (unsigned long long)second.customer_id);
	fixture_sql(root, "USE tollgate");
	fixture_sql(root, "START TRANSACTION");
	assert_int_equal(fixture_number(root, text), 3);
	/* A connection is not for two processes. */
	db_free(f->db);
	f->db = NULL;

	pid = fork();
	if (pid == 0) {
		struct rerate_options opt = {
			{ FROM_MS, TO_MS, first.model_id }, false
		};
		struct rerate_result r;

		f->db = fixture_connect(FIXTURE_APP);
		_exit(rerate_run(f->db, &opt, &f->a, &r, &f->e) != OK);
	}
	f->db = fixture_connect(FIXTURE_APP);
	while (n_adjustments(first.customer_id) == 0)
		assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	fixture_sql(root, "ROLLBACK");

	assert_int_equal(n_adjustments(first.customer_id), N);
	assert_int_equal(n_adjustments(second.customer_id), 0);
	assert_int_equal(books_reconcile().n_diffs, 0);
	assert_int_equal(rerate(first.model_id, false).models[0].changed, N);
	assert_int_equal(n_adjustments(first.customer_id), N);
	assert_int_equal(n_adjustments(second.customer_id), N);
	assert_int_equal(books_balance(first.customer_id), N * 4530);
	assert_int_equal(books_balance(second.customer_id), N * 4530);
	assert_int_equal(books_reconcile().n_diffs, 0);
	db_free(root);
}

static void
adjust__same_row_as_somebody_else__is_conflict_and_nothing(void **state)
{
	struct party p = party("raced");
	uint64_t v1 = set_price(p.model_id, FROM_MS - DAY_MS, 10, 100, 0);
	struct usage_row u = row_of(&p, FROM_MS + HOUR_MS, v1, 3000);
	struct rated_filter filter = { FROM_MS, TO_MS, p.model_id };
	struct adjustment x = { .price_version_id = v1,
		.cost_pusd = 1,
		.provider_cost_pusd = 1 };
	struct rated_usage *rated;
	size_t n;

	(void)state;
	books_post(&u, 1, p.customer_id, "raced");
	assert_db_ok(f,
	    store_rated_list(f->db, &filter, 0, 10, &f->a, &rated, &n, &f->e));
	assert_int_equal(n, 1);
	x.usage = rated;
	assert_db_ok(f, store_adjust(f->db, &x, 1, &f->a, &f->e));

	assert_int_equal(store_adjust(f->db, &x, 1, &f->a, &f->e),
	    ERR_CONFLICT);

	assert_int_equal(books_balance(p.customer_id), 1);
	assert_int_equal(books_reconcile().n_diffs, 0);
}

/* CHECKLIST B37 */
static void
reconcile__adjustment_altered_or_gone__is_found(void **state)
{
	static const char *const spoils[][2] = {
		{ "UPDATE usage_adjustments SET change_cost_in_usd = "
		  "change_cost_in_usd + 0.000000000001 ORDER BY usage_id LIMIT "
		  "1",
		    "UPDATE usage_adjustments SET change_cost_in_usd = "
		    "change_cost_in_usd - 0.000000000001 ORDER BY usage_id "
		    "LIMIT 1" },
		{ "UPDATE usage_adjustments SET was_unpriced = 1 - "
		  "was_unpriced ORDER BY usage_id LIMIT 1",
		    "UPDATE usage_adjustments SET was_unpriced = 1 - "
		    "was_unpriced ORDER BY usage_id LIMIT 1" },
		{ "UPDATE ledger_transfers SET amount_usd = amount_usd + "
		  "0.000000000001 WHERE kind = 'adjustment' ORDER BY "
		  "transfer_id LIMIT 1",
		    "UPDATE ledger_transfers SET amount_usd = amount_usd - "
		    "0.000000000001 WHERE kind = 'adjustment' ORDER BY "
		    "transfer_id LIMIT 1" },
	};
	struct db *root = fixture_connect(FIXTURE_ROOT);
	struct reconcile_result r;

	(void)state;
	fixture_sql(root, "USE tollgate");
	for (size_t i = 0; i < ARRAY_LEN(spoils); i++) {
		fixture_sql(root, spoils[i][0]);
		assert_db_ok(f, store_reconcile(f->db, &f->a, &r, &f->e));
		assert_in_range(r.n_diffs, 1, 3);
		fixture_sql(root, spoils[i][1]);
	}
	assert_int_equal(books_reconcile().n_diffs, 0);
	db_free(root);
}

/* What one connection rates anew: printed, not judged. */
static void
speed__rerating__is_printed(void **state)
{
	enum {
		BATCH = 1000,
		BATCHES = 30
	};
	static struct usage_row rows[BATCH];
	struct party p = party("speed");
	uint64_t v1 = set_price(p.model_id, FROM_MS - DAY_MS, 10, 100, 0);
	char cause[32];
	int64_t start_us;

	(void)state;
	for (int b = 0; b < BATCHES; b++) {
		for (int i = 0; i < BATCH; i++)
			rows[i] = row_of(&p, FROM_MS + b * HOUR_MS + i, v1,
			    3000);
		(void)snprintf(cause, sizeof(cause), "rerate-%d", b);
		books_post(rows, BATCH, p.customer_id, cause);
	}
	(void)set_price(p.model_id, FROM_MS, 11, 100, 0);
	start_us = clock_mono_us();
	(void)rerate(p.model_id, true);
	print_message("# %d rows looked at: %.0f rows/s\n", BATCH * BATCHES,
	    1e6 * BATCH * BATCHES / (double)(clock_mono_us() - start_us));
	start_us = clock_mono_us();
	assert_int_equal(rerate(p.model_id, false).models[0].changed,
	    BATCH * BATCHES);
	print_message("# %d rows rated anew: %.0f rows/s\n", BATCH * BATCHES,
	    1e6 * BATCH * BATCHES / (double)(clock_mono_us() - start_us));
	assert_int_equal(books_reconcile().n_diffs, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(
		    rerate__prices_were_wrong__books_the_difference_once),
		STORE_TEST(rerate__rows_of_budgets__what_was_spent_follows),
		STORE_TEST(
		    rerate__no_token__follows_the_rule_it_was_charged_by),
		STORE_TEST(
		    rerate__again_after_another_correction__adds_a_second_adjustment),
		STORE_TEST(
		    rerate__cost_unknown__gets_one_where_a_price_is_in_force),
		STORE_TEST(
		    rerate__long_context_and_other_months__only_what_was_asked_for),
		STORE_TEST(
		    rerate__killed_in_the_middle__ends_the_same_when_repeated),
		STORE_TEST(
		    adjust__same_row_as_somebody_else__is_conflict_and_nothing),
		STORE_TEST(reconcile__adjustment_altered_or_gone__is_found),
		STORE_TEST(speed__rerating__is_printed),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
