/* SPDX-License-Identifier: MIT */
/* Clients that leave while their request runs. Times are real here: bounds
 * are wide, waits short. */
#include "httpc_fixture.h"

/* The client's leaving is noticed within so much time, which ticks tell: a
 * machine that stands still makes none. */
#define NOTICE_MS 200
#define TICK_MS   50

static void
httpc_perform__client_leaves_in_silence__cancels_at_once(void **state)
{
	struct seen seen = { .n_head = 0 };
	struct httpc_request *rq;
	struct chat c;
	int fds[2];

	(void)state;
	make_client(fds);
	rq = chat(&c, "sim-hang", false);
	rq->client_fd = fds[0];
	rq->tick_ms = TICK_MS;
	seen.close_fd = fds[1];

	assert_int_equal(perform(rq, &seen), ERR_CLIENT_CLOSED);

	assert_true(res.is_client_gone);
	assert_int_equal(seen.n_gone, 1);
	assert_true(seen.n_tick <= NOTICE_MS / TICK_MS + 2);
	(void)close(fds[0]);
}

static void
httpc_perform__client_leaves_leaving_bytes_unread__is_noticed_too(void **state)
{
	struct seen seen = { .n_head = 0 };
	struct httpc_request *rq;
	struct chat c;
	int fds[2];

	(void)state;
	make_client(fds);
	assert_int_equal(write(fds[1], "x", 1), 1);
	rq = chat(&c, "sim-hang", false);
	rq->client_fd = fds[0];
	rq->tick_ms = TICK_MS;
	seen.close_fd = fds[1];

	assert_int_equal(perform(rq, &seen), ERR_CLIENT_CLOSED);

	assert_true(seen.n_tick <= NOTICE_MS / TICK_MS + 2);
	(void)close(fds[0]);
}

static void
httpc_perform__client_is_gone_already__nothing_is_sent(void **state)
{
	struct seen seen = { .n_head = 0 };
	struct httpc_request *rq;
	struct chat c;
	int fds[2];

	(void)state;
	make_client(fds);
	(void)close(fds[1]);
	rq = chat(&c, "sim-fixed", false);
	rq->client_fd = fds[0];
	assert_int_equal(perform(rq, &seen), ERR_CLIENT_CLOSED);
	assert_int_equal(res.n_sent, 0);
	assert_int_equal(res.phase, HTTPC_CONNECT);
	(void)close(fds[0]);
}

static void
httpc_perform__client_leaves_with_drain__the_answer_is_read_on(void **state)
{
	struct seen seen = { .n_head = 0 };
	struct httpc_request *rq;
	struct chat c;
	int fds[2];

	(void)state;
	make_client(fds);
	rq = chat(&c, "sim-pace:10:10", true);
	rq->client_fd = fds[0];
	rq->drain_ms = PATIENCE_MS;
	seen.close_fd = fds[1];

	assert_ok(perform(rq, &seen));

	assert_true(res.is_client_gone);
	assert_int_equal(seen.n_gone, 1);
	assert_non_null(strstr(seen.body, "[DONE]"));
	(void)close(fds[0]);
}

static void
httpc_perform__drain_takes_too_long__ends(void **state)
{
	struct seen seen = { .n_head = 0 };
	struct httpc_request *rq;
	struct chat c;
	int fds[2];

	(void)state;
	make_client(fds);
	rq = chat(&c, "sim-pace:20:1000", true);
	rq->client_fd = fds[0];
	rq->drain_ms = 100;
	seen.close_fd = fds[1];

	assert_int_equal(perform(rq, &seen), ERR_CLIENT_CLOSED);

	assert_true(res.total_us >= 100000);
	(void)close(fds[0]);
}

static void
httpc_perform__write_to_the_client_fails__cancels_or_drains(void **state)
{
	struct seen seen = { .body_err = ERR_CLIENT_CLOSED };
	struct httpc_request *rq;
	struct chat c;

	(void)state;
	rq = chat(&c, "sim-hang-mid:1", true);
	assert_int_equal(perform(rq, &seen), ERR_CLIENT_CLOSED);
	assert_true(res.is_client_gone);
	assert_int_equal(seen.n_gone, 1);

	seen.n_body = 0;
	rq = chat(&c, "sim-pace:10:10", true);
	rq->drain_ms = PATIENCE_MS;
	assert_ok(perform(rq, &seen));
	assert_true(res.is_client_gone);
	assert_int_equal(seen.n_gone, 2);
	assert_non_null(strstr(seen.body, "[DONE]"));
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, httpc_setup, httpc_teardown)
	const struct CMUnitTest tests[] = {
		T(httpc_perform__client_leaves_in_silence__cancels_at_once),
		T(httpc_perform__client_leaves_leaving_bytes_unread__is_noticed_too),
		T(httpc_perform__client_is_gone_already__nothing_is_sent),
		T(httpc_perform__client_leaves_with_drain__the_answer_is_read_on),
		T(httpc_perform__drain_takes_too_long__ends),
		T(httpc_perform__write_to_the_client_fails__cancels_or_drains),
	};
	int n_failed;

	httpc_fixture_start();
	n_failed = cmocka_run_group_tests(tests, NULL, NULL);
	httpc_fixture_stop();
	return n_failed;
}
