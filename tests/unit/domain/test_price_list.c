/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include "domain/price_list.h"
#include "store/price.h"

static struct error e;

static void
price_read_all__left_out__follows_from_what_is_there(void **state)
{
	struct str texts[TOK_CONTEXT__MAX][TOK_CLASS__MAX] = { 0 };
	struct price p = { .request_pusd = 7 };

	(void)state;
	texts[TOK_NORMAL][TOK_IN] = S("0.15");
	texts[TOK_NORMAL][TOK_IN_CACHED] = S("0.075");
	texts[TOK_NORMAL][TOK_OUT] = S("0.6");
	texts[TOK_LONG][TOK_IN] = S("1");
	assert_ok(price_read_all(texts, false, &p, &e));
	assert_int_equal(p.tok_pusd[TOK_NORMAL][TOK_IN], 150000);
	assert_int_equal(p.tok_pusd[TOK_NORMAL][TOK_IN_CACHED], 75000);
	assert_int_equal(p.tok_pusd[TOK_NORMAL][TOK_CACHE_WRITE], 150000);
	assert_int_equal(p.tok_pusd[TOK_NORMAL][TOK_OUT_REASONING], 600000);
	assert_int_equal(p.tok_pusd[TOK_LONG][TOK_IN_CACHED], 1000000);
	assert_int_equal(p.tok_pusd[TOK_LONG][TOK_OUT_IMAGE], 600000);
	assert_int_equal(p.request_pusd, 7);
}

static void
price_read_all__bad_or_missing__is_named_and_changes_nothing(void **state)
{
	struct str texts[TOK_CONTEXT__MAX][TOK_CLASS__MAX] = { 0 };
	struct price p = { .request_pusd = 7 };

	(void)state;
	texts[TOK_NORMAL][TOK_IN] = S("1");
	assert_int_equal(price_read_all(texts, false, &p, &e), ERR_BAD_PARAM);
	assert_string_equal(e.param, "output");
	texts[TOK_NORMAL][TOK_OUT] = S("1");
	texts[TOK_LONG][TOK_OUT_AUDIO] = S("-1");
	assert_int_equal(price_read_all(texts, false, &p, &e), ERR_BAD_PARAM);
	assert_string_equal(e.param, "long_audio_output");
	texts[TOK_LONG][TOK_OUT_AUDIO] = S("0.0000001");
	assert_int_equal(price_read_all(texts, false, &p, &e), ERR_BAD_PARAM);
	assert_int_equal(p.tok_pusd[TOK_NORMAL][TOK_IN], 0);
	assert_ok(price_read_all(texts, true, &p, &e));
	assert_int_equal(p.tok_pusd[TOK_LONG][TOK_OUT_AUDIO], 100000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    price_read_all__left_out__follows_from_what_is_there),
		cmocka_unit_test(
		    price_read_all__bad_or_missing__is_named_and_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
