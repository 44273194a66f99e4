/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include <stdio.h>

#include "upstream/provider.h"

static struct arena a;

static int
setup(void **state)
{
	(void)state;
	arena_init(&a, KIB(64));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_fini(&a);
	return 0;
}

static void
assert_url(const char *base, enum wire_op op, const char *url)
{
	struct provider_target t;
	struct error e;

	assert_ok(provider_target(&a, str_from(base), op, &t, &e));
	assert_string_equal(t.url, url);
	assert_null(t.unix_path);
}

static void
provider_target__bases__are_completed_by_their_path(void **state)
{
	(void)state;
	assert_url("https://api.example.com", WIRE_CHAT,
	    "https://api.example.com/v1/chat/completions");
	assert_url("http://[::1]:8080/", WIRE_COMPLETION,
	    "http://[::1]:8080/v1/completions");
	assert_url("https://api.example.com/v1", WIRE_EMBEDDING,
	    "https://api.example.com/v1/embeddings");
	assert_url("https://x.example/v1beta/openai/", WIRE_CHAT,
	    "https://x.example/v1beta/openai/chat/completions");
}

static void
provider_target__full_address__is_used_as_given(void **state)
{
	struct provider_target t;
	struct error e;

	(void)state;
	assert_url("https://h.example/v9/chat/completions", WIRE_CHAT,
	    "https://h.example/v9/chat/completions");
	assert_url("https://h.example/v9/completions", WIRE_COMPLETION,
	    "https://h.example/v9/completions");
	assert_int_equal(provider_target(&a,
			     S("https://h.example/v9/chat/completions"),
			     WIRE_COMPLETION, &t, &e),
	    ERR_UNSUPPORTED_PARAM);
	assert_string_equal(e.param, "model");
}

static void
provider_target_exact__any_path__is_called_as_given(void **state)
{
	static const struct {
		const char *url;
		enum wire_op op, other;
	} cases[] = {
		{ "https://h.example/v1/completions", WIRE_COMPLETION,
		    WIRE_CHAT },
		{ "https://h.example/x/chat/completions?api-version=2026-01",
		    WIRE_CHAT, WIRE_COMPLETION },
		{ "https://h.example/ask", WIRE_CHAT, WIRE_COMPLETION },
		{ "https://h.example/v1/embeddings", WIRE_EMBEDDING,
		    WIRE_CHAT },
	};
	struct provider_target t;
	struct error e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_ok(provider_target_exact(&a, PROVIDER_OPENAI,
		    str_from(cases[i].url), cases[i].op, &t, &e));
		assert_string_equal(t.url, cases[i].url);
		assert_null(t.unix_path);
		assert_int_equal(provider_target_exact(&a, PROVIDER_OPENAI,
				     str_from(cases[i].url), cases[i].other, &t,
				     &e),
		    ERR_UNSUPPORTED_PARAM);
	}
	assert_ok(provider_target_exact(&a, PROVIDER_OPENAI,
	    S("unix:/run/x.sock"), WIRE_CHAT, &t, &e));
	assert_string_equal(t.url, "http://localhost/v1/chat/completions");
}

static void
provider_exact_op__end_of_the_path__tells(void **state)
{
	(void)state;
	assert_int_equal(provider_exact_op(PROVIDER_OPENAI,
			     S("https://x/v1/completions?a")),
	    WIRE_COMPLETION);
	assert_int_equal(provider_exact_op(PROVIDER_OPENAI, S("https://x/ask")),
	    WIRE_CHAT);
	assert_int_equal(provider_exact_op(PROVIDER_OPENAI, S("unix:/x.sock")),
	    WIRE_OP__MAX);
}

static void
provider_check_api_url__addresses__that_cannot_be_meant_are_refused(
    void **state)
{
	static const struct {
		const char *url, *why;
	} bad[] = {
		{ "", "must begin with" },
		{ "api.example.com/v1", "must begin with" },
		{ "ftp://x", "must begin with" },
		{ "https://?x", "must begin with" },
		{ "https://u:p@x/v1/completions", "user or password" },
		{ "https://x/v1#f", "fragment" },
		{ "https://x/v1?a#f", "fragment" },
		{ "https://x/a b", "space" },
		{ "https://x/?q=a b", "space" },
		{ "unix:/run/x?y=1", "query after unix:" },
		{ "unix:run/x", "full path" },
		{ "https://x?y", "a / belongs before the ?" },
		{ "https://x:1?y=/z", "a / belongs before the ?" },
	};
	struct error e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (!provider_check_api_url(str_from(bad[i].url), &e))
			fail_msg("accepted: %s", bad[i].url);
		assert_string_equal(e.param, "api_url");
		if (!strstr(e.public_text, bad[i].why))
			fail_msg("%s: %s", bad[i].url, e.public_text);
	}
	assert_ok(provider_check_api_url(S("https://x/v1?a=b"), &e));
	assert_ok(provider_check_api_url(S("https://x/?a=b"), &e));
}

