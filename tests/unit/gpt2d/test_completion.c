/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include <stdio.h>

#include "gpt2/scheduler.h"
#include "gpt2d/completion.h"

static struct arena a;
static struct completion c;
static struct error e;

static int
setup(void **state)
{
	(void)state;
	arena_init(&a, MIB(4));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_fini(&a);
	return 0;
}

static enum err
read_as(enum completion_kind kind, const char *body)
{
	const struct completion_offer offer = { S("mini"), 8 };

	arena_reset(&a);
	error_clear(&e);
	c = (struct completion){ .n_choices = 0 };
	return completion_read(&a, kind, str_from(body), &offer, &c, &e);
}

static enum err
read_text(const char *body)
{
	return read_as(COMPLETION_TEXT, body);
}

#define MESSAGES "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]"

static enum err
read_chat(const char *members)
{
	char body[1024];

	(void)snprintf(body, sizeof(body), "{" MESSAGES "%s}", members);
	return read_as(COMPLETION_CHAT, body);
}

static void
assert_refused(enum err got, enum err code, const char *param, const char *what)
{
	if (got != code || strcmp(e.param, param) != 0)
		fail_msg("%s: %s, \"%s\"", what, err_info(got)->name, e.param);
	assert_true(e.public_text[0] != '\0');
}

/* A fine body with one member more is refused, and the member named. */
static void
refused(enum err code, const char *param, const char *member)
{
	char body[1024];

	(void)snprintf(body, sizeof(body), "{\"prompt\":\"x\",%s}", member);
	assert_refused(read_text(body), code, param, member);
}

static void
refused_in_chat(enum err code, const char *param, const char *member)
{
	char members[512];

	(void)snprintf(members, sizeof(members), ",%s", member);
	assert_refused(read_chat(members), code, param, member);
}

static bool
is_near(float v, double wanted)
{
	return (double)v > wanted - 1e-6 && (double)v < wanted + 1e-6;
}

static void
completion__only_a_prompt__openai_defaults(void **state)
{
	(void)state;

	assert_ok(read_text("{\"prompt\":\"a\\u00e9\"}"));

	assert_str_is(c.prompt, "a\xc3\xa9");
	assert_null(c.prompt_ids);
	assert_int_equal(c.n_choices, 1);
	assert_int_equal(c.max_new_tok, 16);
	assert_int_equal(c.max_length_tok, 0);
	assert_int_equal(c.n_stops, 0);
	assert_int_equal(c.n_top_logprobs, SAMPLER_NO_LOGPROBS);
	assert_false(c.is_stream || c.wants_usage);
	assert_true(is_near(c.sampling.temperature, 1));
	assert_true(is_near(c.sampling.top_p, 1));
	assert_true(is_near(c.sampling.repetition_penalty, 1));
	assert_int_equal(c.sampling.top_k, 0);
}

static void
completion__no_seed__a_random_one_each_time(void **state)
{
	uint64_t first;
	(void)state;

	assert_ok(read_text("{\"prompt\":\"a\"}"));
	first = c.sampling.seed;
	assert_ok(read_text("{\"prompt\":\"a\"}"));

	assert_true(c.sampling.seed != first);
}

static void
completion__every_parameter__is_taken(void **state)
{
	(void)state;

	assert_ok(read_text(
	    "{\"model\":\"mini\",\"prompt\":\"p\",\"max_tokens\":7,"
	    "\"temperature\":0.5,\"top_p\":0.25,\"top_k\":3,\"seed\":-1,"
	    "\"repetition_penalty\":1.5,\"presence_penalty\":-2,"
	    "\"frequency_penalty\":2,\"stop\":[\"x\",\"\\n\"],\"n\":8,"
	    "\"stream\":true,\"stream_options\":{\"include_usage\":true},"
	    "\"logprobs\":5,\"max_length\":9,\"best_of\":8,\"echo\":false,"
	    "\"suffix\":null,\"user\":\"me\",\"logit_bias\":{},"
	    "\"metadata\":{\"a\":\"b\"},\"store\":false}"));

	assert_int_equal(c.max_new_tok, 7);
	assert_int_equal(c.max_length_tok, 9);
	assert_true(is_near(c.sampling.temperature, 0.5));
	assert_true(is_near(c.sampling.top_p, 0.25));
	assert_int_equal(c.sampling.top_k, 3);
	assert_true(c.sampling.seed == UINT64_MAX);
	assert_true(is_near(c.sampling.repetition_penalty, 1.5));
	assert_true(is_near(c.sampling.presence_penalty, -2));
	assert_true(is_near(c.sampling.frequency_penalty, 2));
	assert_int_equal(c.n_stops, 2);
	assert_str_is(c.stops[0], "x");
	assert_str_is(c.stops[1], "\n");
	assert_int_equal(c.n_choices, 8);
	assert_true(c.is_stream && c.wants_usage);
	assert_int_equal(c.n_top_logprobs, 5);
}

