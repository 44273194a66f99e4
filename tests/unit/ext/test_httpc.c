/* SPDX-License-Identifier: MIT */
/* Requests and answers, against the simulator and scripted servers. Times are
 * real here: bounds are wide, waits short. */
#include "httpc_fixture.h"

#include "support/fixture_script.h"

static void
httpc_perform__plain_answer__comes_whole(void **state)
{
	struct seen seen = { .n_head = 0 };
	struct chat c;

	(void)state;
	assert_ok(perform(chat(&c, "sim-fixed:3", false), &seen));

	assert_int_equal(res.status, 200);
	assert_int_equal(res.phase, HTTPC_DONE);
	assert_int_equal(res.n_sent, 1);
	assert_false(res.is_reused);
	assert_false(res.is_client_gone);
	assert_int_equal(res.body_bytes, seen.n_body);
	assert_true(res.first_byte_us > 0);
	assert_true(res.total_us >= res.first_byte_us);
	assert_int_equal(seen.n_head, 1);
	assert_int_equal(seen.status, 200);
	assert_string_equal(seen.content_type, "application/json");
	assert_non_null(strstr(seen.body, "\"usage\""));
}

static void
httpc_perform__request_sent__the_caller_is_told_before_the_answer(void **state)
{
	(void)state;
	for (int is_stream = 0; is_stream < 2; is_stream++) {
		struct seen seen = { .n_head = 0 };
		struct chat c;

		assert_ok(
		    perform(chat(&c, "sim-pace:20:3", is_stream != 0), &seen));
		assert_int_equal(seen.n_sent, 1);
		assert_true(seen.is_sent_by_caller && seen.is_sent_first);
		assert_int_equal(seen.n_head, 1);
	}
}

static void
httpc_perform__error_status__is_an_answer_like_any(void **state)
{
	struct seen seen = { .n_head = 0 };
	struct chat c;

	(void)state;
	assert_ok(perform(chat(&c, "sim-429:7", false), &seen));
	assert_int_equal(res.status, 429);
	assert_string_equal(seen.retry_after, "7");
	assert_non_null(strstr(seen.body, "\"error\""));
	assert_ok(perform(chat(&c, "sim-500", true), &seen));
	assert_int_equal(res.status, 500);
}

static void
httpc_perform__redirect__is_not_followed(void **state)
{
	struct seen seen = { .n_head = 0 };
	struct chat c;

	(void)state;
	assert_ok(perform(chat(&c, "sim-redirect", false), &seen));
	assert_int_equal(res.status, 302);
	assert_int_equal(seen.n_head, 1);
}

static void
httpc_perform__interim_answers__are_passed_over(void **state)
{
	static const struct fixture_step steps[] = {
		{ "HTTP/1.1 100 Continue\r\n\r\n"
		  "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
		  "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na",
		    true },
		{ NULL, false },
	};
	struct fixture_script script;
	struct seen seen = { .n_head = 0 };
	struct httpc_request rq;

	(void)state;
	fixture_script_start(&script, steps);
	rq = request_to(script.url);
	assert_ok(perform(&rq, &seen));
	assert_int_equal(res.status, 200);
	assert_int_equal(seen.n_head, 1);
	fixture_script_stop(&script);
}

static void
httpc_perform__no_first_byte__is_a_timeout(void **state)
{
	struct seen seen = { .n_head = 0 };
	struct httpc_request *rq;
	struct chat c;

	(void)state;
	rq = chat(&c, "sim-hang", false);
	rq->first_byte_ms = 100;
	assert_int_equal(perform(rq, &seen), ERR_UPSTREAM_TIMEOUT);
	assert_int_equal(res.phase, HTTPC_WAIT);
	assert_true(res.total_us >= 100000);
	/* The connection is not used again. */
	assert_ok(perform(chat(&c, "sim-fixed", false), &seen));
	assert_false(res.is_reused);
}

static void
httpc_perform__silence_inside_the_answer__is_a_timeout(void **state)
{
	struct seen seen = { .n_head = 0 };
	struct httpc_request *rq;
	struct chat c;

	(void)state;
	rq = chat(&c, "sim-hang-mid:2", true);
	rq->idle_ms = 100;
	assert_int_equal(perform(rq, &seen), ERR_UPSTREAM_TIMEOUT);
	assert_int_equal(res.phase, HTTPC_BODY);
	assert_int_equal(res.status, 200);
	assert_true(seen.n_body > 0);
}

