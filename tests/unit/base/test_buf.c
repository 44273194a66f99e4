/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include "base/buf.h"

static struct arena arena;

static int
set_up(void **state)
{
	(void)state;
	arena_init(&arena, MIB(1));
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

static void
buf_add__beyond_maximum__sticks_until_finish(void **state)
{
	struct buf b;
	struct str s;
	struct error e;

	(void)state;
	buf_init(&b, &arena, 4);
	buf_add(&b, S("1234"));
	buf_add(&b, S("5"));
	buf_add_char(&b, '6');

	assert_int_equal(buf_finish(&b, &s, &e), ERR_TOO_LARGE);
	assert_str_is(buf_str(&b), "1234");
}

static void
buf_add__fixed_memory_full__sticks(void **state)
{
	char room[3];
	struct buf b;
	struct str s;
	struct error e;

	(void)state;
	buf_init_fixed(&b, room, sizeof(room));
	buf_add(&b, S("1234"));

	assert_int_equal(buf_finish(&b, &s, &e), ERR_NO_MEMORY);
}

static void
buf_html__all_five_specials__are_escaped(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, &arena, 1024);
	buf_html(&b, S("a<b>&\"'z"));

	assert_str_is(buf_str(&b), "a&lt;b&gt;&amp;&quot;&#39;z");
}

static void
buf_json_string__controls_and_broken_utf8__stay_one_string(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, &arena, 1024);
	buf_json_string(&b, S("\"\\\n\x01\xc3\xa9"));
	buf_json_string(&b, S("a\xff\n"));

	assert_str_is(buf_str(&b),
	    "\"\\\"\\\\\\n\\u0001\xc3\xa9\"\"a\xef\xbf\xbd\\n\"");
}

static void
buf_header_value__line_break__sticks_as_bad_param(void **state)
{
	struct buf b;
	struct str s;
	struct error e;

	(void)state;
	buf_init(&b, &arena, 1024);
	buf_header_value(&b, S("x\r\nSet-Cookie: y"));

	assert_int_equal(buf_finish(&b, &s, &e), ERR_BAD_PARAM);
	assert_int_equal(b.n, 0);
}

static void
buf_url_arg__reserved_bytes__are_percent_encoded(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, &arena, 1024);
	buf_url_arg(&b, S("a b&c=\xc3\xa9/~"));

	assert_str_is(buf_str(&b), "a%20b%26c%3D%C3%A9%2F~");
}

static void
buf_numbers__extremes__are_exact(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, &arena, 1024);
	buf_add_i64(&b, INT64_MIN);
	buf_add_char(&b, ' ');
	buf_add_u64(&b, UINT64_MAX);

	assert_str_is(buf_str(&b), "-9223372036854775808 18446744073709551615");
}

static void
buf_addf__longer_than_its_stack_text__is_whole(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, &arena, 4096);
	buf_addf(&b, "%01000d|", 7);

	assert_int_equal(b.n, 1001);
	assert_int_equal(b.p[999], '7');
	assert_int_equal(b.p[1000], '|');
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(buf_add__beyond_maximum__sticks_until_finish),
		T(buf_add__fixed_memory_full__sticks),
		T(buf_html__all_five_specials__are_escaped),
		T(buf_json_string__controls_and_broken_utf8__stay_one_string),
		T(buf_header_value__line_break__sticks_as_bad_param),
		T(buf_url_arg__reserved_bytes__are_percent_encoded),
		T(buf_numbers__extremes__are_exact),
		T(buf_addf__longer_than_its_stack_text__is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
