/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include "upstream/openai.h"

static struct arena a;
static struct body body;
static struct openai_request rq;
static struct error e;

static int
setup(void **state)
{
	(void)state;
	arena_init(&a, MIB(1));
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
read_request(enum wire_op op, const char *text)
{
	assert_ok(body_scan(&a, str_from(text), &body, &e));
	return openai_request_read(&a, op, &body, &rq, &e);
}

static void
openai_request_read__chat__is_understood(void **state)
{
	(void)state;
	assert_ok(read_request(WIRE_CHAT,
	    "{\"model\":\"g\\u0070t\",\"messages\":[{\"role\":\"user\","
	    "\"content\":\"12345678\"}],\"stream\":true,\"stream_options\":"
	    "{\"include_usage\":true,\"x\":1},\"max_tokens\":50,"
	    "\"max_completion_tokens\":20,\"n\":3,\"user\":\"u1\"}"));
	assert_str_is(rq.model, "gpt");
	assert_str_is(rq.user, "u1");
	assert_true(rq.is_stream);
	assert_true(rq.wants_usage);
	assert_true(rq.has_limit);
	assert_int_equal(rq.limit_tok, 20);
	assert_int_equal(rq.n, 3);
	assert_int_equal(rq.prompt_tok, 4 + 2);
	assert_ok(read_request(WIRE_CHAT,
	    "{\"model\":\"m\",\"messages\":[1],\"max_tokens\":20,"
	    "\"max_completion_tokens\":50}"));
	assert_int_equal(rq.limit_tok, 20);
}

static void
openai_request_read__completion__multiplies_prompts_and_best_of(void **state)
{
	(void)state;
	assert_ok(read_request(WIRE_COMPLETION,
	    "{\"model\":\"m\",\"prompt\":\"x\"}"));
	assert_int_equal(rq.n, 1);
	assert_false(rq.has_limit);
	assert_false(rq.is_stream);
	assert_ok(read_request(WIRE_COMPLETION,
	    "{\"model\":\"m\",\"prompt\":[\"x\",\"y\",\"z\"],\"n\":2,"
	    "\"best_of\":4,\"max_completion_tokens\":1}"));
	assert_int_equal(rq.n, 12);
	assert_false(rq.has_limit);
	assert_ok(read_request(WIRE_COMPLETION,
	    "{\"model\":\"m\",\"prompt\":[1,2,3]}"));
	assert_int_equal(rq.n, 1);
	assert_int_equal(rq.prompt_tok, 3);
	assert_ok(read_request(WIRE_COMPLETION,
	    "{\"model\":\"m\",\"prompt\":[[1,2,3],[4]]}"));
	assert_int_equal(rq.n, 2);
	assert_int_equal(rq.prompt_tok, 4);
}

static void
openai_request_read__bad_members__are_named(void **state)
{
	static const struct {
		enum wire_op op;
		const char *text, *param;
	} cases[] = {
		{ WIRE_CHAT, "{\"messages\":[1]}", "model" },
		{ WIRE_CHAT, "{\"model\":\"\",\"messages\":[1]}", "model" },
		{ WIRE_CHAT, "{\"model\":null,\"messages\":[1]}", "model" },
		{ WIRE_CHAT, "{\"model\":7,\"messages\":[1]}", "model" },
		{ WIRE_CHAT, "{\"model\":\"m\"}", "messages" },
		{ WIRE_CHAT, "{\"model\":\"m\",\"messages\":[]}", "messages" },
		{ WIRE_CHAT, "{\"model\":\"m\",\"messages\":\"x\"}",
		    "messages" },
		{ WIRE_COMPLETION, "{\"model\":\"m\"}", "prompt" },
		{ WIRE_COMPLETION, "{\"model\":\"m\",\"prompt\":1}", "prompt" },
		{ WIRE_EMBEDDING, "{\"model\":\"m\",\"input\":[]}", "input" },
		{ WIRE_EMBEDDING,
		    "{\"model\":\"m\",\"input\":\"x\",\"stream\":true}",
		    "stream" },
		{ WIRE_CHAT, "{\"model\":\"m\",\"messages\":[1],\"stream\":1}",
		    "stream" },
		{ WIRE_CHAT,
		    "{\"model\":\"m\",\"messages\":[1],\"stream_options\":{}}",
		    "stream_options" },
		{ WIRE_CHAT,
		    "{\"model\":\"m\",\"messages\":[1],\"stream\":true,"
		    "\"stream_options\":[]}",
		    "stream_options" },
		{ WIRE_CHAT,
		    "{\"model\":\"m\",\"messages\":[1],\"stream\":true,"
		    "\"stream_options\":{\"include_usage\":true,"
		    "\"include_usage\":false}}",
		    "include_usage" },
		{ WIRE_CHAT,
		    "{\"model\":\"m\",\"messages\":[1],\"stream\":true,"
		    "\"stream_options\":{\"include_usage\":\"yes\"}}",
		    "include_usage" },
		{ WIRE_CHAT,
		    "{\"model\":\"m\",\"messages\":[1],\"max_tokens\":0}",
		    "max_tokens" },
		{ WIRE_CHAT,
		    "{\"model\":\"m\",\"messages\":[1],\"max_tokens\":-1}",
		    "max_tokens" },
		{ WIRE_CHAT,
		    "{\"model\":\"m\",\"messages\":[1],"
		    "\"max_completion_tokens\":1e3}",
		    "max_completion_tokens" },
		{ WIRE_CHAT, "{\"model\":\"m\",\"messages\":[1],\"n\":0}",
		    "n" },
		{ WIRE_CHAT, "{\"model\":\"m\",\"messages\":[1],\"n\":129}",
		    "n" },
		{ WIRE_COMPLETION,
		    "{\"model\":\"m\",\"prompt\":\"\",\"best_of\":true}",
		    "best_of" },
		{ WIRE_COMPLETION,
		    "{\"model\":\"m\",\"prompt\":\"\",\"best_of\":129}",
		    "best_of" },
		{ WIRE_COMPLETION,
		    "{\"model\":\"m\",\"prompt\":\"\",\"n\":129}", "n" },
		{ WIRE_COMPLETION,
		    "{\"model\":\"m\",\"prompt\":\"\","
		    "\"max_tokens\":10000001}",
		    "max_tokens" },
		{ WIRE_CHAT,
		    "{\"model\":\"m\",\"messages\":[1],"
		    "\"max_tokens\":10000001}",
		    "max_tokens" },
		{ WIRE_CHAT,
		    "{\"model\":\"m\",\"messages\":[1],"
		    "\"max_completion_tokens\":10000001}",
		    "max_completion_tokens" },
		{ WIRE_CHAT, "{\"model\":\"m\",\"messages\":[1],\"user\":{}}",
		    "user" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (read_request(cases[i].op, cases[i].text) != ERR_BAD_PARAM)
			fail_msg("accepted: %s", cases[i].text);
		assert_string_equal(e.param, cases[i].param);
	}
}

static void
openai_request_read__numbers_at_their_bounds__pass(void **state)
{
	(void)state;
	assert_ok(read_request(WIRE_COMPLETION,
	    "{\"model\":\"m\",\"prompt\":\"\",\"n\":128,\"best_of\":128,"
	    "\"max_tokens\":10000000}"));
	assert_ok(read_request(WIRE_CHAT,
	    "{\"model\":\"m\",\"messages\":[1],\"n\":128,"
	    "\"max_completion_tokens\":10000000}"));
}

/* The body after openai_request_change(). */
static struct str
changed(enum wire_op op, const char *text, struct openai_change change)
{
	struct splice_out out;
	struct splice s;

	assert_ok(read_request(op, text));
	splice_init(&s, &a, &body);
	openai_request_change(&s, op, &rq, &change);
	assert_ok(splice_build(&s, &out, &e));
	assert_int_equal(out.n_pieces, 1);
	return out.pieces[0];
}

#define CHANGE(...) ((struct openai_change){ .model = S("m"), __VA_ARGS__ })

static void
openai_request_change__nothing_to_do__keeps_the_bytes(void **state)
{
	const char *text = "{\"model\":\"m\",\"messages\":[1],"
			   "\"max_tokens\":10,\"store\":false}";

	(void)state;
	assert_ptr_equal(changed(WIRE_CHAT, text,
			     CHANGE(.limit_tok = 10, .force_usage = true))
			     .p,
	    text);
}

static void
openai_request_change__limit__is_lowered_or_added(void **state)
{
	(void)state;
	assert_str_is(changed(WIRE_CHAT, "{\"model\":\"m\",\"messages\":[1]}",
			  CHANGE(.limit_tok = 10)),
	    "{\"model\":\"m\",\"messages\":[1],\"max_completion_tokens\":10}");
	assert_str_is(changed(WIRE_CHAT, "{\"model\":\"m\",\"messages\":[1]}",
			  CHANGE(.limit_tok = 10, .kind = PROVIDER_LOCAL)),
	    "{\"model\":\"m\",\"messages\":[1],\"max_tokens\":10}");
	assert_str_is(changed(WIRE_COMPLETION,
			  "{\"model\":\"m\",\"prompt\":\"\"}",
			  CHANGE(.limit_tok = 10)),
	    "{\"model\":\"m\",\"prompt\":\"\",\"max_tokens\":10}");
	assert_str_is(changed(WIRE_EMBEDDING,
			  "{\"model\":\"m\",\"input\":\"\"}",
			  CHANGE(.limit_tok = 10)),
	    "{\"model\":\"m\",\"input\":\"\"}");
	assert_str_is(changed(WIRE_CHAT,
			  "{\"model\":\"m\",\"messages\":[1],\"max_tokens\":11,"
			  "\"max_completion_tokens\":9}",
			  CHANGE(.limit_tok = 10)),
	    "{\"model\":\"m\",\"messages\":[1],\"max_tokens\":10,"
	    "\"max_completion_tokens\":9}");
	assert_str_is(changed(WIRE_CHAT,
			  "{\"model\":\"m\",\"messages\":[1],"
			  "\"max_completion_tokens\":null}",
			  CHANGE(.limit_tok = 10)),
	    "{\"model\":\"m\",\"messages\":[1],\"max_completion_tokens\":10}");
	assert_str_is(changed(WIRE_CHAT, "{\"model\":\"m\",\"messages\":[1]}",
			  CHANGE()),
	    "{\"model\":\"m\",\"messages\":[1]}");
}

static void
openai_request_change__stream__asks_for_usage(void **state)
{
	(void)state;
	assert_str_is(changed(WIRE_CHAT,
			  "{\"model\":\"m\",\"messages\":[1],\"stream\":true}",
			  CHANGE(.force_usage = true)),
	    "{\"model\":\"m\",\"messages\":[1],\"stream\":true,"
	    "\"stream_options\":{\"include_usage\":true}}");
	assert_str_is(changed(WIRE_CHAT,
			  "{\"model\":\"m\",\"messages\":[1],\"stream\":true,"
			  "\"stream_options\":{\"include_usage\":false}}",
			  CHANGE(.force_usage = true)),
	    "{\"model\":\"m\",\"messages\":[1],\"stream\":true,"
	    "\"stream_options\":{\"include_usage\":true}}");
	assert_str_is(changed(WIRE_CHAT,
			  "{\"model\":\"m\",\"messages\":[1],\"stream\":true}",
			  CHANGE()),
	    "{\"model\":\"m\",\"messages\":[1],\"stream\":true}");
}

static void
openai_request_change__model_and_store__are_replaced(void **state)
{
	(void)state;
	assert_str_is(changed(WIRE_CHAT,
			  "{\"model\":\"mine\",\"messages\":[1],"
			  "\"store\" : true,\"metadata\":{}}",
			  CHANGE()),
	    "{\"model\":\"m\",\"messages\":[1],\"store\" : false,"
	    "\"metadata\":{}}");
}

static void
openai_request_change__sampling_defaults__only_where_nothing_is_said(
    void **state)
{
	(void)state;
	assert_str_is(changed(WIRE_COMPLETION,
			  "{\"model\":\"m\",\"prompt\":\"a\"}",
			  CHANGE(.temperature = S("0.7"), .top_p = S("0.95"))),
	    "{\"model\":\"m\",\"prompt\":\"a\",\"temperature\":0.7,"
	    "\"top_p\":0.95}");
	assert_str_is(changed(WIRE_CHAT,
			  "{\"model\":\"m\",\"messages\":[1],"
			  "\"temperature\":0,\"top_p\":null}",
			  CHANGE(.temperature = S("0.7"), .top_p = S("0.95"))),
	    "{\"model\":\"m\",\"messages\":[1],\"temperature\":0,"
	    "\"top_p\":0.95}");
	assert_str_is(changed(WIRE_EMBEDDING,
			  "{\"model\":\"m\",\"input\":\"a\"}",
			  CHANGE(.temperature = S("0.7"))),
	    "{\"model\":\"m\",\"input\":\"a\"}");
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(openai_request_read__chat__is_understood),
		T(openai_request_read__completion__multiplies_prompts_and_best_of),
		T(openai_request_read__bad_members__are_named),
		T(openai_request_read__numbers_at_their_bounds__pass),
		T(openai_request_change__nothing_to_do__keeps_the_bytes),
		T(openai_request_change__limit__is_lowered_or_added),
		T(openai_request_change__stream__asks_for_usage),
		T(openai_request_change__model_and_store__are_replaced),
		T(openai_request_change__sampling_defaults__only_where_nothing_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
