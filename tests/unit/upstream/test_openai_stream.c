/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include "upstream/openai.h"

static struct arena a;
static struct openai_stream st;
static struct error e;

static int
setup(void **state)
{
	(void)state;
	arena_init(&a, KIB(64));
	openai_stream_init(&st, &a, true, NULL);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_fini(&a);
	return 0;
}

static struct openai_out out;

static enum err
keep_out(void *ctx, const struct sse_event *ev, struct error *err)
{
	(void)ctx;
	return openai_stream_event(&st, ev, &out, err);
}

/* One event through the parser and the reader. */
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
assert_passes(const char *raw, const char *expected)
{
	struct openai_out o = event(raw);

	assert_int_equal(o.pass, OPENAI_PASS);
	assert_str_is(o.raw, expected);
}

static void
openai_stream_event__content__passes_and_counts(void **state)
{
	const char *raw = "data: {\"choices\":[{\"index\":0,\"delta\":{"
			  "\"content\":\"12345\"},\"finish_reason\":null}]}"
			  "\n\n";

	(void)state;
	assert_passes(raw, raw);
	assert_int_equal(st.texts.n_bytes, 5);
	assert_false(st.is_finished);

	raw = "data: {\"choices\":[{\"text\":\"678\",\"finish_reason\":"
	      "\"stop\"}]}\n\n";
	assert_passes(raw, raw);
	assert_int_equal(st.texts.n_bytes, 8);
	assert_true(st.is_finished);
	assert_int_equal(st.n_events, 2);
}

static void
openai_stream_event__null_usage__is_taken_out(void **state)
{
	(void)state;
	assert_passes("data: {\"id\":\"x\",\"choices\":[] , \"usage\" : null}"
		      "\r\n\r\n",
	    "data: {\"id\":\"x\",\"choices\":[]}\r\n\r\n");
	assert_passes("data: {\"usage\":null, \"choices\":[]}\n\n",
	    "data: {\"choices\":[]}\n\n");
	assert_passes("data: {\"usage\":null}\n\n", "data: {}\n\n");
	assert_passes("data: {\"a\":1,\"usage\":null,\"b\":2}\n\n",
	    "data: {\"a\":1,\"b\":2}\n\n");
}

static void
openai_stream_event__client_asked_for_usage__nothing_is_hidden(void **state)
{
	const char *null = "data: {\"choices\":[],\"usage\":null}\n\n";
	const char *last = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":"
			   "1,\"completion_tokens\":2}}\n\n";

	(void)state;
	openai_stream_init(&st, &a, false, NULL);
	assert_passes(null, null);
	assert_passes(last, last);
	assert_true(st.has_usage);
	assert_int_equal(st.usage.n_tok[TOK_OUT], 2);
}

static void
openai_stream_event__usage_chunk__is_read_and_hidden(void **state)
{
	(void)state;
	assert_int_equal(event("data: {\"choices\":[],\"usage\":{"
			       "\"prompt_tokens\":1,\"completion_tokens\":2}}"
			       "\n\n")
			     .pass,
	    OPENAI_HIDE);
	assert_true(st.has_usage);
	assert_int_equal(st.usage.n_tok[TOK_OUT], 2);
	/* A broken one is hidden as well, and changes nothing. */
	assert_int_equal(event("data: {\"choices\":[],\"usage\":{"
			       "\"prompt_tokens\":-1}}\n\n")
			     .pass,
	    OPENAI_HIDE);
	assert_int_equal(st.usage.n_tok[TOK_OUT], 2);
}

static void
openai_stream_event__several_usages__the_last_complete_counts(void **state)
{
	const char *first = "data: {\"choices\":[{\"delta\":{}}],\"usage\":{"
			    "\"prompt_tokens\":1,\"completion_tokens\":1}}\n\n";

	(void)state;
	assert_passes(first, first); /* it came with content */
	(void)event("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,"
		    "\"completion_tokens\":9}}\n\n");
	(void)event("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1}}"
		    "\n\n");
	assert_int_equal(st.usage.n_tok[TOK_OUT], 9);
}