static void
provider_check_key__not_sendable__is_refused_without_a_word_of_it(void **state)
{
	struct error e;

	(void)state;
	assert_int_equal(provider_check_key(S("sk-secret word"), &e),
	    ERR_BAD_PARAM);
	assert_string_equal(e.param, "api_key");
	assert_null(strstr(e.public_text, "secret"));
	assert_null(strstr(e.internal, "secret"));
	assert_ok(provider_check_key(S("sk-1"), &e));
}

static void
provider_target__unix_socket__gets_a_url_beside_it(void **state)
{
	struct provider_target t;
	struct error e;

	(void)state;
	assert_ok(provider_target(&a, S("unix:/run/gpt2.sock"), WIRE_COMPLETION,
	    &t, &e));
	assert_string_equal(t.unix_path, "/run/gpt2.sock");
	assert_string_equal(t.url, "http://localhost/v1/completions");
}

static void
provider_check_url__addresses__that_cannot_be_meant_are_refused(void **state)
{
	static const char *const bad[] = { "", "api.example.com", "ftp://x",
		"https://", "http:///v1", "https://:80", "unix:run/x",
		"unix:", "https://u:p@x/", "https://x/?a=1", "https://x/#f",
		"https://x/a b", "https://x/\n", "file:///etc/passwd",
		"unix:/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
	struct error e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (!provider_check_url(str_from(bad[i]), &e))
			fail_msg("accepted: %s", bad[i]);
	assert_string_equal(e.param, "base_url");
	assert_ok(provider_check_url(S("https://x/a@b"), &e));
}

static void
provider_kind_from__name__finds_its_row(void **state)
{
	enum provider_kind kind;

	(void)state;
	assert_true(provider_kind_from(S("local"), &kind));
	assert_int_equal(kind, PROVIDER_LOCAL);
	assert_string_equal(provider_info(kind)->limit_member[WIRE_CHAT],
	    "max_tokens");
	assert_true(provider_kind_from(S("openai"), &kind));
	assert_string_equal(provider_info(kind)->limit_member[WIRE_CHAT],
	    "max_completion_tokens");
	assert_null(provider_info(kind)->limit_member[WIRE_EMBEDDING]);
	assert_true(provider_kind_from(S("anthropic"), &kind));
	assert_int_equal(kind, PROVIDER_ANTHROPIC);
	assert_string_equal(provider_info(kind)->limit_member[WIRE_MESSAGE],
	    "max_tokens");
	assert_false(provider_kind_from(S("anthropic "), &kind));
	assert_null(provider_info(PROVIDER__N));
}

static void
provider_auth_line__key__becomes_a_header(void **state)
{
	const char *line = "";
	struct error e;

	(void)state;
	assert_ok(
	    provider_auth_line(&a, PROVIDER_OPENAI, S("sk-1"), &line, &e));
	assert_string_equal(line, "Authorization: Bearer sk-1");
	assert_ok(provider_auth_line(&a, PROVIDER_LOCAL, S(""), &line, &e));
	assert_null(line);
	assert_int_equal(provider_auth_line(&a, PROVIDER_OPENAI,
			     S("sk\r\nX: y"), &line, &e),
	    ERR_CONFIG);
	assert_null(strstr(e.internal, "sk"));
	assert_ok(
	    provider_auth_line(&a, PROVIDER_ANTHROPIC, S("sk-2"), &line, &e));
	assert_string_equal(line, "x-api-key: sk-2");
	assert_int_equal(provider_auth_line(&a, PROVIDER__N, S("x"), &line, &e),
	    ERR_MODEL_DOWN);
}

static enum err
check(const char *text, const char *allowed, struct error *e)
{
	struct body b;

	assert_ok(body_scan(&a, str_from(text), &b, e));
	return provider_check_body(PROVIDER_OPENAI, WIRE_CHAT, &b,
	    str_from(allowed), e);
}

static void
provider_check_body__harmless_members__pass(void **state)
{
	static const char *const texts[] = {
		"{}",
		"{\"service_tier\":\"auto\"}",
		"{\"service_tier\":\"default\"}",
		"{\"service_tier\":null}",
		"{\"modalities\":[\"text\"]}",
		"{\"background\":false}",
		"{\"tools\":[{\"type\":\"function\",\"function\":{\"name\":"
		"\"f\",\"parameters\":{\"type\":\"object\"}}},"
		"{\"type\":\"custom\"}]}",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"file_id\"},"
		"{\"role\":\"user\",\"content\":[{\"type\":\"text\","
		"\"text\":\"file_id\"},{\"type\":\"image_url\","
		"\"image_url\":{\"url\":\"https://x\"}}]}]}",
		"{\"unknown_to_us\":{\"file_id\":1}}",
	};
	struct error e = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (check(texts[i], "", &e))
			fail_msg("%s: %s", texts[i], e.public_text);
}

static enum err
check_as(enum provider_kind kind, enum wire_op op, const char *text,
    struct error *e)
{
	struct body b;

	assert_ok(body_scan(&a, str_from(text), &b, e));
	return provider_check_body(kind, op, &b, S(""), e);
}

static void
provider_check_body__responses__items_must_be_whole(void **state)
{
	static const struct {
		const char *text, *param;
	} cases[] = {
		{ "{\"input\":\"file_id\"}", NULL },
		{ "{\"input\":[{\"role\":\"user\",\"content\":\"x\"}]}", NULL },
		{ "{\"input\":[{\"type\":\"function_call_output\","
		  "\"call_id\":\"c\",\"output\":\"{}\"},{\"type\":"
		  "\"reasoning\",\"id\":\"r\",\"summary\":[]}]}",
		    NULL },
		{ "{\"tools\":[{\"type\":\"local_shell\"}]}", NULL },
		{ "{\"include\":[\"reasoning.encrypted_content\"]}", NULL },
		{ "{\"input\":[{\"type\":\"item_reference\",\"id\":"
		  "\"msg_1\"}]}",
		    "input" },
		{ "{\"input\":[{\"id\":\"msg_1\"}]}", "input" },
		{ "{\"input\":[{\"role\":\"user\",\"content\":[{"
		  "\"type\":\"input_file\",\"file_id\":\"f\"}]}]}",
		    "input" },
		{ "{\"input\":[{\"type\":\"computer_call_output\","
		  "\"output\":{\"file_id\":\"f\"}}]}",
		    "input" },
		{ "{\"input\":[{\"type\":\"additional_tools\",\"tools\":"
		  "[{\"type\":\"web_search\"}]}]}",
		    "input" },
		{ "{\"tools\":[{\"type\":\"code_interpreter\"}]}", "tools" },
		{ "{\"tools\":[{\"type\":\"mcp\"}]}", "tools" },
		{ "{\"previous_response_id\":\"r\"}", "previous_response_id" },
		{ "{\"conversation\":\"c\"}", "conversation" },
		{ "{\"prompt\":{\"id\":\"p\"}}", "prompt" },
		{ "{\"background\":true}", "background" },
		{ "{\"context_management\":[]}", "context_management" },
		{ "{\"service_tier\":\"flex\"}", "service_tier" },
	};
	struct error e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum err err = check_as(PROVIDER_OPENAI, WIRE_RESPONSE,
		    cases[i].text, &e);

		if (!err != !cases[i].param)
			fail_msg("wrong: %s", cases[i].text);
		if (err)
			assert_string_equal(e.param, cases[i].param);
	}
}

