/* SPDX-License-Identifier: MIT */
/* Forms in parts: what browsers send is read, all else is refused. */
#include "support/cmocka_tg.h"

#include "base/arena.h"
#include "base/buf.h"
#include "http/form.h"
#include "http/multipart.h"

#define TYPE "multipart/form-data; boundary=AaB"
#define NAME "Content-Disposition: form-data; name="

static struct arena arena;
static struct error e;

static int
setup(void **state)
{
	(void)state;
	arena_init(&arena, MIB(1));
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
assert_part(struct multipart *m, const char *name, const char *value)
{
	struct str got_name, got_value;
	bool more;

	assert_ok(multipart_next(m, &more, &got_name, &got_value, &e));
	assert_true(more);
	assert_str_is(got_name, name);
	assert_str_is(got_value, value);
}

static void
assert_end(struct multipart *m)
{
	struct str name, value;
	bool more;

	assert_ok(multipart_next(m, &more, &name, &value, &e));
	assert_false(more);
}

/* Whether a body is read to its end. */
static enum err
read_all(const char *type, struct str body)
{
	struct str name, value;
	struct multipart m;
	bool more = true;
	enum err code = multipart_init(&m, str_from(type), body, &e);

	while (!code && more)
		code = multipart_next(&m, &more, &name, &value, &e);
	return code;
}

static void
assert_refused(const char *body)
{
	assert_int_equal(read_all(TYPE, str_from(body)), ERR_BAD_REQUEST);
}

static void
multipart__as_browsers_send__parts(void **state)
{
	/* Of Chromium 120 and Firefox 115: a file, none, and a text. */
	const char *body =
	    "--AaB\r\n" NAME "\"csrf\"\r\n\r\n12ab\r\n"
	    "--AaB\r\n" NAME
	    "\"file\"; filename=\"C:\\x;%22 \xc3\xa9.json\"\r\n"
	    "Content-Type: application/json\r\n\r\n{\r\n--Aa\r\n}\r\n\r\n"
	    "--AaB\r\n" NAME "\"none\"; filename=\"\"\r\n"
	    "Content-Type: application/octet-stream\r\n\r\n\r\n"
	    "--AaB--\r\n";
	struct multipart m;

	(void)state;
	assert_ok(multipart_init(&m, S(TYPE), str_from(body), &e));
	assert_part(&m, "csrf", "12ab");
	assert_part(&m, "file", "{\r\n--Aa\r\n}\r\n");
	assert_part(&m, "none", "");
	assert_end(&m);
	assert_end(&m);
}

static void
multipart__no_parts__end(void **state)
{
	(void)state;
	assert_ok(read_all(TYPE, S("--AaB--")));
	assert_ok(read_all(TYPE, S("--AaB--\r\n")));
}

static void
multipart_init__boundary__bounded(void **state)
{
	static const char *const bad[] = {
		"multipart/form-data",
		"multipart/form-data; boundary=",
		"multipart/form-data; boundary=\"\"",
		"multipart/form-data; boundary=\"a",
		"multipart/form-data; boundary=\"a \"",
		"multipart/form-data; boundary=\"a\x01\"",
		"multipart/form-data; boundary=\"a\"b",
		"multipart/form-data; boundary=a b",
		"multipart/form-data; boundary=a; boundary=a",
		"multipart/form-data boundary=a",
		"multipart/mixed; boundary=a",
	};
	char type[] = "multipart/form-data; boundary="
		      "1234567890123456789012345678901234567890"
		      "123456789012345678901234567890x";

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(read_all(bad[i], S("--a--")), ERR_BAD_REQUEST);
	assert_int_equal(read_all(type, S("")), ERR_BAD_REQUEST);
	type[sizeof(type) - 2] = '\0'; /* 70 */
	assert_ok(read_all(type, S("--1234567890123456789012345678901234567890"
				   "123456789012345678901234567890--")));
	assert_ok(read_all("Multipart/Form-Data;charset=utf-8; "
			   "BOUNDARY=\"a b:c\"",
	    S("--a b:c--")));
}

static void
multipart_next__delimiters__strict(void **state)
{
	(void)state;
	assert_refused("");
	assert_refused("AaB");
	assert_refused("preamble\r\n--AaB--");
	assert_refused("\r\n--AaB--");
	assert_refused("--AaBc--");
	assert_refused("--AaB");
	assert_refused("--AaB\n");
	assert_refused("--AaB \r\n");
	assert_refused("--AaB--x");
	assert_refused("--AaB--\r\nepilogue");
	assert_refused("--AaB\r\n" NAME "\"a\"\r\n\r\nvalue");
	assert_refused("--AaB\r\n" NAME "\"a\"\r\n\r\nvalue\r\n--AaB");
	assert_refused("--AaB\r\n" NAME "\"a\"\r\n\r\nvalue\n--AaB--");
	assert_refused("--AaB\r\n" NAME "\"a\"\r\n\r\n1\r\n--AaBc\r\n--AaB--");
	/* The end of the headers is not the beginning of a delimiter. */
	assert_refused("--AaB\r\n" NAME "\"a\"\r\n\r\n--AaB--");
}

static void
multipart_next__headers__strict(void **state)
{
	(void)state;
	assert_refused("--AaB\r\n\r\n1\r\n--AaB--");
	assert_refused("--AaB\r\n" NAME "\"a\"\n\n1\r\n--AaB--");
	assert_refused("--AaB\r\n" NAME "\"a\"\r\n1\r\n--AaB--");
	assert_refused("--AaB\r\n" NAME "\"a\r\n\r\n1\r\n--AaB--");
	assert_refused("--AaB\r\n" NAME "\"a\"; name=b\r\n\r\n1\r\n--AaB--");
	assert_refused("--AaB\r\n" NAME "a\r\n" NAME "a\r\n\r\n1\r\n--AaB--");
	assert_refused("--AaB\r\n" NAME "a\r\nX y: z\r\n\r\n1\r\n--AaB--");
	assert_refused("--AaB\r\n" NAME "\"a\nb\"\r\n\r\n1\r\n--AaB--");
	assert_refused("--AaB\r\n" NAME "a\r\n: z\r\n\r\n1\r\n--AaB--");
	assert_refused("--AaB\r\n" NAME "a\r\n folded: z\r\n\r\n1\r\n--AaB--");
	assert_refused("--AaB\r\nContent-Disposition: form-data\r\n\r\n"
		       "1\r\n--AaB--");
	assert_refused("--AaB\r\nContent-Disposition: file; name=a\r\n\r\n"
		       "1\r\n--AaB--");
	assert_refused("--AaB\r\n" NAME "a\r\nContent-Type: multipart/mixed; "
		       "boundary=b\r\n\r\n--b--\r\n--AaB--");
	assert_refused("--AaB\r\n" NAME "a\r\nContent-Transfer-Encoding: "
		       "base64\r\n\r\nMQ==\r\n--AaB--");
	assert_ok(read_all(TYPE, S("--AaB\r\ncontent-disposition:FORM-DATA ; "
				   "Name=a\r\n\r\n1\r\n--AaB--")));
}

static void
add_part(struct buf *b, size_t n_headers, size_t n_bytes)
{
	buf_add(b, S("--AaB\r\n" NAME "a\r\n"));
	for (size_t i = 1; i < n_headers; i++)
		buf_add(b, S("X: y\r\n"));
	if (n_bytes) {
		buf_add(b, S("Z:"));
		for (size_t i = 4; i < n_bytes; i++)
			buf_add_char(b, 'z');
		buf_add(b, S("\r\n"));
	}
	buf_add(b, S("\r\n1\r\n"));
}

static enum err
read_parts(size_t n_parts, size_t n_headers, size_t n_bytes)
{
	struct str body;
	struct buf b;

	buf_init(&b, &arena, KIB(64));
	for (size_t i = 0; i < n_parts; i++)
		add_part(&b, n_headers, n_bytes);
	buf_add(&b, S("--AaB--"));
	assert_ok(buf_finish(&b, &body, &e));
	return read_all(TYPE, body);
}

static void
multipart_next__more_than_its_bounds__refused(void **state)
{
	(void)state;
	assert_ok(read_parts(MULTIPART_PART_MAX, 1, 0));
	assert_int_equal(read_parts(MULTIPART_PART_MAX + 1, 1, 0),
	    ERR_BAD_REQUEST);
	assert_ok(read_parts(1, MULTIPART_HEADER_MAX, 0));
	assert_int_equal(read_parts(1, MULTIPART_HEADER_MAX + 1, 0),
	    ERR_BAD_REQUEST);
	assert_ok(read_parts(1, 1, MULTIPART_HEADER_BYTES_MAX));
	assert_int_equal(read_parts(1, 1, MULTIPART_HEADER_BYTES_MAX + 1),
	    ERR_BAD_REQUEST);
}

static enum err
find(const char *type, struct str body, struct str *ret)
{
	struct form f;
	enum err code = form_init_body(&f, &arena, str_from(type), body, &e);

	return code ? code : form_find(&f, "a", ret, &e);
}

static void
form_init_body__by_content_type__pairs_or_parts(void **state)
{
	struct str value;

	(void)state;
	assert_ok(
	    find("application/x-www-form-urlencoded", S("b=1&a=%26"), &value));
	assert_str_is(value, "&");
	assert_ok(
	    find(TYPE, S("--AaB\r\n" NAME "a\r\n\r\n%26+\r\n--AaB--"), &value));
	assert_str_is(value, "%26+");
	assert_int_equal(find(TYPE, S("--AaB--"), &value), ERR_NOT_FOUND);
	assert_int_equal(find(TYPE, S("a=1"), &value), ERR_BAD_REQUEST);
}

static void
form_next__part_of_no_utf8_or_with_nul__refused(void **state)
{
	struct str value;

	(void)state;
	assert_int_equal(find(TYPE,
			     S("--AaB\r\n" NAME "a\r\n\r\n\xff\r\n--AaB--"),
			     &value),
	    ERR_BAD_REQUEST);
	assert_int_equal(find(TYPE,
			     S("--AaB\r\n" NAME "a\r\n\r\n\0\r\n--AaB--"),
			     &value),
	    ERR_BAD_REQUEST);
	assert_int_equal(find(TYPE,
			     S("--AaB\r\n" NAME "\"\xff\"\r\n\r\n\r\n--AaB--"),
			     &value),
	    ERR_BAD_REQUEST);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(multipart__as_browsers_send__parts),
		cmocka_unit_test(multipart__no_parts__end),
		cmocka_unit_test(multipart_init__boundary__bounded),
		cmocka_unit_test(multipart_next__delimiters__strict),
		cmocka_unit_test(multipart_next__headers__strict),
		cmocka_unit_test(multipart_next__more_than_its_bounds__refused),
		cmocka_unit_test(
		    form_init_body__by_content_type__pairs_or_parts),
		cmocka_unit_test(
		    form_next__part_of_no_utf8_or_with_nul__refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
