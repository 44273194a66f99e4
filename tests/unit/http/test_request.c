/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include <stdio.h>

#include "base/arena.h"
#include "http/cookie.h"
#include "http/mem.h"
#include "http/request.h"

static struct arena arena;
static struct error e;
static struct cidr_list trusted;

static int
setup(void **state)
{
	(void)state;
	arena_init(&arena, MIB(4));
	assert_ok(cidr_list_parse(&arena, S("10.0.0.0/8, 2001:db8::/32"),
	    &trusted, &e));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

/* Parse a request of these parameters, below base. */
static enum err
parse(struct request *rq, const char *base, const char *const *cgi)
{
	struct request_env env = { str_from(base), &trusted };

	return request_parse(rq, &arena, cgi, &env, &e);
}

#define CGI(...)       \
 (const char *const[]) \
 {                     \
  __VA_ARGS__, NULL    \
 }

static enum err
parse_target(struct request *rq, const char *base, const char *target)
{
	char uri[REQUEST_TARGET_MAX + 64];

	assert_true(snprintf(uri, sizeof(uri), "REQUEST_URI=%s", target) > 0);
	return parse(rq, base, CGI("REQUEST_METHOD=GET", uri));
}

static void
request_parse__usual_request__all_parts(void **state)
{
	struct request rq;

	(void)state;
	assert_ok(parse(&rq, "",
	    CGI("REQUEST_METHOD=POST", "REQUEST_URI=/v1/a%20b?x=1?y",
		"CONTENT_LENGTH=12", "CONTENT_TYPE=application/json; q=1",
		"REMOTE_ADDR=192.0.2.1", "HTTPS=on", "HTTP_X_THING=v")));
	assert_int_equal(rq.method, METHOD_POST);
	assert_str_is(rq.path, "/v1/a b");
	assert_str_is(rq.raw_path, "/v1/a%20b");
	assert_str_is(rq.query, "x=1?y");
	assert_true(rq.has_content_length);
	assert_int_equal(rq.content_length, 12);
	assert_str_is(rq.client_addr, "192.0.2.1");
	assert_true(rq.is_tls);
	assert_str_is(request_header(&rq, "X-Thing"), "v");
	assert_true(request_has_media_type(&rq, "application/json"));
	assert_int_equal(strlen(rq.id_text), 36);
}

static void
request_parse__copies__survive_the_transport(void **state)
{
	char uri[] = "REQUEST_URI=/healthz";
	struct request rq;

	(void)state;
	assert_ok(parse(&rq, "", CGI("REQUEST_METHOD=GET", uri)));
	memset(uri, 'x', sizeof(uri) - 1);
	assert_str_is(rq.path, "/healthz");
}

static void
request_parse__base_path__stripped_or_not_found(void **state)
{
	struct request rq;

	(void)state;
	assert_ok(parse_target(&rq, "/ai", "/ai/v1/models"));
	assert_str_is(rq.path, "/v1/models");
	assert_ok(parse_target(&rq, "/ai", "/ai?x"));
	assert_str_is(rq.path, "/");
	assert_int_equal(parse_target(&rq, "/ai", "/aix/v1"), ERR_NOT_FOUND);
	assert_int_equal(parse_target(&rq, "/ai", "/"), ERR_NOT_FOUND);
}

static void
request_parse__absolute_form__host_dropped(void **state)
{
	struct request rq;

	(void)state;
	assert_ok(parse_target(&rq, "", "http://evil.example/v1/models?a"));
	assert_str_is(rq.path, "/v1/models");
	assert_ok(parse_target(&rq, "", "HTTPS://h"));
	assert_str_is(rq.path, "/");
}

static void
request_parse__hostile_targets__refused(void **state)
{
	static const char *const bad[] = { "", "*", "v1", "/%", "/%0", "/%zz",
		"/%00", "/a%0ab", "/a\x01", "/%ff", "/..", "/a/../b", "/./a",
		"/%2e%2e/x", "/a/%2e", "/a%2f..%2fb", "/a\nb", "/\x7f" };
	struct request rq;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(parse_target(&rq, "", bad[i]),
		    ERR_BAD_REQUEST);
}

static void
request_parse__target_of_maximum_length__accepted_one_more_refused(void **state)
{
	char target[REQUEST_TARGET_MAX + 2];
	struct request rq;

	(void)state;
	memset(target, 'a', sizeof(target));
	target[0] = '/';
	target[REQUEST_TARGET_MAX] = '\0';
	assert_ok(parse_target(&rq, "", target));
	target[REQUEST_TARGET_MAX] = 'a';
	target[REQUEST_TARGET_MAX + 1] = '\0';
	assert_int_equal(parse_target(&rq, "", target), ERR_BAD_REQUEST);
}

/* S17: a length that is anything but digits. */
static void
request_parse__content_length_garbage__refused(void **state)
{
	static const char *const bad[] = { "-1", "+5", "5, 5", " 5", "5 ",
		"0x5", "1e3", "99999999999999999999", "9223372036854775808",
		"five", "5.0" };
	char text[64];
	struct request rq;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		snprintf(text, sizeof(text), "CONTENT_LENGTH=%s", bad[i]);
		assert_int_equal(parse(&rq, "",
				     CGI("REQUEST_METHOD=POST", "REQUEST_URI=/",
					 text)),
		    ERR_BAD_REQUEST);
	}
	assert_ok(parse(&rq, "",
	    CGI("REQUEST_METHOD=GET", "REQUEST_URI=/", "CONTENT_LENGTH=")));
	assert_false(rq.has_content_length);
}

