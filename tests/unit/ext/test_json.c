/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include <stdio.h>

#include "ext/json.h"

static struct arena a;
static struct error e;
static const struct json *v;

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
json_parse__texts_that_json_c_accepts_alone__are_refused(void **state)
{
	static const struct str texts[] = { STR_INIT("NaN"),
		STR_INIT("[Infinity]"), STR_INIT("-Infinity"),
		STR_INIT("[-01]"), STR_INIT("[\"a\nb\"]"),
		STR_INIT("{\"a\":1,\"a\":2}"),
		STR_INIT("[{\"b\":[{\"a\":1,\"\\u0061\":2}]}]"),
		STR_INIT("{\"model\\u0000x\":1}"), STR_INIT("1 2"),
		STR_INIT("{}\0"), STR_INIT("\"\xff\""), STR_INIT("'a'"),
		STR_INIT("[1,]"), STR_INIT(""), STR_INIT("/**/1") };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (json_parse(&a, texts[i], 32, &v, &e) != ERR_BAD_JSON)
			fail_msg("accepted: %" PRI_STR, STR_ARG(texts[i]));
		assert_true(e.public_text[0] != '\0');
	}
}

static void
json_parse__scalars_and_space__are_values(void **state)
{
	(void)state;
	assert_ok(json_parse(&a, S(" 12"), 1, &v, &e));
	assert_int_equal(json_kind(v), JSON_NUMBER);
	assert_ok(json_parse(&a, S("null"), 1, &v, &e));
	assert_int_equal(json_kind(v), JSON_NULL);
	assert_ok(json_parse(&a, S("\"x\" \n"), 1, &v, &e));
	assert_int_equal(json_kind(v), JSON_STRING);
	assert_int_equal(json_parse_object(&a, S("[]"), 4, &v, &e),
	    ERR_BAD_JSON);
}

static void
json_parse__depth__is_bounded_exactly(void **state)
{
	(void)state;
	assert_ok(json_parse(&a, S("[[[1]]]"), 3, &v, &e));
	assert_int_equal(json_parse(&a, S("[[[[1]]]]"), 3, &v, &e),
	    ERR_BAD_JSON);
}

static void
json_parse__too_many_values__is_too_large(void **state)
{
	static char text[2 * JSON_VALUES_MAX + 3];

	(void)state;
	memset(text, '1', sizeof(text));
	text[0] = '[';
	for (size_t i = 2; i < sizeof(text) - 1; i += 2)
		text[i] = ',';
	text[sizeof(text) - 1] = ']';
	assert_int_equal(json_parse(&a, str_make(text, sizeof(text)), 4, &v,
			     &e),
	    ERR_TOO_LARGE);
}

static void
json_parse__full_arena__frees_the_tree(void **state)
{
	(void)state;
	a.fail_at = 1;
	assert_int_equal(json_parse(&a, S("{\"a\":1}"), 4, &v, &e),
	    ERR_NO_MEMORY);
}

static void
json_get__members__come_typed(void **state)
{
	const struct json *list, *inner;
	struct str s;
	uint64_t n;
	bool flag;

	(void)state;
	assert_ok(json_parse_object(&a,
	    S("{\"s\":\"\\u00e4/\",\"n\":18446744073709551614,\"f\":true,"
	      "\"d\":0.0012500,\"t\":\"1.5\",\"i\":3,\"l\":[1,null,\"x\"],"
	      "\"o\":{\"k\":0},\"z\":null}"),
	    8, &v, &e));

	assert_ok(json_get_str(v, "s", 1, 3, &s, &e));
	assert_str_is(s, "\xc3\xa4/");
	assert_ok(json_get_u64(v, "n", 0, UINT64_MAX, &n, &e));
	assert_true(n == UINT64_MAX - 1);
	assert_ok(json_get_bool(v, "f", &flag, &e));
	assert_true(flag);
	assert_ok(json_get_decimal(v, "d", &s, &e));
	assert_str_is(s, "0.0012500");
	assert_ok(json_get_decimal(v, "t", &s, &e));
	assert_str_is(s, "1.5");
	assert_ok(json_get_decimal(v, "i", &s, &e));
	assert_str_is(s, "3");
	assert_ok(json_get_array(v, "l", 3, &list, &e));
	assert_int_equal(json_array_len(list), 3);
	assert_int_equal(json_kind(json_array_at(list, 1)), JSON_NULL);
	assert_ok(json_as_u64(json_array_at(list, 0), "l", 0, 1, &n, &e));
	assert_ok(json_as_str(json_array_at(list, 2), "l", 0, 1, &s, &e));
	assert_ok(json_get_object(v, "o", &inner, &e));
	assert_true(json_has(inner, "k"));
	assert_false(json_has(v, "z"));
	assert_false(json_has(v, "absent"));
	assert_true(json_has_null(v, "z"));
	assert_false(json_has_null(v, "absent"));
	assert_false(json_has_null(inner, "k"));
}

