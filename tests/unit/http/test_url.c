/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include "base/arena.h"
#include "http/url.h"

static struct arena arena;
static struct error e;

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

static void
url_decode__escapes_and_plus__decoded(void **state)
{
	struct str out;

	(void)state;
	assert_ok(url_decode(&arena, S("a%20b+c%2F%C3%a9"), true, &out, &e));
	assert_str_is(out, "a b c/\xc3\xa9");
	assert_ok(url_decode(&arena, S("a+b"), false, &out, &e));
	assert_str_is(out, "a+b");
}

static void
url_decode__plain_text__not_copied(void **state)
{
	struct str in = S("plain"), out;

	(void)state;
	assert_ok(url_decode(&arena, in, true, &out, &e));
	assert_ptr_equal(out.p, in.p);
}

static void
url_decode__bad_escapes__refused(void **state)
{
	static const char *const bad[] = { "%", "%2", "%g0", "%0g", "a%", "%00",
		"x%0", "%-1", "% 1" };
	struct str out;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(url_decode(&arena, str_from(bad[i]), false,
				     &out, &e),
		    ERR_BAD_REQUEST);
}

static void
url__segments_and_args__encoded_in_place(void **state)
{
	struct buf b;
	struct url u;

	(void)state;
	buf_init(&b, &arena, KIB(4));
	url_begin(&u, &b, S("/ai"), "/dashboard");
	url_segment_u64(&u, 7);
	url_segment(&u, S("a/b?c"));
	url_arg(&u, "q", S("x&y=\"z\""));
	url_arg_u64(&u, "n", 5);
	assert_str_is(buf_str(&b),
	    "/ai/dashboard/7/a%2Fb%3Fc?q=x%26y%3D%22z%22&n=5");
}

static void
url_is_local_path__ways_off_the_site__refused(void **state)
{
	static const char *const off[] = { "", "x", "//evil", "/\\evil",
		"https://evil", "/a\nb", "/a b", "/\x80", "/a\\b" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(off); i++)
		assert_false(url_is_local_path(str_from(off[i])));
	assert_true(url_is_local_path(S("/")));
	assert_true(url_is_local_path(S("/dashboard/1?from=2026-01-01")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(url_decode__escapes_and_plus__decoded),
		cmocka_unit_test(url_decode__plain_text__not_copied),
		cmocka_unit_test(url_decode__bad_escapes__refused),
		cmocka_unit_test(url__segments_and_args__encoded_in_place),
		cmocka_unit_test(url_is_local_path__ways_off_the_site__refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
