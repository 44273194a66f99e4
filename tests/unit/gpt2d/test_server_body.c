/* SPDX-License-Identifier: MIT */
/* The server: how much of a request it reads, and for how long. */
#include "unit/gpt2d/server_fixture.h"

#include <linux/sockios.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* Of a completion, up to its length. */
#define HEAD                                    \
 "POST /v1/completions HTTP/1.1\r\nHost: x\r\n" \
 "Content-Type: application/json\r\n"

#define CASE_HURRIED(test) \
 cmocka_unit_test_setup_teardown(test, begin_hurried, end)

static char spaces[65536];

/* A head and so much of its body. */
static void
say_body(struct client *c, const char *head, size_t n, bool is_chunked)
{
	memset(spaces, ' ', sizeof(spaces));
	say_text(c, head);
	for (; n > 0; n -= n < sizeof(spaces) ? n : sizeof(spaces)) {
		if (is_chunked)
			say_text(c, "10000\r\n");
		say(c, spaces, n < sizeof(spaces) ? n : sizeof(spaces));
		if (is_chunked)
			say_text(c, "\r\n");
	}
}

static void
server__body_beyond_the_limit__413_and_the_connection_goes_on(void **state)
{
	(void)state;

	dial(&one);
	say_body(&one, HEAD "Content-Length: 1048577\r\n\r\n", 1048577, false);
	expect(&one, "413 ");
	expect(&one, "request_too_large\"}}");
	say_body(&one, HEAD "Transfer-Encoding: chunked\r\n\r\n", MIB(3), true);
	say_text(&one, "0\r\n\r\n");
	expect(&one, "413 ");
	expect(&one, "request_too_large\"}}");
	ask(&one, "GET", "/healthz", "");
	expect(&one, "200 OK");
}

/* The client reads it only after it has sent much more than sockets hold. */
static void
server__body_far_beyond_the_limit__413_at_once_and_dropped(void **state)
{
	(void)state;

	dial(&one);
	say_body(&one, HEAD "Content-Length: 999999999\r\n\r\n", MIB(4), false);
	expect(&one, "413 ");
	expect(&one, "Connection: close\r\n");
	expect(&one, "request_too_large\"}}");
	expect_end(&one);
	say_body(&one, "", MIB(4), false);
	hang_up(&one);
	dial(&two);
	ask(&two, "GET", "/healthz", "");
	expect(&two, "200 OK");
}

static void
server__chunks_without_an_end__413_amid_them(void **state)
{
	(void)state;

	dial(&one);
	say_body(&one, HEAD "Transfer-Encoding: chunked\r\n\r\n", MIB(17),
	    true);
	expect(&one, "413 ");
	expect(&one, "request_too_large\"}}");
	expect_end(&one);
	/* and not for ever */
	say_body(&one, "", MIB(32), true);
	assert_true(send(one.fd, "x", 1, MSG_NOSIGNAL) < 0);
}

static void
server__client_that_waits_to_send__413_without_the_body(void **state)
{
	(void)state;

	dial(&one);
	say_text(&one, HEAD "Expect: 100-continue\r\n"
			    "Content-Length: 1048577\r\n\r\n");
	expect(&one, "413 ");
	expect(&one, "request_too_large\"}}");
	expect_end(&one);
}

static void
say_completion(struct client *c, size_t n_spaces)
{
	char head[256];

	(void)snprintf(head, sizeof(head), HEAD "Content-Length: %zu\r\n\r\n",
	    n_spaces + strlen(WHOLE));
	say_body(c, head, n_spaces, false);
}

/* Until the server has taken all out of the socket. */
static void
await_read(struct client *c)
{
	int n = 1;

	while (n > 0) {
		assert_int_equal(ioctl(c->fd, SIOCOUTQ, &n), 0);
		(void)sched_yield();
	}
}

