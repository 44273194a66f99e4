/* SPDX-License-Identifier: MIT */
/* What a request may ask of a provider, by the members of its body. CHECKLIST
 * S10. */
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
		T(provider_check_body__harmless_members__pass),
		T(provider_check_body__priced_or_stored__is_refused_by_name),
		T(provider_check_body__each_member__passes_only_where_a_model_allows_it),
		T(provider_members_read__names__sorted_once_and_only_what_may_be),
		T(provider_check_body__responses__items_must_be_whole),
		T(provider_check_body__messages__stored_hosted_or_priced__is_refused),
		T(provider_check_body__where_requests_go__is_not_the_clients),
		T(provider_check_body__what_a_kind_is_not_asked__is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
