/* SPDX-License-Identifier: MIT */
#include "unit/gpt2d/fixture_tokenizer.h"

#include "gpt2d/reply.h"

static struct arena a;
static struct vocabulary v;
static struct reply r;
static unsigned n_wakes, n_overs;
static struct error e;

static const struct gpt2_config config = {
	.n_vocab = FIXTURE_N_VOCAB,
	.n_pos = 8,
	.eos_id = FIXTURE_EOS,
};

static int
setup(void **state)
{
	(void)state;
	arena_init(&a, MIB(16));
	v.tokenizer = fixture_tokenizer(&a);
	token_sizes_init(&v.sizes, v.tokenizer);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	tokenizer_close(v.tokenizer);
	arena_fini(&a);
	return 0;
}

static void
wake(void *ctx, bool is_over)
{
	assert_ptr_equal(ctx, &a);
	n_wakes++;
	n_overs += is_over;
}

static enum err
try_begin(const struct completion *c, uint32_t max_new_tok)
{
	static const uint32_t ids[] = { FIXTURE_THE, ' ' };
	static struct prompt prompt;
	const struct reply_source src = {
		.completion = c,
		.prompt = &prompt,
		.vocabulary = &v,
		.config = &config,
		.model = S("mini"),
		.wake = wake,
		.ctx = &a,
	};

	prompt = (struct prompt){ ids, 2, max_new_tok };
	n_wakes = n_overs = 0;
	error_clear(&e);
	return reply_init(&r, &src, &e);
}

static void
begin(const struct completion *c)
{
	assert_ok(try_begin(c, 5));
	(void)strcpy(r.head.id, "id");
	r.head.created_s = 1;
}

static struct completion
completion(enum completion_kind kind, bool is_stream)
{
	return (struct completion){
		.kind = kind,
		.n_choices = 1,
		.n_top_logprobs = SAMPLER_NO_LOGPROBS,
		.is_stream = is_stream,
	};
}

/* What the scheduler does for a token; text may be held back. */
static void
token(uint32_t choice, uint32_t id, const char *text, enum job_end end)
{
	struct job_piece piece = {
		.choice = choice,
		.text = str_from(text),
		.has_token = true,
		.token.id = id,
		.end = end,
	};

	r.job.piece(r.job.ctx, &piece);
}

static bool
has(struct str text, const char *part)
{
	return str_find_str(text, str_from(part)) < text.n;
}

/* One of which it is told where its text begins. */
static void
token_at(uint32_t id, uint64_t at, const char *text, enum job_end end)
{
	struct job_piece piece = {
		.text = str_from(text),
		.has_token = true,
		.token.id = id,
		.token_at = at,
		.end = end,
	};

	r.job.piece(r.job.ctx, &piece);
}

static void
no_token(uint32_t choice, const char *text, enum job_end end)
{
	struct job_piece piece = {
		.choice = choice,
		.text = str_from(text),
		.end = end,
	};

	r.job.piece(r.job.ctx, &piece);
}

static const char *
take_all(enum reply_state *ret_last)
{
	static char text[8192];
	size_t at = 0, n = 0;

	for (;;) {
		*ret_last = reply_take(&r, text + at, 7, &n);
		if (*ret_last != REPLY_BYTES)
			break;
		assert_in_range(n, 1, 7);
		at += n;
		assert_true(at < sizeof(text) - 8);
	}
	text[at] = '\0';
	return text;
}

/* clang-format off */
#define EVENT(choices) \
 "data: {\"id\":\"id\",\"object\":\"text_completion\",\"created\":1," \
 "\"model\":\"mini\",\"choices\":[" choices "]}\n\n"
#define TEXT(index, text, reason) \
 EVENT("{\"index\":" #index ",\"text\":\"" text "\",\"logprobs\":null," \
 "\"finish_reason\":" reason "}")
/* clang-format on */

static void
reply__job__as_asked_for(void **state)
{
	const struct str stop = S("x");
	struct str stops[] = { stop };
	struct completion c = completion(COMPLETION_TEXT, false);
	(void)state;

	c.n_choices = 3;
	c.stops = stops;
	c.n_stops = 1;
	c.n_top_logprobs = 4;
	c.sampling.seed = 9;
	begin(&c);

	assert_int_equal(r.job.n_prompt, 2);
	assert_int_equal(r.job.n_choices, 3);
	assert_int_equal(r.job.max_new_tok, 5);
	assert_int_equal(r.job.n_top_logprobs, 4);
	assert_int_equal(r.job.n_stops, 1);
	assert_true(r.job.sampling.seed == 9);
	assert_false(r.job.ignore_eos);
	reply_fini(&r);
}

