/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include "domain/price_feed.h"

static struct arena a;
static struct error e;

static int
setup(void **state)
{
	(void)state;
	arena_init(&a, MIB(64));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_fini(&a);
	return 0;
}

static struct price_feed
feed_of(const char *text)
{
	struct price_feed f;

	assert_ok(price_feed_read(str_from(text), &a, &f, &e));
	return f;
}

/* One entry with these members. */
static struct price_feed_entry
entry_of(const char *members)
{
	struct price_feed f = feed_of(
	    arena_cstr(&a, arena_printf(&a, "{\"m\": {%s}}", members)));

	assert_int_equal(f.n, 1);
	return f.entries[0];
}

static void
price_feed__all_prices__are_exact_and_in_their_class(void **state)
{
	struct price_feed_entry x = entry_of(
	    "\"input_cost_per_token\": 1.5e-07, "
	    "\"cache_read_input_token_cost\": 7.5E-8, "
	    "\"cache_creation_input_token_cost\": 0.000000375, "
	    "\"input_cost_per_audio_token\": 1e-05, "
	    "\"output_cost_per_token\": 6e-07, "
	    "\"output_cost_per_reasoning_token\": 3.000000e-06, "
	    "\"output_cost_per_audio_token\": 2e-05, "
	    "\"output_cost_per_image_token\": 3e-5, "
	    "\"input_cost_per_token_above_200k_tokens\": 3e-07, "
	    "\"output_cost_per_token_above_200k_tokens\": 1.2e-06, "
	    "\"cache_read_input_token_cost_above_200k_tokens\": 1.5e-07, "
	    "\"input_cost_per_request\": 0.005, "
	    "\"max_input_tokens\": 1048576, \"max_tokens\": 65535, "
	    "\"litellm_provider\": \"vertex\", \"mode\": \"chat\", "
	    "\"supports_vision\": true");
	const int64_t(*tok)[TOK_CLASS__MAX] =
	    (const int64_t(*)[TOK_CLASS__MAX])x.price.tok_pusd;

	(void)state;
	assert_null(x.unusable.p);
	assert_int_equal(tok[TOK_NORMAL][TOK_IN], 150000);
	assert_int_equal(tok[TOK_NORMAL][TOK_IN_CACHED], 75000);
	assert_int_equal(tok[TOK_NORMAL][TOK_CACHE_WRITE], 375000);
	assert_int_equal(tok[TOK_NORMAL][TOK_IN_AUDIO], 10000000);
	assert_int_equal(tok[TOK_NORMAL][TOK_OUT], 600000);
	assert_int_equal(tok[TOK_NORMAL][TOK_OUT_REASONING], 3000000);
	assert_int_equal(tok[TOK_NORMAL][TOK_OUT_AUDIO], 20000000);
	assert_int_equal(tok[TOK_NORMAL][TOK_OUT_IMAGE], 30000000);
	assert_int_equal(tok[TOK_LONG][TOK_IN], 300000);
	assert_int_equal(tok[TOK_LONG][TOK_IN_CACHED], 150000);
	assert_int_equal(tok[TOK_LONG][TOK_CACHE_WRITE], 300000);
	assert_int_equal(tok[TOK_LONG][TOK_OUT], 1200000);
	assert_int_equal(tok[TOK_LONG][TOK_OUT_REASONING], 1200000);
	assert_int_equal(x.price.request_pusd, 5000000000);
	assert_true(x.has_long);
	assert_int_equal(x.long_threshold_tok, 200000);
	assert_int_equal(x.max_input_tok, 1048576);
	assert_str_is(x.provider, "vertex");
	assert_int_equal(x.n_ignored, 0);
}

static void
price_feed__left_out__follows_and_no_long_context_is_normal(void **state)
{
	struct price_feed_entry x = entry_of("\"input_cost_per_token\": 2e-06, "
					     "\"output_cost_per_token\": 0, "
					     "\"input_cost_per_audio_token\": "
					     "null");

	(void)state;
	assert_null(x.unusable.p);
	for (int i = 0; i < TOK_CONTEXT__MAX; i++)
		for (int c = 0; c < TOK_CLASS__MAX; c++)
			assert_int_equal(x.price.tok_pusd[i][c],
			    c < TOK_CLASS_FIRST_OUT ? 2000000 : 0);
	assert_false(x.has_long);
	assert_int_equal(x.price.request_pusd, 0);
	x = entry_of(
	    "\"mode\": \"embedding\", \"input_cost_per_token\": 2e-08");
	assert_null(x.unusable.p);
	assert_int_equal(x.price.tok_pusd[TOK_NORMAL][TOK_OUT], 0);
}

