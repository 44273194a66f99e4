/* SPDX-License-Identifier: MIT */
/* Streams that the pump reads. Times are real here: bounds are wide, waits
 * short. */
#include "httpc_fixture.h"

#include "support/fixture_script.h"

static void
httpc_pump__end_behind_the_last_bytes__is_whole_or_broken(void **state)
{
	static const struct fixture_step steps[] = {
		{ "HTTP/1.1 200 OK\r\n\r\nall of it", true },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nall", true },
		{ NULL, false },
	};
	struct fixture_script script;
	struct seen seen = { .n_head = 0 };
	struct httpc_request rq;

	(void)state;
	fixture_script_start(&script, steps);
	rq = request_to(script.url);
	rq.is_stream = true;
	assert_ok(perform(&rq, &seen));
	assert_string_equal(seen.body, "all of it");
	assert_int_equal(perform(&rq, &seen), ERR_UPSTREAM);
	assert_int_equal(res.phase, HTTPC_BODY);
	fixture_script_stop(&script);
}

static void
httpc_pump__client_leaves_in_mid_stream__cancels(void **state)
{
	struct seen seen = { .n_head = 0 };
	struct httpc_request *rq;
	struct chat c;
	int fds[2];

	(void)state;
	make_client(fds);
	rq = chat(&c, "sim-pace:20:500", true);
	rq->client_fd = fds[0];
	seen.close_fd = fds[1];
	assert_int_equal(perform(rq, &seen), ERR_CLIENT_CLOSED);
	assert_true(res.is_client_gone);
	assert_int_equal(seen.n_gone, 1);
	assert_true(res.total_us < 1000000);
	(void)close(fds[0]);
}

/* A client that reads nothing until it is told to; what is for it is eight
 * times as much as comes, kept back until there are hold_bytes of it. */
struct slow_client {
	int fds[2];
	size_t hold_bytes, n_held;
	enum err err;
};

static enum err
write_much(void *ctx, struct str bytes, struct error *err)
{
	struct slow_client *slow = ctx;
	static const char filler[KIB(4)];

	(void)err;
	slow->n_held += 8 * bytes.n;
	if (slow->n_held < slow->hold_bytes)
		return OK;
	while (slow->n_held) {
		size_t n = slow->n_held < sizeof(filler) ? slow->n_held
							 : sizeof(filler);
		ssize_t got = write(slow->fds[0], filler, n);

		if (got <= 0)
			return answer(ERR_CLIENT_CLOSED);
		slow->n_held -= (size_t)got;
	}
	return OK;
}

static size_t
n_held(void *ctx)
{
	const struct slow_client *slow = ctx;

	return slow->n_held;
}

static void *
serve_slow_client(void *arg)
{
	struct slow_client *slow = arg;
	struct httpc_callbacks cb = { .ctx = slow,
		.on_body = write_much,
		.n_held = n_held };
	struct httpc_result result;
	struct error err;
	struct httpc_request *rq;
	struct chat c;

	rq = chat(&c, "sim-pace:1:300", true);
	rq->client_fd = slow->fds[0];
	slow->err = httpc_perform(pool, rq, &cb, &result, &err);
	return NULL;
}

/* They do when there is no room for it any more. */
static void
assert_others_go_on(size_t hold_bytes)
{
	struct slow_client slow = { .hold_bytes = hold_bytes };
	struct seen seen = { .n_head = 0 };
	char sink[KIB(4)];
	struct pollfd room;
	pthread_t thread;
	struct chat c;
	ssize_t n;

	make_client(slow.fds);
	assert_int_equal(pthread_create(&thread, NULL, serve_slow_client,
			     &slow),
	    0);
	room = (struct pollfd){ slow.fds[0], POLLOUT, 0 };
	while (poll(&room, 1, 0) > 0)
		(void)usleep(1000);

	assert_ok(perform(chat(&c, "sim-pace:5:10", true), &seen));
	assert_non_null(strstr(seen.body, "[DONE]"));

	do
		n = recv(slow.fds[1], sink, sizeof(sink), MSG_DONTWAIT);
	while (n > 0 || pthread_tryjoin_np(thread, NULL) != 0);
	assert_int_equal(slow.err, OK);
	(void)close(slow.fds[0]);
	(void)close(slow.fds[1]);
}

static void
httpc_pump__client_takes_nothing__others_go_on(void **state)
{
	(void)state;
	assert_others_go_on(1);
}

static void
httpc_pump__much_is_kept_back_for_it__others_go_on(void **state)
{
	(void)state;
	assert_others_go_on(KIB(300));
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, httpc_setup, httpc_teardown)
	const struct CMUnitTest tests[] = {
		T(httpc_pump__end_behind_the_last_bytes__is_whole_or_broken),
		T(httpc_pump__client_leaves_in_mid_stream__cancels),
		T(httpc_pump__client_takes_nothing__others_go_on),
		T(httpc_pump__much_is_kept_back_for_it__others_go_on),
	};
	int n_failed;

	httpc_fixture_start();
	n_failed = cmocka_run_group_tests(tests, NULL, NULL);
	httpc_fixture_stop();
	return n_failed;
}