static void
provider_check_body__messages__stored_hosted_or_priced__is_refused(void **state)
{
	static const struct {
		const char *text, *param;
	} cases[] = {
		{ "{\"messages\":[{\"role\":\"user\",\"content\":"
		  "\"file_id\"}]}",
		    NULL },
		{ "{\"messages\":[{\"content\":[{\"type\":\"tool_use\","
		  "\"input\":{\"file_id\":1,\"ttl\":\"1h\"}}]}]}",
		    NULL },
		{ "{\"messages\":[{\"content\":[{\"type\":\"text\","
		  "\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":"
		  "\"5m\"}}]}]}",
		    NULL },
		{ "{\"tools\":[{\"name\":\"f\",\"input_schema\":{}},"
		  "{\"type\":\"bash_20250124\"},{\"type\":"
		  "\"custom\"}]}",
		    NULL },
		{ "{\"service_tier\":\"standard_only\"}", NULL },
		{ "{\"thinking\":{\"type\":\"enabled\"}}", NULL },
		{ "{\"messages\":[{\"content\":[{\"type\":\"document\","
		  "\"source\":{\"type\":\"file\",\"file_id\":\"f\"}}]"
		  "}]}",
		    "messages" },
		{ "{\"messages\":[{\"content\":[{\"type\":"
		  "\"container_upload\",\"file_id\":\"f\"}]}]}",
		    "messages" },
		{ "{\"messages\":[{\"content\":[{\"type\":"
		  "\"tool_result\",\"content\":[{\"source\":{"
		  "\"file\\u005fid\":\"f\"}}]}]}]}",
		    "messages" },
		{ "{\"messages\":[{\"content\":[{\"type\":\"text\","
		  "\"cache_control\":{\"ttl\":\"1h\"}}]}]}",
		    "messages" },
		{ "{\"messages\":[{\"content\":[[[[[[[[[1]]]]]]]]]}]}",
		    "messages" },
		{ "{\"system\":[{\"cache_control\":{\"ttl\":\"1h\"}}]}",
		    "system" },
		{ "{\"cache_control\":{\"ttl\":\"1h\"}}", "cache_control" },
		{ "{\"tools\":[{\"name\":\"f\",\"cache_control\":{"
		  "\"ttl\":\"1h\"}}]}",
		    "tools" },
		{ "{\"tools\":[{\"type\":\"web_search_20250305\"}]}", "tools" },
		{ "{\"tools\":[{\"type\":\"code_execution_20250825\"}]}",
		    "tools" },
		{ "{\"mcp_servers\":[]}", "mcp_servers" },
		{ "{\"container\":\"c\"}", "container" },
		{ "{\"speed\":\"fast\"}", "speed" },
		{ "{\"inference_geo\":\"us\"}", "inference_geo" },
		{ "{\"service_tier\":\"priority\"}", "service_tier" },
	};
	struct error e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum err err = check_as(PROVIDER_ANTHROPIC, WIRE_MESSAGE,
		    cases[i].text, &e);

		if (!err != !cases[i].param)
			fail_msg("wrong: %s", cases[i].text);
		if (err)
			assert_string_equal(e.param, cases[i].param);
		assert_int_equal(check_as(PROVIDER_LOCAL, WIRE_COUNT,
				     cases[i].text, &e),
		    err);
	}
}

