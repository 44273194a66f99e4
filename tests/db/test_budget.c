/* SPDX-License-Identifier: MIT */
/* What usage does to budgets, on a real server: CHECKLIST B3, B7, B8, B9,
 * B39. */
#include "db/fixture_budget.h"

#include <stdio.h>

#include "base/clock.h"
#include "domain/budget_lease.h"
#include "domain/budget_period.h"
#include "domain/retention.h"
#include "store/ledger.h"

static void
flush__what_is_held__moves_from_lease_to_spent(void **state)
{
	struct flush_test *x = *state;
	uint64_t id = set_budget(x, BUDGET_CUSTOMER, BUDGET_TOTAL, USD / 10);
	const uint8_t *series;

	rig_begin(x->j);
	series = journal_id(x->j->j)->b;
	assert_int_equal(lease(x, id, series, 3 * HOLD), 3 * HOLD);
	request(x, 1, id, HOLD / 4);
	request(x, 2, id, 0);
	request(x, 3, id, HOLD);

	assert_int_equal(pass(x), 3);

	assert_int_equal(spent_in(x, id, BUDGET_TOTAL, clock_now_ms()),
	    HOLD + HOLD / 4);
	assert_int_equal(leased(x, id), 3 * HOLD - HOLD - HOLD / 4);
	assert_int_equal(pass(x), 0); /* nothing twice */
	assert_int_equal(leased(x, id), 3 * HOLD - HOLD - HOLD / 4);
	assert_int_equal(n_differences(x), 0);
}

/* B9: what it costs beyond its hold was leased by nobody. */
static void
flush__cost_beyond_hold__is_spent_and_not_taken_from_the_lease(void **state)
{
	struct flush_test *x = *state;
	uint64_t id = set_budget(x, BUDGET_CUSTOMER, BUDGET_TOTAL, USD / 10);

	rig_begin(x->j);
	assert_int_equal(lease(x, id, journal_id(x->j->j)->b, 2 * HOLD),
	    2 * HOLD);
	request(x, 1, id, 3 * HOLD);

	assert_int_equal(pass(x), 1);

	assert_int_equal(spent_in(x, id, BUDGET_TOTAL, clock_now_ms()),
	    3 * HOLD);
	assert_int_equal(leased(x, id), HOLD);
}

/* B7: released or settled, and never both. */
static void
worker_killed__its_lease_goes_with_its_series(void **state)
{
	struct flush_test *x = *state;
	uint64_t id = set_budget(x, BUDGET_CUSTOMER, BUDGET_TOTAL, USD / 10);
	const uint8_t other[16] = { 7 };

	rig_begin(x->j);
	assert_int_equal(lease(x, id, journal_id(x->j->j)->b, 5 * HOLD),
	    5 * HOLD);
	assert_int_equal(lease(x, id, other, 5 * HOLD), 5 * HOLD);
	assert_int_equal(lease(x, id, other, 1), 0); /* nothing is left */
	request(x, 1, id, HOLD / 2);
	request(x, 2, id, -1);
	assert_int_equal(pass(x), 1);
	assert_int_equal(lease(x, id, other, 1), 0); /* it may still settle */

	rig_crash(x->j);
	assert_int_equal(pass(x), 1);

	assert_int_equal(spent_in(x, id, BUDGET_TOTAL, clock_now_ms()),
	    HOLD / 2);
	assert_int_equal(leased(x, id), 5 * HOLD);
	assert_int_equal(lease(x, id, other, 5 * HOLD - HOLD / 2),
	    5 * HOLD - HOLD / 2);
	assert_int_equal(pass(x), 0);
	assert_int_equal(n_differences(x), 0);
}

