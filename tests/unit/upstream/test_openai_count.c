/* SPDX-License-Identifier: MIT */
/* Tokens of prompts, answers and streams. The tokenizer's words are bytes and
 * a few pairs, so that a text's tokens can be seen. */
#include "support/cmocka_tg.h"

#include "support/vocabulary.h"
#include "tokenizer/build.h"
#include "tokenizer/tally.h"
#include "tokenizer/tokenizer.h"
#include "upstream/openai.h"

static struct arena made, a;
static struct tokenizer *t;
static struct error e;

static int
make_tokenizer(void **state)
{
	static const char *const words[] = { "ab", "abab" };
	struct tokenizer_source source = { .name = "small",
		.rule = SPLIT_O200K };
	struct str image;

	(void)state;
	arena_init(&made, TOKENIZER_BUILD_BYTES);
	source.ranks = vocabulary_ranks(&made, words, ARRAY_LEN(words));
	assert_ok(tokenizer_build(&source, &made, &image, &e));
	assert_ok(tokenizer_from_image(image, &t, &e));
	return 0;
}

static int
free_tokenizer(void **state)
{
	(void)state;
	tokenizer_close(t);
	arena_fini(&made);
	return 0;
}

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

/* ---- prompts ---- */

struct prompt_case {
	enum wire_op op;
	const char *text;
	uint64_t tok;
	bool is_counted;
};

static void
check_prompts(const struct prompt_case *cases, size_t n,
    const struct tokenizer *with)
{
	for (size_t i = 0; i < n; i++) {
		struct openai_count got;
		struct body body;

		assert_ok(body_scan(&a, str_from(cases[i].text), &body, &e));
		got = openai_count_prompt(cases[i].op, &body, with);
		if (got.tok != cases[i].tok ||
		    got.is_counted != cases[i].is_counted)
			fail_msg("%s: %llu", cases[i].text,
			    (unsigned long long)got.tok);
	}
}

static void
openai_count_prompt__no_tokenizer__each_kind_is_estimated(void **state)
{
	static const struct prompt_case cases[] = {
		{ WIRE_CHAT, "{\"messages\":[]}", 0, false },
		{ WIRE_CHAT, "{}", 0, false },
		{ WIRE_CHAT,
		    "{\"messages\":[{\"role\":\"system\",\"content\":\"\"},"
		    "{\"role\":\"user\",\"content\":\"\\u00e4\\u00e4\"}]}",
		    8 + 1, false },
		{ WIRE_CHAT,
		    "{\"messages\":[{\"content\":[{\"type\":\"text\","
		    "\"text\":\"12345\"},{\"type\":\"image_url\",\"image_url\":"
		    "{\"url\":\"data:image/png;base64,AAAAAAAAAAAAAAA\"}}]}]}",
		    4 + 1000 + 2, false },
		{ WIRE_CHAT,
		    "{\"messages\":[7,\"x\",{\"content\":null,\"tool_calls\":"
		    "[{\"id\":\"1234567\"}]}],\"tools\":[123456]}",
		    12 + 7, false },
		{ WIRE_EMBEDDING, "{\"input\":\"1234\"}", 1, false },
		{ WIRE_EMBEDDING, "{\"input\":[\"1234\",\"1\"]}", 2, false },
		{ WIRE_EMBEDDING, "{\"input\":[[1,2],[3]],\"tools\":\"1\"}", 3,
		    false },
		{ WIRE_COMPLETION, "{\"prompt\":\"1234\",\"suffix\":\"1\"}", 2,
		    false },
	};

	(void)state;
	check_prompts(cases, ARRAY_LEN(cases), NULL);
}

