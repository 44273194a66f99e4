/* SPDX-License-Identifier: MIT */
#include "unit/gpt2d/fixture_tokenizer.h"

#include "gpt2d/logprobs.h"

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

static void
write_logprobs(enum completion_kind kind, const struct sampler_choice *tokens,
    size_t n)
{
	struct logprobs l;

	buf_reset(&b);
	logprobs_init(&l, kind, t, &a, MIB(1), 10);
	for (size_t i = 0; i < n; i++)
		logprobs_add(&l, &tokens[i]);
	logprobs_write(&l, &b);
}

static void
logprobs__completion__four_arrays(void **state)
{
	const struct sampler_choice tokens[] = {
		{
		    .id = FIXTURE_THE,
		    .logprob = -0.5F,
		    .n_top = 1,
		    .top_ids = { 'x' },
		    .top_logprobs = { -0.25F },
		},
		{
		    .id = 0xc3,
		    .logprob = -1,
		    .n_top = 1,
		    .top_ids = { 0xc3 },
		    .top_logprobs = { -1 },
		},
		{ .id = 0xa9, .logprob = -2 },
		{ .id = 'y', .logprob = -20000 },
	};
	(void)state;

	write_logprobs(COMPLETION_TEXT, tokens, ARRAY_LEN(tokens));

	assert_str_is(buf_str(&b),
	    "{\"tokens\":[\"the\",\"bytes:\\\\xc3\",\"bytes:\\\\xa9\",\"y\"],"
	    "\"token_logprobs\":[-0.5,-1,-2,-9999],"
	    "\"top_logprobs\":[{\"x\":-0.25,\"the\":-0.5},"
	    "{\"bytes:\\\\xc3\":-1},null,null],"
	    "\"text_offset\":[10,13,14,14]}");
}

static void
logprobs__chat__objects_with_bytes(void **state)
{
	const struct sampler_choice token = {
		.id = FIXTURE_HE,
		.logprob = -0.5F,
		.n_top = 1,
		.top_ids = { 0x82 },
		.top_logprobs = { -0.25F },
	};
	(void)state;

	write_logprobs(COMPLETION_CHAT, &token, 1);

	assert_str_is(buf_str(&b),
	    "{\"content\":[{\"token\":\"he\",\"logprob\":-0.5,\"bytes\":"
	    "[104,101],\"top_logprobs\":[{\"token\":\"\\\\x82\",\"logprob\":"
	    "-0.25,\"bytes\":[130]}]}],\"refusal\":null}");
}

static void
logprobs__cleared__place_in_the_text_stays(void **state)
{
	const struct sampler_choice token = { .id = FIXTURE_THE };
	struct logprobs l;
	(void)state;

	buf_reset(&b);
	logprobs_init(&l, COMPLETION_TEXT, t, &a, MIB(1), 0);
	logprobs_add(&l, &token);
	logprobs_clear(&l);
	logprobs_add(&l, &token);
	logprobs_write(&l, &b);

	assert_str_is(buf_str(&b),
	    "{\"tokens\":[\"the\"],\"token_logprobs\":[0],"
	    "\"top_logprobs\":[null],\"text_offset\":[3]}");
}

static void
logprobs__too_many__sticks(void **state)
{
	const struct sampler_choice token = { .id = FIXTURE_THE };
	struct logprobs l;
	(void)state;

	buf_reset(&b);
	logprobs_init(&l, COMPLETION_TEXT, t, &a, 4, 0);
	logprobs_add(&l, &token);
	logprobs_write(&l, &b);

	assert_int_equal(b.sticky, ERR_TOO_LARGE);
}

/* Whatever the token, its JSON is no larger than is reckoned with. */
static void
token_sizes__each_token__within_them(void **state)
{
	static const enum completion_kind kinds[] = { COMPLETION_TEXT,
		COMPLETION_CHAT };
	static const uint32_t n_tops[] = { 0, 1, 5, SAMPLER_LOGPROBS_MAX };
	struct token_sizes sizes;
	(void)state;

	token_sizes_init(&sizes, t);
	for (uint32_t id = 0; id < FIXTURE_N_VOCAB; id++) {
		struct sampler_choice token = {
			.id = id,
			.logprob = -1.2345678e-5F,
		};

		buf_reset(&b);
		buf_json_string(&b, tokenizer_token(t, id));
		assert_in_range(b.n, 2,
		    token_sizes_max(&sizes, SAMPLER_NO_LOGPROBS));
		for (size_t i = 0; i < ARRAY_LEN(n_tops); i++) {
			token.n_top = n_tops[i];
			for (uint32_t k = 0; k < token.n_top; k++) {
				token.top_ids[k] = k ? 0xe0 + k : id;
				token.top_logprobs[k] = -1.2345678e-5F;
			}
			for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
				write_logprobs(kinds[k], &token, 1);
				buf_json_string(&b, tokenizer_token(t, id));
				assert_in_range(b.n, 1,
				    token_sizes_max(&sizes, token.n_top));
			}
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(logprobs__completion__four_arrays),
		cmocka_unit_test(logprobs__chat__objects_with_bytes),
		cmocka_unit_test(logprobs__cleared__place_in_the_text_stays),
		cmocka_unit_test(logprobs__too_many__sticks),
		cmocka_unit_test(token_sizes__each_token__within_them),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