/* B39: the period of a request is that of its admission. */
static void
flush__at_midnight__each_day_has_its_own(void **state)
{
	struct flush_test *x = *state;
	uint64_t id = set_budget(x, BUDGET_CUSTOMER, BUDGET_DAY, USD);
	int64_t today_ms = clock_now_ms() - clock_now_ms() % DAY_MS;
	const int64_t starts_ms[] = { today_ms - 1, today_ms };

	rig_begin(x->j);
	for (uint64_t i = 0; i < 2; i++) {
		struct journal_open o = open_of(x, 1 + i);
		struct journal_settle s = settle_of(x, 1 + i);
		uint32_t slot;

		o.start_ms = starts_ms[i];
		s.cost_pusd = HOLD + (int64_t)i;
		assert_ok(journal_write_open(x->j->j, &o, &slot, &x->e));
		assert_ok(journal_write_settle(x->j->j, slot, &s, &x->e));
	}
	assert_int_equal(pass(x), 2);

	assert_int_equal(spent_in(x, id, BUDGET_DAY, starts_ms[0]), HOLD);
	assert_int_equal(spent_in(x, id, BUDGET_DAY, starts_ms[1]), HOLD + 1);
	assert_int_equal(n_differences(x), 0);
}

static void
budget_set__in_the_middle__begins_with_what_was_spent(void **state)
{
	struct flush_test *x = *state;
	uint64_t id, again;

	rig_begin(x->j);
	request(x, 1, 0, HOLD);
	assert_int_equal(pass(x), 1);
	id = set_budget(x, BUDGET_CUSTOMER, BUDGET_TOTAL, USD);
	assert_int_equal(spent_in(x, id, BUDGET_TOTAL, clock_now_ms()), HOLD);

	again = set_budget(x, BUDGET_CUSTOMER, BUDGET_TOTAL, 2 * USD);
	assert_int_equal(again, id);
	again = set_budget(x, BUDGET_CUSTOMER, BUDGET_MONTH, USD);
	assert_true(again != id);
	assert_int_equal(spent_in(x, id, BUDGET_TOTAL, clock_now_ms()), -1);
}

static void
reconcile__spent_altered__is_found(void **state)
{
	struct flush_test *x = *state;
	uint64_t id = set_budget(x, BUDGET_CUSTOMER, BUDGET_TOTAL, USD);

	rig_begin(x->j);
	request(x, 1, id, HOLD);
	assert_int_equal(pass(x), 1);
	assert_int_equal(n_differences(x), 0);
	fixture_sql(x->db, "UPDATE budget_periods SET spent_usd = spent_usd + "
			   "0.000000000001");
	assert_true(n_differences(x) > 0);
	fixture_sql(x->db, "UPDATE budget_periods SET spent_usd = spent_usd - "
			   "0.000000000001");
}

/* What is older than a week goes, but what somebody holds of it; usage that
 * comes later brings it back, and nobody is told of that. */
