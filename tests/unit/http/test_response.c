/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include "base/arena.h"
#include "http/cookie.h"
#include "http/mem.h"
#include "http/response.h"

static struct arena arena;
static struct conn_mem m;
static struct response rs;
static struct error e;

static int
setup(void **state)
{
	(void)state;
	arena_init(&arena, MIB(1));
	conn_mem_init(&m, S(""));
	response_init(&rs, &arena, &m.base, "the-id", false);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	conn_mem_fini(&m);
	arena_fini(&arena);
	return 0;
}

static void
response_json__small_object__complete_message(void **state)
{
	struct json_out j;

	(void)state;
	response_json_begin(&rs, &j);
	json_out_object(&j);
	json_out_member_u64(&j, "id", 7);
	json_out_object_end(&j);
	assert_ok(response_json(&rs, 201, &j, &e));
	assert_int_equal(m.n_out, 0);
	assert_ok(response_send(&rs, &e));
	assert_str_is(conn_mem_out(&m), "Status: 201\r\n"
					"x-request-id: the-id\r\n"
					"content-type: application/json\r\n"
					"cache-control: no-store\r\n"
					"x-content-type-options: nosniff\r\n"
					"content-length: 8\r\n"
					"\r\n"
					"{\"id\":7}");
	assert_int_equal(rs.mode, RESP_SENT);
	assert_int_equal(rs.sent_bytes, 8);
}

