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

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, httpc_setup, httpc_teardown)
	const struct CMUnitTest tests[] = {
		T(httpc_pump__end_behind_the_last_bytes__is_whole_or_broken),
		T(httpc_pump__client_leaves_in_mid_stream__cancels),
	};
	int n_failed;

	httpc_fixture_start();
	n_failed = cmocka_run_group_tests(tests, NULL, NULL);
	httpc_fixture_stop();
	return n_failed;
}
