/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include <stdio.h>

#include "base/json_scan.h"

#define MEMBERS 8

static struct json_member members[MEMBERS];

static struct json_scan
scan_into_members(void)
{
	return (struct json_scan){
		.depth_max = JSON_SCAN_DEPTH_MAX,
		.members = members,
		.members_cap = MEMBERS,
	};
}

static const char *
failure_of(struct str text)
{
	struct json_scan s = scan_into_members();

	return json_scan(&s, text) ? NULL : s.failure;
}

static void
json_scan__valid_texts__are_accepted(void **state)
{
	static const struct str texts[] = {
		STR_INIT("0"),
		STR_INIT("-0"),
		STR_INIT("-0.5e+10"),
		STR_INIT("1E5"),
		STR_INIT(" \t\r\n null \n"),
		STR_INIT("true"),
		STR_INIT("false"),
		STR_INIT("\"\""),
		STR_INIT("\"\\u0041\\n\\\\\\\"\\/\\b\\f\\r\\t\""),
		STR_INIT("\"\\ud800\""),
		STR_INIT("\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\""),
		STR_INIT("\"\x7f\""),
		STR_INIT("[]"),
		STR_INIT("[ ]"),
		STR_INIT("{}"),
		STR_INIT("{ }"),
		STR_INIT("[1,2 , 3]"),
		STR_INIT("{\"a\":[{\"b\":{}}],\"c\":1}"),
		STR_INIT("[[],{},[[]]]"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (failure_of(texts[i]))
			fail_msg("%" PRI_STR ": %s", STR_ARG(texts[i]),
			    failure_of(texts[i]));
}

static void
json_scan__invalid_texts__are_refused(void **state)
{
	static const struct str texts[] = {
		STR_INIT(""),
		STR_INIT(" "),
		STR_INIT("{"),
		STR_INIT("}"),
		STR_INIT("[1,]"),
		STR_INIT("[,1]"),
		STR_INIT("[1 2]"),
		STR_INIT("[1}"),
		STR_INIT("{\"a\":1]"),
		STR_INIT("{\"a\":1,}"),
		STR_INIT("{\"a\"}"),
		STR_INIT("{\"a\" 1}"),
		STR_INIT("{a:1}"),
		STR_INIT("{1:1}"),
		STR_INIT("{'a':1}"),
		STR_INIT("{\"a\":}"),
		STR_INIT("01"),
		STR_INIT("-01"),
		STR_INIT("-"),
		STR_INIT("+1"),
		STR_INIT(".5"),
		STR_INIT("1."),
		STR_INIT("1e"),
		STR_INIT("1e+"),
		STR_INIT("0x10"),
		STR_INIT("NaN"),
		STR_INIT("Infinity"),
		STR_INIT("-Infinity"),
		STR_INIT("nul"),
		STR_INIT("True"),
		STR_INIT("nullx"),
		STR_INIT("1 1"),
		STR_INIT("{} {}"),
		STR_INIT("{}\0"),
		STR_INIT("\"a"),
		STR_INIT("\"\\"),
		STR_INIT("\"\\x\""),
		STR_INIT("\"\\u12"),
		STR_INIT("\"\\u12g4\""),
		STR_INIT("\"a\nb\""),
		STR_INIT("\"a\0b\""),
		STR_INIT("\"12345678\x1f\""),
		STR_INIT("\"\x80\""),
		STR_INIT("\"\xc0\xaf\""),
		STR_INIT("\"\xed\xa0\x80\""),
		STR_INIT("\"\xf4\x90\x80\x80\""),
		STR_INIT("\"\xe2\x82\""),
		STR_INIT("\xef\xbb\xbf{}"),
		STR_INIT("// c\n1"),
		STR_INIT("[1]//"),
		STR_INIT("\xa0"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (!failure_of(texts[i]))
			fail_msg("accepted: %" PRI_STR, STR_ARG(texts[i]));
}

static void
json_scan__byte_anywhere_in_a_string__is_judged_alike(void **state)
{
	char text[34];

	(void)state;
	for (unsigned byte = 0; byte < 256; byte++) {
		for (size_t at = 1; at < sizeof(text) - 1; at++) {
			bool is_plain = byte >= 0x20 && byte < 0x80 &&
					byte != '"' && byte != '\\';

			memset(text, 'a', sizeof(text));
			text[0] = text[sizeof(text) - 1] = '"';
			text[at] = (char)byte;
			assert_int_equal(failure_of(str_make(text,
					     sizeof(text))) == NULL,
			    is_plain);
		}
	}
}

static void
json_scan__every_prefix_of_a_text__is_refused(void **state)
{
	struct str text = S("{\"a\":[1.5e3,\"x\\u00e4\xc3\xa4\",{\"b\":null}],"
			    "\"c\":true}");

	(void)state;
	for (size_t n = 0; n < text.n; n++)
		assert_non_null(failure_of(str_make(text.p, n)));
	assert_null(failure_of(text));
}

static void
json_scan__object__notes_its_members_in_place(void **state)
{
	struct str text = S(" { \"a\" : [1, {\"a\":2}] ,\"b\":\"x\\\"y\","
			    "\"\\u0063\":-1.5 , \"d\":{} } ");
	struct json_scan s = scan_into_members();

	(void)state;
	assert_true(json_scan(&s, text));

	assert_int_equal(s.kind, JSON_OBJECT);
	assert_int_equal(s.n_members, 4);
	assert_int_equal(s.n_names, 5);
	assert_int_equal(s.n_values, 8);
	assert_str_is(members[0].name, "a");
	assert_str_is(members[0].value, "[1, {\"a\":2}]");
	assert_int_equal(members[0].kind, JSON_ARRAY);
	assert_str_is(members[1].value, "\"x\\\"y\"");
	assert_int_equal(members[1].kind, JSON_STRING);
	assert_str_is(members[2].name, "\\u0063");
	assert_true(members[2].is_name_escaped);
	assert_false(members[1].is_name_escaped);
	assert_str_is(members[2].value, "-1.5");
	assert_str_is(members[3].value, "{}");
	assert_ptr_equal(s.inner.p, text.p + 2);
	assert_int_equal(s.inner.n, text.n - 4);
}

static void
json_scan__more_members_than_room__counts_them_all(void **state)
{
	struct json_scan s = scan_into_members();

	(void)state;
	s.members_cap = 1;
	members[1].name = S("untouched");

	assert_true(json_scan(&s, S("{\"a\":1,\"b\":2,\"c\":3}")));

	assert_int_equal(s.n_members, 3);
	assert_str_is(members[1].name, "untouched");
}

static void
json_scan__depth__is_bounded_exactly(void **state)
{
	char text[2 * (JSON_SCAN_DEPTH_MAX + 1)];
	size_t n = JSON_SCAN_DEPTH_MAX;

	(void)state;
	memset(text, '[', n);
	memset(text + n, ']', n);
	assert_null(failure_of(str_make(text, 2 * n)));

	n++;
	memset(text, '[', n);
	memset(text + n, ']', n);
	assert_string_equal(failure_of(str_make(text, 2 * n)),
	    "nested too deeply");
}

static void
json_scan__objects_and_arrays_mixed_deeply__brackets_must_match(void **state)
{
	char text[1024];
	size_t n = 0;

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s",
		    i % 3 ? "{\"k\":" : "[");
	text[n++] = '1';
	for (unsigned i = 100; i-- > 0;)
		text[n++] = i % 3 ? '}' : ']';
	assert_null(failure_of(str_make(text, n)));

	text[n - 40] = text[n - 40] == '}' ? ']' : '}';
	assert_non_null(failure_of(str_make(text, n)));
}

static void
json_scan__failure__tells_the_place(void **state)
{
	struct json_scan s = scan_into_members();

	(void)state;
	assert_false(json_scan(&s, S("{\"a\":1,\"b\":01}")));

	assert_int_equal(s.failure_offset, 12);
	assert_string_equal(s.failure, "a number with a leading zero");
}

static void
json_scan__escaped_nul_anywhere__is_reported(void **state)
{
	struct json_scan s = scan_into_members();

	(void)state;
	assert_true(json_scan(&s, S("{\"a\":[\"x\\u0000\"]}")));
	assert_true(s.has_nul_escape);
	assert_true(json_scan(&s, S("{\"a\":[\"x\\u0001\"]}")));
	assert_false(s.has_nul_escape);
}

static void
json_scan_repeated__same_name_twice__tells_the_second(void **state)
{
	struct json_scan s = scan_into_members();

	(void)state;
	assert_true(json_scan(&s, S("{\"a\":1,\"b\":2,\"a\":3,\"b\":4}")));
	assert_int_equal(json_scan_repeated(&s), 2);
	assert_true(json_scan(&s, S("{\"a\":1,\"b\":{\"a\":3}}")));
	assert_int_equal(json_scan_repeated(&s), 2);
	assert_int_equal(s.n_members, 2);
}

static void
json_walk__members_and_elements__come_in_order(void **state)
{
	struct str text = S("{ \"a\\\\\" : [ 1 , \"]\\\"\" , [ ] ],\"b\":tru"
			    "e , \"c\" : \"\\\\\" }");
	struct json_walk w, inner;
	struct json_member m;

	(void)state;
	assert_null(failure_of(text));
	json_walk_init(&w, text);

	assert_true(json_walk_next(&w, &m));
	assert_str_is(m.name, "a\\\\");
	assert_true(m.is_name_escaped);
	json_walk_init(&inner, m.value);
	assert_true(json_walk_next(&inner, &m));
	assert_str_is(m.value, "1");
	assert_int_equal(m.kind, JSON_NUMBER);
	assert_true(json_walk_next(&inner, &m));
	assert_str_is(m.value, "\"]\\\"\"");
	assert_true(json_walk_next(&inner, &m));
	assert_str_is(m.value, "[ ]");
	assert_false(json_walk_next(&inner, &m));

	assert_true(json_walk_next(&w, &m));
	assert_str_is(m.value, "true");
	assert_true(json_walk_next(&w, &m));
	assert_str_is(m.name, "c");
	assert_str_is(m.value, "\"\\\\\"");
	assert_int_equal(m.kind, JSON_STRING);
	assert_false(json_walk_next(&w, &m));
	assert_int_equal(m.kind, JSON_NONE);
}

static void
json_walk_find__repeated_name__the_last_counts(void **state)
{
	struct json_member m;

	(void)state;
	assert_true(
	    json_walk_find(S("{\"a\":1,\"b\":{\"a\":9},\"a\":2}"), S("a"), &m));
	assert_str_is(m.value, "2");
	assert_false(json_walk_find(S("{}"), S("a"), &m));
	assert_false(json_walk_find(S("[\"a\"]"), S("a"), &m));
	assert_false(json_walk_find(S("1"), S("a"), &m));
}

static void
json_unescape__escapes__become_utf8(void **state)
{
	struct str value = S("\"a\\n\\u00e4\\u20ac\\ud83d\\ude00\\ud800x\\/"
			     "\\udc00\\ud800\\u0041\"");
	const char *expected = "a\n\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"
			       "\xef\xbf\xbdx/\xef\xbf\xbd\xef\xbf\xbd"
			       "A";
	struct arena a;

	(void)state;
	arena_init(&a, KIB(4));

	assert_str_is(json_unescape(&a, value), expected);
	assert_int_equal(json_unescaped_bytes(value), strlen(expected));
	assert_str_is(json_unescape(&a, S("\"\"")), "");
	arena_fini(&a);
}

static void
json_unescape__full_arena__gives_null(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, KIB(4));
	a.fail_at = 1;

	assert_null(json_unescape(&a, S("\"\\n\"")).p);
	assert_non_null(json_unescape(&a, S("\"plain\"")).p);
	arena_fini(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_scan__valid_texts__are_accepted),
		cmocka_unit_test(json_scan__invalid_texts__are_refused),
		cmocka_unit_test(
		    json_scan__byte_anywhere_in_a_string__is_judged_alike),
		cmocka_unit_test(json_scan__every_prefix_of_a_text__is_refused),
		cmocka_unit_test(json_scan__object__notes_its_members_in_place),
		cmocka_unit_test(
		    json_scan__more_members_than_room__counts_them_all),
		cmocka_unit_test(json_scan__depth__is_bounded_exactly),
		cmocka_unit_test(
		    json_scan__objects_and_arrays_mixed_deeply__brackets_must_match),
		cmocka_unit_test(json_scan__failure__tells_the_place),
		cmocka_unit_test(json_scan__escaped_nul_anywhere__is_reported),
		cmocka_unit_test(
		    json_scan_repeated__same_name_twice__tells_the_second),
		cmocka_unit_test(
		    json_walk__members_and_elements__come_in_order),
		cmocka_unit_test(
		    json_walk_find__repeated_name__the_last_counts),
		cmocka_unit_test(json_unescape__escapes__become_utf8),
		cmocka_unit_test(json_unescape__full_arena__gives_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
