/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include <stdio.h>

#include "upstream/openai.h"

static struct arena a;

static int
setup(void **state)
{
	(void)state;
	arena_init(&a, KIB(64));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_fini(&a);
	return 0;
}

static struct openai_answer
read_answer(const char *text)
{
	struct openai_answer answer;

	openai_answer_read(str_from(text), &answer);
	return answer;
}

static void
openai_answer_read__chat__has_usage_and_text(void **state)
{
	struct openai_answer answer = read_answer(
	    " {\"id\":\"c\",\"choices\":[{\"index\":0,\"message\":{\"role\":"
	    "\"assistant\",\"content\":\"12\\u00e4\",\"tool_calls\":[{\"id\":"
	    "\"x\",\"function\":{\"name\":\"fn\",\"arguments\":\"{}\"}}]}},"
	    "{\"text\":\"123\"}],\"usage\":{\"prompt_tokens\":5,"
	    "\"completion_tokens\":6}}\n");

	(void)state;
	assert_true(answer.is_json);
	assert_false(answer.is_error);
	assert_true(answer.has_usage);
	assert_int_equal(answer.usage.n_tok[TOK_OUT], 6);
	assert_int_equal(answer.text_bytes, 0); /* nobody needs it then */
}

static void
openai_answer_read__without_usage__its_text_is_measured(void **state)
{
	struct openai_answer answer = read_answer(
	    "{\"id\":\"c\",\"usage\":null,\"choices\":[{\"index\":0,"
	    "\"message\":{\"role\":"
	    "\"assistant\",\"content\":\"12\\u00e4\",\"tool_calls\":[{\"id\":"
	    "\"x\",\"function\":{\"name\":\"fn\",\"arguments\":\"{}\"}}]}},"
	    "{\"text\":\"123\"}]}");

	(void)state;
	assert_true(answer.is_json);
	assert_false(answer.has_usage);
	assert_int_equal(answer.text_bytes, 4 + 4 + 3);
}

static void
openai_answer_read__many_members__are_all_found(void **state)
{
	char text[1024] = "{";
	struct openai_answer answer;
	size_t n = 1;

	(void)state;
	for (int i = 0; i < 40; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "\"m%d\":0,",
		    i);
	(void)snprintf(text + n, sizeof(text) - n,
	    "\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":6}}");
	answer = read_answer(text);
	assert_true(answer.has_usage);
	assert_int_equal(answer.usage.n_tok[TOK_IN], 5);
}

static void
openai_answer_read__openai_error__is_recognised(void **state)
{
	struct openai_answer answer = read_answer(
	    "{\"error\":{\"message\":\"no\",\"type\":"
	    "\"invalid_request_error\",\"param\":null,"
	    "\"code\":\"model_not_found\"}}");

	(void)state;
	assert_true(answer.is_error);
	assert_str_is(answer.error_code, "model_not_found");
	answer = read_answer("{\"error\":{\"message\":\"no\",\"type\":\"t\","
			     "\"code\":null}}");
	assert_true(answer.is_error);
	assert_str_is(answer.error_code, "t");
}

static void
openai_answer_read__anything_else__is_no_openai_error(void **state)
{
	static const char *const texts[] = { "", "<html>", "[]", "{}",
		"{\"error\":\"no\"}", "{\"error\":null}", "{\"error\":{}}",
		"{\"error\":{\"message\":1}}", "{\"error\":{\"message\":\"x\"}",
		"{\"detail\":\"x\"}" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (read_answer(texts[i]).is_error)
			fail_msg("taken for an error: %s", texts[i]);
	assert_false(read_answer("<html>").is_json);
	assert_false(read_answer("[]").is_json);
	assert_true(read_answer("{}").is_json);
	assert_false(read_answer("{\"usage\":{\"total_tokens\":1}}").has_usage);
}

static void
openai_answer_text__first_choice__is_unescaped(void **state)
{
	struct openai_answer answer;
	struct error e;
	struct str s;

	(void)state;
	answer = read_answer("{\"choices\":[{\"text\":\"a\\nb\"},"
			     "{\"text\":\"c\"}]}");
	assert_ok(openai_answer_text(&a, &answer, &s, &e));
	assert_str_is(s, "a\nb");
	answer = read_answer(
	    "{\"choices\":[{\"message\":{\"content\":\"\"}}]}");
	assert_ok(openai_answer_text(&a, &answer, &s, &e));
	assert_str_is(s, "");
	answer = read_answer("{\"choices\":[{\"message\":{\"content\":null,"
			     "\"refusal\":\"no\"}}]}");
	assert_ok(openai_answer_text(&a, &answer, &s, &e));
	assert_str_is(s, "no");
}

static void
openai_answer_text__no_text__is_an_upstream_error(void **state)
{
	static const char *const texts[] = { "x", "{}", "{\"choices\":[]}",
		"{\"choices\":{}}", "{\"choices\":[1]}", "{\"choices\":[{}]}",
		"{\"choices\":[{\"text\":1}]}",
		"{\"choices\":[{\"message\":7}]}",
		"{\"choices\":[{\"message\":{\"content\":null}}]}" };
	struct openai_answer answer;
	struct error e;
	struct str s;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		answer = read_answer(texts[i]);
		assert_int_equal(openai_answer_text(&a, &answer, &s, &e),
		    ERR_UPSTREAM);
	}
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(openai_answer_read__chat__has_usage_and_text),
		T(openai_answer_read__without_usage__its_text_is_measured),
		T(openai_answer_read__many_members__are_all_found),
		T(openai_answer_read__openai_error__is_recognised),
		T(openai_answer_read__anything_else__is_no_openai_error),
		T(openai_answer_text__first_choice__is_unescaped),
		T(openai_answer_text__no_text__is_an_upstream_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