/* CHECKLIST S10 */
static void
provider_check_body__where_requests_go__is_not_the_clients(void **state)
{
	static const char *const names[] = { "api_base", "api_key", "base_url",
		"custom_host", "fallbacks", "models", "provider" };
	struct error e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char text[64];

		(void)snprintf(text, sizeof(text), "{\"%s\":\"x\"}", names[i]);
		assert_int_equal(check(text, "", &e), ERR_UNSUPPORTED_PARAM);
		assert_string_equal(e.param, names[i]);
		assert_int_equal(check_as(PROVIDER_ANTHROPIC, WIRE_MESSAGE,
				     text, &e),
		    ERR_UNSUPPORTED_PARAM);
	}
}

static void
provider_check_body__what_a_kind_is_not_asked__is_refused(void **state)
{
	struct error e;

	(void)state;
	assert_int_equal(check_as(PROVIDER_ANTHROPIC, WIRE_CHAT, "{}", &e),
	    ERR_UNSUPPORTED_PARAM);
	assert_string_equal(e.param, "model");
	assert_int_equal(check_as(PROVIDER_OPENAI, WIRE_MESSAGE, "{}", &e),
	    ERR_UNSUPPORTED_PARAM);
	assert_int_equal(check_as(PROVIDER_OPENAI, WIRE_GENERATE, "{}", &e),
	    ERR_UNSUPPORTED_PARAM);
	assert_ok(check_as(PROVIDER_HUGGINGFACE, WIRE_GENERATE, "{}", &e));
	assert_ok(check_as(PROVIDER_LOCAL, WIRE_MESSAGE, "{}", &e));
}

