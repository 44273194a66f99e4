/* SPDX-License-Identifier: MIT */
/* Connections to providers: opened, kept, cut, shared by threads. Times are
 * real here: bounds are wide, waits short. */
#include "httpc_fixture.h"

#include "support/fixture_script.h"

static void
httpc_perform__second_request__uses_the_kept_connection(void **state)
{
	struct seen seen = { .n_head = 0 };
	struct httpc_request *rq;
	struct chat c;

	(void)state;
	rq = chat(&c, "sim-fixed", false);
	rq->url = "http://localhost/v1/chat/completions";
	rq->unix_path = sim.unix_path;
	assert_ok(perform(rq, &seen));
	assert_false(res.is_reused);
	assert_ok(perform(rq, &seen));
	assert_true(res.is_reused);
	assert_int_equal(res.connect_us, 0);
	/* Another place is another connection. */
	assert_ok(perform(chat(&c, "sim-fixed", false), &seen));
	assert_false(res.is_reused);
	assert_ok(perform(chat(&c, "sim-fixed", false), &seen));
	assert_true(res.is_reused);
}

static void
httpc_perform__no_idle_connections_allowed__each_is_new(void **state)
{
	struct httpc_pool_conf conf = { .idle_max = 0 };
	struct seen seen = { .n_head = 0 };
	struct chat c;

	(void)state;
	httpc_pool_free(pool);
	assert_ok(httpc_pool_new(&conf, &pool, &e));

	for (int i = 0; i < 3; i++) {
		assert_ok(perform(chat(&c, "sim-fixed", false), &seen));
		assert_false(res.is_reused);
	}
}

static void
httpc_perform__kept_connection_was_closed__a_new_one_is_made(void **state)
{
	struct seen seen = { .n_head = 0 };
	struct chat c;

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_ok(perform(chat(&c, "sim-drops", false), &seen));
		assert_int_equal(res.status, 200);
		(void)usleep(5000);
	}
}

static void
httpc_perform__kept_connection_dies_on_use__the_resend_is_told(void **state)
{
	static const struct fixture_step steps[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", false },
		{ "", true },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb", false },
		{ NULL, false },
	};
	struct fixture_script script;
	struct seen seen = { .n_head = 0 };
	struct httpc_request rq;

	(void)state;
	fixture_script_start(&script, steps);
	rq = request_to(script.url);
	assert_ok(perform(&rq, &seen));
	assert_int_equal(res.n_sent, 1);

	assert_ok(perform(&rq, &seen));

	assert_int_equal(res.n_sent, 2);
	assert_string_equal(seen.body, "ab");
	httpc_pool_free(pool);
	pool = NULL;
	fixture_script_stop(&script);
}

static void
httpc_perform__nobody_listens__is_a_connect_error(void **state)
{
	struct seen seen = { .n_head = 0 };
	struct httpc_request rq;
	char url[64];
	int fd = fixture_listen(1, url, sizeof(url));

	(void)state;
	(void)close(fd);
	rq = request_to(url);
	assert_int_equal(perform(&rq, &seen), ERR_UPSTREAM_CONNECT);
	assert_int_equal(res.phase, HTTPC_CONNECT);
	assert_int_equal(res.n_sent, 0);

	rq.unix_path = "/nonexistent/tollgate.sock";
	assert_int_equal(perform(&rq, &seen), ERR_UPSTREAM_CONNECT);
	rq = request_to("ftp://127.0.0.1/");
	assert_int_equal(perform(&rq, &seen), ERR_UPSTREAM_CONNECT);
	rq = request_to("http://name.invalid/");
	assert_int_equal(perform(&rq, &seen), ERR_UPSTREAM_CONNECT);
	assert_int_equal(seen.n_head, 0);
}