static void
reply__stream__events_as_they_come(void **state)
{
	struct completion c = completion(COMPLETION_TEXT, true);
	enum reply_state last;
	(void)state;

	begin(&c);
	assert_string_equal(take_all(&last), "");
	assert_int_equal(last, REPLY_WAITS);
	token(0, 'a', "a", JOB_END_NONE);
	assert_int_equal(n_wakes, 1);
	assert_string_equal(take_all(&last), TEXT(0, "a", "null"));
	assert_int_equal(last, REPLY_WAITS);
	token(0, 0xc3, "", JOB_END_NONE); /* held back: no event */
	assert_int_equal(n_wakes, 1);
	token(0, 0xa9, "\xc3\xa9", JOB_END_LENGTH);
	r.job.done(r.job.ctx);

	assert_string_equal(take_all(&last),
	    TEXT(0, "\xc3\xa9", "null")
		TEXT(0, "", "\"length\"") "data: [DONE]\n\n");
	assert_int_equal(last, REPLY_ENDED);
	assert_int_equal(n_overs, 1);
	assert_int_equal(r.usage.completion_tok, 3);
	reply_fini(&r);
}

static void
reply__two_choices__told_apart(void **state)
{
	struct completion c = completion(COMPLETION_TEXT, true);
	enum reply_state last;
	(void)state;

	c.n_choices = 2;
	begin(&c);
	token(1, 'b', "b", JOB_END_NONE);
	no_token(0, "", JOB_END_STOP);
	token(1, 'c', "", JOB_END_LENGTH);
	r.job.done(r.job.ctx);

	assert_string_equal(take_all(&last),
	    TEXT(1, "b", "null") TEXT(0, "", "\"stop\"")
		TEXT(1, "", "\"length\"") "data: [DONE]\n\n");
	reply_fini(&r);
}

static void
reply__chat_stream_with_usage__role_first_usage_last(void **state)
{
	struct completion c = completion(COMPLETION_CHAT, true);
	enum reply_state last;
	const char *text;
	(void)state;

	c.wants_usage = true;
	begin(&c);
	text = take_all(&last);
	assert_non_null(strstr(text, "\"delta\":{\"role\":\"assistant\""));
	token(0, 'a', "a", JOB_END_NONE);
	no_token(0, "", JOB_END_STOP);
	r.job.done(r.job.ctx);

	text = take_all(&last);
	assert_non_null(strstr(text, "\"delta\":{\"content\":\"a\"}"));
	assert_non_null(
	    strstr(text, "\"choices\":[],\"usage\":{\"prompt_tokens\":2,"
			 "\"completion_tokens\":1,\"total_tokens\":3}}\n\n"
			 "data: [DONE]\n\n"));
	reply_fini(&r);
}

static void
reply__stream_logprobs__each_token_with_its_text_but_the_end(void **state)
{
	struct completion c = completion(COMPLETION_TEXT, true);
	enum reply_state last;
	(void)state;

	c.n_top_logprobs = 0;
	begin(&c);
	token(0, 'a', "", JOB_END_NONE);
	token(0, FIXTURE_EOS, "a", JOB_END_STOP);
	r.job.done(r.job.ctx);

	assert_string_equal(take_all(&last),
	    EVENT(
		"{\"index\":0,\"text\":\"a\",\"logprobs\":{\"tokens\":[\"a\"],"
		"\"token_logprobs\":[0],\"top_logprobs\":[null],"
		"\"text_offset\":[4]},\"finish_reason\":null}")
		TEXT(0, "", "\"stop\"") "data: [DONE]\n\n");
	reply_fini(&r);
}

/* "a<b" is left of what comes before "<end": "<" may still be its begin. */
static void
reply__stop_string__its_tokens_are_not_told(void **state)
{
	struct completion c = completion(COMPLETION_TEXT, false);
	struct str stops[] = { STR_INIT("<end") };
	struct str text = { NULL, 0 };
	(void)state;

	c.n_top_logprobs = 0;
	c.stops = stops;
	c.n_stops = 1;
	begin(&c);
	token_at('a', 0, "a", JOB_END_NONE);
	token_at('<', 1, "", JOB_END_NONE);
	token_at('b', 2, "<b", JOB_END_NONE);
	token_at('<', 3, "", JOB_END_NONE);
	token_at('e', 4, "", JOB_END_NONE);
	token_at('n', 5, "", JOB_END_NONE);
	token_at('d', 6, "", JOB_END_STOP);
	r.job.done(r.job.ctx);

	assert_ok(reply_whole(&r, &text, &e));
	assert_true(has(text, "\"text\":\"a<b\""));
	assert_true(has(text, "\"tokens\":[\"a\",\"<\",\"b\"]"));
	assert_true(has(text, "\"text_offset\":[4,5,6]"));
	assert_int_equal(r.usage.completion_tok, 7);
	reply_fini(&r);
}

