/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "upstream/splice.h"

static struct arena a;
static struct body body;
static struct splice splice;

static int
setup(void **state)
{
	(void)state;
	arena_init(&a, MIB(4));
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
begin(const char *text)
{
	struct error e;

	assert_ok(body_scan(&a, str_from(text), &body, &e));
	splice_init(&splice, &a, &body);
}

/* All pieces as one text. */
static struct str
build(void)
{
	struct splice_out out;
	struct error e;
	struct buf b;
	struct str s;

	assert_ok(splice_build(&splice, &out, &e));
	buf_init(&b, &a, MIB(2));
	for (size_t i = 0; i < out.n_pieces; i++)
		buf_add(&b, out.pieces[i]);
	assert_ok(buf_finish(&b, &s, &e));
	assert_int_equal(s.n, out.n_bytes);
	return s;
}

static void
splice_build__no_edits__is_the_body_itself(void **state)
{
	struct splice_out out;
	struct error e;

	(void)state;
	begin(" { \"a\" : 1 , \"b\":[ ] } ");

	assert_ok(splice_build(&splice, &out, &e));

	assert_int_equal(out.n_pieces, 1);
	assert_ptr_equal(out.pieces[0].p, body.text.p);
	assert_int_equal(out.pieces[0].n, body.text.n);
}

static void
splice_build__replaced_member__keeps_all_else_byte_for_byte(void **state)
{
	(void)state;
	begin("{ \"x\" : 1.50e1 ,\t\"model\"  :\"gpt\" ,\n\"y\":\"\\u00e4\"}");
	splice_set_str(&splice, S("model"), S("a\"b"));

	assert_str_is(build(), "{ \"x\" : 1.50e1 ,\t\"model\"  :\"a\\\"b\" ,"
			       "\n\"y\":\"\\u00e4\"}");
}

static void
splice_build__added_members__come_last(void **state)
{
	(void)state;
	begin("{\"a\":1 }");
	splice_set_u64(&splice, S("max_tokens"), 100);
	splice_set_bool(&splice, S("store"), false);
	assert_str_is(build(), "{\"a\":1,\"max_tokens\":100,\"store\":false }");

	begin("{ }");
	splice_set_raw(&splice, S("n"), S("[1]"));
	assert_str_is(build(), "{\"n\":[1] }");
}

static void
splice_build__removed_members__leave_no_stray_comma(void **state)
{
	(void)state;
	begin("{\"a\":1, \"b\":2 ,\"c\":3}");
	splice_remove(&splice, S("a"));
	assert_str_is(build(), "{\"b\":2 ,\"c\":3}");

	begin("{\"a\":1, \"b\":2 ,\"c\":3}");
	splice_remove(&splice, S("b"));
	assert_str_is(build(), "{\"a\":1 ,\"c\":3}");

	begin("{\"a\":1, \"b\":2 ,\"c\":3}");
	splice_remove(&splice, S("c"));
	splice_remove(&splice, S("absent"));
	assert_str_is(build(), "{\"a\":1, \"b\":2}");

	begin("{\"a\":1, \"b\":2}");
	splice_remove(&splice, S("a"));
	splice_remove(&splice, S("b"));
	assert_str_is(build(), "{}");

	begin("{\"a\":1}");
	splice_remove(&splice, S("a"));
	splice_set_u64(&splice, S("z"), 9);
	assert_str_is(build(), "{\"z\":9}");
}

static void
splice_set__same_name_twice__the_last_wins(void **state)
{
	(void)state;
	begin("{\"a\":1}");
	splice_set_u64(&splice, S("a"), 2);
	splice_remove(&splice, S("a"));
	splice_set_u64(&splice, S("a"), 3);
	assert_str_is(build(), "{\"a\":3}");
}

static void
splice_set_inner__object__is_merged(void **state)
{
	struct str name = S("stream_options"), inner = S("include_usage");

	(void)state;
	begin("{\"stream_options\": { \"x\" : 1 } }");
	splice_set_inner(&splice, name, inner, S("true"));
	assert_str_is(build(),
	    "{\"stream_options\": { \"x\" : 1,\"include_usage\":true } }");

	begin("{\"stream_options\":{\"include_usage\":false,\"x\":[]}}");
	splice_set_inner(&splice, name, inner, S("true"));
	assert_str_is(build(),
	    "{\"stream_options\":{\"include_usage\":true,\"x\":[]}}");

	begin("{\"stream_options\":null}");
	splice_set_inner(&splice, name, inner, S("true"));
	assert_str_is(build(), "{\"stream_options\":{\"include_usage\":true}}");

	begin("{}");
	splice_set_inner(&splice, name, inner, S("true"));
	assert_str_is(build(), "{\"stream_options\":{\"include_usage\":true}}");
}

static void
splice_set_inner__no_clean_object__sticks(void **state)
{
	static const char *const texts[] = { "{\"o\":[]}", "{\"o\":1}",
		"{\"o\":{\"x\":1,\"x\":2}}", "{\"o\":{\"\\u0078\":1}}" };
	struct splice_out out;
	struct error e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		begin(texts[i]);
		splice_set_inner(&splice, S("o"), S("x"), S("1"));
		assert_int_equal(splice_build(&splice, &out, &e),
		    ERR_BAD_PARAM);
		assert_string_equal(e.param, "o");
	}
}