static void
provider_target__other_formats__have_their_paths(void **state)
{
	static const struct {
		const char *base;
		enum wire_op op;
		const char *url;
	} cases[] = {
		{ "https://api.anthropic.com", WIRE_MESSAGE,
		    "https://api.anthropic.com/v1/messages" },
		{ "https://api.anthropic.com/v1/", WIRE_COUNT,
		    "https://api.anthropic.com/v1/messages/count_tokens" },
		{ "https://x/v1", WIRE_RESPONSE, "https://x/v1/responses" },
		{ "http://tgi:8080", WIRE_GENERATE,
		    "http://tgi:8080/generate" },
		{ "http://tgi:8080", WIRE_CHAT,
		    "http://tgi:8080/v1/chat/completions" },
		{ "https://x/v1/responses", WIRE_RESPONSE,
		    "https://x/v1/responses" },
	};
	struct provider_target t;
	struct error e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_ok(provider_target(&a, str_from(cases[i].base),
		    cases[i].op, &t, &e));
		assert_string_equal(t.url, cases[i].url);
	}
	assert_int_equal(provider_url_kind(S("https://x/v1/messages")),
	    PROVIDER_ANTHROPIC);
	assert_int_equal(provider_url_kind(S("https://x/v1/responses")),
	    PROVIDER_OPENAI);
	assert_int_equal(provider_url_kind(S("https://x/generate")),
	    PROVIDER__N);
	assert_int_equal(provider_exact_op(PROVIDER_HUGGINGFACE,
			     S("https://x/")),
	    WIRE_GENERATE);
	assert_int_equal(provider_exact_op(PROVIDER_OPENAI,
			     S("https://x/generate")),
	    WIRE_CHAT);
	assert_int_equal(provider_exact_op(PROVIDER_ANTHROPIC,
			     S("https://x/ask")),
	    WIRE_MESSAGE);
}

static void
provider_check_body__priced_or_stored__is_refused_by_name(void **state)
{
	static const struct {
		const char *text, *param;
	} cases[] = {
		{ "{\"service_tier\":\"flex\"}", "service_tier" },
		{ "{\"service_tier\":\"priority\"}", "service_tier" },
		{ "{\"service_tier\":\"\\u0061uto\"}", "service_tier" },
		{ "{\"service_tier\":1}", "service_tier" },
		{ "{\"web_search_options\":{}}", "web_search_options" },
		{ "{\"previous_response_id\":\"r\"}", "previous_response_id" },
		{ "{\"prediction\":{}}", "prediction" },
		{ "{\"audio\":{}}", "audio" },
		{ "{\"modalities\":[\"text\",\"audio\"]}", "modalities" },
		{ "{\"modalities\":\"audio\"}", "modalities" },
		{ "{\"tools\":[{\"type\":\"web_search\"}]}", "tools" },
		{ "{\"tools\":[{\"type\":\"web_search\","
		  "\"type\":\"function\"}]}",
		    "tools" },
		{ "{\"tools\":[{\"t\\u0079pe\":\"web_search\"}]}", "tools" },
		{ "{\"tools\":{}}", "tools" },
		{ "{\"messages\":[{\"content\":[{\"type\":\"file\","
		  "\"file\":{\"file_id\":\"f\"}}]}]}",
		    "messages" },
		{ "{\"messages\":[{\"content\":[{\"type\":\"file\","
		  "\"file\":{\"file\\u005fid\":\"f\"}}]}]}",
		    "messages" },
		{ "{\"messages\":[{\"content\":[{\"file\\u005fid\":1}]}]}",
		    "messages" },
		{ "{\"messages\":[{\"audio\":{\"id\":\"a\"}}]}", "messages" },
	};
	struct error e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (check(cases[i].text, "", &e) != ERR_UNSUPPORTED_PARAM)
			fail_msg("accepted: %s", cases[i].text);
		assert_string_equal(e.param, cases[i].param);
		assert_ok(check(cases[i].text,
		    "service_tier, web_search_options,previous_response_id,"
		    "prediction,audio,modalities,tools,messages",
		    &e));
	}
	assert_int_equal(check("{\"audio\":{}}", "audi,dio", &e),
	    ERR_UNSUPPORTED_PARAM);
}