static void
openai_count_prompt__chat__has_the_documented_overhead(void **state)
{
	static const struct prompt_case cases[] = {
		{ WIRE_CHAT, "{\"messages\":[]}", 3, true },
		{ WIRE_CHAT,
		    "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}",
		    3 + 4 + 1 + 3, true },
		{ WIRE_CHAT,
		    "{\"messages\":[{\"role\":\"user\",\"name\":\"abab\","
		    "\"content\":\"ab\\u0061b\\n\"},{\"role\":\"user\","
		    "\"content\":null}]}",
		    3 + 4 + (1 + 1) + 2 + 3 + 4 + 3, true },
		{ WIRE_CHAT,
		    "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
		    "\"text\",\"text\":\"abab\"},{\"type\":\"text\",\"text\":"
		    "\"x\"}]}]}",
		    3 + 4 + 1 + 1 + 3, true },
		{ WIRE_CHAT,
		    "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
		    "\"text\",\"text\":\"x\"},{\"type\":\"image_url\","
		    "\"image_url\":{\"url\":\"data:\"}}]}]}",
		    3 + 4 + 1 + 1000 + 3, false },
	};

	(void)state;
	check_prompts(cases, ARRAY_LEN(cases), t);
}

static void
openai_count_prompt__tools__count_as_their_texts(void **state)
{
	static const struct prompt_case cases[] = {
		{ WIRE_CHAT, "{\"messages\":[],\"tools\":[{\"x\": 1}]}", 3 + 10,
		    true },
		{ WIRE_CHAT, "{\"messages\":[],\"response_format\":{\"a\":1}}",
		    3 + 7, true },
		/* The call's id is not the model's. */
		{ WIRE_CHAT,
		    "{\"messages\":[{\"role\":\"user\",\"tool_calls\":[{"
		    "\"id\":\"call_12345\",\"type\":\"function\",\"function\":"
		    "{\"name\":\"abab\",\"arguments\":\"{\\\"x\\\":1}\"}}]}]}",
		    3 + 4 + 1 + 7 + 3, true },
		{ WIRE_CHAT,
		    "{\"messages\":[{\"role\":\"user\",\"function_call\":"
		    "{\"name\":\"ab\",\"arguments\":\"{}\"}}]}",
		    3 + 4 + 1 + 2 + 3, true },
	};

	(void)state;
	check_prompts(cases, ARRAY_LEN(cases), t);
}

static void
openai_count_prompt__texts_and_ids__have_no_overhead(void **state)
{
	static const struct prompt_case cases[] = {
		{ WIRE_COMPLETION, "{\"prompt\":\"abab x\"}", 3, true },
		{ WIRE_COMPLETION, "{\"prompt\":[\"abab\",\"x\"]}", 2, true },
		{ WIRE_COMPLETION, "{\"prompt\":\"\",\"suffix\":\"xy\"}", 2,
		    true },
		{ WIRE_COMPLETION, "{\"prompt\":[5,6,7]}", 3, true },
		{ WIRE_EMBEDDING, "{\"input\":[[1,2],[3]]}", 3, true },
		{ WIRE_EMBEDDING, "{\"input\":\"abab\",\"tools\":\"x\"}", 1,
		    true },
	};

	(void)state;
	check_prompts(cases, ARRAY_LEN(cases), t);
}

/* ---- answers ---- */

static struct openai_count
count_answer(const char *text, const struct tokenizer *with)
{
	struct openai_answer answer;

	openai_answer_read(str_from(text), &answer);
	return openai_count_answer(&answer, with);
}

static void
openai_count_answer__all_choices_and_calls__are_added(void **state)
{
	const char *text =
	    "{\"choices\":[{\"index\":0,\"message\":{\"content\":\"abab\","
	    "\"reasoning\":\"x\",\"reasoning_content\":\"x\",\"tool_calls\":[{"
	    "\"function\":{\"name\":\"ab\",\"arguments\":\"{\\\"k\\\":1}\"}},{"
	    "\"function\":{\"name\":\"ab\",\"arguments\":\"{}\"}}]}},"
	    "{\"index\":1,\"message\":{\"refusal\":\"xyz\"}},"
	    "{\"text\":\"ab ab\"}]}";
	struct openai_count got = count_answer(text, t);

	(void)state;
	assert_true(got.is_counted);
	assert_int_equal(got.tok, 1 + 1 + (1 + 7) + (1 + 2) + 3 + 3);
	got = count_answer(text, NULL);
	assert_false(got.is_counted);
	assert_int_equal(got.tok, (4 + 1 + 2 + 7 + 2 + 2 + 3 + 5 + 3) / 4);
}

