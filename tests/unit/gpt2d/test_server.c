/* SPDX-License-Identifier: MIT */
/* The server: its routes, its answers, and clients that leave amid them. */
#include "unit/gpt2d/server_fixture.h"

#include <dirent.h>

#include "unit/gpt2d/fixture_tokenizer.h"

#define N_STREAMS 200

static unsigned
count_threads(void)
{
	DIR *tasks = opendir("/proc/self/task");
	unsigned n = 0;

	assert_non_null(tasks);
	while (readdir(tasks))
		n++;
	(void)closedir(tasks);
	return n;
}

static void
server__plain_routes__answer(void **state)
{
	(void)state;

	dial(&one);
	ask(&one, "GET", "/v1/models", "");
	expect(&one, "200 OK");
	expect(&one, "\"id\":\"mini\"");
	fake_set_load(3, 2);
	ask(&one, "GET", "/healthz", "");
	expect(&one, "200 OK");
	expect(&one, "{\"status\":\"ok\",\"model\":\"mini\",\"loaded\":true,"
		     "\"waiting\":3,\"running\":2}");
}

static void
server__no_such_route__openai_error(void **state)
{
	(void)state;

	dial(&one);
	ask(&one, "GET", "/v1/nothing", "");
	expect(&one, "404 Not Found");
	expect(&one, "\"code\":\"not_found\"}}");
	ask(&one, "DELETE", "/v1/models", "");
	expect(&one, "405 Method Not Allowed");
	expect(&one, "Allow: GET\r\n");
	expect(&one, "\"param\":null,\"code\":\"method_not_allowed\"}}");
	ask(&one, "POST", "/healthz", "{}");
	expect(&one, "405 ");
	expect(&one, "method_not_allowed\"}}");
	ask(&one, "GET", COMPLETIONS, "");
	expect(&one, "Allow: POST\r\n");
}

static void
server__other_media_type__415(void **state)
{
	static const char text[] =
	    "POST /v1/completions HTTP/1.1\r\nHost: x\r\n"
	    "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}";
	(void)state;

	dial(&one);
	say(&one, text, sizeof(text) - 1);
	expect(&one, "415 Unsupported Media Type");
	expect(&one, "unsupported_media_type");
}

static void
server__bad_parameter__400_and_the_connection_goes_on(void **state)
{
	(void)state;

	dial(&one);
	ask(&one, "POST", COMPLETIONS, "{\"prompt\":\"x\",\"n\":5}");
	expect(&one, "400 Bad Request");
	expect(&one, "\"param\":\"n\"");
	ask(&one, "POST", COMPLETIONS,
	    "{\"prompt\":\"0123456789012345678901234567890123456789\"}");
	expect(&one, "400 Bad Request");
	expect(&one, "\"code\":\"context_length_exceeded\"");
	ask(&one, "POST", "/v1/chat/completions", "{\"messages\":[]}");
	expect(&one, "\"param\":\"messages\"");

	assert_int_equal(fake_n_jobs(), 0);
}

/* DNS rebinding: the page's site has come to mean this host. */
static void
server__other_host_over_tcp__403(void **state)
{
	(void)state;

	dial(&one);
	ask(&one, "POST", COMPLETIONS, WHOLE); /* its Host is "x" */
	expect(&one, "403 Forbidden");
	expect(&one, "\"type\":\"permission_error\",\"param\":null,"
		     "\"code\":\"forbidden\"}}");
	ask(&one, "GET", "/healthz", "");
	expect(&one, "403 ");
	expect(&one, "}}");
	say_text(&one, "GET /healthz HTTP/1.1\r\nHost: localhost:1\r\n\r\n");
	expect(&one, "200 OK");
	expect(&one, "running\":0}");
	say_text(&one, "GET /healthz HTTP/1.1\r\nHost: [::1]\r\n\r\n");
	expect(&one, "200 OK");
	assert_int_equal(fake_n_jobs(), 0);
}

static void
server__whole_answer__then_another(void **state)
{
	struct job *job;
	(void)state;

	dial(&one);
	for (unsigned i = 0; i < 2; i++) {
		ask(&one, "POST", COMPLETIONS, WHOLE);
		job = fake_wait_job(i);
		assert_int_equal(job->n_prompt, 1);
		assert_int_equal(job->prompt_ids[0], FIXTURE_THE);
		fake_token(job, 0, 'x', "x");
		fake_finish(job, JOB_END_STOP);
		expect(&one, "HTTP/1.1 200 OK\r\n");
		expect(&one, "\"text\":\"x\"");
		expect(&one, "\"usage\":{\"prompt_tokens\":1,"
			     "\"completion_tokens\":1,\"total_tokens\":2}}");
	}
}

static void
server__stream__each_token_at_once(void **state)
{
	struct job *job;
	(void)state;

	job = open_stream(&one, 0);
	fake_token(job, 0, 'a', "a");
	expect(&one, "\"text\":\"a\"");
	fake_token(job, 0, 'b', "b");
	expect(&one, "\"text\":\"b\"");
	fake_finish(job, JOB_END_LENGTH);
	expect(&one, "\"finish_reason\":\"length\"");
	expect(&one, "data: [DONE]\n\n");
	expect(&one, "0\r\n\r\n");
	ask(&one, "GET", "/healthz", "");
	expect(&one, "200 OK");
}

