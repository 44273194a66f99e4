/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include "upstream/usage.h"

static void
assert_usage(const char *json, const uint64_t expected[TOK_CLASS__MAX])
{
	struct usage u;

	if (!usage_read_openai(str_from(json), &u))
		fail_msg("refused: %s", json);
	for (unsigned i = 0; i < TOK_CLASS__MAX; i++)
		if (u.n_tok[i] != expected[i])
			fail_msg("%s: class %u is %llu", json, i,
			    (unsigned long long)u.n_tok[i]);
}

#define USAGE(...) ((const uint64_t[TOK_CLASS__MAX]){ __VA_ARGS__ })

static void
usage_read_openai__chat__classes_are_disjoint(void **state)
{
	struct usage u;

	(void)state;
	assert_usage("{\"prompt_tokens\":100,\"completion_tokens\":50,"
		     "\"total_tokens\":150,\"prompt_tokens_details\":{"
		     "\"cached_tokens\":60,\"audio_tokens\":10},"
		     "\"completion_tokens_details\":{\"reasoning_tokens\":30,"
		     "\"audio_tokens\":5,\"accepted_prediction_tokens\":0}}",
	    USAGE([TOK_IN] = 30, [TOK_IN_CACHED] = 60, [TOK_IN_AUDIO] = 10,
		[TOK_OUT] = 15, [TOK_OUT_REASONING] = 30, [TOK_OUT_AUDIO] = 5));
	assert_true(usage_read_openai(
	    S("{\"prompt_tokens\":100,\"completion_tokens\":50,"
	      "\"prompt_tokens_details\":{\"cached_tokens\":60}}"),
	    &u));
	assert_int_equal(usage_in_tok(&u), 100);
	assert_int_equal(usage_out_tok(&u), 50);
}

static void
usage_read_openai__plain_completion__needs_no_details(void **state)
{
	(void)state;
	assert_usage("{\"completion_tokens\": 7 , \"prompt_tokens\" : 3}",
	    USAGE([TOK_IN] = 3, [TOK_OUT] = 7));
	assert_usage("{\"prompt_tokens\":3,\"completion_tokens\":7,"
		     "\"prompt_tokens_details\":null,"
		     "\"completion_tokens_details\":null}",
	    USAGE([TOK_IN] = 3, [TOK_OUT] = 7));
	assert_usage("{\"prompt_tokens\":3,\"completion_tokens\":7,"
		     "\"prompt_tokens_details\":{\"cached_tokens\":null}}",
	    USAGE([TOK_IN] = 3, [TOK_OUT] = 7));
	assert_usage("{\"prompt_tokens\":0,\"completion_tokens\":0}", USAGE(0));
}

static void
usage_read_openai__embeddings__have_no_completion(void **state)
{
	(void)state;
	assert_usage("{\"prompt_tokens\":8,\"total_tokens\":8}",
	    USAGE([TOK_IN] = 8));
}

static void
usage_read_openai__names_of_the_responses_format__are_read(void **state)
{
	(void)state;
	assert_usage("{\"input_tokens\":10,\"input_tokens_details\":{"
		     "\"cached_tokens\":4},\"output_tokens\":6,"
		     "\"output_tokens_details\":{\"reasoning_tokens\":6}}",
	    USAGE([TOK_IN] = 6, [TOK_IN_CACHED] = 4, [TOK_OUT_REASONING] = 6));
}

static void
usage_read_openai__reasoning_beside_the_completion__is_added(void **state)
{
	(void)state;
	assert_usage("{\"prompt_tokens\":10,\"completion_tokens\":5,"
		     "\"total_tokens\":315,\"completion_tokens_details\":{"
		     "\"reasoning_tokens\":300}}",
	    USAGE([TOK_IN] = 10, [TOK_OUT] = 5, [TOK_OUT_REASONING] = 300));
}

static void
usage_read_openai__parts_overlap__each_token_counts_once(void **state)
{
	(void)state;
	assert_usage("{\"prompt_tokens\":10,\"completion_tokens\":10,"
		     "\"prompt_tokens_details\":{\"cached_tokens\":8,"
		     "\"audio_tokens\":5},\"completion_tokens_details\":{"
		     "\"reasoning_tokens\":7,\"audio_tokens\":7}}",
	    USAGE([TOK_IN_CACHED] = 8, [TOK_IN_AUDIO] = 2,
		[TOK_OUT_REASONING] = 7, [TOK_OUT_AUDIO] = 3));
}

static void
usage_read_openai__garbage__is_no_usage(void **state)
{
	static const char *const texts[] = {
		"null",
		"[]",
		"3",
		"{}",
		"{\"total_tokens\":10}",
		"{\"completion_tokens\":10}",
		"{\"prompt_tokens\":10}",
		"{\"prompt_tokens\":10,\"total_tokens\":12}",
		"{\"prompt_tokens\":null,\"completion_tokens\":null}",
		"{\"prompt_tokens\":-1,\"completion_tokens\":1}",
		"{\"prompt_tokens\":1,\"completion_tokens\":-1}",
		"{\"prompt_tokens\":1.5,\"completion_tokens\":1}",
		"{\"prompt_tokens\":1.0,\"completion_tokens\":1}",
		"{\"prompt_tokens\":1e2,\"completion_tokens\":1}",
		"{\"prompt_tokens\":\"1\",\"completion_tokens\":1}",
		"{\"prompt_tokens\":1000000001,\"completion_tokens\":1}",
		"{\"prompt_tokens\":99999999999999999999999,"
		"\"completion_tokens\":1}",
		"{\"prompt_tokens\":1,\"completion_tokens\":1,"
		"\"total_tokens\":-3}",
		"{\"prompt_tokens\":1,\"completion_tokens\":1,"
		"\"prompt_tokens_details\":{\"cached_tokens\":2}}",
		"{\"prompt_tokens\":1,\"completion_tokens\":1,"
		"\"prompt_tokens_details\":{\"cached_tokens\":-1}}",
		"{\"prompt_tokens\":1,\"completion_tokens\":1,"
		"\"completion_tokens_details\":{\"reasoning_tokens\":2}}",
		"{\"prompt_tokens\":1,\"completion_tokens\":1,"
		"\"completion_tokens_details\":7}",
	};
	struct usage u = { { [TOK_IN] = 42 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (usage_read_openai(str_from(texts[i]), &u))
			fail_msg("accepted: %s", texts[i]);
	assert_int_equal(u.n_tok[TOK_IN], 42);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(usage_read_openai__chat__classes_are_disjoint),
		cmocka_unit_test(
		    usage_read_openai__plain_completion__needs_no_details),
		cmocka_unit_test(
		    usage_read_openai__embeddings__have_no_completion),
		cmocka_unit_test(
		    usage_read_openai__names_of_the_responses_format__are_read),
		cmocka_unit_test(
		    usage_read_openai__reasoning_beside_the_completion__is_added),
		cmocka_unit_test(
		    usage_read_openai__parts_overlap__each_token_counts_once),
		cmocka_unit_test(usage_read_openai__garbage__is_no_usage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
