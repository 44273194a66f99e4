/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include "domain/price.h"
#include "store/price.h"

/* Every class has a price of its own: 1, 2, 3 … pico-USD, long context
 * ten times that. */
static struct price
distinct_prices(void)
{
	struct price p = { .request_pusd = 1000000 };

	for (int class = 0; class < TOK_CLASS__MAX; class ++) {
		p.tok_pusd[TOK_NORMAL][class] = class + 1;
		p.tok_pusd[TOK_LONG][class] = 10 * (class + 1);
	}
	return p;
}

static void
price_cost__each_class__has_its_own_price(void **state)
{
	struct price p = distinct_prices();

	(void)state;
	for (int context = 0; context < TOK_CONTEXT__MAX; context++) {
		for (int class = 0; class < TOK_CLASS__MAX; class ++) {
			struct tokens t = { 0 };
			struct cost cost;
			struct error e;

			t.tok[context][class] = 7;
			assert_ok(price_cost(&p, &t, 1000000, &cost, &e));
			assert_int_equal(cost.provider_pusd,
			    1000000 + 7 * p.tok_pusd[context][class]);
			assert_int_equal(cost.charged_pusd, cost.provider_pusd);
		}
	}
}

static void
price_cost__markup__is_rounded_half_even_once(void **state)
{
	struct price p = { 0 };
	struct tokens t = { 0 };
	struct cost cost;
	struct error e;

	(void)state;
	p.tok_pusd[TOK_NORMAL][TOK_IN] = 1;
	p.tok_pusd[TOK_NORMAL][TOK_OUT] = 2;
	t.tok[TOK_NORMAL][TOK_IN] = 1;
	t.tok[TOK_NORMAL][TOK_OUT] = 1;

	/* 3 x 1.5 = 4.5 -> 4; rounding each part would give 2 + 3. */
	assert_ok(price_cost(&p, &t, 1500000, &cost, &e));
	assert_int_equal(cost.charged_pusd, 4);
	assert_int_equal(cost.provider_pusd, 3);
}

static void
price_cost__overflow__is_an_error_and_no_amount(void **state)
{
	struct price p = { 0 };
	struct tokens t = { 0 };
	struct cost cost = { 42, 42 };
	struct error e;

	(void)state;
	p.tok_pusd[TOK_NORMAL][TOK_OUT] = INT64_MAX / 2;
	t.tok[TOK_NORMAL][TOK_OUT] = 3;

	assert_int_equal(price_cost(&p, &t, 1000000, &cost, &e),
	    ERR_MONEY_RANGE);
	assert_int_equal(cost.charged_pusd, 42);
}

static void
tokens_apply_threshold__beyond__moves_the_whole_request(void **state)
{
	struct tokens t = { 0 };

	(void)state;
	t.tok[TOK_NORMAL][TOK_IN] = 90;
	t.tok[TOK_NORMAL][TOK_IN_CACHED] = 11;
	t.tok[TOK_NORMAL][TOK_OUT] = 5;

	tokens_apply_threshold(&t, 101);
	assert_int_equal(t.tok[TOK_NORMAL][TOK_IN], 90);
	tokens_apply_threshold(&t, -1);
	assert_int_equal(t.tok[TOK_NORMAL][TOK_IN], 90);
	tokens_apply_threshold(&t, 100);

	assert_int_equal(t.tok[TOK_NORMAL][TOK_IN], 0);
	assert_int_equal(t.tok[TOK_LONG][TOK_IN], 90);
	assert_int_equal(t.tok[TOK_LONG][TOK_IN_CACHED], 11);
	assert_int_equal(t.tok[TOK_LONG][TOK_OUT], 5);
	assert_int_equal(tokens_in(&t), 101);
	assert_int_equal(tokens_out(&t), 5);
}

static void
price__no_token__owes_the_request_where_it_was_work(void **state)
{
	struct price p = distinct_prices();
	struct tokens none = { 0 }, some = { 0 };
	struct cost cost;
	struct error e;

	(void)state;
	some.tok[TOK_NORMAL][TOK_IN] = 1;

	assert_ok(price_charge(&p, &none, 1000000, &cost, &e));
	assert_int_equal(cost.charged_pusd, 0);
	for (unsigned s = 0; s < USAGE_STATUS__MAX; s++) {
		assert_ok(price_reported(&p, &none, (enum usage_status)s,
		    2000000, &cost, &e));
		assert_int_equal(cost.charged_pusd,
		    s == USAGE_OK ? 2000000 : 0);
		assert_ok(price_reported(&p, &some, (enum usage_status)s,
		    2000000, &cost, &e));
		assert_int_equal(cost.charged_pusd, 2000002);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(price_cost__each_class__has_its_own_price),
		cmocka_unit_test(price_cost__markup__is_rounded_half_even_once),
		cmocka_unit_test(
		    price__no_token__owes_the_request_where_it_was_work),
		cmocka_unit_test(
		    price_cost__overflow__is_an_error_and_no_amount),
		cmocka_unit_test(
		    tokens_apply_threshold__beyond__moves_the_whole_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