/* S18: one name, two values. */
static void
request_parse__contradicting_parameters__refused(void **state)
{
	struct request rq;

	(void)state;
	assert_int_equal(parse(&rq, "",
			     CGI("REQUEST_METHOD=GET", "REQUEST_URI=/a",
				 "REQUEST_URI=/b")),
	    ERR_BAD_REQUEST);
	assert_int_equal(parse(&rq, "",
			     CGI("REQUEST_METHOD=GET", "REQUEST_URI=/a",
				 "CONTENT_LENGTH=1", "CONTENT_LENGTH=2")),
	    ERR_BAD_REQUEST);
	assert_ok(parse(&rq, "",
	    CGI("REQUEST_METHOD=GET", "REQUEST_URI=/a", "REQUEST_URI=/a",
		"PATH_INFO=/x", "PATH_INFO=/y", "NONSENSE", "=", "")));
	assert_str_is(rq.path, "/a");
}

static void
request_parse__too_many_parameters__too_large(void **state)
{
	const char *cgi[REQUEST_N_CGI_MAX + 2];
	struct request rq;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cgi) - 1; i++)
		cgi[i] = "A=b";
	cgi[ARRAY_LEN(cgi) - 1] = NULL;
	assert_int_equal(parse(&rq, "", cgi), ERR_TOO_LARGE);
}

static void
request_parse__parameters_of_too_many_bytes__too_large(void **state)
{
	static char longest[REQUEST_CGI_BYTES_MAX];
	const char *cgi[] = { "REQUEST_METHOD=GET", "REQUEST_URI=/", longest,
		NULL };
	struct request rq;

	(void)state;
	memset(longest, 'A', sizeof(longest) - 1);
	assert_int_equal(parse(&rq, "", cgi), ERR_TOO_LARGE);
	assert_string_equal(e.internal, "too many headers");
	longest[sizeof(longest) - 1 - strlen(cgi[0]) - 1 - strlen(cgi[1]) - 1] =
	    '\0';
	assert_ok(parse(&rq, "", cgi));
}

/* S14: what a stranger writes into forwarding headers changes nothing. */
static void
request_parse__forwarded_headers_of_a_stranger__ignored(void **state)
{
	struct request rq;

	(void)state;
	assert_ok(parse(&rq, "",
	    CGI("REQUEST_METHOD=GET", "REQUEST_URI=/",
		"REMOTE_ADDR=203.0.113.5",
		"HTTP_X_FORWARDED_FOR=10.0.0.1, 1.1.1.1",
		"HTTP_X_FORWARDED_PROTO=https", "HTTP_X_REAL_IP=1.1.1.1",
		"HTTP_HOST=evil")));
	assert_str_is(rq.client_addr, "203.0.113.5");
	assert_false(rq.is_tls);
}

static void
request_parse__trusted_proxies__last_untrusted_is_the_client(void **state)
{
	static const struct {
		const char *forwarded, *client;
	} cases[] = {
		{ "198.51.100.7", "198.51.100.7" },
		{ "6.6.6.6, 198.51.100.7", "198.51.100.7" },
		{ "198.51.100.7, 10.1.1.1", "198.51.100.7" },
		{ "198.51.100.7:4711", "198.51.100.7" },
		{ "[2a00::1]:4711, 2001:db8::9", "2a00::1" },
		{ "2a00::1", "2a00::1" },
		{ "junk, 10.1.1.1", "10.1.1.1" },
		{ "", "10.0.0.2" },
		{ ",,", "10.0.0.2" },
		{ "10.3.3.3", "10.3.3.3" },
	};
	char text[128];
	struct request rq;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		snprintf(text, sizeof(text), "HTTP_X_FORWARDED_FOR=%s",
		    cases[i].forwarded);
		assert_ok(parse(&rq, "",
		    CGI("REQUEST_METHOD=GET", "REQUEST_URI=/",
			"REMOTE_ADDR=10.0.0.2", text,
			"HTTP_X_FORWARDED_PROTO=http, https")));
		assert_str_is(rq.client_addr, cases[i].client);
		assert_true(rq.is_tls);
	}
}

