/* SPDX-License-Identifier: MIT */
/* Requests, answers and streams of the formats that are not OpenAI's chats.
 * Their usage is in tests/golden/usage. */
#include "support/cmocka_tg.h"

#include "base/arena.h"
#include "upstream/openai.h"
#include "upstream/sse.h"

static struct arena a;
static struct error e;
static struct openai_stream st;
static struct openai_out out;

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

/* ---- requests ---- */

static enum err
read_as(enum wire_op op, const char *text, struct openai_request *ret)
{
	struct body b;

	assert_ok(body_scan(&a, str_from(text), &b, &e));
	return openai_request_read(&a, op, &b, ret, &e);
}

static struct str
changed(enum wire_op op, const char *text, const struct openai_change *change)
{
	struct openai_request rq;
	struct splice_out spliced;
	struct splice s;
	struct body b;

	assert_ok(body_scan(&a, str_from(text), &b, &e));
	assert_ok(openai_request_read(&a, op, &b, &rq, &e));
	splice_init(&s, &a, &b);
	openai_request_change(&s, op, &rq, change);
	assert_ok(splice_build(&s, &spliced, &e));
	assert_int_equal(spliced.n_pieces, 1);
	return spliced.pieces[0];
}

static void
openai_request_read__other_formats__have_their_members(void **state)
{
	struct openai_request rq;

	(void)state;
	assert_ok(read_as(WIRE_RESPONSE,
	    "{\"model\":\"m\",\"input\":\"x\",\"max_output_tokens\":20,"
	    "\"stream\":true,\"stream_options\":{}}",
	    &rq));
	assert_true(rq.is_stream && rq.has_limit);
	assert_int_equal(rq.limit_tok, 20);
	assert_int_equal(rq.n, 1);
	assert_ok(read_as(WIRE_MESSAGE,
	    "{\"model\":\"m\",\"messages\":[1],\"max_tokens\":0}", &rq));
	assert_true(rq.has_limit);
	assert_int_equal(rq.limit_tok, 0);
	assert_ok(
	    read_as(WIRE_COUNT, "{\"model\":\"m\",\"messages\":[1]}", &rq));
	assert_int_equal(rq.prompt_tok, 0);
	assert_true(rq.has_limit);
	assert_ok(read_as(WIRE_GENERATE,
	    "{\"inputs\":\"x\",\"parameters\":{\"max_new_tokens\":9}}", &rq));
	assert_int_equal(rq.limit_tok, 9);

	assert_int_equal(read_as(WIRE_RESPONSE, "{\"model\":\"m\"}", &rq),
	    ERR_BAD_PARAM);
	assert_string_equal(e.param, "input");
	assert_int_equal(read_as(WIRE_MESSAGE,
			     "{\"model\":\"m\",\"messages\":\"x\"}", &rq),
	    ERR_BAD_PARAM);
	assert_string_equal(e.param, "messages");
	assert_int_equal(read_as(WIRE_MESSAGE,
			     "{\"model\":\"m\",\"messages\":[1],"
			     "\"max_tokens\":-1}",
			     &rq),
	    ERR_BAD_PARAM);
	assert_int_equal(read_as(WIRE_COUNT,
			     "{\"model\":\"m\",\"messages\":[1],"
			     "\"stream\":true}",
			     &rq),
	    ERR_BAD_PARAM);
}

static void
openai_request_change__response__is_never_stored(void **state)
{
	struct openai_change change = {
		.kind = PROVIDER_OPENAI,
		.model = S("up"),
		.limit_tok = 10,
		.force_usage = true,
	};

	(void)state;
	assert_str_is(changed(WIRE_RESPONSE,
			  "{\"model\":\"m\",\"input\":\"x\",\"stream\":true}",
			  &change),
	    "{\"model\":\"up\",\"input\":\"x\",\"stream\":true,"
	    "\"max_output_tokens\":10,\"store\":false}");
	assert_str_is(changed(WIRE_RESPONSE,
			  "{\"model\":\"m\",\"input\":\"x\",\"store\":true,"
			  "\"max_output_tokens\":50}",
			  &change),
	    "{\"model\":\"up\",\"input\":\"x\",\"store\":false,"
	    "\"max_output_tokens\":10}");
	assert_str_is(changed(WIRE_RESPONSE,
			  "{\"model\":\"m\",\"input\":\"x\",\"store\":null,"
			  "\"max_output_tokens\":5}",
			  &change),
	    "{\"model\":\"up\",\"input\":\"x\",\"store\":false,"
	    "\"max_output_tokens\":5}");
}

