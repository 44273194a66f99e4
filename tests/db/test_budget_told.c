/* SPDX-License-Identifier: MIT */
/* What customers are told of their budgets and balances, on a real server. */
#include "db/fixture_budget.h"

#include <stdio.h>

#include "base/clock.h"
#include "domain/budget_lease.h"
#include "domain/budget_period.h"
#include "domain/credit.h"

static void
credit(struct flush_test *x, int64_t pusd)
{
	const struct manager m = { .db = x->db,
		.now_ms = clock_now_ms(),
		.audit = { .actor = AUDIT_COMMAND } };
	struct credit c = { .customer_id = x->customer_id,
		.amount_pusd = pusd };

	assert_ok(credit_add(&m, &c, &x->a, &x->e));
}

static void
set_mark(struct flush_test *x, const char *usd)
{
	char text[120];

	(void)snprintf(text, sizeof(text),
	    "UPDATE customers SET low_balance_usd = %s WHERE customer_id = "
	    "%llu",
	    usd, (unsigned long long)x->customer_id);
	fixture_sql(x->db, text);
}

static uint64_t
n_told(struct flush_test *x)
{
	char text[120];

	(void)snprintf(text, sizeof(text),
	    "SELECT COUNT(*) FROM notices WHERE kind = 'balance.low' AND "
	    "customer_id = %llu",
	    (unsigned long long)x->customer_id);
	return fixture_number(x->db, text);
}

/* A request of that cost is booked. */
static void
use(struct flush_test *x, uint64_t n, int64_t cost_pusd)
{
	request(x, n, 0, cost_pusd);
	assert_int_equal(pass(x), 1);
}

static void
balance__falls_below_its_mark__is_told_once_until_it_was_lifted(void **state)
{
	struct flush_test *x = *state;

	(void)set_budget(x, BUDGET_BALANCE, BUDGET_TOTAL, 0);
	set_mark(x, "0.03");
	rig_begin(x->j);

	credit(x, HOLD); /* not to the mark: it never was there */
	assert_int_equal(n_told(x), 0);
	credit(x, 4 * HOLD);
	use(x, 1, 2 * HOLD);
	assert_int_equal(n_told(x), 0); /* at the mark */
	use(x, 2, 1);
	assert_int_equal(n_told(x), 1);
	use(x, 3, HOLD);
	credit(x, HOLD / 2); /* still below */
	use(x, 4, 1);
	assert_int_equal(n_told(x), 1);

	credit(x, 2 * HOLD);
	assert_int_equal(n_told(x), 1);
	use(x, 5, 2 * HOLD);
	assert_int_equal(n_told(x), 2);
	credit(x, 9 * HOLD);
	credit(x, -9 * HOLD); /* to where it was: that was told */
	assert_int_equal(n_told(x), 2);
	credit(x, 9 * HOLD);
	credit(x, -10 * HOLD);
	assert_int_equal(n_told(x), 3);
	assert_int_equal(n_differences(x), 0);
}

static void
balance__without_a_mark__is_told_of_by_nobody(void **state)
{
	struct flush_test *x = *state;

	(void)set_budget(x, BUDGET_BALANCE, BUDGET_TOTAL, 0);
	set_mark(x, "0");
	rig_begin(x->j);
	credit(x, HOLD);
	use(x, 1, 2 * HOLD); /* and it owes */
	assert_int_equal(n_told(x), 0);
}

/* The sum of the percentages of budgets that the customer was told of. */
static uint64_t
reached(struct flush_test *x)
{
	char text[200];

	(void)snprintf(text, sizeof(text),
	    "SELECT CAST(COALESCE(SUM(SUBSTRING_INDEX(cause, ':', -1)), 0) AS "
	    "UNSIGNED) FROM notices WHERE kind = 'budget.reached' AND "
	    "customer_id = %llu",
	    (unsigned long long)x->customer_id);
	return fixture_number(x->db, text);
}

/* Refused by several workers, each of which asks and may tell. */
static void
ask_in_vain(struct flush_test *x, uint64_t budget_id, int64_t least_pusd)
{
	for (uint8_t i = 1; i < 4; i++) {
		const uint8_t series[16] = { i };
		struct budget_lease l = {
			.budget_id = budget_id,
			.customer_id = x->customer_id,
			.span = budget_span_of(budget_id, BUDGET_TOTAL,
			    clock_now_ms()),
			.min_pusd = least_pusd,
			.want_pusd = least_pusd,
			.need_pusd = least_pusd,
			.least_pusd = least_pusd,
		};

		assert_ok(budget_lease_take(x->db, series, &l, &x->a, &x->e));
		assert_int_equal(l.granted_pusd, 0);
	}
}

static void
lease__rest_covers_no_request__its_end_is_told_once(void **state)
{
	struct flush_test *x = *state;
	uint64_t id = set_budget(x, BUDGET_CUSTOMER, BUDGET_TOTAL, 40 * HOLD);

	rig_begin(x->j);
	ask_in_vain(x, id, 41 * HOLD); /* huge, and nothing is spent */
	use(x, 1, 37 * HOLD);
	ask_in_vain(x, id, 4 * HOLD); /* more than a twentieth is left */
	assert_int_equal(reached(x), 50);
	use(x, 2, 2 * HOLD);
	assert_int_equal(lease(x, id, journal_id(x->j->j)->b, HOLD / 2),
	    HOLD / 2);
	ask_in_vain(x, id, HOLD); /* others hold what it wants */
	assert_int_equal(reached(x), 50);
	ask_in_vain(x, id, 2 * HOLD);
	ask_in_vain(x, id, 2 * HOLD);
	assert_int_equal(reached(x), 50 + 100);
	use(x, 3, HOLD);
	assert_int_equal(reached(x), 50 + 100);
	assert_int_equal(n_differences(x), 0);
}

static void
lease__end_was_told__stays_so_without_the_notice(void **state)
{
	struct flush_test *x = *state;
	uint64_t id = set_budget(x, BUDGET_CUSTOMER, BUDGET_TOTAL, 40 * HOLD);

	rig_begin(x->j);
	use(x, 1, 39 * HOLD + HOLD / 2);
	assert_int_equal(reached(x), 50);
	ask_in_vain(x, id, HOLD);
	assert_int_equal(reached(x), 50 + 100);
	fixture_sql(x->db, "DELETE FROM notices");
	ask_in_vain(x, id, HOLD);
	assert_int_equal(reached(x), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FLUSH_TEST(
		    balance__falls_below_its_mark__is_told_once_until_it_was_lifted),
		FLUSH_TEST(balance__without_a_mark__is_told_of_by_nobody),
		FLUSH_TEST(lease__rest_covers_no_request__its_end_is_told_once),
		FLUSH_TEST(lease__end_was_told__stays_so_without_the_notice),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