static void
httpc_perform__slow_but_steady_answer__is_no_timeout(void **state)
{
	struct seen seen = { .n_head = 0 };
	struct httpc_request *rq;
	struct chat c;

	/* Timed, as the time-outs are what it is about: the answer takes longer
	 * than both, and no part of it takes nearly as long. */
	(void)state;
	rq = chat(&c, "sim-pace:60:25", true);
	rq->idle_ms = 1000;
	rq->first_byte_ms = 1000;
	assert_ok(perform(rq, &seen));
	assert_true(res.total_us > 1000000);
	assert_ok(perform(chat(&c, "sim-drip:0+sim-fixed:2", false), &seen));
}

static void
httpc_perform__broken_answers__are_upstream_errors(void **state)
{
	static const char *const texts[] = {
		"SSH-2.0-OpenSSH_9.2\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"HTTP/1.1 200 OK\r\nContent-Le",
		"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\nx",
		"",
	};
	struct seen seen = { .n_head = 0 };
	struct httpc_request rq;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct fixture_step steps[] = { { texts[i], true },
			{ NULL, false } };
		struct fixture_script script;
		enum err err;

		fixture_script_start(&script, steps);
		rq = request_to(script.url);
		err = perform(&rq, &seen);
		if (err != ERR_UPSTREAM)
			fail_msg("%d for %s", (int)err, texts[i]);
		assert_true(e.internal[0] != '\0');
		assert_true(res.phase != HTTPC_CONNECT);
		assert_true(res.phase != HTTPC_DONE);
		fixture_script_stop(&script);
	}
}

static void
httpc_perform__closed_without_an_answer__tells_that_it_was_sent(void **state)
{
	struct seen seen = { .n_head = 0 };
	struct chat c;

	(void)state;
	assert_int_equal(perform(chat(&c, "sim-close:0", false), &seen),
	    ERR_UPSTREAM);
	assert_int_equal(res.phase, HTTPC_WAIT);
	assert_int_equal(perform(chat(&c, "sim-close:2", true), &seen),
	    ERR_UPSTREAM);
	assert_int_equal(res.phase, HTTPC_BODY);
	assert_int_equal(perform(chat(&c, "sim-reset:2", true), &seen),
	    ERR_UPSTREAM);
}

static void
httpc_perform__too_long_answer__is_cut(void **state)
{
	struct seen seen = { .n_head = 0 };
	struct httpc_request *rq;
	struct chat c;

	(void)state;
	rq = chat(&c, "sim-huge:1000000", false);
	rq->max_bytes = 100000;
	assert_int_equal(perform(rq, &seen), ERR_UPSTREAM);
	assert_true(seen.n_body <= 100000);
	rq->max_bytes = 2000000;
	assert_ok(perform(rq, &seen));
}

static void
httpc_perform__compressed_unasked__is_an_upstream_error(void **state)
{
	struct seen seen = { .n_head = 0 };
	struct chat c;

	(void)state;
	assert_int_equal(perform(chat(&c, "sim-gzip", false), &seen),
	    ERR_UPSTREAM);
	assert_int_equal(seen.n_head, 0);
}

/* What the simulator received last. */
static void
fetch_last(struct seen *seen)
{
	struct httpc_request rq;
	char url[128];

	(void)snprintf(url, sizeof(url), "%s/__sim/last", sim.tcp_url);
	rq = request_to(url);
	assert_ok(perform(&rq, seen));
	seen->body[seen->n_body < sizeof(seen->body) ? seen->n_body
						     : sizeof(seen->body) - 1] =
	    '\0';
}

static void
httpc_perform__request__is_what_was_given_and_no_more(void **state)
{
	const char *headers[] = { "Content-Type: application/json",
		"Authorization: Bearer sk-test", "X-Request-Id: 7" };
	struct str pieces[] = { STR_INIT("{\"model\":"), STR_INIT(""),
		STR_INIT("\"m\",\"messages\":[]"), STR_INIT("}") };
	struct seen seen = { .n_head = 0 }, last = { .n_head = 0 };
	struct httpc_request *rq;
	struct chat c;

	(void)state;
	rq = chat(&c, "x", false);
	rq->headers = headers;
	rq->n_headers = 3;
	rq->body = pieces;
	rq->n_body = ARRAY_LEN(pieces);
	assert_ok(perform(rq, &seen));

	fetch_last(&last);
	assert_non_null(strstr(last.body, "POST /v1/chat/completions"));
	assert_non_null(strstr(last.body, "\r\nAuthorization: Bearer sk-test"));
	assert_non_null(strstr(last.body, "\r\nX-Request-Id: 7"));
	assert_non_null(strstr(last.body, "\r\nAccept-Encoding: identity"));
	assert_null(strstr(last.body, "Expect"));
	assert_null(strstr(last.body, "User-Agent"));
	assert_non_null(strstr(last.body, "\r\nContent-Length: 27\r\n"));
	assert_non_null(
	    strstr(last.body, "\r\n\r\n{\"model\":\"m\",\"messages\":[]}"));
}