static void
server__chat_stream__role_before_any_token(void **state)
{
	struct job *job;
	(void)state;

	dial(&one);
	ask(&one, "POST", "/v1/chat/completions",
	    "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],"
	    "\"stream\":true}");
	expect(&one, "\"delta\":{\"role\":\"assistant\",\"content\":\"\"}");
	job = fake_wait_job(0);
	fake_finish(job, JOB_END_STOP);
	expect(&one, "[DONE]");
}

static void
server__engine_without_memory__500_and_the_next_runs(void **state)
{
	(void)state;

	dial(&one);
	ask(&one, "POST", COMPLETIONS, WHOLE);
	fake_finish(fake_wait_job(0), JOB_END_FAILED);
	expect(&one, "500 ");
	expect(&one, "\"type\":\"server_error\",\"param\":null,"
		     "\"code\":\"out_of_memory\"}}");
	ask(&one, "POST", COMPLETIONS, WHOLE);
	fake_finish(fake_wait_job(1), JOB_END_STOP);
	expect(&one, "200 OK");
}

static void
server__stream_without_memory__error_event_and_the_next_runs(void **state)
{
	struct job *job;
	(void)state;

	job = open_stream(&one, 0);
	fake_token(job, 0, 'a', "a");
	fake_finish(job, JOB_END_FAILED);
	expect(&one, "\"text\":\"a\"");
	expect(&one, "data: {\"error\":{");
	expect(&one, "\"code\":\"out_of_memory\"}}\n\n\r\n0\r\n\r\n");
	ask(&one, "POST", COMPLETIONS, STREAM);
	fake_finish(fake_wait_job(1), JOB_END_STOP);
	expect(&one, "[DONE]");
}

static void
server__queue_full__503_with_retry_after(void **state)
{
	(void)state;

	fake_fill_queue(true);
	dial(&one);
	ask(&one, "POST", COMPLETIONS, STREAM);
	expect(&one, "503 Service Unavailable");
	expect(&one, "Retry-After: 1\r\n");
	expect(&one, "\"code\":\"overloaded\"}}");
	fake_fill_queue(false);
	ask(&one, "POST", COMPLETIONS, WHOLE);
	fake_finish(fake_wait_job(0), JOB_END_STOP);
	expect(&one, "200 OK");
}

static void
server__many_streams__no_thread_each(void **state)
{
	static struct client clients[N_STREAMS];
	unsigned n_threads = count_threads();
	(void)state;

	for (unsigned i = 0; i < N_STREAMS; i++)
		(void)open_stream(&clients[i], i);
	assert_int_equal(count_threads(), n_threads);
	for (unsigned i = 0; i < N_STREAMS; i++)
		fake_token(fake_wait_job(i), 0, 'a', "a");
	for (unsigned i = 0; i < N_STREAMS; i++)
		expect(&clients[i], "\"text\":\"a\"");
	for (unsigned i = 0; i < N_STREAMS; i++) {
		fake_finish(fake_wait_job(i), JOB_END_STOP);
		expect(&clients[i], "[DONE]");
		hang_up(&clients[i]);
	}
}

static void
server__client_leaves_a_stream__cancelled(void **state)
{
	struct job *job;
	(void)state;

	job = open_stream(&one, 0);
	fake_token(job, 0, 'a', "a");
	expect(&one, "\"text\":\"a\"");
	hang_up(&one);
	fake_wait_cancelled(job);
	fake_token(job, 0, 'b', "b"); /* one may still come */
	fake_finish(job, JOB_END_CANCELLED);
}

static void
server__client_leaves_before_any_token__cancelled(void **state)
{
	struct job *job;
	(void)state;

	job = open_stream(&one, 0);
	hang_up(&one);
	fake_wait_cancelled(job);
	fake_finish(job, JOB_END_CANCELLED);
}

static void
server__client_leaves_a_whole_answer__cancelled(void **state)
{
	struct job *job;
	(void)state;

	dial(&one);
	ask(&one, "POST", COMPLETIONS, WHOLE);
	job = fake_wait_job(0);
	hang_up(&one);
	fake_wait_cancelled(job);
	fake_finish(job, JOB_END_CANCELLED);
	job = open_stream(&two, 1);
	fake_finish(job, JOB_END_STOP);
	expect(&two, "[DONE]");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(server__plain_routes__answer),
		CASE(server__no_such_route__openai_error),
		CASE(server__other_media_type__415),
		cmocka_unit_test_setup_teardown(
		    server__other_host_over_tcp__403, begin_tcp, end),
		CASE(server__bad_parameter__400_and_the_connection_goes_on),
		CASE(server__whole_answer__then_another),
		CASE(server__stream__each_token_at_once),
		CASE(server__chat_stream__role_before_any_token),
		CASE(server__engine_without_memory__500_and_the_next_runs),
		CASE(
		    server__stream_without_memory__error_event_and_the_next_runs),
		CASE(server__queue_full__503_with_retry_after),
		CASE(server__many_streams__no_thread_each),
		CASE(server__client_leaves_a_stream__cancelled),
		CASE(server__client_leaves_before_any_token__cancelled),
		CASE(server__client_leaves_a_whole_answer__cancelled),
	};

	return cmocka_run_group_tests(tests, server_setup, server_teardown);
}