static void
retention__past_periods__go_and_come_back_with_late_usage(void **state)
{
	struct flush_test *x = *state;
	uint64_t id = set_budget(x, BUDGET_CUSTOMER, BUDGET_DAY, HOLD);
	uint64_t total = set_budget(x, BUDGET_BALANCE, BUDGET_TOTAL, 0);
	int64_t long_ago_ms = clock_now_ms() - 60 * DAY_MS;
	const uint64_t week_s = RETENTION_MIN_MS / 1000;
	char lease_it[200], count[160];
	uint64_t n;

	rig_begin(x->j);
	for (uint64_t i = 0; i < 3; i++) {
		struct journal_open o = open_of(x, 1 + i);
		struct journal_settle s = settle_of(x, 1 + i);
		uint32_t slot;

		o.start_ms = i < 2 ? long_ago_ms : clock_now_ms();
		s.cost_pusd = HOLD;
		if (i == 1) {
			/* The period is there, and partly leased. */
			(void)snprintf(lease_it, sizeof(lease_it),
			    "INSERT INTO budget_leases (budget_id, "
			    "period_start, series, leased_usd) SELECT "
			    "budget_id, period_start, '1234567890123456', 1 "
			    "FROM budget_periods WHERE budget_id = %llu AND "
			    "spent_usd > 0",
			    (unsigned long long)id);
			fixture_sql(x->db, lease_it);
			assert_ok(retention_budgets(x->db, week_s, &n, &x->e));
			assert_int_equal(n, 0);
			fixture_sql(x->db,
			    "UPDATE budget_leases SET leased_usd = 0");
			assert_ok(
			    retention_budgets(x->db, 70 * 86400, &n, &x->e));
			assert_int_equal(n, 0);
			assert_ok(retention_budgets(x->db, week_s, &n, &x->e));
			assert_int_equal(n, 1);
			assert_int_equal(spent_in(x, id, BUDGET_DAY,
					     long_ago_ms),
			    -1);
		}
		assert_ok(journal_write_open(x->j->j, &o, &slot, &x->e));
		assert_ok(journal_write_settle(x->j->j, slot, &s, &x->e));
		assert_int_equal(pass(x), 1);
	}
	assert_int_equal(spent_in(x, id, BUDGET_DAY, long_ago_ms), 2 * HOLD);
	assert_int_equal(spent_in(x, total, BUDGET_TOTAL, 0), 3 * HOLD);
	assert_int_equal(n_differences(x), 0);
	(void)snprintf(count, sizeof(count),
	    "SELECT COUNT(*) FROM notices WHERE kind = 'budget.reached' AND "
	    "customer_id = %llu",
	    (unsigned long long)x->customer_id);
	assert_int_equal(fixture_number(x->db, count), 2); /* of today */
}

static enum err
credit_txn(struct db *db, void *arg, struct error *e)
{
	struct flush_test *x = arg;
	const struct ledger_change post = { x->customer_id, USD, S("credit") };

	return store_ledger_credit(db, &post, &x->a, e);
}

/* B3: all balances together stay 0. */
static void
credit__moves_between_the_customers_accounts(void **state)
{
	struct flush_test *x = *state;
	struct ledger_account *v = NULL;
	int64_t balance_pusd, sum_pusd = 0;
	size_t n = 0;

	assert_ok(db_txn(x->db, credit_txn, x, &x->e));

	assert_ok(store_ledger_balance(x->db, x->customer_id, &x->a,
	    &balance_pusd, &x->e));
	assert_int_equal(balance_pusd, USD);
	assert_ok(
	    store_ledger_accounts(x->db, x->customer_id, &x->a, &v, &n, &x->e));
	for (size_t i = 0; i < n; i++)
		sum_pusd += v[i].balance_pusd;
	assert_int_equal(sum_pusd, 0);
	assert_int_equal(db_txn(x->db, credit_txn, x, &x->e), ERR_CONFLICT);
}

#define N_KEYS 150 /* more than one statement asks for */

/* The statement with the customer's id behind it. */
static const char *
of_customer(struct flush_test *x, const char *statement)
{
	struct str text = arena_printf(&x->a, "%s%llu", statement,
	    (unsigned long long)x->customer_id);

	assert_non_null(text.p);
	return text.p;
}

static uint64_t
number(struct flush_test *x, const char *statement)
{
	return fixture_number(x->db, of_customer(x, statement));
}

/* Keys of the customer, each with a budget; the id of the first, and the
 * others' follow. */
static uint64_t
make_keys(struct flush_test *x)
{
	uint64_t first;

	fixture_sql(x->db,
	    of_customer(x,
		"INSERT INTO api_keys (customer_id, user_id, public_id, "
		"api_key_secret, pepper_id, name, scopes, all_models, "
		"is_active) SELECT u.customer_id, u.user_id, "
		"LPAD(CONV(u.customer_id * 1000 + seq, 10, 36), 10, '0'), "
		"UNHEX(SHA2(CONCAT(u.customer_id, '-', seq), 256)), 1, "
		"CONCAT('key-', seq), 'infer', 1, 1 FROM seq_1_to_150 "
		"JOIN users u ON u.customer_id = "));
	fixture_sql(x->db,
	    of_customer(x,
		"INSERT INTO budgets (customer_id, scope, scope_id, "
		"api_key_id, kind, period, amount_usd, notify_at_percent) "
		"SELECT customer_id, 'key', api_key_id, api_key_id, 'hard', "
		"'total', 1, '' FROM api_keys WHERE customer_id = "));
	first = number(x,
	    "SELECT MIN(api_key_id) FROM api_keys WHERE customer_id = ");
	assert_int_equal(number(x, "SELECT MAX(api_key_id) FROM api_keys WHERE "
				   "customer_id = "),
	    first + N_KEYS - 1);
	return first;
}

