/* SPDX-License-Identifier: MIT */
/*
 * Requests through the dispatcher with a transport in memory: what needs no
 * database. tests/wire/worker.t does the same with the whole program.
 */
#include "support/cmocka_tg.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/dispatch.h"
#include "domain/hostmap.h"
#include "http/mem.h"

static char dir[] = "/tmp/test_dispatch_XXXXXX";
static struct shared shared;
static struct app app = { .shared = &shared };
static struct settings settings;
static struct arena arena;
static struct conn_mem conn;
static unsigned n_ends;

static int
setup_group(void **state)
{
	struct error e;

	(void)state;
	log_init(false, LOG_LEVEL_ERROR, "test");
	assert_non_null(mkdtemp(dir));
	assert_ok(hostmap_open(dir, true, &shared.hostmap, &e));
	assert_ok(conf_defaults(&settings.conf, &e));
	settings.env.trusted_proxies = &settings.trusted;
	settings.env.base_path = S("");
	arena_init(&arena, MIB(1));
	return 0;
}

static int
teardown_group(void **state)
{
	char path[64];

	(void)state;
	hostmap_close(shared.hostmap);
	conf_free(settings.conf);
	arena_fini(&arena);
	snprintf(path, sizeof(path), "%s/" HOSTMAP_FILE, dir);
	(void)unlink(path);
	snprintf(path, sizeof(path), "%s/" HOSTMAP_FILE ".lock", dir);
	(void)unlink(path);
	return rmdir(dir);
}

static void
count_end(void *arg)
{
	(void)arg;
	n_ends++;
}

static void
serve(const char *body, const char *const *cgi)
{
	struct dispatch_job job = {
		.app = &app,
		.settings = &settings,
		.arena = &arena,
		.conn = &conn.base,
		.cgi = cgi,
		.end = count_end,
	};

	conn_mem_fini(&conn);
	conn_mem_init(&conn, str_from(body));
	n_ends = 0;
	dispatch_serve(&job);
	assert_int_equal(n_ends, 1);
	assert_null(app.who);
	assert_int_equal(app.meter.state, METER_IDLE);
	assert_int_equal(shared.body_bytes, 0);
	arena_reset(&arena);
}

#define SERVE(body, ...) serve(body, (const char *const[]){ __VA_ARGS__, NULL })

static void
assert_error(int status, const char *code)
{
	struct str body = conn_mem_out_body(&conn);
	char text[64];

	assert_int_equal(conn_mem_out_status(&conn), status);
	assert_str_is(conn_mem_out_header(&conn, "content-type"),
	    "application/json");
	assert_true(str_starts(body, S("{\"error\":{\"message\":\"")));
	snprintf(text, sizeof(text), "\"code\":\"%s\"}}", code);
	assert_true(str_ends(body, str_from(text)));
	assert_int_equal(conn_mem_out_header(&conn, "x-request-id").n,
	    UUID7_TEXT_BYTES - 1);
}

static void
dispatch_serve__health__answered(void **state)
{
	(void)state;
	SERVE("", "REQUEST_METHOD=GET", "REQUEST_URI=/healthz?x");
	assert_int_equal(conn_mem_out_status(&conn), 200);
	assert_str_is(conn_mem_out_body(&conn), "{\"status\":\"ok\"}");
}

static void
dispatch_serve__head__no_body(void **state)
{
	(void)state;
	SERVE("", "REQUEST_METHOD=HEAD", "REQUEST_URI=/healthz");
	assert_int_equal(conn_mem_out_status(&conn), 200);
	assert_str_is(conn_mem_out_body(&conn), "");
	assert_str_is(conn_mem_out_header(&conn, "content-length"), "15");
}

static void
dispatch_serve__refusals__one_shape(void **state)
{
	(void)state;
	SERVE("", "REQUEST_METHOD=GET", "REQUEST_URI=/none");
	assert_error(404, "not_found");
	SERVE("", "REQUEST_METHOD=DELETE", "REQUEST_URI=/healthz");
	assert_error(405, "method_not_allowed");
	assert_str_is(conn_mem_out_header(&conn, "allow"), "GET, HEAD");
	SERVE("", "REQUEST_METHOD=BREW", "REQUEST_URI=/generate");
	assert_error(405, "method_not_allowed");
	SERVE("", "REQUEST_METHOD=GET", "REQUEST_URI=/%zz");
	assert_error(400, "bad_request");
	SERVE("", "REQUEST_METHOD=GET");
	assert_error(400, "bad_request");
	SERVE("", "REQUEST_METHOD=POST", "REQUEST_URI=/generate",
	    "CONTENT_LENGTH=-1");
	assert_error(400, "bad_request");
	SERVE("{}", "REQUEST_METHOD=POST", "REQUEST_URI=/generate",
	    "CONTENT_LENGTH=2");
	assert_error(401, "invalid_api_key");
	assert_str_is(conn_mem_out_header(&conn, "www-authenticate"), "Bearer");
	/* Nobody is known, so the body was not even looked at. */
	assert_int_equal(conn.n_read, 0);
}

