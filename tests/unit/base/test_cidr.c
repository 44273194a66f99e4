/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include "base/arena.h"
#include "base/cidr.h"

static struct cidr_addr
addr(const char *text)
{
	struct cidr_addr a;

	assert_true(cidr_addr_parse(str_from(text), &a));
	return a;
}

static bool
in(const char *range, const char *text)
{
	struct cidr_addr a = addr(text);
	struct cidr r;

	assert_true(cidr_parse(str_from(range), &r));
	return cidr_contains(&r, &a);
}

static void
cidr_addr_parse__v4_and_mapped_v6__same_address(void **state)
{
	struct cidr_addr a = addr("192.0.2.7");
	struct cidr_addr b = addr("::ffff:192.0.2.7");

	(void)state;
	assert_memory_equal(&a, &b, sizeof(a));
}

static void
cidr_addr_parse__junk__refused(void **state)
{
	static const char *const junk[] = { "", " ", "1.2.3", "1.2.3.4.5",
		"256.0.0.1", "1.2.3.4 ", "::1%lo", "[::1]", "1.2.3.4:80",
		"::ffff:1.2.3.4::", "host", "1.2.3.4\n",
		"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000" };
	struct cidr_addr a;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(junk); i++)
		assert_false(cidr_addr_parse(str_from(junk[i]), &a));
	assert_false(cidr_addr_parse(S("1.2.3.4\0"), &a));
}

static void
cidr_addr_format__both_families__shortest_text(void **state)
{
	char text[CIDR_TEXT_BYTES];
	struct cidr_addr a = addr("::ffff:10.0.0.1");

	(void)state;
	cidr_addr_format(&a, text);
	assert_string_equal(text, "10.0.0.1");
	a = addr("2001:DB8:0:0:0:0:0:1");
	cidr_addr_format(&a, text);
	assert_string_equal(text, "2001:db8::1");
}

static void
cidr_contains__edges_of_ranges__exact(void **state)
{
	(void)state;
	assert_true(in("10.0.0.0/8", "10.255.255.255"));
	assert_false(in("10.0.0.0/8", "11.0.0.0"));
	assert_true(in("10.0.0.0/9", "10.127.255.255"));
	assert_false(in("10.0.0.0/9", "10.128.0.0"));
	assert_true(in("192.0.2.1", "192.0.2.1"));
	assert_false(in("192.0.2.1", "192.0.2.2"));
	assert_true(in("0.0.0.0/0", "203.0.113.9"));
	assert_false(in("0.0.0.0/0", "2001:db8::1"));
	assert_true(in("::/0", "203.0.113.9"));
	assert_true(in("2001:db8::/33", "2001:db8:7fff::"));
	assert_false(in("2001:db8::/33", "2001:db8:8000::"));
}

static void
cidr_parse__bits_behind_the_prefix__refused(void **state)
{
	static const char *const bad[] = { "10.0.0.1/8", "10.0.0.0/33",
		"::1/129", "10.0.0.0/", "/8", "10.0.0.0/-1", "10.0.0.0/8/8",
		"2001:db8::1/64" };
	struct cidr r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(cidr_parse(str_from(bad[i]), &r));
}

static void
cidr_list_parse__list_with_spaces__all_items(void **state)
{
	struct cidr_list list;
	struct cidr_addr a = addr("::1"), b = addr("8.8.8.8");
	struct arena arena;
	struct error e;

	(void)state;
	arena_init(&arena, KIB(64));
	assert_ok(cidr_list_parse(&arena, S(" 127.0.0.0/8 , ::1,"), &list, &e));
	assert_int_equal(list.n, 2);
	assert_true(cidr_list_contains(&list, &a));
	assert_false(cidr_list_contains(&list, &b));
	assert_ok(cidr_list_parse(&arena, S(""), &list, &e));
	assert_int_equal(list.n, 0);
	arena_fini(&arena);
}

static void
cidr_list_parse__bad_item__named_in_the_error(void **state)
{
	struct cidr_list list;
	struct arena arena;
	struct error e;

	(void)state;
	arena_init(&arena, KIB(64));
	assert_int_equal(cidr_list_parse(&arena, S("::1, 10.0.0.300"), &list,
			     &e),
	    ERR_CONFIG);
	assert_non_null(strstr(e.internal, "10.0.0.300"));
	arena_fini(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    cidr_addr_parse__v4_and_mapped_v6__same_address),
		cmocka_unit_test(cidr_addr_parse__junk__refused),
		cmocka_unit_test(
		    cidr_addr_format__both_families__shortest_text),
		cmocka_unit_test(cidr_contains__edges_of_ranges__exact),
		cmocka_unit_test(cidr_parse__bits_behind_the_prefix__refused),
		cmocka_unit_test(cidr_list_parse__list_with_spaces__all_items),
		cmocka_unit_test(cidr_list_parse__bad_item__named_in_the_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