static void
reply__cut_by_its_length__held_tokens_are_told(void **state)
{
	struct completion c = completion(COMPLETION_TEXT, false);
	struct str stops[] = { STR_INIT("<end") };
	struct str text = { NULL, 0 };
	(void)state;

	c.n_top_logprobs = 0;
	c.stops = stops;
	c.n_stops = 1;
	begin(&c);
	token_at('<', 0, "", JOB_END_NONE);
	token_at('e', 1, "<e", JOB_END_LENGTH);
	r.job.done(r.job.ctx);

	assert_ok(reply_whole(&r, &text, &e));
	assert_true(has(text, "\"tokens\":[\"<\",\"e\"]"));
	reply_fini(&r);
}

/* Tokens may be empty: a checkpoint has more of them than its vocabulary. */
static void
reply__tokens_without_text__told_in_bounded_memory(void **state)
{
	struct completion c = completion(COMPLETION_TEXT, true);
	enum reply_state last;
	const char *text;
	unsigned n = 0;
	(void)state;

	c.n_top_logprobs = 0;
	begin(&c);
	for (int i = 0; i < 20; i++)
		token_at('x', 0, "", JOB_END_NONE);
	token_at('x', 0, "", JOB_END_LENGTH);
	r.job.done(r.job.ctx);

	for (text = take_all(&last); (text = strstr(text, "\"x\"")); text++)
		n++;
	assert_int_equal(n, 21);
	reply_fini(&r);
}

static void
reply__cancelled_stream__error_and_no_done(void **state)
{
	struct completion c = completion(COMPLETION_TEXT, true);
	enum reply_state last;
	const char *text;
	(void)state;

	begin(&c);
	no_token(0, "", JOB_END_CANCELLED);
	r.job.done(r.job.ctx);

	text = take_all(&last);
	assert_non_null(strstr(text, "data: {\"error\":{"));
	assert_non_null(strstr(text, "\"code\":\"shutting_down\""));
	assert_null(strstr(text, "[DONE]"));
	assert_int_equal(last, REPLY_ENDED);
	reply_fini(&r);
}

static void
reply__whole__all_choices_and_usage(void **state)
{
	struct completion c = completion(COMPLETION_TEXT, false);
	struct str text = { NULL, 0 };
	(void)state;

	c.n_choices = 2;
	begin(&c);
	token(0, 'a', "a", JOB_END_NONE);
	token(1, 'x', "x", JOB_END_LENGTH);
	token(0, 'b', "b", JOB_END_NONE);
	no_token(0, "c", JOB_END_STOP);
	assert_int_equal(n_wakes, 0);
	r.job.done(r.job.ctx);

	assert_int_equal(n_wakes, 1);
	assert_ok(reply_whole(&r, &text, &e));
	assert_str_is(text,
	    "{\"id\":\"id\",\"object\":\"text_completion\",\"created\":1,"
	    "\"model\":\"mini\",\"choices\":["
	    "{\"index\":0,\"text\":\"abc\",\"logprobs\":null,"
	    "\"finish_reason\":\"stop\"},"
	    "{\"index\":1,\"text\":\"x\",\"logprobs\":null,"
	    "\"finish_reason\":\"length\"}],"
	    "\"usage\":{\"prompt_tokens\":2,\"completion_tokens\":3,"
	    "\"total_tokens\":5}}");
	reply_fini(&r);
}

static void
reply__whole_that_failed__its_error(void **state)
{
	struct completion c = completion(COMPLETION_TEXT, false);
	struct str text;
	(void)state;

	begin(&c);
	no_token(0, "", JOB_END_FAILED);
	r.job.done(r.job.ctx);
	assert_int_equal(reply_whole(&r, &text, &e), ERR_NO_MEMORY);
	reply_fini(&r);

	begin(&c);
	no_token(0, "", JOB_END_CANCELLED);
	r.job.done(r.job.ctx);
	assert_int_equal(reply_whole(&r, &text, &e), ERR_SHUTTING_DOWN);
	reply_fini(&r);
}

