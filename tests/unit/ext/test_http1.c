/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include <stdlib.h>

#include "ext/http1.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\n"
#define CHUNKED OK_HEAD "Transfer-Encoding: chunked\r\n\r\n"

/* What an answer came to. */
struct seen {
	enum http1_got got;
	char body[256];
	size_t n_body;
	size_t n_rest; /* bytes behind the answer */
};

static void
take_body(struct http1 *p, struct seen *seen, char *bytes, size_t n)
{
	size_t n_body, n_used;

	seen->got = http1_body(p, bytes, n, &n_body, &n_used);
	assert_true(n_used <= n && n_body <= n_used);
	assert_true(seen->n_body + n_body < sizeof(seen->body));
	memcpy(seen->body + seen->n_body, bytes, n_body);
	seen->n_body += n_body;
	seen->n_rest = n - n_used;
}

/* Feed text in reads of `step` bytes, as a client would. */
static void
feed(struct http1 *p, const char *text, size_t step, struct seen *seen)
{
	size_t n = strlen(text), at = 0, n_head = 0, take = 0;
	char bytes[1024];

	assert_true(n < sizeof(bytes));
	memcpy(bytes, text, n + 1);
	*seen = (struct seen){ .got = HTTP1_MORE };
	http1_init(p);
	while (at < n && p->state == HTTP1_HEAD && seen->got == HTTP1_MORE) {
		take = n - at < step ? n - at : step;
		at += take;
		seen->got = http1_head(p, str_make(bytes, at), &n_head);
	}
	if (seen->got == HTTP1_DONE)
		take_body(p, seen, bytes + n_head, at - n_head);
	while (at < n && seen->got == HTTP1_MORE) {
		take = n - at < step ? n - at : step;
		take_body(p, seen, bytes + at, take);
		at += take;
	}
	seen->n_rest += n - at;
}

static void
assert_answer(const char *text, const char *body, size_t n_rest, bool is_kept)
{
	struct seen seen;
	struct http1 p;

	for (size_t step = 1; step <= strlen(text); step++) {
		feed(&p, text, step, &seen);
		assert_int_equal(seen.got, HTTP1_DONE);
		assert_int_equal(p.status, 200);
		assert_string_equal(seen.body, body);
		assert_int_equal(seen.n_rest, n_rest);
		assert_int_equal(p.is_kept, is_kept);
		assert_true(http1_ends_here(&p));
	}
}

static void
http1_body__length_or_chunks__come_out_whole(void **state)
{
	(void)state;
	assert_answer(OK_HEAD "Content-Length: 3\r\n\r\nabc", "abc", 0, true);
	assert_answer(OK_HEAD "Content-Length: 0\r\n\r\n", "", 0, true);
	assert_answer(OK_HEAD "content-length: 3 \r\nCONTENT-LENGTH:3\r\n\r\n"
			      "abcHTTP/1.1 ",
	    "abc", 9, true);
	assert_answer(CHUNKED "3\r\nabc\r\n0A\r\n0123456789\r\n0\r\n\r\n",
	    "abc0123456789", 0, true);
	assert_answer(CHUNKED "3;x=\"y\"\r\nabc\r\n2 \r\nde\r\n0;last\r\n"
			      "Trailer: x\r\nMore: y\r\n\r\nrest",
	    "abcde", 4, true);
	/* Line ends of one byte are read too (RFC 9112, 2.2). */
	assert_answer("HTTP/1.1 200\nTransfer-Encoding: chunked\n\n1\na\n0\n\n",
	    "a", 0, true);
}

static void
http1_head__who_closes__is_not_kept(void **state)
{
	(void)state;
	assert_answer(OK_HEAD "Connection: close\r\nContent-Length: 1\r\n\r\na",
	    "a", 0, false);
	assert_answer(OK_HEAD
	    "Connection: x, Close\r\nContent-Length: 1\r\n\r\na",
	    "a", 0, false);
	assert_answer("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", "a", 0,
	    false);
	/* Chunks win over a length, but there is no telling who sent it. */
	assert_answer(OK_HEAD "Content-Length: 9\r\nTransfer-Encoding: "
			      "chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
	    "a", 0, false);
}

static void
http1_body__without_framing__lasts_until_the_end(void **state)
{
	struct seen seen;
	struct http1 p;

	(void)state;
	feed(&p, OK_HEAD "\r\nall of it", 4, &seen);
	assert_int_equal(seen.got, HTTP1_MORE);
	assert_string_equal(seen.body, "all of it");
	assert_true(http1_ends_here(&p));
	assert_false(p.is_kept);
	feed(&p, OK_HEAD "Content-Length: 4\r\n\r\nall", 4, &seen);
	assert_false(http1_ends_here(&p));
	feed(&p, CHUNKED "3\r\nall\r\n", 4, &seen);
	assert_false(http1_ends_here(&p));
}