static void
httpc_perform__nobody_accepts__is_a_timeout_before_sending(void **state)
{
	struct seen seen = { .n_head = 0 };
	struct sockaddr_in addr;
	struct httpc_request rq;
	socklen_t len = sizeof(addr);
	int fill[4], fd;
	char url[64];

	(void)state;
	fd = fixture_listen(0, url, sizeof(url));
	assert_int_equal(getsockname(fd, (void *)&addr, &len), 0);
	for (size_t i = 0; i < ARRAY_LEN(fill); i++) {
		fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(fill[i], (void *)&addr, sizeof(addr));
	}
	rq = request_to(url);
	rq.connect_ms = 100;

	assert_int_equal(perform(&rq, &seen), ERR_UPSTREAM_TIMEOUT);

	assert_int_equal(res.phase, HTTPC_CONNECT);
	for (size_t i = 0; i < ARRAY_LEN(fill); i++)
		(void)close(fill[i]);
	(void)close(fd);
}

static bool
refuse_all(void *ctx, const struct sockaddr *addr, size_t addr_bytes)
{
	unsigned *n_asked = ctx;

	assert_non_null(addr);
	assert_true(addr_bytes >= sizeof(struct sockaddr_in));
	++*n_asked;
	return false;
}

static void
httpc_perform__address_not_allowed__is_never_connected_to(void **state)
{
	unsigned n_asked = 0;
	struct httpc_pool_conf conf = {
		.idle_max = 4,
		.allow_peer = refuse_all,
		.allow_ctx = &n_asked,
	};
	struct seen seen = { .n_head = 0 };
	struct chat c;

	(void)state;
	httpc_pool_free(pool);
	assert_ok(httpc_pool_new(&conf, &pool, &e));
	assert_int_equal(perform(chat(&c, "sim-fixed", false), &seen),
	    ERR_UPSTREAM_CONNECT);
	assert_int_equal(n_asked, 1);
}

static void *
abort_soon(void *arg)
{
	(void)usleep(50000);
	httpc_pool_abort(arg);
	return NULL;
}

static void
httpc_pool_abort__running_and_later_requests__end(void **state)
{
	struct seen seen = { .n_head = 0 };
	pthread_t thread;
	struct chat c;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, abort_soon, pool), 0);
	assert_int_equal(perform(chat(&c, "sim-hang", false), &seen),
	    ERR_SHUTTING_DOWN);
	(void)pthread_join(thread, NULL);
	assert_int_equal(perform(chat(&c, "sim-hang", false), &seen),
	    ERR_SHUTTING_DOWN);
}

#define N_THREADS 8

static void *
many_requests(void *arg)
{
	struct httpc_callbacks cb = { .ctx = NULL };
	unsigned *n_ok = arg;
	struct httpc_result result;
	struct error err;
	struct chat c;

	for (int i = 0; i < 100; i++)
		if (!httpc_perform(pool,
			chat(&c, i % 2 ? "sim-fixed" : "sim-pace:1:3", i % 2),
			&cb, &result, &err) &&
		    result.status == 200)
			++*n_ok;
	return NULL;
}

static void
httpc_perform__many_threads__share_one_pool(void **state)
{
	unsigned n_ok[N_THREADS] = { 0 };
	pthread_t threads[N_THREADS];

	(void)state;
	for (size_t i = 0; i < N_THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
				     many_requests, &n_ok[i]),
		    0);
	for (size_t i = 0; i < N_THREADS; i++) {
		(void)pthread_join(threads[i], NULL);
		assert_int_equal(n_ok[i], 100);
	}
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, httpc_setup, httpc_teardown)
	const struct CMUnitTest tests[] = {
		T(httpc_perform__second_request__uses_the_kept_connection),
		T(httpc_perform__no_idle_connections_allowed__each_is_new),
		T(httpc_perform__kept_connection_was_closed__a_new_one_is_made),
		T(httpc_perform__kept_connection_dies_on_use__the_resend_is_told),
		T(httpc_perform__nobody_listens__is_a_connect_error),
		T(httpc_perform__nobody_accepts__is_a_timeout_before_sending),
		T(httpc_perform__address_not_allowed__is_never_connected_to),
		T(httpc_pool_abort__running_and_later_requests__end),
		T(httpc_perform__many_threads__share_one_pool),
	};
	int n_failed;

	httpc_fixture_start();
	n_failed = cmocka_run_group_tests(tests, NULL, NULL);
	httpc_fixture_stop();
	return n_failed;
}
