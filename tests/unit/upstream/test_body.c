/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include <stdio.h>

#include "upstream/body.h"

static struct arena a;

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
body_scan__not_an_object__is_bad_json(void **state)
{
	static const char *const texts[] = { "", "[]", "\"x\"", "1", "null",
		"{", "{}x", "{\"a\":NaN}", "{\"a\":\"\x01\"}",
		"{\"a\":\"\xff\"}", "{\"a\":01}", "{\"a\":1,}" };
	struct error e = { 0 };
	struct body b;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_int_equal(body_scan(&a, str_from(texts[i]), &b, &e),
		    ERR_BAD_JSON);
		assert_true(e.public_text[0] != '\0');
	}
}

static void
body_scan__name_given_twice__is_refused_by_name(void **state)
{
	struct error e;
	struct body b;

	(void)state;
	assert_int_equal(body_scan(&a,
			     S("{\"model\":1,\"x\":{\"model\":2},\"model\":3}"),
			     &b, &e),
	    ERR_BAD_PARAM);
	assert_string_equal(e.param, "model");
}

static void
body_scan__escaped_name__is_refused_even_if_harmless(void **state)
{
	struct error e;
	struct body b;

	(void)state;
	assert_int_equal(body_scan(&a, S("{\"mode\\u006c\":1}"), &b, &e),
	    ERR_BAD_PARAM);
	assert_string_equal(e.param, "mode\\u006c");
	/* Below the top level it changes nothing that we read. */
	assert_ok(body_scan(&a, S("{\"a\":{\"mode\\u006c\":1}}"), &b, &e));
}

static void
body_scan__members__up_to_the_limit(void **state)
{
	char text[BODY_MEMBERS_MAX * 16];
	struct error e;
	struct body b;

	(void)state;
	for (int n = 31; n <= BODY_MEMBERS_MAX + 1; n++) {
		size_t len = 0;

		if (n > 34 && n < BODY_MEMBERS_MAX)
			continue;
		for (int i = 0; i < n; i++)
			len += (size_t)snprintf(text + len, sizeof(text) - len,
			    "%c\"m%d\":%d", i ? ',' : '{', i, i);
		text[len++] = '}';
		if (n > BODY_MEMBERS_MAX) {
			assert_int_equal(body_scan(&a, str_make(text, len), &b,
					     &e),
			    ERR_BAD_PARAM);
			continue;
		}
		assert_ok(body_scan(&a, str_make(text, len), &b, &e));
		assert_int_equal(b.n_members, n);
		assert_str_is(body_member(&b, S("m30"))->value, "30");
		assert_null(body_member(&b, S("m999")));
	}
}

static void
body_scan__full_arena__fails_softly(void **state)
{
	struct error e;
	struct body b;

	(void)state;
	a.fail_at = 1;
	a.full_err = ERR_TOO_LARGE;
	assert_int_equal(body_scan(&a, S("{\"a\":1}"), &b, &e), ERR_TOO_LARGE);
}

static void
body_opt__absent_or_null__leaves_the_default(void **state)
{
	struct str s = S("default");
	uint64_t n = 7;
	bool flag = true;
	struct error e;
	struct body b;

	(void)state;
	assert_ok(body_scan(&a, S("{\"s\":null,\"n\":null}"), &b, &e));

	assert_ok(body_opt_str(&b, &a, "s", 10, &s, &e));
	assert_ok(body_opt_u64(&b, "n", 1, 10, &n, &e));
	assert_ok(body_opt_bool(&b, "absent", &flag, &e));

	assert_str_is(s, "default");
	assert_int_equal(n, 7);
	assert_true(flag);
	assert_non_null(body_member(&b, S("s")));
	assert_null(body_value(&b, S("s")));
}

static void
body_opt__right_type__is_read(void **state)
{
	struct error e;
	struct body b;
	struct str s;
	uint64_t n;
	bool flag;

	(void)state;
	assert_ok(body_scan(&a,
	    S("{\"s\":\"a\\u00e4\\n\",\"n\":10,\"f\":false}"), &b, &e));

	assert_ok(body_opt_str(&b, &a, "s", 4, &s, &e));
	assert_ok(body_opt_u64(&b, "n", 1, 10, &n, &e));
	assert_ok(body_opt_bool(&b, "f", &flag, &e));

	assert_str_is(s, "a\xc3\xa4\n");
	assert_int_equal(n, 10);
	assert_false(flag);
}

static void
body_opt__wrong_type_or_bounds__names_the_parameter(void **state)
{
	static const char *const numbers[] = { "0", "11", "-1", "1.0", "1e0",
		"99999999999999999999999", "\"5\"", "true", "[5]" };
	char text[64];
	struct error e;
	struct body b;
	struct str s;
	uint64_t n = 3;
	bool flag;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		(void)snprintf(text, sizeof(text), "{\"n\":%s}", numbers[i]);
		assert_ok(body_scan(&a, str_from(text), &b, &e));
		assert_int_equal(body_opt_u64(&b, "n", 1, 10, &n, &e),
		    ERR_BAD_PARAM);
		assert_string_equal(e.param, "n");
		assert_int_equal(n, 3);
	}
	assert_ok(
	    body_scan(&a, S("{\"s\":\"abcde\",\"f\":0,\"x\":[1]}"), &b, &e));
	assert_int_equal(body_opt_str(&b, &a, "s", 4, &s, &e), ERR_BAD_PARAM);
	assert_int_equal(body_opt_str(&b, &a, "x", 4, &s, &e), ERR_BAD_PARAM);
	assert_int_equal(body_opt_bool(&b, "f", &flag, &e), ERR_BAD_PARAM);
	assert_int_equal(body_need(&b, "model", &e), ERR_BAD_PARAM);
	assert_string_equal(e.param, "model");
	assert_ok(body_need(&b, "x", &e));
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(body_scan__not_an_object__is_bad_json),
		T(body_scan__name_given_twice__is_refused_by_name),
		T(body_scan__escaped_name__is_refused_even_if_harmless),
		T(body_scan__members__up_to_the_limit),
		T(body_scan__full_arena__fails_softly),
		T(body_opt__absent_or_null__leaves_the_default),
		T(body_opt__right_type__is_read),
		T(body_opt__wrong_type_or_bounds__names_the_parameter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