static void
dispatch_serve__body_where_none_belongs__refused(void **state)
{
	(void)state;
	SERVE("x", "REQUEST_METHOD=GET", "REQUEST_URI=/healthz",
	    "CONTENT_LENGTH=1");
	assert_error(413, "request_too_large");
	SERVE("x", "REQUEST_METHOD=GET", "REQUEST_URI=/healthz");
	assert_error(413, "request_too_large");
}

static void
dispatch_serve__body_was_read__its_bytes_are_given_back(void **state)
{
	(void)state;
	SERVE("a=b", "REQUEST_METHOD=POST", "REQUEST_URI=/login",
	    "CONTENT_LENGTH=3", "CONTENT_TYPE=text/plain");
	assert_int_equal(conn.n_read, 3);
	assert_error(415, "unsupported_media_type");
}

static void
dispatch_serve__bodies_held_are_many__overloaded(void **state)
{
	(void)state;
	shared.body_bytes = 0;
	atomic_store(&shared.body_bytes,
	    (size_t)conf_u64(settings.conf, CONF_BODY_TOTAL_BYTES));
	conn_mem_fini(&conn);
	conn_mem_init(&conn, S("a=b"));
	struct dispatch_job job = {
		.app = &app,
		.settings = &settings,
		.arena = &arena,
		.conn = &conn.base,
		.cgi = (const char *const[]){ "REQUEST_METHOD=POST",
		    "REQUEST_URI=/login", "CONTENT_LENGTH=3", NULL },
		.end = count_end,
	};

	dispatch_serve(&job);
	assert_error(503, "overloaded");
	assert_str_is(conn_mem_out_header(&conn, "retry-after"), "1");
	assert_int_equal(atomic_load(&shared.body_bytes),
	    conf_u64(settings.conf, CONF_BODY_TOTAL_BYTES));
	atomic_store(&shared.body_bytes, 0);
	arena_reset(&arena);
}

/* R3: the n-th allocation fails, for every n until none does. */
static void
dispatch_serve__any_allocation_fails__a_clean_answer(void **state)
{
	size_t n = 1;

	(void)state;
	for (; n < 100; n++) {
		arena.fail_at = n;
		SERVE("", "REQUEST_METHOD=GET", "REQUEST_URI=/healthz",
		    "REMOTE_ADDR=192.0.2.1");
		if (conn_mem_out_status(&conn) == 200)
			break;
		assert_error(500, "out_of_memory");
	}
	arena.fail_at = 0;
	assert_true(n > 3 && n < 100);
}

static void
dispatch_serve__client_gone__ends_all_the_same(void **state)
{
	struct dispatch_job job = {
		.app = &app,
		.settings = &settings,
		.arena = &arena,
		.conn = &conn.base,
		.cgi = (const char *const[]){ "REQUEST_METHOD=GET",
		    "REQUEST_URI=/healthz", NULL },
		.end = count_end,
	};

	(void)state;
	conn_mem_fini(&conn);
	conn_mem_init(&conn, S(""));
	conn.is_gone = true;
	n_ends = 0;
	dispatch_serve(&job);
	assert_int_equal(n_ends, 1);
	assert_int_equal(conn.n_out, 0);
	arena_reset(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dispatch_serve__health__answered),
		cmocka_unit_test(dispatch_serve__head__no_body),
		cmocka_unit_test(dispatch_serve__refusals__one_shape),
		cmocka_unit_test(
		    dispatch_serve__body_where_none_belongs__refused),
		cmocka_unit_test(
		    dispatch_serve__body_was_read__its_bytes_are_given_back),
		cmocka_unit_test(
		    dispatch_serve__bodies_held_are_many__overloaded),
		cmocka_unit_test(
		    dispatch_serve__any_allocation_fails__a_clean_answer),
		cmocka_unit_test(
		    dispatch_serve__client_gone__ends_all_the_same),
	};

	return cmocka_run_group_tests(tests, setup_group, teardown_group);
}