static void
openai_request_change__message__gets_a_limit_and_a_model(void **state)
{
	struct openai_change change = {
		.kind = PROVIDER_ANTHROPIC,
		.model = S("up"),
		.limit_tok = 10,
		.force_usage = true,
		.temperature = S("0.5"),
	};

	(void)state;
	assert_str_is(changed(WIRE_MESSAGE,
			  "{\"model\":\"m\",\"messages\":[1],\"stream\":true}",
			  &change),
	    "{\"model\":\"up\",\"messages\":[1],\"stream\":true,"
	    "\"max_tokens\":10,\"temperature\":0.5}");
	assert_str_is(changed(WIRE_MESSAGE,
			  "{\"model\":\"m\",\"messages\":[1],"
			  "\"max_tokens\":0,\"temperature\":1}",
			  &change),
	    "{\"model\":\"up\",\"messages\":[1],\"max_tokens\":0,"
	    "\"temperature\":1}");
	assert_str_is(changed(WIRE_COUNT, "{\"model\":\"m\",\"messages\":[1]}",
			  &change),
	    "{\"model\":\"up\",\"messages\":[1]}");
}

static void
openai_request_change__generate__asks_for_details(void **state)
{
	struct openai_change change = {
		.kind = PROVIDER_HUGGINGFACE,
		.model = S("up"),
		.limit_tok = 10,
		.temperature = S("0.5"),
		.top_p = S("1"),
	};
	const char *body = "{\"inputs\":\"x\",\"parameters\":{"
			   "\"max_new_tokens\":20}}";

	(void)state;
	assert_str_is(changed(WIRE_GENERATE, body, &change),
	    "{\"inputs\":\"x\",\"parameters\":{\"max_new_tokens\":10,"
	    "\"temperature\":0.5,\"details\":true,"
	    "\"return_full_text\":false}}");
	change.limit_tok = 0;
	change.temperature = S("0");
	assert_str_is(changed(WIRE_GENERATE, body, &change),
	    "{\"inputs\":\"x\",\"parameters\":{\"max_new_tokens\":20,"
	    "\"details\":true,\"return_full_text\":false}}");
}

/* ---- prompts ---- */

static uint64_t
estimate_of(enum wire_op op, const char *text)
{
	struct body b;

	assert_ok(body_scan(&a, str_from(text), &b, &e));
	return openai_count_prompt(op, &b, NULL).tok;
}

static void
openai_count_prompt__other_formats__count_all_that_is_read(void **state)
{
	(void)state;
	/* 8 + 8 bytes, one message */
	assert_int_equal(estimate_of(WIRE_MESSAGE,
			     "{\"system\":\"12345678\",\"messages\":[{"
			     "\"role\":\"user\",\"content\":\"12345678\"}]}"),
	    8);
	/* a tool's call: name and input; its result */
	assert_int_equal(estimate_of(WIRE_MESSAGE,
			     "{\"messages\":[{\"role\":\"assistant\","
			     "\"content\":[{\"type\":\"tool_use\",\"id\":"
			     "\"toolu_1\",\"name\":\"1234\",\"input\":{}}]},"
			     "{\"role\":\"user\",\"content\":[{\"type\":"
			     "\"tool_result\",\"content\":\"123456\"}]}]}"),
	    11);
	/* an image */
	assert_int_equal(estimate_of(WIRE_MESSAGE,
			     "{\"messages\":[{\"content\":[{\"type\":"
			     "\"image\",\"source\":{\"data\":\"AAAA\"}}]}]}"),
	    1004);
	assert_int_equal(estimate_of(WIRE_RESPONSE,
			     "{\"input\":\"12345678\",\"instructions\":"
			     "\"1234\"}"),
	    3);
	assert_int_equal(estimate_of(WIRE_RESPONSE,
			     "{\"input\":[{\"type\":\"message\",\"role\":"
			     "\"user\",\"content\":[{\"type\":\"input_text\","
			     "\"text\":\"1234\"}]},{\"type\":\"reasoning\","
			     "\"encrypted_content\":\"AAAAAAAAAAAAAAAA\"}]}"),
	    9);
	assert_int_equal(estimate_of(WIRE_GENERATE, "{\"inputs\":\"1234\"}"),
	    1);
}

/* ---- answers ---- */