static void
json_get__wrong_members__are_named(void **state)
{
	const struct json *x;
	struct str s;
	uint64_t n = 5;
	bool flag;

	(void)state;
	assert_ok(json_parse_object(&a,
	    S("{\"s\":\"abc\",\"n\":-1,\"f\":1.5,\"e\":1e2,\"z\":null,"
	      "\"big\":18446744073709551616,\"l\":[1,2]}"),
	    8, &v, &e));

	assert_int_equal(json_get_str(v, "s", 4, 9, &s, &e), ERR_BAD_PARAM);
	assert_int_equal(json_get_str(v, "s", 0, 2, &s, &e), ERR_BAD_PARAM);
	assert_int_equal(json_get_str(v, "n", 0, 9, &s, &e), ERR_BAD_PARAM);
	assert_int_equal(json_get_u64(v, "n", 0, 9, &n, &e), ERR_BAD_PARAM);
	assert_int_equal(json_get_u64(v, "f", 0, 9, &n, &e), ERR_BAD_PARAM);
	assert_int_equal(json_get_u64(v, "e", 0, 900, &n, &e), ERR_BAD_PARAM);
	assert_int_equal(json_get_u64(v, "big", 0, UINT64_MAX, &n, &e),
	    ERR_BAD_PARAM);
	assert_string_equal(e.param, "big");
	assert_int_equal(json_get_decimal(v, "big", &s, &e), ERR_BAD_PARAM);
	assert_int_equal(json_get_u64(v, "z", 0, 9, &n, &e), ERR_BAD_PARAM);
	assert_int_equal(json_get_bool(v, "n", &flag, &e), ERR_BAD_PARAM);
	assert_int_equal(json_get_object(v, "l", &x, &e), ERR_BAD_PARAM);
	assert_int_equal(json_get_array(v, "l", 1, &x, &e), ERR_BAD_PARAM);
	assert_int_equal(json_get_array(v, "s", 1, &x, &e), ERR_BAD_PARAM);
	assert_int_equal(json_get_decimal(v, "l", &s, &e), ERR_BAD_PARAM);
	assert_int_equal(json_get_str(v, "gone", 0, 9, &s, &e), ERR_BAD_PARAM);
	assert_string_equal(e.param, "gone");
	assert_int_equal(n, 5);
}

static void
json_only__unknown_member__is_named(void **state)
{
	static const char *const names[] = { "a", "b" };

	(void)state;
	assert_ok(json_parse_object(&a, S("{\"a\":1,\"b\":2}"), 8, &v, &e));
	assert_ok(json_only(v, names, 2, &e));
	assert_int_equal(json_only(v, names, 1, &e), ERR_BAD_PARAM);
	assert_string_equal(e.param, "b");
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(json_parse__texts_that_json_c_accepts_alone__are_refused),
		T(json_parse__scalars_and_space__are_values),
		T(json_parse__depth__is_bounded_exactly),
		T(json_parse__too_many_values__is_too_large),
		T(json_parse__full_arena__frees_the_tree),
		T(json_get__members__come_typed),
		T(json_get__wrong_members__are_named),
		T(json_only__unknown_member__is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
