/* SPDX-License-Identifier: MIT */
/* Where providers are, and how they are told who asks. */
#include "support/cmocka_tg.h"

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
		T(provider_target__other_formats__have_their_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
