/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include "base/arena.h"
#include "http/route_match.h"

static const struct route_pattern table[] = {
	{ METHOD_GET, "/" },
	{ METHOD_GET, "/a/{x}/{y}" },
	{ METHOD_GET, "/a/{x}/z" },
	{ METHOD_GET, "/a/b/{y}" },
	{ METHOD_GET, "/keys/{id}" },
	{ METHOD_DELETE, "/keys/{id}" },
	{ METHOD_POST, "/keys" },
};

static struct arena arena;
static struct error e;
static struct route_hit hit;

static int
setup(void **state)
{
	(void)state;
	arena_init(&arena, KIB(64));
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
match(enum http_method method, const char *path)
{
	return route_match(table, ARRAY_LEN(table), method, str_from(path),
	    &arena, &hit, &e);
}

static void
route_match__literals_and_names__found_with_values(void **state)
{
	(void)state;
	assert_ok(match(METHOD_GET, "/"));
	assert_int_equal(hit.index, 0);
	assert_ok(match(METHOD_DELETE, "/keys/a%2Fb"));
	assert_int_equal(hit.index, 5);
	assert_int_equal(hit.n_params, 1);
	assert_str_is(hit.param[0], "a/b");
	assert_ok(match(METHOD_GET, "/k%65ys/7"));
	assert_int_equal(hit.index, 4);
}

static void
route_match__several_fit__earlier_literal_wins(void **state)
{
	(void)state;
	assert_ok(match(METHOD_GET, "/a/b/z"));
	assert_int_equal(hit.index, 3);
	assert_ok(match(METHOD_GET, "/a/c/z"));
	assert_int_equal(hit.index, 2);
	assert_ok(match(METHOD_GET, "/a/c/d"));
	assert_int_equal(hit.index, 1);
	assert_int_equal(hit.n_params, 2);
	assert_str_is(hit.param[1], "d");
}

static void
route_match__head__is_get(void **state)
{
	(void)state;
	assert_ok(match(METHOD_HEAD, "/keys/1"));
	assert_int_equal(hit.index, 4);
}

static void
route_match__other_method__method_error_with_allow(void **state)
{
	(void)state;
	assert_int_equal(match(METHOD_POST, "/keys/1"), ERR_METHOD);
	assert_str_is(route_allow_text(hit.allow, &arena), "GET, HEAD, DELETE");
	assert_int_equal(match(METHOD_OTHER, "/keys"), ERR_METHOD);
	assert_str_is(route_allow_text(hit.allow, &arena), "POST");
}

static void
route_match__no_such_path__not_found(void **state)
{
	static const char *const none[] = { "/keys/", "/keys/1/", "//", "",
		"/KEYS", "/keys/1/2", "/a", "/a//z",
		"/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		assert_int_equal(match(METHOD_GET, none[i]), ERR_NOT_FOUND);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    route_match__literals_and_names__found_with_values),
		cmocka_unit_test(
		    route_match__several_fit__earlier_literal_wins),
		cmocka_unit_test(route_match__head__is_get),
		cmocka_unit_test(
		    route_match__other_method__method_error_with_allow),
		cmocka_unit_test(route_match__no_such_path__not_found),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
