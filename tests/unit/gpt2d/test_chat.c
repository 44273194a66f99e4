/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include "base/buf.h"
#include "base/chat_template.h"
#include "gpt2d/chat.h"

static struct arena a;
static struct error e;

static int
setup(void **state)
{
	(void)state;
	arena_init(&a, MIB(1));
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
is_prompt(const char *messages, const char *expected)
{
	struct str prompt = { NULL, 0 };

	assert_ok(chat_prompt(&a, str_from(messages), &prompt, &e));
	assert_str_is(prompt, expected);
}

static void
is_refused(enum err code, const char *messages)
{
	struct str prompt = { NULL, 0 };

	error_clear(&e);
	assert_int_equal(chat_prompt(&a, str_from(messages), &prompt, &e),
	    code);
	assert_string_equal(e.param, "messages");
	assert_null(prompt.p);
}

static void
chat__roles__one_line_a_message(void **state)
{
	(void)state;

	is_prompt(
	    "[{\"role\":\"system\",\"content\":\"Be brief.\"},"
	    "{\"role\":\"user\",\"content\":\"1\\n2\"},"
	    "{\"content\":\"two\",\"role\":\"assistant\"},"
	    "{\"role\":\"developer\",\"content\":\"Stop.\",\"name\":\"x\"},"
	    "{\"role\":\"user\",\"content\":\"\"}]",
	    "System: Be brief.\nUser: 1\n2\nAssistant: two\nSystem: Stop.\n"
	    "User: \nAssistant:");
}

static void
chat__parts__are_joined(void **state)
{
	(void)state;

	is_prompt("[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
		  "\"text\":\"a\"},{\"text\":\"b\",\"type\":\"text\"}]}]",
	    "User: ab\nAssistant:");
}

/* What was generated behind "Assistant:" stands there again as it was. */
static void
chat__content_with_its_own_space__one_space(void **state)
{
	(void)state;

	is_prompt("[{\"role\":\"user\",\"content\":\"Hi\"},"
		  "{\"role\":\"assistant\",\"content\":\" Hello.\"},"
		  "{\"role\":\"user\",\"content\":[{\"type\":\"text\","
		  "\"text\":\"\"},{\"type\":\"text\",\"text\":\" a b\"}]},"
		  "{\"role\":\"assistant\",\"content\":\"  two\"},"
		  "{\"role\":\"user\",\"content\":\" \"}]",
	    "User: Hi\nAssistant: Hello.\nUser: a b\nAssistant:  two\n"
	    "User: \nAssistant:");
}

static void
chat__malformed__refused(void **state)
{
	(void)state;

	is_refused(ERR_BAD_PARAM, "[]");
	is_refused(ERR_BAD_PARAM, "[1]");
	is_refused(ERR_BAD_PARAM, "[{\"content\":\"x\"}]");
	is_refused(ERR_BAD_PARAM, "[{\"role\":1,\"content\":\"x\"}]");
	is_refused(ERR_BAD_PARAM, "[{\"role\":\"user\"}]");
	is_refused(ERR_BAD_PARAM, "[{\"role\":\"user\",\"content\":null}]");
	is_refused(ERR_BAD_PARAM, "[{\"role\":\"user\",\"content\":[1]}]");
	is_refused(ERR_BAD_PARAM, "[{\"role\":\"user\",\"content\":[{}]}]");
	is_refused(ERR_BAD_PARAM,
	    "[{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}]");
}

static void
chat__what_is_no_text__unsupported(void **state)
{
	(void)state;

	is_refused(ERR_UNSUPPORTED_PARAM,
	    "[{\"role\":\"tool\",\"content\":\"x\"}]");
	is_refused(ERR_UNSUPPORTED_PARAM,
	    "[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]");
}

static void
chat__too_many_messages__refused(void **state)
{
	struct buf b;
	(void)state;

	buf_init(&b, &a, MIB(1));
	buf_add(&b, S("["));
	for (int i = 0; i <= CHAT_TEMPLATE_MESSAGES_MAX; i++)
		buf_addf(&b, "%s{\"role\":\"user\",\"content\":\"\"}",
		    i ? "," : "");
	buf_add(&b, S("]"));
	buf_add_char(&b, '\0');

	is_refused(ERR_BAD_PARAM, b.p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chat__roles__one_line_a_message),
		cmocka_unit_test(chat__parts__are_joined),
		cmocka_unit_test(chat__content_with_its_own_space__one_space),
		cmocka_unit_test(chat__malformed__refused),
		cmocka_unit_test(chat__what_is_no_text__unsupported),
		cmocka_unit_test(chat__too_many_messages__refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