/* The largest token of a chat, with as many alternatives as there may be. */
static void
add_largest(uint32_t choice)
{
	struct job_piece piece = {
		.choice = choice,
		.text = S("\xef\xbf\xbd"),
		.has_token = true,
		.token = { .id = 0xff, .n_top = SAMPLER_LOGPROBS_MAX },
	};

	piece.token.logprob = -1.2345678e-5F;
	for (uint32_t i = 0; i < SAMPLER_LOGPROBS_MAX; i++) {
		piece.token.top_ids[i] = i ? 0xe0 + i : FIXTURE_EOS - 1;
		piece.token.top_logprobs[i] = -1.2345678e-5F;
	}
	r.job.piece(r.job.ctx, &piece);
}

static uint32_t
largest_length(const struct completion *c)
{
	uint32_t n = 1;

	while (n < 100000 && !try_begin(c, n)) {
		reply_fini(&r);
		n++;
	}
	return n - 1;
}

static void
reply__whole_answer_too_large__refused_before_it_begins(void **state)
{
	struct completion c = completion(COMPLETION_CHAT, false);
	struct str text = { NULL, 0 };
	uint32_t n;
	(void)state;

	c.n_choices = 8;
	c.n_top_logprobs = SAMPLER_LOGPROBS_MAX;
	n = largest_length(&c);
	assert_int_equal(try_begin(&c, n + 1), ERR_BAD_PARAM);
	assert_string_equal(e.param, "max_tokens");
	assert_string_equal(e.public_text,
	    "The answer could be larger than 16 MiB. Ask for fewer tokens, "
	    "choices or logprobs, or for a stream.");
	c.is_stream = true;
	assert_ok(try_begin(&c, n + 1));
	reply_fini(&r);

	/* and the largest one that is begun is told, with room to spare */
	c.is_stream = false;
	assert_ok(try_begin(&c, n));
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t k = 0; k < c.n_choices; k++)
			add_largest(k);
	for (uint32_t k = 0; k < c.n_choices; k++)
		no_token(k, "", JOB_END_LENGTH);
	r.job.done(r.job.ctx);
	assert_ok(reply_whole(&r, &text, &e));
	assert_in_range(text.n, REPLY_MAX_BYTES / 3, REPLY_MAX_BYTES);
	reply_fini(&r);
}

/* A reader that is always a little behind costs no more than that. */
static void
reply__slow_reader__memory_of_what_is_left(void **state)
{
	struct completion c = completion(COMPLETION_TEXT, true);
	char taken[256];
	size_t n = 0;
	(void)state;

	begin(&c);
	token(0, 'a', "a", JOB_END_NONE);
	for (int i = 0; i < 100000; i++) {
		token(0, 'a', "a", JOB_END_NONE);
		while (r.out.n - r.n_taken > 150)
			assert_int_equal(reply_take(&r, taken, 100, &n),
			    REPLY_BYTES);
	}

	assert_true(r.out.cap <= KIB(4));
	reply_fini(&r);
}

static void
reply__reader_that_never_reads__broken(void **state)
{
	struct completion c = completion(COMPLETION_TEXT, true);
	char taken[16];
	size_t n;
	(void)state;

	begin(&c);
	for (size_t i = 0; i < REPLY_MAX_BYTES / 100; i++)
		token(0, 'a', "a", JOB_END_NONE);

	assert_true(r.arena.used_bytes <= 4 * REPLY_MAX_BYTES);
	assert_int_equal(reply_take(&r, taken, sizeof(taken), &n),
	    REPLY_BROKEN);
	reply_fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reply__job__as_asked_for),
		cmocka_unit_test(reply__stream__events_as_they_come),
		cmocka_unit_test(reply__two_choices__told_apart),
		cmocka_unit_test(
		    reply__chat_stream_with_usage__role_first_usage_last),
		cmocka_unit_test(
		    reply__stream_logprobs__each_token_with_its_text_but_the_end),
		cmocka_unit_test(reply__stop_string__its_tokens_are_not_told),
		cmocka_unit_test(
		    reply__cut_by_its_length__held_tokens_are_told),
		cmocka_unit_test(
		    reply__tokens_without_text__told_in_bounded_memory),
		cmocka_unit_test(reply__cancelled_stream__error_and_no_done),
		cmocka_unit_test(reply__whole__all_choices_and_usage),
		cmocka_unit_test(reply__whole_that_failed__its_error),
		cmocka_unit_test(
		    reply__whole_answer_too_large__refused_before_it_begins),
		cmocka_unit_test(reply__slow_reader__memory_of_what_is_left),
		cmocka_unit_test(reply__reader_that_never_reads__broken),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