static void
assert_text(enum wire_op op, const char *answer, const char *expected)
{
	struct openai_answer parsed;
	struct str text;

	wire_answer_read(op, str_from(answer), &parsed);
	assert_ok(openai_answer_text(&a, &parsed, &text, &e));
	assert_str_is(text, expected);
}

static void
openai_answer_text__other_formats__is_what_the_client_reads(void **state)
{
	struct openai_answer parsed;
	struct str text;

	(void)state;
	assert_text(WIRE_MESSAGE,
	    "{\"content\":[{\"type\":\"thinking\",\"thinking\":\"hm\"},"
	    "{\"type\":\"text\",\"text\":\"a\\n\"},{\"type\":\"tool_use\","
	    "\"name\":\"f\",\"input\":{}},{\"type\":\"text\",\"text\":"
	    "\"\\u00e9\"}]}",
	    "a\n\xc3\xa9");
	assert_text(WIRE_MESSAGE, "{\"content\":[]}", "");
	assert_text(WIRE_RESPONSE,
	    "{\"output\":[{\"type\":\"reasoning\",\"summary\":[{\"text\":"
	    "\"hm\"}]},{\"type\":\"message\",\"content\":[{\"type\":"
	    "\"output_text\",\"text\":\"a\"},{\"type\":\"refusal\","
	    "\"refusal\":\"b\"}]}]}",
	    "ab");
	assert_text(WIRE_GENERATE, "{\"generated_text\":\"a\"}", "a");
	assert_text(WIRE_GENERATE, " [{\"generated_text\":\"a\"}]\n", "a");
	wire_answer_read(WIRE_MESSAGE, S("{\"choices\":[]}"), &parsed);
	assert_int_equal(openai_answer_text(&a, &parsed, &text, &e),
	    ERR_UPSTREAM);
	wire_answer_read(WIRE_GENERATE, S("[]"), &parsed);
	assert_int_equal(openai_answer_text(&a, &parsed, &text, &e),
	    ERR_UPSTREAM);
}

static void
wire_answer_read__errors__are_told_from_answers(void **state)
{
	struct openai_answer parsed;

	(void)state;
	wire_answer_read(WIRE_MESSAGE,
	    S("{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
	      "\"message\":\"Overloaded\"}}"),
	    &parsed);
	assert_true(parsed.is_error);
	assert_str_is(parsed.error_code, "overloaded_error");
	wire_answer_read(WIRE_COUNT,
	    S("{\"type\":\"error\",\"error\":{\"type\":\"not_found_error\","
	      "\"message\":\"model\"}}"),
	    &parsed);
	assert_true(parsed.is_error);
	wire_answer_read(WIRE_GENERATE,
	    S("{\"error\":\"too long\",\"error_type\":\"validation\"}"),
	    &parsed);
	assert_true(parsed.is_error);
	assert_str_is(parsed.error_code, "validation");
	wire_answer_read(WIRE_RESPONSE,
	    S("{\"error\":null,\"output\":[],\"usage\":null}"), &parsed);
	assert_false(parsed.is_error);
	assert_true(parsed.is_json);
}

static void
wire_answer_read__no_usage__the_texts_are_measured(void **state)
{
	struct openai_answer parsed;

	(void)state;
	wire_answer_read(WIRE_MESSAGE,
	    S("{\"content\":[{\"type\":\"text\",\"text\":\"1234\"},{\"type\":"
	      "\"tool_use\",\"name\":\"12\",\"input\":{\"a\":1}}]}"),
	    &parsed);
	assert_int_equal(parsed.text_bytes, 13);
	assert_int_equal(openai_count_answer(&parsed, NULL).tok, 4);
	wire_answer_read(WIRE_RESPONSE,
	    S("{\"output\":[{\"type\":\"function_call\",\"name\":\"12\","
	      "\"arguments\":\"{}\"}]}"),
	    &parsed);
	assert_int_equal(parsed.text_bytes, 4);
}

/* ---- streams ---- */

static enum err
keep_out(void *ctx, const struct sse_event *ev, struct error *err)
{
	(void)ctx;
	return openai_stream_event(&st, ev, &out, err);
}

static struct openai_out
event(const char *raw)
{
	struct sse sse;

	sse_init(&sse, &a, KIB(16), keep_out, NULL);
	assert_ok(sse_feed(&sse, str_from(raw), &e));
	assert_ok(sse_finish(&sse, &e));
	return out;
}

