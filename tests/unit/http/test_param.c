/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include "base/arena.h"
#include "http/form.h"
#include "http/param.h"

enum {
	P_LIMIT,
	P_ACTIVE,
	P_NAME,
	P_FROM,
	P_GROUP,
	P_EMAIL,
	P__MAX
};

static const struct param_spec spec[P__MAX] = {
	[P_LIMIT] = { "limit", PARAM_U64, 1, 100, NULL, false },
	[P_ACTIVE] = { "active", PARAM_BOOL, 0, 0, NULL, false },
	[P_NAME] = { "name", PARAM_TEXT, 2, 8, NULL, false },
	[P_FROM] = { "from", PARAM_TIME, 0, 0, NULL, false },
	[P_GROUP] = { "group", PARAM_ENUM, 0, 0, "day|model", false },
	[P_EMAIL] = { "email", PARAM_ASCII, 1, 8, NULL, false },
};

static struct arena arena;
static struct error e;

static int
setup(void **state)
{
	(void)state;
	arena_init(&arena, KIB(256));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

static enum err
parse(const char *text, struct param_value v[P__MAX])
{
	return param_parse(&arena, spec, P__MAX, str_from(text), v, &e);
}

static void
param_parse__all_types__typed_values(void **state)
{
	struct param_value v[P__MAX];

	(void)state;
	assert_ok(parse("limit=100&active=on&name=a+%26b&"
			"from=1970-01-02&group=model&email=a%40~!",
	    v));
	assert_int_equal(v[P_LIMIT].u64, 100);
	assert_int_equal(v[P_ACTIVE].u64, 1);
	assert_str_is(v[P_NAME].text, "a &b");
	assert_int_equal(v[P_FROM].time_ms, 86400000);
	assert_int_equal(v[P_GROUP].u64, 1);
	assert_str_is(v[P_EMAIL].text, "a@~!");
}

static void
param_parse__absent_or_empty__not_set(void **state)
{
	struct param_value v[P__MAX];

	(void)state;
	assert_ok(parse("limit=&&name=", v));
	for (size_t i = 0; i < P__MAX; i++)
		assert_false(v[i].is_set);
	assert_ok(parse("", v));
}

static void
param_parse__bad_values__refused_by_name(void **state)
{
	static const struct {
		const char *text, *param;
	} bad[] = {
		{ "limit=0", "limit" },
		{ "limit=101", "limit" },
		{ "limit=-1", "limit" },
		{ "limit=1e2", "limit" },
		{ "limit=99999999999999999999", "limit" },
		{ "active=yes", "active" },
		{ "name=a", "name" },
		{ "name=123456789", "name" },
		{ "name=a%1bb", "name" },
		{ "from=today", "from" },
		{ "group=DAY", "group" },
		{ "group=day|model", "group" },
		{ "email=%c3%bc", "email" },
		{ "email=a+b", "email" },
		{ "email=123456789", "email" },
		{ "limit=5&limit=5", "limit" },
		{ "lim=5", "" },
		{ "=5", "" },
	};
	struct param_value v[P__MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(parse(bad[i].text, v), ERR_BAD_PARAM);
		assert_string_equal(e.param, bad[i].param);
	}
}

static void
param_parse__required_missing__refused(void **state)
{
	static const struct param_spec need[] = {
		{ "id", PARAM_U64, 1, 9, NULL, true },
	};
	struct param_value v[1];

	(void)state;
	assert_int_equal(param_parse(&arena, need, 1, S("id="), v, &e),
	    ERR_BAD_PARAM);
	assert_string_equal(e.param, "id");
}

static void
form_next__not_utf8_or_too_many__refused(void **state)
{
	char many[2 * (FORM_PAIR_MAX + 1) + 1] = "";
	struct param_value v[P__MAX];
	struct str out;

	(void)state;
	assert_int_equal(parse("name=%ff%fe", v), ERR_BAD_REQUEST);
	for (size_t i = 0; i < FORM_PAIR_MAX + 1; i++)
		memcpy(many + 2 * i, "a&", 2);
	assert_int_equal(form_get(&arena, str_make(many, sizeof(many) - 1), "b",
			     &out, &e),
	    ERR_BAD_REQUEST);
}

static void
form_get__name_given_twice__first_value(void **state)
{
	struct str out;

	(void)state;
	assert_ok(form_get(&arena, S("a=1&b=2&a=3"), "a", &out, &e));
	assert_str_is(out, "1");
	assert_int_equal(form_get(&arena, S("ab=1"), "a", &out, &e),
	    ERR_NOT_FOUND);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(param_parse__all_types__typed_values),
		cmocka_unit_test(param_parse__absent_or_empty__not_set),
		cmocka_unit_test(param_parse__bad_values__refused_by_name),
		cmocka_unit_test(param_parse__required_missing__refused),
		cmocka_unit_test(form_next__not_utf8_or_too_many__refused),
		cmocka_unit_test(form_get__name_given_twice__first_value),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
