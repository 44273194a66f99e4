/* SPDX-License-Identifier: MIT */
#include "unit/gpt2d/fixture_tokenizer.h"

#include "base/clock.h"
#include "base/error_json.h"
#include "gpt2d/answer.h"

static struct arena a;
static struct tokenizer *t;
static struct buf b;

static int
setup(void **state)
{
	(void)state;
	arena_init(&a, MIB(16));
	t = fixture_tokenizer(&a);
	buf_init(&b, &a, MIB(1));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	tokenizer_close(t);
	arena_fini(&a);
	return 0;
}

static int
empty(void **state)
{
	(void)state;
	buf_reset(&b);
	return 0;
}

static const struct answer_head text_head = {
	.kind = COMPLETION_TEXT,
	.id = "cmpl-1",
	.created_s = 7,
	.model = STR_INIT("mini"),
};
static const struct answer_head chat_head = {
	.kind = COMPLETION_CHAT,
	.id = "chatcmpl-1",
	.created_s = 7,
	.model = STR_INIT("mini"),
	.has_usage = true,
};
static const struct answer_usage usage = { 3, 5 };

/* clang-format off */
#define TEXT_BEGIN \
 "{\"id\":\"cmpl-1\",\"object\":\"text_completion\",\"created\":7," \
 "\"model\":\"mini\",\"choices\":["
#define CHAT_BEGIN(object) \
 "{\"id\":\"chatcmpl-1\",\"object\":\"" object "\",\"created\":7," \
 "\"model\":\"mini\",\"choices\":["
#define CHUNK_BEGIN "data: " CHAT_BEGIN("chat.completion.chunk")
#define USAGE \
 "\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":5,\"total_tokens\":8}"
/* clang-format on */

static void
answer_head__init__prefix_and_time(void **state)
{
	struct completion c = { .kind = COMPLETION_CHAT, .wants_usage = true };
	struct answer_head h, other;
	(void)state;

	clock_set_for_test(1500);
	answer_head_init(&h, &c, S("mini"));
	c.kind = COMPLETION_TEXT;
	answer_head_init(&other, &c, S("mini"));
	clock_set_for_test(0);

	assert_int_equal(strncmp(h.id, "chatcmpl-", 9), 0);
	assert_int_equal(strlen(h.id), 9 + 24);
	assert_int_equal(strncmp(other.id, "cmpl-", 5), 0);
	assert_string_not_equal(h.id + 9, other.id + 5);
	assert_int_equal(h.created_s, 1);
	assert_true(h.has_usage);
}

static void
answer_whole__completion__as_openai(void **state)
{
	const struct answer_choice choices[] = {
		{ S("a\"b"), NULL, "stop" },
		{ S(""), NULL, "length" },
	};
	(void)state;

	answer_whole(&b, &text_head, choices, 2, &usage);

	assert_str_is(buf_str(&b),
	    TEXT_BEGIN "{\"index\":0,\"text\":\"a\\\"b\",\"logprobs\":null,"
		       "\"finish_reason\":\"stop\"},"
		       "{\"index\":1,\"text\":\"\",\"logprobs\":null,"
		       "\"finish_reason\":\"length\"}]," USAGE "}");
}

static void
answer_whole__chat__as_openai(void **state)
{
	const struct answer_choice choice = { S("hi"), NULL, "stop" };
	(void)state;

	answer_whole(&b, &chat_head, &choice, 1, &usage);

	assert_str_is(buf_str(&b),
	    CHAT_BEGIN(
		"chat.completion") "{\"index\":0,\"message\":{"
				   "\"role\":\"assistant\",\"content\":\"hi\","
				   "\"refusal\":null},\"logprobs\":null,"
				   "\"finish_reason\":\"stop\"}]," USAGE "}");
}

static void
answer_events__completion__as_openai(void **state)
{
	(void)state;

	answer_event_text(&b, &text_head, 1, S("x\n"), NULL);
	answer_event_finish(&b, &text_head, 1, "length");
	answer_event_done(&b);

	assert_str_is(buf_str(&b),
	    "data: " TEXT_BEGIN
	    "{\"index\":1,\"text\":\"x\\n\",\"logprobs\":null,"
	    "\"finish_reason\":null}]}\n\n"
	    "data: " TEXT_BEGIN "{\"index\":1,\"text\":\"\",\"logprobs\":null,"
	    "\"finish_reason\":\"length\"}]}\n\n"
	    "data: [DONE]\n\n");
}

static void
answer_events__chat_with_usage__as_openai(void **state)
{
	(void)state;

	answer_event_role(&b, &chat_head, 0);
	answer_event_text(&b, &chat_head, 0, S("x"), NULL);
	answer_event_finish(&b, &chat_head, 0, "stop");
	answer_event_usage(&b, &chat_head, &usage);

	assert_str_is(buf_str(&b), CHUNK_BEGIN
	    "{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},"
	    "\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}"
	    "\n\n" CHUNK_BEGIN "{\"index\":0,\"delta\":{\"content\":\"x\"},"
	    "\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}"
	    "\n\n" CHUNK_BEGIN "{\"index\":0,\"delta\":{},\"logprobs\":null,"
	    "\"finish_reason\":\"stop\"}],\"usage\":null}\n\n" CHUNK_BEGIN
	    "]," USAGE "}\n\n");
}

static void
error_json__param_and_words__openai_shape(void **state)
{
	struct error e;
	(void)state;

	error_clear(&e);
	(void)error_public(&e, ERR_BAD_PARAM, "n", "Wrong.");
	error_json(&b, &e);
	error_clear(&e);
	(void)error_set(&e, ERR_OVERLOADED, "secret");
	answer_event_error(&b, &e);

	assert_str_is(buf_str(&b),
	    "{\"error\":{\"message\":\"Wrong.\",\"type\":"
	    "\"invalid_request_error\",\"param\":\"n\",\"code\":"
	    "\"invalid_parameter\"}}"
	    "data: {\"error\":{\"message\":\"The server is busy. Try again "
	    "later.\",\"type\":\"server_error\",\"param\":null,\"code\":"
	    "\"overloaded\"}}\n\n");
}

static void
answer_models__one__openai_shape(void **state)
{
	(void)state;

	answer_models(&b, S("mini"), 9);

	assert_str_is(buf_str(&b),
	    "{\"object\":\"list\",\"data\":[{\"id\":\"mini\",\"object\":"
	    "\"model\",\"created\":9,\"owned_by\":\"tollgate\"}]}");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answer_head__init__prefix_and_time),
		cmocka_unit_test_setup(answer_whole__completion__as_openai,
		    empty),
		cmocka_unit_test_setup(answer_whole__chat__as_openai, empty),
		cmocka_unit_test_setup(answer_events__completion__as_openai,
		    empty),
		cmocka_unit_test_setup(
		    answer_events__chat_with_usage__as_openai, empty),
		cmocka_unit_test_setup(
		    error_json__param_and_words__openai_shape, empty),
		cmocka_unit_test_setup(answer_models__one__openai_shape, empty),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