static void
splice_build__large_body__is_passed_in_pieces(void **state)
{
	size_t n = SPLICE_COPY_MAX + 100;
	char *text = malloc(n + 1);
	struct splice_out out;
	struct error e;

	(void)state;
	assert_non_null(text);
	(void)snprintf(text, n + 1, "{\"model\":\"m\",\"prompt\":\"%0*d\"}",
	    (int)(n - strlen("{\"model\":\"m\",\"prompt\":\"\"}")), 0);
	begin(text);
	splice_set_str(&splice, S("model"), S("other"));

	assert_ok(splice_build(&splice, &out, &e));

	assert_int_equal(out.n_pieces, 3);
	assert_str_is(out.pieces[1], "\"other\"");
	assert_int_equal(out.n_bytes, n + 4);
	assert_ptr_equal(out.pieces[2].p, text + strlen("{\"model\":\"m\""));
	free(text);
}

static void
splice_build__every_failing_allocation__fails_softly(void **state)
{
	struct splice_out out;
	struct error e;
	enum err err;

	(void)state;
	for (size_t n = 1; n < 100; n++) {
		begin("{\"model\":\"m\",\"stream_options\":{\"a\":1}}");
		a.fail_at = a.n_alloc + n;
		splice_set_str(&splice, S("model"), S("other"));
		splice_set_u64(&splice, S("max_tokens"), 5);
		splice_set_inner(&splice, S("stream_options"), S("u"),
		    S("true"));
		err = splice_build(&splice, &out, &e);
		if (err == OK) {
			assert_true(n > 4);
			return;
		}
		assert_int_equal(err, ERR_NO_MEMORY);
		arena_reset(&a);
		a.fail_at = 0;
	}
	fail_msg("never succeeded");
}

/* A small generator of its own, so that a failure can be repeated. */
static uint64_t seed = 88172645463325252u;

static unsigned
pick(unsigned bound)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed % bound);
}

static const char *const gaps[] = { "", " ", "\n\t", "" };
static const char *const values[] = { "1", "-0.5e3", "\"x,}\\\"\"", "null",
	"[1,{\"m1\":2}]", "{ \"m0\" : [] }", "true", "\"\xc3\xa4\"" };
#define N_NAMES 6

/* A random object of members m0..m5 in random order; *ret_value per name. */
static size_t
random_object(char *text, size_t cap, const char *ret_value[N_NAMES])
{
	unsigned left[N_NAMES], n_left = N_NAMES, n = pick(N_NAMES + 1);
	size_t len = (size_t)snprintf(text, cap, "%s{", gaps[pick(4)]);

	for (unsigned i = 0; i < N_NAMES; i++) {
		left[i] = i;
		ret_value[i] = NULL;
	}
	for (unsigned i = 0; i < n; i++) {
		unsigned at = pick(n_left), name = left[at];

		left[at] = left[--n_left];
		ret_value[name] = values[pick(ARRAY_LEN(values))];
		len += (size_t)snprintf(text + len, cap - len,
		    "%s%s\"m%u\"%s:%s%s%s", i ? "," : "", gaps[pick(4)], name,
		    gaps[pick(4)], gaps[pick(4)], ret_value[name],
		    gaps[pick(4)]);
	}
	len += (size_t)snprintf(text + len, cap - len, "%s}%s", gaps[pick(4)],
	    gaps[pick(4)]);
	return len;
}

static void
splice_build__random_edits__change_what_they_name_and_no_more(void **state)
{
	char text[1024], name[4];
	const char *expected[N_NAMES];
	struct body again;
	struct error e;

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		size_t n_expected = 0;

		(void)random_object(text, sizeof(text), expected);
		begin(text);
		for (unsigned i = pick(4); i > 0; i--) {
			unsigned at = pick(N_NAMES);
			struct str n = arena_printf(&a, "m%u", at);

			expected[at] = pick(2) ? "[\"new\"]" : NULL;
			if (expected[at])
				splice_set_raw(&splice, n,
				    str_from(expected[at]));
			else
				splice_remove(&splice, n);
		}

		assert_ok(body_scan(&a, build(), &again, &e));

		for (unsigned i = 0; i < N_NAMES; i++) {
			const struct json_member *m;

			(void)snprintf(name, sizeof(name), "m%u", i);
			m = body_member(&again, str_from(name));
			assert_int_equal(m != NULL, expected[i] != NULL);
			if (m)
				assert_str_is(m->value, expected[i]);
			n_expected += expected[i] != NULL;
		}
		assert_int_equal(again.n_members, n_expected);
		arena_reset(&a);
	}
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(splice_build__no_edits__is_the_body_itself),
		T(splice_build__replaced_member__keeps_all_else_byte_for_byte),
		T(splice_build__added_members__come_last),
		T(splice_build__removed_members__leave_no_stray_comma),
		T(splice_set__same_name_twice__the_last_wins),
		T(splice_set_inner__object__is_merged),
		T(splice_set_inner__no_clean_object__sticks),
		T(splice_build__large_body__is_passed_in_pieces),
		T(splice_build__every_failing_allocation__fails_softly),
		T(splice_build__random_edits__change_what_they_name_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