static void
openai_count_answer__no_choices__is_nothing(void **state)
{
	struct openai_count got = count_answer("{\"data\":[[1,2]]}", t);

	(void)state;
	assert_true(got.is_counted);
	assert_int_equal(got.tok, 0);
}

static void
openai_count_answer__long_texts__are_counted_each_for_itself(void **state)
{
	struct str line = S("abab x. ");
	uint64_t n_tok;
	struct buf b;

	(void)state;
	buf_init(&b, &a, MIB(1));
	buf_add(&b, S("{\"choices\":["));
	for (int k = 0; k < 2; k++) {
		buf_add(&b, S("{\"text\":\""));
		for (int i = 0; i < 1000; i++)
			buf_add(&b, line);
		buf_add(&b, k ? S("\"}]}") : S("\"},"));
	}
	buf_add_char(&b, '\0');
	assert_ok(tokenizer_count(t, S("abab x. abab x. "), &n_tok, &e));

	assert_int_equal(count_answer(b.p, t).tok, 2 * 1000 * n_tok / 2);
}

/* ---- streams ---- */

static struct openai_stream st;

static enum err
keep(void *ctx, const struct sse_event *ev, struct error *err)
{
	struct openai_out out;

	(void)ctx;
	return openai_stream_event(&st, ev, &out, err);
}

static enum err
event(struct str raw)
{
	struct sse sse;
	enum err err;

	sse_init(&sse, &made, MIB(1), keep, NULL);
	err = sse_feed(&sse, raw, &e);
	return err ? err : sse_finish(&sse, &e);
}

static void
feed(const char *raw)
{
	assert_ok(event(str_from(raw)));
}

#define DELTA(index, members) \
 "data: {\"choices\":[{\"index\":" #index ",\"delta\":{" members "}}]}\n\n"

static uint64_t
counted(void)
{
	struct openai_count got = openai_texts_count(&st.texts);

	assert_true(got.is_counted);
	return got.tok;
}

static void
openai_texts_count__deltas__are_one_text(void **state)
{
	(void)state;
	openai_stream_init(&st, &a, true, t);
	feed(DELTA(0, "\"role\":\"assistant\",\"content\":\"\""));
	assert_int_equal(counted(), 0);
	feed(DELTA(0, "\"content\":\"a\""));
	assert_int_equal(counted(), 1);
	feed(DELTA(0, "\"content\":\"b\""));
	assert_int_equal(counted(), 1);
	feed(DELTA(0, "\"content\":\"ab\""));
	assert_int_equal(counted(), 1);
	feed(DELTA(0, "\"content\":\"\\u0020x\""));
	assert_int_equal(counted(), 3);
	feed("data: {\"choices\":[{\"text\":\"yz\"}]}\n\n");
	assert_int_equal(counted(), 5);
}

static void
openai_texts_count__choices_mixed__each_is_a_text(void **state)
{
	(void)state;
	openai_stream_init(&st, &a, true, t);
	feed(DELTA(0, "\"content\":\"a\""));
	feed(DELTA(1, "\"content\":\"a\""));
	feed("data: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"b\"}},"
	     "{\"index\":0,\"delta\":{\"content\":\"b\"}}]}\n\n");
	assert_int_equal(counted(), 2);
	feed(DELTA(0, "\"reasoning_content\":\"ab\""));
	feed(DELTA(0, "\"refusal\":\"ab\""));
	assert_int_equal(counted(), 4);
}