static void
http1_head__status_without_a_body__has_none(void **state)
{
	struct seen seen;
	struct http1 p;

	(void)state;
	feed(&p, "HTTP/1.1 204 No\r\nContent-Length: 3\r\n\r\nabc", 99, &seen);
	assert_int_equal(seen.got, HTTP1_DONE);
	assert_int_equal(seen.n_rest, 3);
	feed(&p, "HTTP/1.1 304 No\r\n\r\n", 1, &seen);
	assert_int_equal(seen.got, HTTP1_DONE);
}

static void
http1_head__interim_answers__are_passed_over(void **state)
{
	(void)state;
	assert_answer("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\n"
		      "Content-Length: 9\r\n\r\n" OK_HEAD
		      "Content-Length: 1\r\n\r\na",
	    "a", 0, true);
}

static void
http1_header__by_any_case__is_the_first_one(void **state)
{
	static const char text[] = OK_HEAD
	    "X-A:  one two\t\r\nx-a: three\r\n"
	    "Empty:\r\nContent-Length: 0\r\n\r\n";
	struct http1 p;
	size_t n;

	(void)state;
	http1_init(&p);
	assert_int_equal(http1_head(&p, str_from(text), &n), HTTP1_DONE);
	assert_str_is(http1_header(&p, "x-A"), "one two");
	assert_str_is(http1_header(&p, "empty"), "");
	assert_null(http1_header(&p, "x").p);
}

static void
http1_head__broken__is_said(void **state)
{
	static const char *const texts[] = {
		"SSH-2.0",
		"HTTP/2 200 OK\r\n",
		"HTTP/1.1 20 OK\r\n",
		"HTTP/1.1 2000 OK\r\n",
		"HTTP/1.1 099 OK\r\n",
		"HTTP/1.1 600 OK\r\n",
		"HTTP/1.1  200 OK\r\n",
		"HTTP/1.1 200 O\001K\r\n",
		"HTTP/1.1 101 Switching\r\n\r\n",
		OK_HEAD "no colon\r\n",
		OK_HEAD ": no name\r\n",
		OK_HEAD "space : a\r\n",
		OK_HEAD "A: b\r\n folded\r\n",
		OK_HEAD "A: b\rc\r\n",
		OK_HEAD "A: \001\r\n",
		OK_HEAD "Content-Length: -1\r\n",
		OK_HEAD "Content-Length: 1, 1\r\n",
		OK_HEAD "Content-Length: +1\r\n",
		OK_HEAD "Content-Length: 99999999999999999999\r\n",
		OK_HEAD "Content-Length: 1\r\nContent-Length: 2\r\n",
		OK_HEAD "Transfer-Encoding: gzip, chunked\r\n",
		OK_HEAD "Transfer-Encoding: chunked\r\n"
			"Transfer-Encoding: chunked\r\n",
		"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n",
	};
	struct seen seen;
	struct http1 p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		feed(&p, texts[i], 1, &seen);
		if (seen.got != HTTP1_BROKEN)
			fail_msg("%d for %s", (int)seen.got, texts[i]);
		assert_non_null(p.why);
	}
}

static void
http1_body__broken_chunks__are_said(void **state)
{
	static const char *const texts[] = {
		CHUNKED "x",
		CHUNKED "\r\n",
		CHUNKED ";a\r\n",
		CHUNKED "-1\r\n",
		CHUNKED "1x\r\n",
		CHUNKED "1\rx",
		CHUNKED "1\r\nab",
		CHUNKED "1\r\na\rb",
		CHUNKED "1234567890abcdef\r\n",
		CHUNKED "0\r\n\rx",
	};
	struct seen seen;
	struct http1 p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		feed(&p, texts[i], 1, &seen);
		if (seen.got != HTTP1_BROKEN)
			fail_msg("%d for %s", (int)seen.got, texts[i]);
	}
}

static void
http1_body__framing_without_an_end__is_broken(void **state)
{
	static const char *const starts[] = { "1;", "0\r\nA: " };
	char text[16], *filler = malloc(KIB(64));
	size_t n, used;
	struct http1 p;

	(void)state;
	assert_non_null(filler);
	for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
		http1_init(&p);
		assert_int_equal(http1_head(&p, S(CHUNKED), &used), HTTP1_DONE);
		n = strlen(starts[i]);
		memcpy(text, starts[i], n);
		assert_int_equal(http1_body(&p, text, n, &n, &used),
		    HTTP1_MORE);
		memset(filler, 'x', KIB(64));
		assert_int_equal(http1_body(&p, filler, KIB(64), &n, &used),
		    HTTP1_BROKEN);
		assert_int_equal(n, 0);
	}
	free(filler);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(http1_body__length_or_chunks__come_out_whole),
		cmocka_unit_test(http1_head__who_closes__is_not_kept),
		cmocka_unit_test(
		    http1_body__without_framing__lasts_until_the_end),
		cmocka_unit_test(http1_head__status_without_a_body__has_none),
		cmocka_unit_test(http1_head__interim_answers__are_passed_over),
		cmocka_unit_test(http1_header__by_any_case__is_the_first_one),
		cmocka_unit_test(http1_head__broken__is_said),
		cmocka_unit_test(http1_body__broken_chunks__are_said),
		cmocka_unit_test(http1_body__framing_without_an_end__is_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