static void
completion__nulls__are_absent(void **state)
{
	(void)state;

	assert_ok(read_text(
	    "{\"prompt\":\"p\",\"max_tokens\":null,\"stop\":null,\"n\":null,"
	    "\"seed\":null,\"stream_options\":null,\"model\":null}"));

	assert_int_equal(c.max_new_tok, 16);
	assert_int_equal(c.n_choices, 1);
}

static void
completion__out_of_range__names_the_parameter(void **state)
{
	(void)state;

	refused(ERR_BAD_PARAM, "temperature", "\"temperature\":2.01");
	refused(ERR_BAD_PARAM, "temperature", "\"temperature\":-0.1");
	refused(ERR_BAD_PARAM, "temperature", "\"temperature\":1e999");
	refused(ERR_BAD_PARAM, "temperature", "\"temperature\":\"1\"");
	refused(ERR_BAD_PARAM, "top_p", "\"top_p\":1.5");
	refused(ERR_BAD_PARAM, "top_p", "\"top_p\":-1");
	refused(ERR_BAD_PARAM, "top_k", "\"top_k\":-1");
	refused(ERR_BAD_PARAM, "top_k", "\"top_k\":1.5");
	refused(ERR_BAD_PARAM, "max_tokens", "\"max_tokens\":0");
	refused(ERR_BAD_PARAM, "max_tokens", "\"max_tokens\":1e3");
	refused(ERR_BAD_PARAM, "max_tokens", "\"max_tokens\":1000001");
	refused(ERR_BAD_PARAM, "max_length", "\"max_length\":0");
	refused(ERR_BAD_PARAM, "n", "\"n\":0");
	refused(ERR_BAD_PARAM, "n", "\"n\":9");
	refused(ERR_BAD_PARAM, "seed", "\"seed\":1.5");
	refused(ERR_BAD_PARAM, "seed", "\"seed\":9223372036854775808");
	refused(ERR_BAD_PARAM, "repetition_penalty",
	    "\"repetition_penalty\":0");
	refused(ERR_BAD_PARAM, "presence_penalty", "\"presence_penalty\":2.1");
	refused(ERR_BAD_PARAM, "frequency_penalty", "\"frequency_penalty\":-3");
	refused(ERR_BAD_PARAM, "logprobs", "\"logprobs\":6");
	refused(ERR_BAD_PARAM, "logprobs", "\"logprobs\":true");
	refused(ERR_BAD_PARAM, "stream", "\"stream\":1");
	refused(ERR_BAD_PARAM, "stream_options", "\"stream_options\":{}");
	refused(ERR_BAD_PARAM, "stream_options",
	    "\"stream\":true,\"stream_options\":1");
	refused(ERR_BAD_PARAM, "stream_options.include_usage",
	    "\"stream\":true,\"stream_options\":{\"include_usage\":1}");
	refused(ERR_BAD_PARAM, "model", "\"model\":1");
	refused(ERR_MODEL_NOT_FOUND, "model", "\"model\":\"gpt-4\"");
}

static void
completion__what_it_cannot_do__unsupported(void **state)
{
	(void)state;

	refused(ERR_UNSUPPORTED_PARAM, "echo", "\"echo\":true");
	refused(ERR_UNSUPPORTED_PARAM, "suffix", "\"suffix\":\"x\"");
	refused(ERR_UNSUPPORTED_PARAM, "best_of", "\"best_of\":2");
	refused(ERR_UNSUPPORTED_PARAM, "logit_bias",
	    "\"logit_bias\":{\"1\":1}");
	refused(ERR_UNSUPPORTED_PARAM, "messages", "\"messages\":[]");
	refused(ERR_UNSUPPORTED_PARAM, "max_completion_tokens",
	    "\"max_completion_tokens\":1");
	refused(ERR_UNSUPPORTED_PARAM, "tempreature", "\"tempreature\":1");
}