static void
request_parse__no_remote_addr__unknown(void **state)
{
	struct request rq;

	(void)state;
	assert_ok(parse(&rq, "",
	    CGI("REQUEST_METHOD=GET", "REQUEST_URI=/", "REMOTE_ADDR=")));
	assert_false(rq.has_client_ip);
	assert_str_is(rq.client_addr, "unknown");
}

static void
request_api_key__all_places__found(void **state)
{
	struct request rq;

	(void)state;
#define WITH(...) \
 assert_ok(       \
     parse(&rq, "", CGI("REQUEST_METHOD=GET", "REQUEST_URI=/", __VA_ARGS__)))
	WITH("HTTP_AUTHORIZATION=Bearer abc");
	assert_str_is(request_api_key(&rq), "abc");
	WITH("HTTP_AUTHORIZATION=bEARER   abc ");
	assert_str_is(request_api_key(&rq), "abc");
	WITH("REDIRECT_HTTP_AUTHORIZATION=Bearer abc");
	assert_str_is(request_api_key(&rq), "abc");
	WITH("HTTP_X_API_KEY=abc");
	assert_str_is(request_api_key(&rq), "abc");
	WITH("HTTP_AUTHORIZATION=Basic abc", "HTTP_X_API_KEY=xyz");
	assert_str_is(request_api_key(&rq), "xyz");
	WITH("HTTP_AUTHORIZATION=Basic abc");
	assert_int_equal(request_api_key(&rq).n, 0);
	WITH("HTTP_AUTHORIZATION=Bearer ");
	assert_int_equal(request_api_key(&rq).n, 0);
#undef WITH
}

static void
request_wants_html__browser_and_client__told_apart(void **state)
{
	struct request rq;

	(void)state;
	assert_ok(parse(&rq, "",
	    CGI("REQUEST_METHOD=GET", "REQUEST_URI=/",
		"HTTP_ACCEPT=text/html,application/xml;q=0.9")));
	assert_true(request_wants_html(&rq));
	assert_ok(parse(&rq, "",
	    CGI("REQUEST_METHOD=GET", "REQUEST_URI=/", "HTTP_ACCEPT=*/*")));
	assert_false(request_wants_html(&rq));
}

static void
cookie_get__several_cookies__exact_name(void **state)
{
	struct request rq;

	(void)state;
	assert_ok(parse(&rq, "",
	    CGI("REQUEST_METHOD=GET", "REQUEST_URI=/",
		"HTTP_COOKIE=xsid=no; sid=yes=1 ;sid2=no; dup=1; dup=2; "
		"same=1; same=1; bare")));
	assert_str_is(cookie_get(&rq, "sid"), "yes=1");
	assert_null(cookie_get(&rq, "dup").p);
	assert_str_is(cookie_get(&rq, "same"), "1");
	assert_null(cookie_get(&rq, "bare").p);
	assert_null(cookie_get(&rq, "none").p);
}

/* Read a body of n bytes with a declared length (NULL: none). */
static enum err
read_body(struct request *rq, struct conn_mem *m, size_t n,
    const char *declared, size_t max_bytes)
{
	struct arena scratch;
	char text[64] = "X=";
	char *body;
	enum err code;

	arena_init(&scratch, MIB(4));
	body = arena_alloc(&scratch, n);
	memset(body, 'b', n);
	if (declared)
		snprintf(text, sizeof(text), "CONTENT_LENGTH=%s", declared);
	assert_ok(
	    parse(rq, "", CGI("REQUEST_METHOD=POST", "REQUEST_URI=/", text)));
	conn_mem_init(m, str_make(body, n));
	m->read_max = 1000;
	rq->conn = &m->base;
	code = request_read_body(rq, max_bytes, &e);
	if (code == OK) {
		assert_int_equal(rq->body.n, n);
		if (n)
			assert_memory_equal(rq->body.p, body, n);
	}
	arena_fini(&scratch);
	return code;
}

