/* SPDX-License-Identifier: MIT */
/* The arithmetic of budgets: periods (CHECKLIST B39), what a request holds,
 * how large a slab is, what is told. */
#include "support/cmocka_tg.h"

#include "base/clock.h"
#include "domain/budget_lease.h"
#include "domain/budget_notice.h"
#include "domain/budget_period.h"
#include "domain/budget_quote.h"
#include "domain/price.h"
#include "store/price.h"

#define USD INT64_C(1000000000000)

static int64_t
at(const char *text)
{
	int64_t ms;

	assert_true(clock_parse(str_from(text), &ms));
	return ms;
}

static void
assert_span(enum budget_period period, const char *when, const char *start,
    const char *end)
{
	struct budget_span s = budget_span_of(7, period, at(when));

	assert_int_equal(s.budget_id, 7);
	assert_int_equal(s.start_ms, at(start));
	assert_int_equal(s.end_ms, at(end));
	assert_int_equal(budget_resets_ms(period, at(when)), at(end));
}

static void
budget_span__days__end_at_midnight_utc(void **state)
{
	(void)state;
	assert_span(BUDGET_DAY, "2026-11-26T23:59:59.999Z", "2026-11-26",
	    "2026-11-27");
	assert_span(BUDGET_DAY, "2026-11-27T00:00:00Z", "2026-11-27",
	    "2026-11-28");
	/* a day on which clocks are changed in many places */
	assert_span(BUDGET_DAY, "2026-03-29T02:30:00Z", "2026-03-29",
	    "2026-03-30");
}

static void
budget_span__months__have_their_lengths(void **state)
{
	(void)state;
	assert_span(BUDGET_MONTH, "2026-12-31T23:59:59.999Z", "2026-12-01",
	    "2027-01-01");
	assert_span(BUDGET_MONTH, "2027-01-01T00:00:00Z", "2027-01-01",
	    "2027-02-01");
	assert_span(BUDGET_MONTH, "2028-02-29T12:00:00Z", "2028-02-01",
	    "2028-03-01");
	assert_span(BUDGET_DAY, "2028-02-29T12:00:00Z", "2028-02-29",
	    "2028-03-01");
	assert_span(BUDGET_DAY, "2027-02-28T12:00:00Z", "2027-02-28",
	    "2027-03-01");
}

static void
budget_span__weeks__begin_on_monday(void **state)
{
	(void)state;
	/* 2026-W53 runs into 2027 */
	assert_span(BUDGET_WEEK, "2026-12-28T00:00:00Z", "2026-12-28",
	    "2027-01-04");
	assert_span(BUDGET_WEEK, "2027-01-03T23:59:59.999Z", "2026-12-28",
	    "2027-01-04");
	assert_span(BUDGET_WEEK, "2027-01-04T00:00:00Z", "2027-01-04",
	    "2027-01-11");
	assert_span(BUDGET_WEEK, "2026-12-27T23:59:59.999Z", "2026-12-21",
	    "2026-12-28");
}

static void
budget_span__total__never_ends(void **state)
{
	(void)state;
	assert_int_equal(budget_span_of(1, BUDGET_TOTAL, at("2026-01-01"))
			     .start_ms,
	    BUDGET_TOTAL_START_MS);
	assert_int_equal(budget_resets_ms(BUDGET_TOTAL, at("2026-01-01")), 0);
	assert_int_equal(BUDGET_TOTAL_START_MS, at("2000-01-01"));
	assert_int_equal(BUDGET_TOTAL_END_MS, at("9999-01-01"));
}

/* ---- what a request holds ---- */