static void
completion__stops__bounded(void **state)
{
	char body[600] = "\"stop\":\"", many[200] = "\"stop\":[";
	size_t n = strlen(body);
	(void)state;

	memset(body + n, 'x', SCHEDULER_STOP_BYTES + 1);
	body[n + SCHEDULER_STOP_BYTES + 1] = '"';
	n = strlen(many);
	for (int i = 0; i <= SCHEDULER_STOPS_MAX; i++)
		n += (size_t)snprintf(many + n, sizeof(many) - n, "\"%d\"%s", i,
		    i < SCHEDULER_STOPS_MAX ? "," : "]");

	refused(ERR_BAD_PARAM, "stop", "\"stop\":\"\"");
	refused(ERR_BAD_PARAM, "stop", "\"stop\":[\"a\",\"\"]");
	refused(ERR_BAD_PARAM, "stop", "\"stop\":[1]");
	refused(ERR_BAD_PARAM, "stop", "\"stop\":5");
	refused(ERR_BAD_PARAM, "stop", body);
	refused(ERR_BAD_PARAM, "stop", many);
}

static void
completion__body_is_no_proper_object__bad_json(void **state)
{
	static const char *const bodies[] = { "", "[]", "\"x\"", "{",
		"{\"prompt\":\"x\"} x", "{\"prompt\":\"x\",\"prompt\":\"y\"}",
		"{\"pr\\u006fmpt\":\"x\"}", "{\"prompt\":\"\xff\"}",
		"{\"prompt\":[[[[[[[[[1]]]]]]]]]}" };
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
		assert_refused(read_text(bodies[i]), ERR_BAD_JSON, "",
		    bodies[i]);
}

static void
completion__prompt_forms__text_or_tokens(void **state)
{
	(void)state;

	assert_ok(read_text("{\"prompt\":[\"one\"]}"));
	assert_str_is(c.prompt, "one");
	assert_ok(read_text("{\"prompt\":[]}"));
	assert_int_equal(c.prompt.n, 0);
	assert_ok(read_text("{\"prompt\":[5, 6]}"));
	assert_int_equal(c.n_prompt_ids, 2);
	assert_int_equal(c.prompt_ids[1], 6);
	assert_ok(read_text("{\"prompt\":[[7]]}"));
	assert_int_equal(c.n_prompt_ids, 1);
	assert_int_equal(c.prompt_ids[0], 7);
	assert_ok(read_text("{\"prompt\":\"nul \\u0000 in it\"}"));
	assert_int_equal(c.prompt.n, 11);
}

static void
completion__bad_prompts__refused(void **state)
{
	static const char *const bad[] = { "{}", "{\"prompt\":null}",
		"{\"prompt\":1}", "{\"prompt\":[1,\"x\"]}", "{\"prompt\":[-1]}",
		"{\"prompt\":[1048576]}", "{\"prompt\":[{}]}" };
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_refused(read_text(bad[i]), ERR_BAD_PARAM, "prompt",
		    bad[i]);
	assert_refused(read_text("{\"prompt\":[\"a\",\"b\"]}"),
	    ERR_UNSUPPORTED_PARAM, "prompt", "two prompts");
}

static void
completion__max_length_alone__takes_the_default_limit_away(void **state)
{
	(void)state;

	assert_ok(read_text("{\"prompt\":\"x\",\"max_length\":50}"));

	assert_int_equal(c.max_new_tok, 0);
	assert_int_equal(c.max_length_tok, 50);
}

static void
completion__top_p_zero__is_the_smallest(void **state)
{
	(void)state;

	assert_ok(read_text("{\"prompt\":\"x\",\"top_p\":0}"));

	assert_true(c.sampling.top_p > 0 && c.sampling.top_p < 1e-30F);
}

static void
completion__chat__template_and_its_stop(void **state)
{
	(void)state;

	assert_ok(read_chat(",\"stop\":\"END\""));

	assert_str_is(c.prompt, "User: hi\nAssistant:");
	assert_int_equal(c.max_new_tok, 0);
	assert_int_equal(c.n_stops, 2);
	assert_str_is(c.stops[0], "END");
	assert_str_is(c.stops[1], "\nUser:");
}