static void
openai_texts_count__tool_calls__arguments_grow_apart(void **state)
{
	(void)state;
	openai_stream_init(&st, &a, true, t);
	feed(DELTA(0, "\"tool_calls\":[{\"index\":0,\"id\":\"call_1\","
		      "\"function\":{\"name\":\"ab\",\"arguments\":\"\"}}]"));
	feed(DELTA(0, "\"tool_calls\":[{\"index\":1,\"id\":\"call_2\","
		      "\"function\":{\"name\":\"ab\",\"arguments\":\"\"}}]"));
	feed(DELTA(0, "\"tool_calls\":[{\"index\":0,\"function\":{"
		      "\"arguments\":\"a\"}}]"));
	feed(DELTA(0, "\"tool_calls\":[{\"index\":1,\"function\":{"
		      "\"arguments\":\"a\"}}]"));
	feed(DELTA(0, "\"tool_calls\":[{\"index\":0,\"function\":{"
		      "\"arguments\":\"b\"}}]"));
	assert_int_equal(counted(), 2 + 1 + 1);
}

static void
openai_texts_count__client_gone__no_more_is_delivered(void **state)
{
	(void)state;
	openai_stream_init(&st, &a, true, t);
	feed(DELTA(0, "\"content\":\"xy\""));
	st.is_unheard = true;
	feed(DELTA(0, "\"content\":\"zzzz\""));
	feed("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,"
	     "\"completion_tokens\":6}}\n\n");
	assert_int_equal(counted(), 2);
	assert_int_equal(st.texts.n_bytes, 2);
	assert_true(st.has_usage);
}

/* n choices with an `x` each. */
static enum err
feed_choices(unsigned n)
{
	struct buf b;

	buf_init(&b, &made, MIB(1));
	buf_add(&b, S("data: {\"choices\":["));
	for (unsigned i = 0; i < n; i++)
		buf_addf(&b, "%s{\"index\":%u,\"delta\":{\"content\":\"x\"}}",
		    i ? "," : "", i);
	buf_add(&b, S("]}\n\n"));
	return event(buf_str(&b));
}

static void
openai_texts_count__more_texts_than_are_kept__is_an_estimate(void **state)
{
	struct openai_count got;

	(void)state;
	openai_stream_init(&st, &a, true, t);
	assert_ok(feed_choices(OPENAI_TEXTS_MAX));
	assert_int_equal(counted(), OPENAI_TEXTS_MAX);
	assert_true(
	    a.used_bytes < OPENAI_TEXTS_MAX * (TALLY_BYTES + 128) + KIB(64));
	assert_ok(feed_choices(OPENAI_TEXTS_MAX + 1));
	got = openai_texts_count(&st.texts);
	assert_false(got.is_counted);
	assert_int_equal(got.tok, (2 * OPENAI_TEXTS_MAX + 1 + 3) / 4);
}

static void
openai_texts_count__no_tokenizer__is_an_estimate(void **state)
{
	struct openai_count got;

	(void)state;
	openai_stream_init(&st, &a, true, NULL);
	feed(DELTA(0, "\"content\":\"12345\""));
	got = openai_texts_count(&st.texts);
	assert_false(got.is_counted);
	assert_int_equal(got.tok, 2);
	assert_null(st.texts.first);
}

static void
openai_texts_add__full_arena__fails_softly(void **state)
{
	(void)state;
	openai_stream_init(&st, &a, true, t);
	a.max_bytes = a.used_bytes;
	assert_int_equal(feed_choices(2), ERR_NO_MEMORY);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(openai_count_prompt__no_tokenizer__each_kind_is_estimated),
		T(openai_count_prompt__chat__has_the_documented_overhead),
		T(openai_count_prompt__tools__count_as_their_texts),
		T(openai_count_prompt__texts_and_ids__have_no_overhead),
		T(openai_count_answer__all_choices_and_calls__are_added),
		T(openai_count_answer__no_choices__is_nothing),
		T(openai_count_answer__long_texts__are_counted_each_for_itself),
		T(openai_texts_count__deltas__are_one_text),
		T(openai_texts_count__choices_mixed__each_is_a_text),
		T(openai_texts_count__tool_calls__arguments_grow_apart),
		T(openai_texts_count__client_gone__no_more_is_delivered),
		T(openai_texts_count__more_texts_than_are_kept__is_an_estimate),
		T(openai_texts_count__no_tokenizer__is_an_estimate),
		T(openai_texts_add__full_arena__fails_softly),
	};

	return cmocka_run_group_tests(tests, make_tokenizer, free_tokenizer);
}