static struct price
prices(void)
{
	struct price p = { .request_pusd = 5 };

	p.tok_pusd[TOK_NORMAL][TOK_IN] = 10;
	p.tok_pusd[TOK_NORMAL][TOK_IN_CACHED] = 1;
	p.tok_pusd[TOK_NORMAL][TOK_CACHE_WRITE] = 12;
	p.tok_pusd[TOK_NORMAL][TOK_OUT] = 30;
	p.tok_pusd[TOK_NORMAL][TOK_OUT_REASONING] = 40;
	p.tok_pusd[TOK_LONG][TOK_IN] = 20;
	p.tok_pusd[TOK_LONG][TOK_OUT] = 90;
	return p;
}

static void
budget_quote__each_token__is_its_dearest_class(void **state)
{
	struct price p = prices();
	struct budget_quote q = budget_quote_of(&p, 1000000, -1, 100, 1);

	(void)state;
	assert_int_equal(budget_quote_pusd(&q, 7), 100 * 12 + 7 * 40 + 5);
}

static void
budget_quote__many_answers__hold_prompt_and_output_for_each(void **state)
{
	struct price p = prices();
	struct budget_quote q = budget_quote_of(&p, 1000000, -1, 100, 3);

	(void)state;
	assert_int_equal(budget_quote_pusd(&q, 7), 3 * (100 * 12 + 7 * 40) + 5);
}

static void
budget_quote__prompt_beyond_threshold__is_long_context(void **state)
{
	struct price p = prices();
	struct budget_quote at_most = budget_quote_of(&p, 1000000, 100, 100, 1);
	struct budget_quote beyond = budget_quote_of(&p, 1000000, 100, 101, 1);

	(void)state;
	assert_int_equal(budget_quote_pusd(&at_most, 0), 100 * 12 + 5);
	assert_int_equal(budget_quote_pusd(&beyond, 2), 101 * 20 + 2 * 90 + 5);
}

/* What it holds is no less than what any classes cost, markup included. */
static void
budget_quote__never_below_what_is_charged(void **state)
{
	struct price p = prices();
	struct error e;

	(void)state;
	for (uint64_t markup = 1; markup < 3000000; markup += 333331) {
		struct budget_quote q = budget_quote_of(&p, markup, 1000, 9, 1);

		for (int in = 0; in < TOK_CLASS_FIRST_OUT; in++)
			for (int out = TOK_CLASS_FIRST_OUT;
			     out < TOK_CLASS__MAX; out++) {
				struct tokens t = { 0 };
				struct cost cost;

				t.tok[TOK_NORMAL][in] = 9;
				t.tok[TOK_NORMAL][out] = 4;
				assert_ok(
				    price_cost(&p, &t, markup, &cost, &e));
				assert_true(budget_quote_pusd(&q, 4) >=
					    cost.charged_pusd);
			}
	}
}

static void
budget_quote_affords__the_most_that_fits(void **state)
{
	struct price p = prices();
	struct budget_quote q = budget_quote_of(&p, 1500000, -1, 100, 2);

	(void)state;
	assert_int_equal(budget_quote_affords(&q, INT64_MAX, 4096), 4096);
	for (int64_t amount = budget_quote_pusd(&q, 1); amount < 20000;
	     amount += 37) {
		uint64_t n = budget_quote_affords(&q, amount, 4096);

		assert_true(budget_quote_pusd(&q, n) <= amount);
		assert_true(n == 4096 || budget_quote_pusd(&q, n + 1) > amount);
	}
}

static void
budget_quote__beyond_the_range__is_as_much_as_there_is(void **state)
{
	struct price p = { 0 };
	struct budget_quote q;

	(void)state;
	p.tok_pusd[TOK_NORMAL][TOK_OUT] = INT64_MAX / 2;
	q = budget_quote_of(&p, 1000000, -1, 0, 1);
	assert_int_equal(budget_quote_pusd(&q, 3), INT64_MAX);
	assert_int_equal(budget_quote_affords(&q, INT64_MAX / 2, 3), 1);
}