/* S20, S17 */
static void
request_read_body__sizes_around_the_record_limit__intact(void **state)
{
	static const size_t sizes[] = { 0, 1, 999, 1000, 1001, 65535, 65536,
		65537, 131071 };
	struct conn_mem m;
	struct request rq;
	char text[32];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		snprintf(text, sizeof(text), "%zu", sizes[i]);
		assert_ok(read_body(&rq, &m, sizes[i], text, MIB(1)));
		assert_ok(read_body(&rq, &m, sizes[i], NULL, MIB(1)));
		assert_ok(read_body(&rq, &m, sizes[i], NULL, sizes[i]));
	}
}

static void
request_read_body__more_than_the_maximum__too_large(void **state)
{
	struct conn_mem m;
	struct request rq;

	(void)state;
	assert_int_equal(read_body(&rq, &m, 101, "101", 100), ERR_TOO_LARGE);
	assert_int_equal(m.n_read, 0);
	assert_int_equal(read_body(&rq, &m, 5000, NULL, 100), ERR_TOO_LARGE);
	assert_true(m.n_read <= 101);
	assert_int_equal(read_body(&rq, &m, 1, NULL, 0), ERR_TOO_LARGE);
	assert_ok(read_body(&rq, &m, 0, NULL, 0));
}

static void
request_read_body__length_and_body_differ__refused(void **state)
{
	struct conn_mem m;
	struct request rq;

	(void)state;
	assert_int_equal(read_body(&rq, &m, 10, "11", 100), ERR_SHORT_BODY);
	assert_int_equal(read_body(&rq, &m, 11, "10", 100), ERR_BAD_REQUEST);
	assert_int_equal(read_body(&rq, &m, 1, "0", 100), ERR_BAD_REQUEST);
}

static void
request_read_body__connection_breaks__short_body(void **state)
{
	struct conn_mem m;
	struct request rq;

	(void)state;
	assert_ok(parse(&rq, "",
	    CGI("REQUEST_METHOD=POST", "REQUEST_URI=/", "CONTENT_LENGTH=9")));
	conn_mem_init(&m, S("12345"));
	m.is_body_broken = true;
	rq.conn = &m.base;
	assert_int_equal(request_read_body(&rq, 100, &e), ERR_SHORT_BODY);
}

static void
request_read_body__arena_full__too_large(void **state)
{
	struct arena small;
	struct conn_mem m;
	struct request rq;
	struct request_env env = { S(""), NULL };

	(void)state;
	arena_init(&small, KIB(1));
	assert_ok(request_parse(&rq, &small,
	    CGI("REQUEST_METHOD=POST", "REQUEST_URI=/", "CONTENT_LENGTH=2000"),
	    &env, &e));
	conn_mem_init(&m, S("x"));
	rq.conn = &m.base;
	assert_int_equal(request_read_body(&rq, KIB(64), &e), ERR_TOO_LARGE);
	arena_fini(&small);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_parse__usual_request__all_parts),
		cmocka_unit_test(request_parse__copies__survive_the_transport),
		cmocka_unit_test(
		    request_parse__base_path__stripped_or_not_found),
		cmocka_unit_test(request_parse__absolute_form__host_dropped),
		cmocka_unit_test(request_parse__hostile_targets__refused),
		cmocka_unit_test(
		    request_parse__target_of_maximum_length__accepted_one_more_refused),
		cmocka_unit_test(
		    request_parse__content_length_garbage__refused),
		cmocka_unit_test(
		    request_parse__contradicting_parameters__refused),
		cmocka_unit_test(request_parse__too_many_parameters__too_large),
		cmocka_unit_test(
		    request_parse__parameters_of_too_many_bytes__too_large),
		cmocka_unit_test(
		    request_parse__forwarded_headers_of_a_stranger__ignored),
		cmocka_unit_test(
		    request_parse__trusted_proxies__last_untrusted_is_the_client),
		cmocka_unit_test(request_parse__no_remote_addr__unknown),
		cmocka_unit_test(request_api_key__all_places__found),
		cmocka_unit_test(
		    request_wants_html__browser_and_client__told_apart),
		cmocka_unit_test(cookie_get__several_cookies__exact_name),
		cmocka_unit_test(
		    request_read_body__sizes_around_the_record_limit__intact),
		cmocka_unit_test(
		    request_read_body__more_than_the_maximum__too_large),
		cmocka_unit_test(
		    request_read_body__length_and_body_differ__refused),
		cmocka_unit_test(
		    request_read_body__connection_breaks__short_body),
		cmocka_unit_test(request_read_body__arena_full__too_large),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
