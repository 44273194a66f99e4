/* SPDX-License-Identifier: MIT */
/* Events of usage as they are read; what becomes of them is in
 * tests/wire/usage.t. */
#include "support/cmocka_tg.h"

#include <stdio.h>

#include "base/clock.h"
#include "domain/usage_add.h"

#define NOW INT64_C(1793491200000) /* 2026-11-01T00:00:00Z */

static struct error e;

static enum err
read_event(const char *text, struct usage_event *ret)
{
	const struct json *body;
	struct arena a;
	enum err err;

	arena_init(&a, KIB(64));
	error_clear(&e);
	err = json_parse_object(&a, str_from(text), 4, &body, &e);
	if (!err)
		err = usage_event_read(body, NOW, ret, &e);
	arena_fini(&a);
	return err;
}

static void
event__document_004s_names__are_its_counters(void **state)
{
	struct usage_event ev;

	(void)state;
	assert_ok(read_event("{\"user_id\":1,\"model_id\":2,\"agent_id\":3,"
			     "\"connector_id\":4,\"token_in_count\":1000,"
			     "\"token_in_cached_context_count\":200,"
			     "\"token_out_count\":800,"
			     "\"token_out_reasoning_count\":100,"
			     "\"long_context_token_out_image_count\":5}",
	    &ev));
	assert_int_equal(ev.user_id, 1);
	assert_int_equal(ev.model_id, 2);
	assert_int_equal(ev.agent_id, 3);
	assert_int_equal(ev.connector_id, 4);
	assert_int_equal(ev.tok[TOK_NORMAL][TOK_IN], 1000);
	assert_int_equal(ev.tok[TOK_NORMAL][TOK_IN_CACHED], 200);
	assert_int_equal(ev.tok[TOK_NORMAL][TOK_OUT], 800);
	assert_int_equal(ev.tok[TOK_NORMAL][TOK_OUT_REASONING], 100);
	assert_int_equal(ev.tok[TOK_LONG][TOK_OUT_IMAGE], 5);
}

static void
event__nothing_but_a_model__is_ok_now_and_zero(void **state)
{
	struct usage_event ev;

	(void)state;
	assert_ok(read_event("{\"model_id\":2}", &ev));
	assert_int_equal(ev.user_id, 0);
	assert_int_equal(ev.time_ms, 0);
	assert_int_equal(ev.status, USAGE_OK);
	assert_int_equal(ev.usage_source, USAGE_FROM_PROVIDER);
	assert_int_equal(ev.time_to_first_token_ms, -1);
	for (int x = 0; x < TOK_CONTEXT__MAX; x++)
		for (int i = 0; i < TOK_CLASS__MAX; i++)
			assert_int_equal(ev.tok[x][i], 0);
}

static void
event__times__reach_from_a_year_ago_to_a_minute_ahead(void **state)
{
	static const struct {
		const char *time;
		enum err want;
	} cases[] = {
		{ "2026-11-01T00:01:00Z", OK },
		{ "2026-11-01T00:01:00.001Z", ERR_BAD_PARAM },
		{ "2025-10-31T00:00:00Z", OK },
		{ "2025-10-30T23:59:59.999Z", ERR_BAD_PARAM },
		{ "soon", ERR_BAD_PARAM },
	};
	struct usage_event ev;
	char text[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		(void)snprintf(text, sizeof(text),
		    "{\"model_id\":2,\"request_timestamp\":\"%s\"}",
		    cases[i].time);
		assert_int_equal(read_event(text, &ev), cases[i].want);
	}
}

static void
event__what_is_wrong__is_named(void **state)
{
	static const struct {
		const char *text, *param;
	} cases[] = {
		{ "{}", "model_id" },
		{ "{\"model_id\":0}", "model_id" },
		{ "{\"model_id\":\"2\"}", "model_id" },
		{ "{\"model_id\":4294967296}", "model_id" },
		{ "{\"model_id\":2,\"token_in_count\":-1}", "token_in_count" },
		{ "{\"model_id\":2,\"token_in_count\":1.5}", "token_in_count" },
		{ "{\"model_id\":2,\"token_in_count\":4294967296}",
		    "token_in_count" },
		{ "{\"model_id\":2,\"request_status\":\"odd\"}",
		    "request_status" },
		{ "{\"model_id\":2,\"usage_source\":\"guessed\"}",
		    "usage_source" },
		{ "{\"model_id\":2,\"cost_in_usd\":0}", "cost_in_usd" },
		{ "{\"model_id\":2,\"customer_id\":1}", "customer_id" },
		{ "{\"model_id\":2,\"latency_ms\":-1}", "latency_ms" },
	};
	struct usage_event ev;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (read_event(cases[i].text, &ev) != ERR_BAD_PARAM)
			print_message("# %s\n", cases[i].text);
		assert_int_equal(read_event(cases[i].text, &ev), ERR_BAD_PARAM);
		assert_string_equal(e.param, cases[i].param);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(event__document_004s_names__are_its_counters),
		cmocka_unit_test(
		    event__nothing_but_a_model__is_ok_now_and_zero),
		cmocka_unit_test(
		    event__times__reach_from_a_year_ago_to_a_minute_ahead),
		cmocka_unit_test(event__what_is_wrong__is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