static void
openai_stream_event__done__is_the_moment_to_settle(void **state)
{
	struct openai_out o = event("data: [DONE]\n\n");

	(void)state;
	assert_int_equal(o.pass, OPENAI_FINISH);
	assert_str_is(o.raw, "data: [DONE]\n\n");
	assert_true(st.is_done);
	assert_false(st.is_garbage);
}

static void
openai_stream_event__comments__pass_uncounted(void **state)
{
	(void)state;
	assert_passes(": OPENROUTER PROCESSING\n\n",
	    ": OPENROUTER PROCESSING\n\n");
	assert_int_equal(st.n_events, 0);
}

static void
openai_stream_event__error_inside__is_noticed_and_passes(void **state)
{
	const char *raw = "data: {\"error\":{\"message\":\"boom\"}}\n\n";

	(void)state;
	assert_passes(raw, raw);
	assert_true(out.is_error);
	assert_true(st.is_error);
	assert_passes("data: {\"error\":null,\"choices\":[]}\n\n",
	    "data: {\"error\":null,\"choices\":[]}\n\n");
	assert_false(out.is_error);
}

static void
openai_stream_event__garbage__is_kept_from_the_client(void **state)
{
	static const char *const texts[] = { "data: hello\n\n",
		"data: {\"choices\":[\n\n", "data: []\n\n", "data:\n\n",
		"data: {\"a\":\"\xff\"}\n\n", "data: [DONE]x\n\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		openai_stream_init(&st, &a, false, NULL);
		assert_int_equal(event(texts[i]).pass, OPENAI_HIDE);
		assert_true(out.is_garbage);
		assert_true(st.is_garbage);
	}
}

static void
openai_stream_event__cut_event_that_is_whole__still_counts(void **state)
{
	(void)state;
	(void)event("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,"
		    "\"completion_tokens\":2}}");
	assert_true(st.has_usage);
}

static void
openai_stream_event__data_over_several_lines__loses_its_usage_too(void **state)
{
	const char *raw = "data: {\"choices\":[],\ndata: \"usage\":null}\n\n";

	(void)state;
	assert_passes(raw, "data: {\"choices\":[]}\n\n");
	assert_false(st.is_garbage);
}

/* CHECKLIST S16 */
static void
openai_stream_event__other_fields__do_not_go_on(void **state)
{
	(void)state;
	assert_passes("event: message\nid: 7\nretry: 3000\ndata: {\"a\":1}\n\n",
	    "data: {\"a\":1}\n\n");
	assert_passes("event: x\ndata: {\"a\":\ndata: 1}\n\n",
	    "data: {\"a\":\ndata: 1}\n\n");
	assert_int_equal(event("retry: 1\n\n").pass, OPENAI_HIDE);
	assert_int_equal(event("event: done\n\n").pass, OPENAI_HIDE);
	assert_int_equal(event("data: {\"a\":\"\\u0000\\n\\n\"}\n\n").pass,
	    OPENAI_PASS);
}

static void
openai_stream_event__full_arena__fails_softly(void **state)
{
	struct sse sse;

	(void)state;
	a.fail_at = 1;
	sse_init(&sse, &a, KIB(16), keep_out, NULL);
	assert_int_equal(sse_feed(&sse, S("data: {\"usage\":null}\n\n"), &e),
	    ERR_NO_MEMORY);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(openai_stream_event__content__passes_and_counts),
		T(openai_stream_event__null_usage__is_taken_out),
		T(openai_stream_event__client_asked_for_usage__nothing_is_hidden),
		T(openai_stream_event__usage_chunk__is_read_and_hidden),
		T(openai_stream_event__several_usages__the_last_complete_counts),
		T(openai_stream_event__done__is_the_moment_to_settle),
		T(openai_stream_event__comments__pass_uncounted),
		T(openai_stream_event__error_inside__is_noticed_and_passes),
		T(openai_stream_event__garbage__is_kept_from_the_client),
		T(openai_stream_event__cut_event_that_is_whole__still_counts),
		T(openai_stream_event__data_over_several_lines__loses_its_usage_too),
		T(openai_stream_event__other_fields__do_not_go_on),
		T(openai_stream_event__full_arena__fails_softly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