static void
openai_stream_event__typed__passes_under_its_own_name(void **state)
{
	const char *raw = "event: ping\ndata: {\"type\":\"ping\"}\n\n";

	(void)state;
	wire_stream_init(&st, &a, WIRE_MESSAGE, true, NULL);
	assert_str_is(event(raw).raw, raw);
	assert_str_is(event("data: {\"type\":\"ping\"}\n\n").raw, raw);
	assert_str_is(event("event: x\nid: 1\ndata: {\"type\":\"ping\"}\n\n")
			  .raw,
	    raw);
	/* A name that could end the line or the event is none. */
	assert_str_is(event("event: a\ndata: {\"type\":\"a\\n\\nb\"}\n\n").raw,
	    "data: {\"type\":\"a\\n\\nb\"}\n\n");
	assert_true(event("data: 17\n\n").is_garbage);
}

static void
openai_stream_event__last_event__is_the_moment_to_settle(void **state)
{
	(void)state;
	wire_stream_init(&st, &a, WIRE_MESSAGE, true, NULL);
	assert_int_equal(event("data: {\"type\":\"message_delta\",\"usage\":{}}"
			       "\n\n")
			     .pass,
	    OPENAI_PASS);
	assert_int_equal(event("data: {\"type\":\"message_stop\"}\n\n").pass,
	    OPENAI_FINISH);
	wire_stream_init(&st, &a, WIRE_RESPONSE, true, NULL);
	assert_int_equal(event("data: {\"type\":\"response.completed\"}\n\n")
			     .pass,
	    OPENAI_FINISH);
	assert_false(st.is_error);
	/* Some servers say so twice. */
	assert_int_equal(event("data: [DONE]\n\n").pass, OPENAI_HIDE);
	wire_stream_init(&st, &a, WIRE_RESPONSE, true, NULL);
	assert_int_equal(event("data: {\"type\":\"response.failed\"}\n\n").pass,
	    OPENAI_FINISH);
	assert_true(st.is_error);
}

static void
openai_stream_event__typed__measures_each_text_once(void **state)
{
	(void)state;
	wire_stream_init(&st, &a, WIRE_MESSAGE, true, NULL);
	(void)event("data: {\"type\":\"content_block_start\",\"index\":1,"
		    "\"content_block\":{\"type\":\"tool_use\",\"name\":\"12\","
		    "\"input\":{}}}\n\n");
	(void)event("data: {\"type\":\"content_block_delta\",\"index\":1,"
		    "\"delta\":{\"type\":\"input_json_delta\","
		    "\"partial_json\":\"{}\"}}\n\n");
	(void)event(
	    "data: {\"type\":\"content_block_delta\",\"index\":0,"
	    "\"delta\":{\"type\":\"text_delta\",\"text\":\"123\"}}\n\n");
	(void)event("data: {\"type\":\"content_block_delta\",\"index\":0,"
		    "\"delta\":{\"type\":\"signature_delta\",\"signature\":"
		    "\"AAAA\"}}\n\n");
	assert_int_equal(st.texts.n_bytes, 7);
	st.is_unheard = true;
	(void)event(
	    "data: {\"type\":\"content_block_delta\",\"index\":0,"
	    "\"delta\":{\"type\":\"text_delta\",\"text\":\"123\"}}\n\n");
	assert_int_equal(st.texts.n_bytes, 7);
	wire_stream_init(&st, &a, WIRE_RESPONSE, true, NULL);
	(void)event("data: {\"type\":\"response.output_text.delta\","
		    "\"output_index\":0,\"content_index\":0,\"delta\":\"123\"}"
		    "\n\n");
	(void)event("data: {\"type\":\"response.output_text.done\","
		    "\"output_index\":0,\"content_index\":0,\"text\":\"123\"}"
		    "\n\n");
	assert_int_equal(st.texts.n_bytes, 3);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(openai_request_read__other_formats__have_their_members),
		T(openai_request_change__response__is_never_stored),
		T(openai_request_change__message__gets_a_limit_and_a_model),
		T(openai_request_change__generate__asks_for_details),
		T(openai_count_prompt__other_formats__count_all_that_is_read),
		T(openai_answer_text__other_formats__is_what_the_client_reads),
		T(wire_answer_read__errors__are_told_from_answers),
		T(wire_answer_read__no_usage__the_texts_are_measured),
		T(openai_stream_event__typed__passes_under_its_own_name),
		T(openai_stream_event__last_event__is_the_moment_to_settle),
		T(openai_stream_event__typed__measures_each_text_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