/* S15 */
static void
response_header__control_characters__refused(void **state)
{
	static const struct str bad[] = {
		STR_INIT("a\r\nset-cookie: x"),
		STR_INIT("a\nb"),
		STR_INIT("a\0b"),
		STR_INIT("\x1b"),
		STR_INIT("\x7f"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		rs.sticky = OK;
		response_header(&rs, "x-model", bad[i]);
		assert_int_equal(response_check(&rs, &e), ERR_INTERNAL);
		assert_null(response_header_get(&rs, "x-model").p);
	}
	rs.sticky = OK;
	assert_int_equal(response_redirect(&rs, 303, S("/a\r\nx: y"), &e),
	    ERR_INTERNAL);
}

static void
response_header__set_twice__replaced_added_beside(void **state)
{
	(void)state;
	response_header(&rs, "x-a", S("1"));
	response_header(&rs, "x-a", S("2"));
	assert_str_is(response_header_get(&rs, "x-a"), "2");
	assert_int_equal(rs.n_headers, 2);
	response_header_add(&rs, "set-cookie", S("a=1"));
	response_header_add(&rs, "set-cookie", S("b=2"));
	assert_int_equal(rs.n_headers, 4);
}

static void
response_header__too_many__sticky_error(void **state)
{
	(void)state;
	for (size_t i = 0; i < RESPONSE_HEADER_MAX; i++)
		response_header_add(&rs, "set-cookie", S("a=1"));
	assert_int_equal(response_check(&rs, &e), ERR_INTERNAL);
}

static void
response_reset__after_a_handler_failed__limits_and_id_stay(void **state)
{
	(void)state;
	response_header(&rs, "x-ratelimit-limit-requests", S("60"));
	response_header(&rs, "retry-after", S("3"));
	response_header(&rs, "location", S("/x"));
	response_header_add(&rs, "set-cookie", S("a=1"));
	response_header(&rs, "x-bad", S("\n"));
	response_body(&rs, S("half an answer"));
	rs.status = 303;
	response_reset(&rs);
	assert_int_equal(rs.status, 200);
	assert_int_equal(rs.n_headers, 3);
	assert_str_is(response_header_get(&rs, "x-request-id"), "the-id");
	assert_ok(response_text(&rs, 200, S("ok"), &e));
	assert_ok(response_send(&rs, &e));
	assert_str_is(conn_mem_out_body(&m), "ok");
}

static void
response_body__borrowed__sent_and_not_copied(void **state)
{
	size_t used;

	(void)state;
	response_header(&rs, "content-type", S("application/json"));
	used = arena.used_bytes;
	response_body(&rs, S("{}"));
	assert_ok(response_send(&rs, &e));
	assert_int_equal(arena.used_bytes, used);
	assert_str_is(conn_mem_out_body(&m), "{}");
	assert_str_is(conn_mem_out_header(&m, "Content-Length"), "2");
}

static void
response_send__head_request__headers_without_body(void **state)
{
	(void)state;
	response_init(&rs, &arena, &m.base, "id", true);
	assert_ok(response_text(&rs, 200, S("hello"), &e));
	assert_ok(response_send(&rs, &e));
	assert_str_is(conn_mem_out_header(&m, "content-length"), "5");
	assert_str_is(conn_mem_out_body(&m), "");
}

static void
response_send__status_204__no_body_no_length(void **state)
{
	(void)state;
	rs.status = 204;
	buf_add(response_buf(&rs), S("x"));
	assert_ok(response_send(&rs, &e));
	assert_null(conn_mem_out_header(&m, "content-length").p);
	assert_str_is(conn_mem_out_body(&m), "");
}

static void
response_stream__events__written_as_they_come(void **state)
{
	(void)state;
	response_header(&rs, "content-type", S("text/event-stream"));
	response_header(&rs, "cache-control", S("no-cache"));
	assert_ok(response_stream_begin(&rs, &e));
	assert_int_equal(m.n_flushes, 1);
	assert_int_equal(conn_mem_out_status(&m), 200);
	assert_null(conn_mem_out_header(&m, "content-length").p);
	assert_str_is(conn_mem_out_header(&m, "cache-control"), "no-cache");
	assert_ok(response_write(&rs, S("data: 1\n\n"), &e));
	assert_ok(response_flush(&rs, &e));
	assert_str_is(conn_mem_out_body(&m), "data: 1\n\n");
	assert_int_equal(m.n_flushes, 2);
	assert_ok(response_send(&rs, &e));
	assert_int_equal(rs.sent_bytes, 9);
}

static void
response_stream__client_leaves__every_later_write_fails(void **state)
{
	(void)state;
	assert_ok(response_stream_begin(&rs, &e));
	m.is_gone = true;
	assert_int_equal(response_write(&rs, S("x"), &e), ERR_CLIENT_CLOSED);
	m.is_gone = false; /* libfcgi forgets its errors, we do not */
	assert_int_equal(response_write(&rs, S("x"), &e), ERR_CLIENT_CLOSED);
	assert_int_equal(response_flush(&rs, &e), ERR_CLIENT_CLOSED);
	assert_true(response_is_client_gone(&rs));
}

static void
response_stream_begin__bad_header__nothing_sent(void **state)
{
	(void)state;
	response_header(&rs, "x-a", S("\r"));
	assert_int_equal(response_stream_begin(&rs, &e), ERR_INTERNAL);
	assert_int_equal(m.n_out, 0);
	assert_int_equal(rs.mode, RESP_BUFFERED);
}

static void
response_send__arena_full__head_still_goes_out(void **state)
{
	(void)state;
	arena.max_bytes = 0;
	response_body(&rs, S("fixed"));
	assert_ok(response_send(&rs, &e));
	assert_str_is(conn_mem_out_body(&m), "fixed");
}

/* S25 */
static void
cookie_set__session__all_attributes(void **state)
{
	struct cookie c = { .name = "__Host-sid",
		.value = S("abc"),
		.max_age_s = 60,
		.is_secure = true };

	(void)state;
	cookie_set(&rs, &c);
	assert_str_is(response_header_get(&rs, "set-cookie"),
	    "__Host-sid=abc; Path=/; Max-Age=60; Secure; HttpOnly; "
	    "SameSite=Lax");
}

static void
cookie_set__deleted__max_age_zero(void **state)
{
	struct cookie c = { .name = "sid",
		.value = S(""),
		.max_age_s = -1,
		.is_strict = true };

	(void)state;
	cookie_set(&rs, &c);
	assert_str_is(response_header_get(&rs, "set-cookie"),
	    "sid=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict");
}

static void
cookie_set__value_with_separator__refused(void **state)
{
	struct cookie c = { .name = "sid", .value = S("a; Domain=evil") };

	(void)state;
	cookie_set(&rs, &c);
	assert_int_equal(response_check(&rs, &e), ERR_INTERNAL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(response_json__small_object__complete_message),
		TEST(response_header__control_characters__refused),
		TEST(response_header__set_twice__replaced_added_beside),
		TEST(response_header__too_many__sticky_error),
		TEST(
		    response_reset__after_a_handler_failed__limits_and_id_stay),
		TEST(response_body__borrowed__sent_and_not_copied),
		TEST(response_send__head_request__headers_without_body),
		TEST(response_send__status_204__no_body_no_length),
		TEST(response_stream__events__written_as_they_come),
		TEST(response_stream__client_leaves__every_later_write_fails),
		TEST(response_stream_begin__bad_header__nothing_sent),
		TEST(response_send__arena_full__head_still_goes_out),
		TEST(cookie_set__session__all_attributes),
		TEST(cookie_set__deleted__max_age_zero),
		TEST(cookie_set__value_with_separator__refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