static void
price_feed__what_it_does_not_know__is_named(void **state)
{
	struct price_feed_entry x = entry_of(
	    "\"input_cost_per_token\": 1e-06, \"output_cost_per_token\": 1e-06, "
	    "\"input_cost_per_token_above_128k_tokens\": 2e-06, "
	    "\"output_cost_per_token_above_200k_tokens\": 2e-06, "
	    "\"cache_creation_input_token_cost_above_1hr\": 6e-06, "
	    "\"input_cost_per_token_batches\": 5e-07, "
	    "\"output_cost_per_second\": 0.1");

	(void)state;
	assert_null(x.unusable.p);
	assert_int_equal(x.long_threshold_tok, 128000);
	assert_int_equal(x.n_ignored, 4);
	assert_str_is(x.ignored[0], "output_cost_per_token_above_200k_tokens");
	assert_str_is(x.ignored[1],
	    "cache_creation_input_token_cost_above_1hr");
	assert_str_is(x.ignored[2], "input_cost_per_token_batches");
	assert_str_is(x.ignored[3], "output_cost_per_second");
	assert_int_equal(x.price.tok_pusd[TOK_LONG][TOK_OUT], 1000000);
}

static void
price_feed__entry_that_is_wrong__says_why_and_spares_the_others(void **state)
{
	static const struct {
		const char *members, *why;
	} cases[] = {
		{ "", "input_cost_per_token is missing" },
		{ "\"input_cost_per_token\": 1e-06",
		    "output_cost_per_token is missing" },
		{ "\"input_cost_per_token\": -1, \"output_cost_per_token\": 1",
		    "input_cost_per_token is -1: not 0 or more with at most "
		    "12 decimals" },
		{ "\"input_cost_per_token\": 1.23456789e-07, "
		  "\"output_cost_per_token\": 1",
		    "input_cost_per_token is 1.23456789e-07: not 0 or more "
		    "with at most 12 decimals" },
		{ "\"input_cost_per_token\": \"1e-06\", "
		  "\"output_cost_per_token\": 1",
		    "input_cost_per_token is no number" },
		{ "\"input_cost_per_token\": 1, \"input_cost_per_token\": 2, "
		  "\"output_cost_per_token\": 1",
		    "input_cost_per_token is there twice" },
		{ "\"input_cost_per_token\": 1e300, "
		  "\"output_cost_per_token\": 1",
		    "input_cost_per_token is 1e300: not 0 or more with at "
		    "most 12 decimals" },
	};
	struct price_feed f;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_str_is(entry_of(cases[i].members).unusable,
		    cases[i].why);
	f = feed_of("{\"sample_spec\": {\"input_cost_per_token\": \"USD\"}, "
		    "\"a\": 1, \"b\\u002fc\": {\"input_cost_per_token\": 0, "
		    "\"output_cost_per_token\": 0}}");
	assert_int_equal(f.n, 2);
	assert_str_is(f.entries[0].unusable, "it is no object");
	assert_str_is(f.entries[1].name, "b/c");
	assert_null(f.entries[1].unusable.p);
}

static void
price_feed__no_list__is_refused(void **state)
{
	static const struct {
		const char *text;
		enum err code;
	} cases[] = {
		{ "", ERR_BAD_JSON },
		{ "[]", ERR_BAD_PARAM },
		{ "{\"a\": {}", ERR_BAD_JSON },
		{ "{\"a\": 01}", ERR_BAD_JSON },
		{ "{\"a\":[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]}",
		    ERR_BAD_JSON },
	};
	struct price_feed f;
	struct str long_text = { "{}", PRICE_FEED_BYTES_MAX + 1 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(price_feed_read(str_from(cases[i].text), &a,
				     &f, &e),
		    cases[i].code);
	assert_int_equal(price_feed_read(long_text, &a, &f, &e), ERR_TOO_LARGE);
	assert_int_equal(feed_of("{}").n, 0);
}

static void
price_feed__no_memory__is_an_error_at_every_allocation(void **state)
{
	static const char text[] =
	    "{\"a\\/b\": {\"litellm_provider\": \"x\\u0041\", \"odd\": 1, "
	    "\"input_cost_per_token\": true}, \"c\": {\"odd\": 1}}";
	struct price_feed f;
	enum err err;
	size_t n = 0;

	(void)state;
	do {
		arena_fini(&a);
		arena_init(&a, MIB(1));
		a.fail_at = ++n;
		err = price_feed_read(str_from(text), &a, &f, &e);
		assert_true(err == OK || err == a.sticky);
	} while (err);
	assert_true(n > 4);
}

#define FEED_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FEED_TEST(price_feed__all_prices__are_exact_and_in_their_class),
		FEED_TEST(
		    price_feed__left_out__follows_and_no_long_context_is_normal),
		FEED_TEST(price_feed__what_it_does_not_know__is_named),
		FEED_TEST(
		    price_feed__entry_that_is_wrong__says_why_and_spares_the_others),
		FEED_TEST(price_feed__no_list__is_refused),
		FEED_TEST(
		    price_feed__no_memory__is_an_error_at_every_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