static void
completion__chat_for_the_sake_of_clients__accepted(void **state)
{
	(void)state;

	assert_ok(read_chat(",\"response_format\":{\"type\":\"text\"},"
			    "\"tools\":[],\"functions\":null,"
			    "\"parallel_tool_calls\":true,\"user\":\"me\","
			    "\"prompt_cache_key\":\"x\","
			    "\"safety_identifier\":\"x\","
			    "\"service_tier\":\"default\""));
	refused_in_chat(ERR_UNSUPPORTED_PARAM, "response_format",
	    "\"response_format\":{\"type\":\"json_object\"}");
	refused_in_chat(ERR_UNSUPPORTED_PARAM, "response_format",
	    "\"response_format\":\"text\"");
}

static void
completion__chat_limits__the_smaller_one(void **state)
{
	(void)state;

	assert_ok(read_chat(",\"max_tokens\":9,\"max_completion_tokens\":5"));
	assert_int_equal(c.max_new_tok, 5);
	assert_ok(read_chat(",\"max_completion_tokens\":5,\"max_tokens\":9"));
	assert_int_equal(c.max_new_tok, 5);
}

static void
completion__chat_logprobs__a_switch_and_a_number(void **state)
{
	(void)state;

	assert_ok(read_chat(",\"logprobs\":false"));
	assert_int_equal(c.n_top_logprobs, SAMPLER_NO_LOGPROBS);
	assert_ok(read_chat(",\"logprobs\":true"));
	assert_int_equal(c.n_top_logprobs, 0);
	assert_ok(read_chat(",\"logprobs\":true,\"top_logprobs\":20"));
	assert_int_equal(c.n_top_logprobs, 20);
	refused_in_chat(ERR_BAD_PARAM, "top_logprobs", "\"top_logprobs\":1");
	refused_in_chat(ERR_BAD_PARAM, "top_logprobs",
	    "\"logprobs\":true,\"top_logprobs\":21");
	refused_in_chat(ERR_BAD_PARAM, "logprobs", "\"logprobs\":1");
}

static void
completion__chat_refusals__name_the_parameter(void **state)
{
	(void)state;

	refused_in_chat(ERR_UNSUPPORTED_PARAM, "prompt", "\"prompt\":\"x\"");
	refused_in_chat(ERR_UNSUPPORTED_PARAM, "tools", "\"tools\":[1]");
	refused_in_chat(ERR_BAD_PARAM, "max_completion_tokens",
	    "\"max_completion_tokens\":0");
	assert_refused(read_as(COMPLETION_CHAT, "{}"), ERR_BAD_PARAM,
	    "messages", "none");
	assert_refused(read_as(COMPLETION_CHAT, "{\"messages\":{}}"),
	    ERR_BAD_PARAM, "messages", "an object");
}

static void
completion__full_arena__soft_failure(void **state)
{
	const struct completion_offer offer = { S("mini"), 8 };
	const char *body = "{\"prompt\":\"a\\nb\",\"stop\":[\"\\n\"]}";
	enum err err = ERR_NO_MEMORY;
	size_t n = 0;
	(void)state;

	while (err) {
		arena_fini(&a);
		arena_init(&a, MIB(4));
		a.fail_at = ++n;
		err = completion_read(&a, COMPLETION_TEXT, str_from(body),
		    &offer, &c, &e);
		assert_true(err == OK || err == ERR_NO_MEMORY);
	}

	assert_int_equal(n, 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(completion__only_a_prompt__openai_defaults),
		cmocka_unit_test(completion__no_seed__a_random_one_each_time),
		cmocka_unit_test(completion__every_parameter__is_taken),
		cmocka_unit_test(completion__nulls__are_absent),
		cmocka_unit_test(completion__out_of_range__names_the_parameter),
		cmocka_unit_test(completion__what_it_cannot_do__unsupported),
		cmocka_unit_test(completion__stops__bounded),
		cmocka_unit_test(
		    completion__body_is_no_proper_object__bad_json),
		cmocka_unit_test(completion__prompt_forms__text_or_tokens),
		cmocka_unit_test(completion__bad_prompts__refused),
		cmocka_unit_test(
		    completion__max_length_alone__takes_the_default_limit_away),
		cmocka_unit_test(completion__top_p_zero__is_the_smallest),
		cmocka_unit_test(completion__chat__template_and_its_stop),
		cmocka_unit_test(
		    completion__chat_for_the_sake_of_clients__accepted),
		cmocka_unit_test(completion__chat_limits__the_smaller_one),
		cmocka_unit_test(
		    completion__chat_logprobs__a_switch_and_a_number),
		cmocka_unit_test(completion__chat_refusals__name_the_parameter),
		cmocka_unit_test(completion__full_arena__soft_failure),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
