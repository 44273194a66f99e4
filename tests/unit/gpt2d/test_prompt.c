/* SPDX-License-Identifier: MIT */
#include "unit/gpt2d/fixture_tokenizer.h"

#include "gpt2d/prompt.h"

static struct arena a;
static struct error e;
static struct tokenizer *t;
static struct prompt p;
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
	t = fixture_tokenizer(&a);
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

static enum err
encode_for(const struct completion *c, const struct gpt2_config *model)
{
	error_clear(&e);
	return prompt_encode(&a, c, t, prompt_longest_token(t), model, &p, &e);
}

static enum err
encode_text(const char *text, uint32_t max_new, uint32_t max_length)
{
	struct completion c = {
		.prompt = str_from(text),
		.max_new_tok = max_new,
		.max_length_tok = max_length,
	};

	return encode_for(&c, &config);
}

static void
prompt__text__its_tokens(void **state)
{
	(void)state;

	assert_ok(encode_text("the x", 2, 0));

	assert_int_equal(p.n, 3);
	assert_int_equal(p.ids[0], FIXTURE_THE);
	assert_int_equal(p.ids[1], ' ');
	assert_int_equal(p.max_new_tok, 2);
}

static void
prompt__empty__the_end_of_text_begins(void **state)
{
	(void)state;

	assert_ok(encode_text("", 5, 0));

	assert_int_equal(p.n, 1);
	assert_int_equal(p.ids[0], FIXTURE_EOS);
}

static void
prompt__empty_without_end_of_text__refused(void **state)
{
	const struct gpt2_config bare = {
		.n_vocab = FIXTURE_N_VOCAB,
		.n_pos = 8,
		.eos_id = FIXTURE_N_VOCAB,
	};
	struct completion c = { .prompt = S("") };
	(void)state;

	assert_int_equal(encode_for(&c, &bare), ERR_BAD_PARAM);
	assert_string_equal(e.param, "prompt");
}

static void
prompt__name_of_a_special_token__is_text(void **state)
{
	struct gpt2_config roomy = config;
	struct completion c = { .prompt = S("<|endoftext|>") };
	(void)state;

	roomy.n_pos = 64;
	assert_ok(encode_for(&c, &roomy));

	assert_true(p.n > 1);
	assert_int_equal(p.ids[0], '<');
}

static void
prompt__fills_the_context__context_length_exceeded(void **state)
{
	(void)state;

	assert_ok(encode_text("1234567", 1, 0));
	assert_int_equal(encode_text("12345678", 1, 0), ERR_CONTEXT_LENGTH);
	assert_string_equal(e.param, "prompt");
	assert_string_equal(err_info(e.code)->api_code,
	    "context_length_exceeded");
	assert_int_equal(err_info(e.code)->http_status, 400);
	assert_int_equal(encode_text("123456789", 1, 0), ERR_CONTEXT_LENGTH);
}

static void
prompt__cannot_fit_by_its_bytes__refused_unread(void **state)
{
	static char text[13 * 8]; /* 13: <|endoftext|> */
	struct completion c = { .prompt = str_make(text, sizeof(text)) };
	size_t n_alloc = a.n_alloc;
	(void)state;

	memset(text, 'x', sizeof(text));

	assert_int_equal(encode_for(&c, &config), ERR_CONTEXT_LENGTH);
	assert_int_equal(a.n_alloc, n_alloc);
}

static void
prompt__limit_beyond_the_context__cut_there(void **state)
{
	(void)state;

	assert_ok(encode_text("12345", 100, 0));
	assert_int_equal(p.max_new_tok, 3);
	assert_ok(encode_text("12345", 0, 0));
	assert_int_equal(p.max_new_tok, 3);
}

static void
prompt__max_length__counts_the_prompt(void **state)
{
	(void)state;

	assert_ok(encode_text("123", 0, 5));
	assert_int_equal(p.max_new_tok, 2);
	assert_ok(encode_text("123", 1, 5));
	assert_int_equal(p.max_new_tok, 1);
	assert_ok(encode_text("123", 0, 500));
	assert_int_equal(p.max_new_tok, 5);
	assert_int_equal(encode_text("123", 0, 3), ERR_BAD_PARAM);
	assert_string_equal(e.param, "max_length");
}

static void
prompt__token_numbers__within_the_vocabulary(void **state)
{
	const uint32_t ids[] = { 1, FIXTURE_N_VOCAB };
	struct completion c = { .prompt_ids = ids, .n_prompt_ids = 1 };
	(void)state;

	assert_ok(encode_for(&c, &config));
	assert_ptr_equal(p.ids, ids);
	c.n_prompt_ids = 2;
	assert_int_equal(encode_for(&c, &config), ERR_BAD_PARAM);
	assert_string_equal(e.param, "prompt");
}

static void
prompt__chat__names_its_messages(void **state)
{
	struct completion c = {
		.kind = COMPLETION_CHAT,
		.prompt = S("123456789"),
	};
	(void)state;

	assert_int_equal(encode_for(&c, &config), ERR_CONTEXT_LENGTH);
	assert_string_equal(e.param, "messages");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prompt__text__its_tokens),
		cmocka_unit_test(prompt__empty__the_end_of_text_begins),
		cmocka_unit_test(prompt__empty_without_end_of_text__refused),
		cmocka_unit_test(prompt__name_of_a_special_token__is_text),
		cmocka_unit_test(
		    prompt__fills_the_context__context_length_exceeded),
		cmocka_unit_test(
		    prompt__cannot_fit_by_its_bytes__refused_unread),
		cmocka_unit_test(prompt__limit_beyond_the_context__cut_there),
		cmocka_unit_test(prompt__max_length__counts_the_prompt),
		cmocka_unit_test(prompt__token_numbers__within_the_vocabulary),
		cmocka_unit_test(prompt__chat__names_its_messages),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