static void
budget_price_is_free__only_if_all_prices_are_0(void **state)
{
	struct price p = { 0 };

	(void)state;
	assert_true(budget_price_is_free(&p, 1000000));
	p.request_pusd = 1;
	assert_false(budget_price_is_free(&p, 1000000));
	assert_true(budget_price_is_free(&p, 0));
	p.request_pusd = 0;
	p.tok_pusd[TOK_LONG][TOK_OUT_IMAGE] = 1;
	assert_false(budget_price_is_free(&p, 1000000));
}

/* ---- slabs ---- */

static int64_t
size(int64_t min_pusd, int64_t want_pusd, int64_t left_pusd)
{
	const struct budget_lease l = { .min_pusd = min_pusd,
		.want_pusd = want_pusd,
		.need_pusd = want_pusd > 0 ? want_pusd : 1 };

	return budget_lease_size(&l, left_pusd);
}

static void
budget_lease_size__much_left__is_many_requests_worth(void **state)
{
	(void)state;
	assert_int_equal(size(10, 10, 1000000), 640);
}

static void
budget_lease_size__shrinks_to_what_one_request_needs(void **state)
{
	(void)state;
	assert_int_equal(size(10, 10, 1600), 100); /* a sixteenth */
	assert_int_equal(size(10, 10, 100), 10);
	assert_int_equal(size(10, 10, 10), 10); /* the last ones */
}

static void
budget_lease_size__never_more_than_is_left(void **state)
{
	(void)state;
	for (int64_t left = -5; left < 300; left++)
		for (int64_t min = -3; min < 40; min++)
			for (int64_t want = min; want < 50; want += 7) {
				int64_t n = size(min, want, left);

				assert_true(n >= 0 && (n == 0 || n <= left));
				assert_true(n == 0 || n >= min);
			}
	assert_int_equal(size(4, 10, 7), 7); /* less, if that is of use */
	assert_int_equal(size(8, 10, 7), 0);
	assert_int_equal(size(1, 10, 0), 0);
	assert_int_equal(size(1, 10, -4), 0);
}

/* ---- notices ---- */

static uint64_t
next(int64_t spent_pusd, uint64_t noticed)
{
	return budget_notice_next(S("50,80,100"), USD, spent_pusd, noticed);
}

static void
budget_notice_next__each_percentage__once_and_in_order(void **state)
{
	(void)state;
	assert_int_equal(next(USD / 2 - 1, 0), 0);
	assert_int_equal(next(USD / 2, 0), 50);
	assert_int_equal(next(USD / 2, 50), 0);
	assert_int_equal(next(USD, 0), 50); /* a jump tells all three */
	assert_int_equal(next(USD, 50), 80);
	assert_int_equal(next(USD, 80), 100);
	assert_int_equal(next(2 * USD, 100), 0);
	assert_int_equal(budget_notice_next(S(""), USD, USD, 0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(budget_span__days__end_at_midnight_utc),
		cmocka_unit_test(budget_span__months__have_their_lengths),
		cmocka_unit_test(budget_span__weeks__begin_on_monday),
		cmocka_unit_test(budget_span__total__never_ends),
		cmocka_unit_test(
		    budget_quote__each_token__is_its_dearest_class),
		cmocka_unit_test(
		    budget_quote__many_answers__hold_prompt_and_output_for_each),
		cmocka_unit_test(
		    budget_quote__prompt_beyond_threshold__is_long_context),
		cmocka_unit_test(budget_quote__never_below_what_is_charged),
		cmocka_unit_test(budget_quote_affords__the_most_that_fits),
		cmocka_unit_test(
		    budget_quote__beyond_the_range__is_as_much_as_there_is),
		cmocka_unit_test(
		    budget_price_is_free__only_if_all_prices_are_0),
		cmocka_unit_test(
		    budget_lease_size__much_left__is_many_requests_worth),
		cmocka_unit_test(
		    budget_lease_size__shrinks_to_what_one_request_needs),
		cmocka_unit_test(budget_lease_size__never_more_than_is_left),
		cmocka_unit_test(
		    budget_notice_next__each_percentage__once_and_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