static void
server__bodies_beyond_memory__503_and_the_connection_goes_on(void **state)
{
	static struct client first, second;
	(void)state;

	dial(&first);
	dial(&second);
	say_completion(&first, 1040000);
	say_completion(&second, 1040000);
	await_read(&first);
	await_read(&second);
	dial(&one);
	say_completion(&one, 600000);
	say_text(&one, WHOLE);
	expect(&one, "503 ");
	expect(&one, "Retry-After: 1\r\n");
	expect(&one, "\"code\":\"overloaded\"}}");
	say_text(&first, WHOLE);
	fake_finish(fake_wait_job(0), JOB_END_STOP);
	expect(&first, "200 OK");
	expect(&first, "}}");
	say_completion(&one, 600000);
	say_text(&one, WHOLE);
	fake_finish(fake_wait_job(1), JOB_END_STOP);
	expect(&one, "200 OK");
	hang_up(&first);
	hang_up(&second);
}

/* Those that left, were refused or were too long hold nothing. */
static void
server__bodies_of_the_past__hold_no_memory(void **state)
{
	(void)state;

	for (int i = 0; i < 4; i++) {
		dial(&one);
		say_completion(&one, 1000000);
		hang_up(&one);
		dial(&one);
		say_body(&one, HEAD "Transfer-Encoding: chunked\r\n\r\n",
		    MIB(2), true);
		say_text(&one, "0\r\n\r\n");
		expect(&one, "413 ");
		hang_up(&one);
	}
	dial(&one);
	say_completion(&one, 1000000);
	say_text(&one, WHOLE);
	fake_finish(fake_wait_job(0), JOB_END_STOP);
	expect(&one, "200 OK");
}

/* ERR_REQUEST_TIMEOUT, however often something of it comes. */
static void
server__body_too_slow__408_and_closed(void **state)
{
	(void)state;

	dial(&one);
	say_text(&one, HEAD "Content-Length: 999999\r\n\r\n");
	while (recv(one.fd, one.text, 1, MSG_PEEK | MSG_DONTWAIT) < 0) {
		say(&one, " ", 1);
		(void)sched_yield();
	}
	expect(&one, "HTTP/1.1 408 Request Timeout\r\n");
	expect(&one, "Connection: close\r\n");
	expect(&one, "\"code\":\"request_timeout\"}}");
	expect_end(&one);
}

static void
server__head_too_slow__closed(void **state)
{
	(void)state;

	dial(&one);
	say_text(&one, "GET /healthz HTTP/1.1\r\nHost: x\r\n");
	expect_end(&one);
	/* and the next one of a connection */
	dial(&two);
	ask(&two, "GET", "/healthz", "");
	expect(&two, "running\":0}");
	say_text(&two, "GET /healthz HTTP/1.1\r\nHost: x\r\n");
	expect_end(&two);
}

/* Others' time, which began later, is over while these wait. */
static void
server__answers_that_take_long__not_cut(void **state)
{
	static struct client whole;
	struct job *job;
	(void)state;

	job = open_stream(&one, 0);
	dial(&whole);
	ask(&whole, "POST", COMPLETIONS, WHOLE);
	(void)fake_wait_job(1);
	dial(&two);
	expect_end(&two);
	fake_token(job, 0, 'a', "a");
	expect(&one, "\"text\":\"a\"");
	fake_finish(job, JOB_END_STOP);
	expect(&one, "[DONE]");
	fake_finish(fake_wait_job(1), JOB_END_STOP);
	expect(&whole, "200 OK");
	hang_up(&whole);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(
		    server__body_beyond_the_limit__413_and_the_connection_goes_on),
		CASE(
		    server__body_far_beyond_the_limit__413_at_once_and_dropped),
		CASE(server__chunks_without_an_end__413_amid_them),
		CASE(server__client_that_waits_to_send__413_without_the_body),
		CASE(
		    server__bodies_beyond_memory__503_and_the_connection_goes_on),
		CASE(server__bodies_of_the_past__hold_no_memory),
		CASE_HURRIED(server__body_too_slow__408_and_closed),
		CASE_HURRIED(server__head_too_slow__closed),
		CASE_HURRIED(server__answers_that_take_long__not_cut),
	};

	return cmocka_run_group_tests(tests, server_setup, server_teardown);
}
