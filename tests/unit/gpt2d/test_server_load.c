/* SPDX-License-Identifier: MIT */
/* The server: requests while its model is being loaded. */
#include "unit/gpt2d/server_fixture.h"

#include <sys/socket.h>

/* Ask for the health until it is as said. */
static void
await_health(struct client *c, const char *text)
{
	for (int i = 0; i < 100000; i++) {
		ask(c, "GET", "/healthz", "");
		expect(c, "\r\n\r\n");
		while (!memchr(c->text, '}', c->n)) {
			assert_int_equal(recv(c->fd, c->text + c->n, 1, 0), 1);
			c->n++;
		}
		c->text[c->n] = '\0';
		c->n = 0;
		if (strstr(c->text, text))
			return;
	}
	fail_msg("health is never \"%s\"", text);
}

static void
server__not_loaded__requests_wait_for_one_load(void **state)
{
	static struct client third;
	(void)state;

	fake_hold_loads(true);
	dial(&one);
	dial(&two);
	dial(&third);
	await_health(&third, "\"loaded\":false,\"waiting\":0");
	ask(&one, "POST", COMPLETIONS, WHOLE);
	ask(&two, "POST", COMPLETIONS, STREAM);
	await_health(&third, "\"status\":\"ok\",\"model\":\"mini\","
			     "\"loaded\":false,\"waiting\":2");
	fake_hold_loads(false);
	fake_finish(fake_wait_job(0), JOB_END_STOP);
	fake_finish(fake_wait_job(1), JOB_END_STOP);
	expect(&one, "200 OK");
	expect(&two, "[DONE]");
	await_health(&third, "\"loaded\":true");
	hang_up(&third);
}

static void
server__client_leaves_while_loading__is_forgotten(void **state)
{
	(void)state;

	fake_hold_loads(true);
	dial(&one);
	ask(&one, "POST", COMPLETIONS, WHOLE);
	dial(&two);
	await_health(&two, "\"waiting\":1");
	hang_up(&one);
	await_health(&two, "\"waiting\":0");
	fake_hold_loads(false);
	await_health(&two, "\"loaded\":true");

	assert_int_equal(fake_n_jobs(), 0);
}

static void
server__too_many_wait_for_the_load__503(void **state)
{
	static struct client waiting[BATCH_MAX + QUEUE_MAX];
	(void)state;

	fake_hold_loads(true);
	dial(&one);
	for (size_t i = 0; i < ARRAY_LEN(waiting); i++) {
		dial(&waiting[i]);
		ask(&waiting[i], "POST", COMPLETIONS, WHOLE);
	}
	await_health(&one, "\"waiting\":12");
	ask(&one, "POST", COMPLETIONS, WHOLE);
	expect(&one, "503 ");
	expect(&one, "overloaded");
	fake_hold_loads(false);
	for (size_t i = 0; i < ARRAY_LEN(waiting); i++)
		fake_finish(fake_wait_job((unsigned)i), JOB_END_STOP);
	for (size_t i = 0; i < ARRAY_LEN(waiting); i++) {
		expect(&waiting[i], "200 OK");
		hang_up(&waiting[i]);
	}
}

static void
server__load_fails__503_with_the_reason_and_tried_again(void **state)
{
	(void)state;

	fake_fail_loads("no n_head");
	dial(&one);
	ask(&one, "POST", COMPLETIONS, WHOLE);
	expect(&one, "503 ");
	expect(&one, "Retry-After: 10\r\n");
	expect(&one, "The model can't be loaded: config.json: no n_head");
	expect(&one, "\"code\":\"model_unavailable\"}}");
	ask(&one, "GET", "/healthz", "");
	expect(&one, "503 ");
	expect(&one, "{\"status\":\"failed\",\"model\":\"mini\",\"loaded\":"
		     "false,\"waiting\":0,\"running\":0,\"reason\":\"The model "
		     "can't be loaded: config.json: no n_head\"}");
	fake_fail_loads(NULL);
	ask(&one, "POST", COMPLETIONS, WHOLE);
	fake_finish(fake_wait_job(0), JOB_END_STOP);
	expect(&one, "200 OK");
	ask(&one, "GET", "/healthz", "");
	expect(&one, "200 OK");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE_UNLOADED(server__not_loaded__requests_wait_for_one_load),
		CASE_UNLOADED(
		    server__client_leaves_while_loading__is_forgotten),
		CASE_UNLOADED(server__too_many_wait_for_the_load__503),
		CASE_UNLOADED(
		    server__load_fails__503_with_the_reason_and_tried_again),
	};

	return cmocka_run_group_tests(tests, server_setup, server_teardown);
}
