/* SPDX-License-Identifier: MIT */
/* A prompt's tokens here are what tollgate-gpt2 makes of it: the two are
 * compared. */
#include "support/cmocka_tg.h"

#include "gpt2d/chat.h"
#include "gpt2d/prompt.h"
#include "support/vocabulary.h"
#include "tokenizer/build.h"
#include "tokenizer/tokenizer.h"
#include "upstream/openai.h"

static struct arena a;
static struct tokenizer *t;
static struct error e;

static int
setup(void **state)
{
	static const char *const words[] = { "er", "se", "Us", "User", " H",
		" a", "ab", ": ", "ant", "  " };
	struct tokenizer_source source = { .name = "small",
		.rule = SPLIT_GPT2 };
	struct str image;

	(void)state;
	arena_init(&a, TOKENIZER_BUILD_BYTES);
	source.ranks = vocabulary_ranks(&a, words, ARRAY_LEN(words));
	assert_ok(tokenizer_build(&source, &a, &image, &e));
	assert_ok(tokenizer_from_image(image, &t, &e));
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

static struct openai_count
count(enum wire_op op, const char *member, const char *value)
{
	struct str text = arena_printf(&a, "{\"%s\":%s}", member, value);
	struct body body;

	assert_ok(body_scan(&a, text, &body, &e));
	return openai_count_local(op, &body, t);
}

/* What the server reports as usage.prompt_tokens. */
static uint64_t
server_count(enum completion_kind kind, struct str prompt)
{
	const struct gpt2_config config = { .n_pos = 1024,
		.n_vocab = 1000,
		.eos_id = 999 };
	const struct completion c = { .kind = kind, .prompt = prompt };
	struct prompt p;

	assert_ok(
	    prompt_encode(&a, &c, t, prompt_longest_token(t), &config, &p, &e));
	return p.n;
}

#define MESSAGE(role, content) "{\"role\":\"" role "\",\"content\":" content "}"

static void
openai_count_local__chat__is_the_servers_own_count(void **state)
{
	static const char *const chats[] = {
		"[" MESSAGE("user", "\"Hello\"") "]",
		"[" MESSAGE("system", "\"ab\"") "," MESSAGE("user",
		    "\"\"") "," MESSAGE("assistant", "\" Hello.\"") "]",
		"[" MESSAGE("user", "\"  two\"") "," MESSAGE("user",
		    "\" \"") "," MESSAGE("user", "\"\\u0020a\\nb\"") "]",
		"[" MESSAGE("developer", "[]") "," MESSAGE("us\\u0065r",
		    "[{\"type\":\"text\",\"text\":\"\"},"
		    "{\"type\":\"text\",\"text\":\" a\"},"
		    "{\"type\":\"text\",\"text\":\" User: ab\"}]") "]",
		"[" MESSAGE("user",
		    "\"\\ud83d\\ude00 \\ud800 Hab\"") ",{"
						      "\"name\":\"not counted\",\"content\":\"a\\\"b\","
						      "\"role\":\"assistant\"}]",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(chats); i++) {
		struct openai_count n = count(WIRE_CHAT, "messages", chats[i]);
		uint64_t expected;
		struct str prompt;

		assert_ok(chat_prompt(&a, str_from(chats[i]), &prompt, &e));
		expected = server_count(COMPLETION_CHAT, prompt);
		if (n.tok != expected || !n.is_counted)
			fail_msg("%s: %llu, the server has %llu", chats[i],
			    (unsigned long long)n.tok,
			    (unsigned long long)expected);
	}
}

static void
openai_count_local__what_the_server_refuses__is_an_estimate(void **state)
{
	static const char *const chats[] = { "[]", "[1]", "{}",
		"[" MESSAGE("tool", "\"x\"") "]",
		"[" MESSAGE("user", "null") "]",
		"[" MESSAGE("users", "\"x\"") "]", "[{\"content\":\"x\"}]",
		"[" MESSAGE("user", "[{\"type\":\"image_url\"}]") "]",
		"[" MESSAGE("user", "[{\"type\":\"text\"}]") "]" };
	struct str prompt;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(chats); i++)
		if (!chat_prompt(&a, str_from(chats[i]), &prompt, &e) ||
		    (chats[i][0] == '[' &&
			count(WIRE_CHAT, "messages", chats[i]).is_counted))
			fail_msg("taken: %s", chats[i]);
}

static void
openai_count_local__completion__is_the_servers_own_count(void **state)
{
	static const char *const texts[] = { "", "Hello", " User: ab" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct str json = arena_printf(&a, "\"%s\"", texts[i]);
		struct openai_count n = count(WIRE_COMPLETION, "prompt",
		    json.p);

		assert_true(n.is_counted);
		assert_int_equal(n.tok,
		    server_count(COMPLETION_TEXT, str_from(texts[i])));
	}
	assert_int_equal(count(WIRE_COMPLETION, "prompt", "[7,8,9]").tok, 3);
}

static void
openai_count_local__no_tokenizer__is_the_usual_estimate(void **state)
{
	struct body body;
	struct openai_count n;

	(void)state;
	assert_ok(body_scan(&a,
	    S("{\"messages\":[{\"role\":\"user\",\"content\":\"12345\"}]}"),
	    &body, &e));
	n = openai_count_local(WIRE_CHAT, &body, NULL);
	assert_false(n.is_counted);
	assert_int_equal(n.tok,
	    openai_count_prompt(WIRE_CHAT, &body, NULL).tok);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    openai_count_local__chat__is_the_servers_own_count),
		cmocka_unit_test(
		    openai_count_local__what_the_server_refuses__is_an_estimate),
		cmocka_unit_test(
		    openai_count_local__completion__is_the_servers_own_count),
		cmocka_unit_test(
		    openai_count_local__no_tokenizer__is_the_usual_estimate),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