/* A value that each rule refuses. */
#define ODD_ANY          "1"
#define ODD_NOT_FALSE    "true"
#define ODD_NOT_STANDARD "\"priority\""
#define ODD_NOT_TEXT     "[\"audio\"]"
#define ODD_HOSTED_TOOLS "[{\"type\":\"web_search\"}]"
#define ODD_FILE_IDS     "[{\"content\":[{\"file_id\":\"f\"}]}]"
#define ODD_STORED_ITEMS "[{\"type\":\"item_reference\",\"id\":\"i\"}]"
#define ODD_CLAUDE_TOOLS "[{\"type\":\"web_search_20250305\"}]"
#define ODD_BLOCKS       "[{\"source\":{\"file_id\":\"f\"}}]"
#define ODD_LONG_CACHE   "{\"type\":\"ephemeral\",\"ttl\":\"1h\"}"

static const struct {
	unsigned ops;
	const char *member, *body;
	bool may_allow;
} rows[] = {
#define OP(id)      (1u << WIRE_##id)
#define OP_CHAT     OP(CHAT)
#define OP_RESPONSE OP(RESPONSE)
#define OP_MESSAGES (OP(MESSAGE) | OP(COUNT))
#define OP_OPENAI   (OP_ALL & ~OP_MESSAGES)
#define OP_ALL      ((1u << WIRE_OP__MAX) - 1)
#define MAY         true
#define NEVER       false
#define PROVIDER_PARAM(op_bits, name, rule, allow, doc) \
 { op_bits, name, "{\"" name "\":" ODD_##rule "}", allow },
#include "upstream/providers.def"
};

/* Each row of providers.def, for each operation that it is about. */
static void
provider_check_body__each_member__passes_only_where_a_model_allows_it(
    void **state)
{
	struct error e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (unsigned op = 0; op < WIRE_OP__MAX; op++) {
			enum provider_kind kind = op == WIRE_GENERATE
						      ? PROVIDER_HUGGINGFACE
						      : PROVIDER_LOCAL;
			struct arena_mark mark = arena_mark(&a);
			struct body b;

			if (!(rows[i].ops & 1u << op))
				continue;
			assert_ok(
			    body_scan(&a, str_from(rows[i].body), &b, &e));
			assert_int_equal(provider_check_body(kind, op, &b,
					     S("store,other"), &e),
			    ERR_UNSUPPORTED_PARAM);
			assert_string_equal(e.param, rows[i].member);
			assert_int_equal(provider_check_body(kind, op, &b,
					     str_from(rows[i].member), &e),
			    rows[i].may_allow ? OK : ERR_UNSUPPORTED_PARAM);
			arena_rewind(&a, mark);
		}
}

static void
provider_members_read__names__sorted_once_and_only_what_may_be(void **state)
{
	static const char *const refused[] = { "store", "audi", "provider",
		"api_key", "audio,background", "tools;audio" };
	struct error e;
	struct str got;

	(void)state;
	assert_ok(
	    provider_members_read(&a, S(" tools,audio,tools "), &got, &e));
	assert_true(str_eq(got, S("audio,tools")));
	assert_ok(provider_members_read(&a, S(""), &got, &e));
	assert_int_equal(got.n, 0);
	assert_non_null(got.p);
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		assert_int_equal(provider_members_read(&a, str_from(refused[i]),
				     &got, &e),
		    ERR_BAD_PARAM);
		assert_string_equal(e.param, "allowed_members");
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(provider_members_read(&a,
				     str_from(rows[i].member), &got, &e),
		    rows[i].may_allow ? OK : ERR_BAD_PARAM);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(provider_target__bases__are_completed_by_their_path),
		T(provider_target__full_address__is_used_as_given),
		T(provider_target_exact__any_path__is_called_as_given),
		T(provider_exact_op__end_of_the_path__tells),
		T(provider_check_api_url__addresses__that_cannot_be_meant_are_refused),
		T(provider_check_key__not_sendable__is_refused_without_a_word_of_it),
		T(provider_target__unix_socket__gets_a_url_beside_it),
		T(provider_check_url__addresses__that_cannot_be_meant_are_refused),
		T(provider_kind_from__name__finds_its_row),
		T(provider_auth_line__key__becomes_a_header),
		T(provider_check_body__harmless_members__pass),
		T(provider_check_body__priced_or_stored__is_refused_by_name),
		T(provider_check_body__each_member__passes_only_where_a_model_allows_it),
		T(provider_members_read__names__sorted_once_and_only_what_may_be),
		T(provider_check_body__responses__items_must_be_whole),
		T(provider_check_body__messages__stored_hosted_or_priced__is_refused),
		T(provider_check_body__where_requests_go__is_not_the_clients),
		T(provider_check_body__what_a_kind_is_not_asked__is_refused),
		T(provider_target__other_formats__have_their_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