static void
request_of_key(struct flush_test *x, uint64_t n, uint64_t api_key_id)
{
	struct journal_open o = open_of(x, n);
	struct journal_settle s = settle_of(x, n);
	uint32_t slot;

	o.api_key_id = api_key_id;
	s.cost_pusd = HOLD;
	assert_ok(journal_write_open(x->j->j, &o, &slot, &x->e));
	assert_ok(journal_write_settle(x->j->j, slot, &s, &x->e));
}

static void
flush__keys_with_a_budget_each__each_has_its_own(void **state)
{
	struct flush_test *x = *state;
	uint64_t first = make_keys(x);

	rig_begin(x->j);
	for (uint64_t i = 0; i < N_KEYS; i++)
		request_of_key(x, 1 + i, first + i);
	assert_int_equal(pass(x), N_KEYS);
	request_of_key(x, N_KEYS + 1, first + N_KEYS - 1);
	assert_int_equal(pass(x), 1);

	assert_int_equal(number(x,
			     "SELECT COUNT(*) FROM budget_periods p JOIN "
			     "budgets b ON b.budget_id = p.budget_id WHERE "
			     "p.spent_usd = 0.01 AND b.customer_id = "),
	    N_KEYS - 1);
	assert_int_equal(number(x,
			     "SELECT b.api_key_id FROM budget_periods p JOIN "
			     "budgets b ON b.budget_id = p.budget_id WHERE "
			     "p.spent_usd = 0.02 AND b.customer_id = "),
	    first + N_KEYS - 1);
	assert_int_equal(n_differences(x), 0);
}

/* A worker asks for a lease with little memory. */
static void
lease__customer_with_many_budgets__reads_one(void **state)
{
	struct flush_test *x = *state;
	struct budget_lease l = { .customer_id = x->customer_id,
		.min_pusd = HOLD,
		.want_pusd = HOLD,
		.need_pusd = HOLD };
	const uint8_t series[16] = { 9 };
	struct arena a;

	(void)make_keys(x);
	l.budget_id = number(x,
	    "SELECT MAX(budget_id) FROM budgets WHERE customer_id = ");
	l.span = budget_span_of(l.budget_id, BUDGET_TOTAL, clock_now_ms());
	arena_init(&a, KIB(4));

	assert_ok(budget_lease_take(x->db, series, &l, &a, &x->e));

	assert_true(l.granted_pusd >= HOLD);
	arena_fini(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FLUSH_TEST(flush__what_is_held__moves_from_lease_to_spent),
		FLUSH_TEST(
		    flush__cost_beyond_hold__is_spent_and_not_taken_from_the_lease),
		FLUSH_TEST(worker_killed__its_lease_goes_with_its_series),
		FLUSH_TEST(flush__at_midnight__each_day_has_its_own),
		FLUSH_TEST(
		    budget_set__in_the_middle__begins_with_what_was_spent),
		FLUSH_TEST(reconcile__spent_altered__is_found),
		FLUSH_TEST(
		    retention__past_periods__go_and_come_back_with_late_usage),
		FLUSH_TEST(credit__moves_between_the_customers_accounts),
		FLUSH_TEST(flush__keys_with_a_budget_each__each_has_its_own),
		FLUSH_TEST(lease__customer_with_many_budgets__reads_one),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
