/* SPDX-License-Identifier: MIT */
/*
 * Every route of the API that needs no database, each of its allocations
 * failing once: a clean 413 or 500, nothing charged, nothing left over.
 * CHECKLIST R3. tests/db/test_torture.c has the routes that write to it.
 */
#include "unit/handler/torture.h"

#define CHAT_OF(model, more)                                              \
 "{\"model\":\"" model "\",\"messages\":[{\"role\":\"user\",\"content\":" \
 "\"one two three\"}],\"user\":\"u\"" more "}"

#define MESSAGE_OF(model, more)                                         \
 "{\"model\":\"" model "\",\"max_tokens\":500,\"messages\":[{\"role\":" \
 "\"user\",\"content\":[{\"type\":\"text\",\"text\":\"one\"}]}]" more "}"

static const struct torture requests[] = {
	{ .name = "health", .method = "GET", .uri = "/healthz", .status = 200 },
	{ .name = "models",
	    .method = "GET",
	    .uri = "/v1/models",
	    .status = 200 },
	{ .name = "chat",
	    .method = "POST",
	    .uri = "/v1/chat/completions",
	    .body = CHAT_OF("lawgent-thinking", ""),
	    .status = 200,
	    .is_metered = true },
	{ .name = "chat with a limit of its own",
	    .method = "POST",
	    .uri = "/v1/chat/completions?x=%20",
	    .body = CHAT_OF("lawgent-thinking", ",\"max_tokens\":4000"),
	    .status = 200,
	    .is_metered = true },
	{ .name = "completion",
	    .method = "POST",
	    .uri = "/v1/completions",
	    .body = "{\"model\":\"gpt2\",\"prompt\":\"one two\"}",
	    .status = 200,
	    .is_metered = true },
	{ .name = "embedding",
	    .method = "POST",
	    .uri = "/v1/embeddings",
	    .body = "{\"model\":\"lawgent-thinking\",\"input\":[\"one\"]}",
	    .status = 200,
	    .is_metered = true },
	{ .name = "generate, local model",
	    .method = "POST",
	    .uri = "/generate",
	    .body = "{\"text\":\"Your \\\"prompt\\\" here\"}",
	    .status = 200,
	    .is_metered = true },
	{ .name = "generate, external model",
	    .method = "POST",
	    .uri = "/generate",
	    .body = "{\"text\":\"a\",\"model_id\":\"lawgent-thinking\","
		    "\"max_length\":9}",
	    .status = 200,
	    .is_metered = true },
	{ .name = "second deployment",
	    .method = "POST",
	    .uri = "/v1/chat/completions",
	    .body = CHAT_OF("second-try", ""),
	    .status = 200,
	    .is_metered = true },
	{ .name = "provider's refusal",
	    .method = "POST",
	    .uri = "/v1/chat/completions",
	    .body = CHAT_OF("limited", ""),
	    .status = 429 },
	{ .name = "stream",
	    .method = "POST",
	    .uri = "/v1/chat/completions",
	    .body = CHAT_OF("lawgent-thinking", ",\"stream\":true"),
	    .status = 200,
	    .is_metered = true },
	{ .name = "stream in single bytes",
	    .method = "POST",
	    .uri = "/v1/chat/completions",
	    .body = CHAT_OF("split", ",\"stream\":true"),
	    .status = 200,
	    .is_metered = true },
	{ .name = "answer that is counted",
	    .method = "POST",
	    .uri = "/v1/chat/completions",
	    .body = CHAT_OF("counted", ",\"n\":3"),
	    .status = 200,
	    .is_metered = true },
	{ .name = "stream that is counted",
	    .method = "POST",
	    .uri = "/v1/chat/completions",
	    .body = CHAT_OF("counted", ",\"n\":3,\"stream\":true"),
	    .status = 200,
	    .is_metered = true },
	{ .name = "message",
	    .method = "POST",
	    .uri = "/v1/messages",
	    .body = MESSAGE_OF("gpt2", ""),
	    .status = 200,
	    .is_metered = true },
	{ .name = "message, streamed",
	    .method = "POST",
	    .uri = "/v1/messages",
	    .body = MESSAGE_OF("gpt2", ",\"stream\":true"),
	    .status = 200,
	    .is_metered = true,
	    .last = "data: {\"type\":\"message_stop\"}\n\n" },
	{ .name = "message's tokens",
	    .method = "POST",
	    .uri = "/v1/messages/count_tokens",
	    .body = MESSAGE_OF("gpt2", ""),
	    .status = 200 },
	{ .name = "response",
	    .method = "POST",
	    .uri = "/v1/responses",
	    .body = "{\"model\":\"lawgent-thinking\",\"input\":\"one\"}",
	    .status = 200,
	    .is_metered = true },
	{ .name = "response, streamed",
	    .method = "POST",
	    .uri = "/v1/responses",
	    .body = "{\"model\":\"lawgent-thinking\",\"input\":\"one\","
		    "\"stream\":true}",
	    .status = 200,
	    .is_metered = true,
	    .last = "\"total_tokens\":6}}}\n\n" },
	{ .name = "response that is counted",
	    .method = "POST",
	    .uri = "/v1/responses",
	    .body = "{\"model\":\"counted\",\"input\":\"one\"}",
	    .status = 200,
	    .is_metered = true },
	{ .name = "no such model",
	    .method = "POST",
	    .uri = "/v1/chat/completions",
	    .body = CHAT_OF("none", ""),
	    .status = 404,
	    .is_refusal = true },
	{ .name = "no such method",
	    .method = "PUT",
	    .uri = "/generate",
	    .status = 405,
	    .is_refusal = true },
};

static int
set_up(void **state)
{
	(void)state;
	torture_start();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	torture_stop();
	return 0;
}

static void
dispatch_serve__each_allocation_fails__clean_and_free(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		struct torture t = requests[i];

		if (!t.body)
			t.body = "";
		torture_run(&t);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    dispatch_serve__each_allocation_fails__clean_and_free),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