static void
httpc_perform__large_body__is_sent_whole_in_one_or_more_pieces(void **state)
{
	size_t n = MIB(3);
	char *text = malloc(n);
	struct seen seen = { .n_head = 0 };
	struct httpc_request *rq;
	struct str pieces[4];
	struct chat c;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', n);
	pieces[0] = S(
	    "{\"model\":\"sim-fixed:1\",\"messages\":[{\"content\":\"");
	pieces[1] = str_make(text, n / 2);
	pieces[2] = str_make(text + n / 2, n / 2);
	pieces[3] = S("\"}]}");
	rq = chat(&c, "x", false);
	rq->body = pieces;
	rq->n_body = 4;
	for (int i = 0; i < 2; i++) {
		assert_ok(perform(rq, &seen));
		assert_int_equal(res.status, 200);
	}
	memcpy(text, pieces[0].p, pieces[0].n);
	memcpy(text + n - 4, pieces[3].p, 4);
	pieces[0] = str_make(text, n);
	rq->n_body = 1;
	assert_ok(perform(rq, &seen));
	assert_int_equal(res.status, 200);
	free(text);
}

static void
httpc_perform__callback_fails__its_error_is_returned(void **state)
{
	struct seen seen = { .head_err = ERR_JOURNAL_FULL };
	struct chat c;

	(void)state;
	assert_int_equal(perform(chat(&c, "sim-fixed", false), &seen),
	    ERR_JOURNAL_FULL);
	assert_string_equal(e.internal, "by the test");
	assert_int_equal(seen.n_body, 0);

	seen.head_err = OK;
	seen.body_err = ERR_UPSTREAM;
	assert_int_equal(perform(chat(&c, "sim-fixed", false), &seen),
	    ERR_UPSTREAM);
	assert_false(res.is_client_gone);
}

static void
httpc_perform__silence__ticks(void **state)
{
	struct seen seen = { .n_head = 0 };
	struct httpc_request *rq;
	struct chat c;

	(void)state;
	/* A tick is no sign of life of the provider. */
	rq = chat(&c, "sim-hang", false);
	rq->tick_ms = 40;
	rq->first_byte_ms = 150;
	assert_int_equal(perform(rq, &seen), ERR_UPSTREAM_TIMEOUT);

	rq = chat(&c, "sim-hang-mid:1", true);
	rq->tick_ms = 40;
	rq->idle_ms = 150;
	assert_int_equal(perform(rq, &seen), ERR_UPSTREAM_TIMEOUT);

	rq = chat(&c, "sim-hang", false);
	rq->tick_ms = 40;
	seen.tick_err = ERR_CLIENT_CLOSED;
	rq->first_byte_ms = PATIENCE_MS;
	assert_int_equal(perform(rq, &seen), ERR_CLIENT_CLOSED);

	/* A busy stream has none. */
	seen.n_tick = 0;
	rq = chat(&c, "sim-pace:10:20", true);
	rq->tick_ms = 10000;
	assert_ok(perform(rq, &seen));
	assert_int_equal(seen.n_tick, 0);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, httpc_setup, httpc_teardown)
	const struct CMUnitTest tests[] = {
		T(httpc_perform__plain_answer__comes_whole),
		T(httpc_perform__request_sent__the_caller_is_told_before_the_answer),
		T(httpc_perform__error_status__is_an_answer_like_any),
		T(httpc_perform__redirect__is_not_followed),
		T(httpc_perform__interim_answers__are_passed_over),
		T(httpc_perform__no_first_byte__is_a_timeout),
		T(httpc_perform__silence_inside_the_answer__is_a_timeout),
		T(httpc_perform__slow_but_steady_answer__is_no_timeout),
		T(httpc_perform__broken_answers__are_upstream_errors),
		T(httpc_perform__closed_without_an_answer__tells_that_it_was_sent),
		T(httpc_perform__too_long_answer__is_cut),
		T(httpc_perform__compressed_unasked__is_an_upstream_error),
		T(httpc_perform__request__is_what_was_given_and_no_more),
		T(httpc_perform__large_body__is_sent_whole_in_one_or_more_pieces),
		T(httpc_perform__callback_fails__its_error_is_returned),
		T(httpc_perform__silence__ticks),
	};
	int n_failed;

	httpc_fixture_start();
	n_failed = cmocka_run_group_tests(tests, NULL, NULL);
	httpc_fixture_stop();
	return n_failed;
}
