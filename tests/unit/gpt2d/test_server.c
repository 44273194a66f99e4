/* SPDX-License-Identifier: MIT */
/* The server over a real socket, with an engine that does what it is told. */
#include "unit/gpt2d/fake_engine.h"
#include "unit/gpt2d/fixture_tokenizer.h"

#include "support/fixture_dir.h"

#include <dirent.h>
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "gpt2d/server.h"

#define N_POS      32
#define BATCH_MAX  4
#define QUEUE_MAX  8
#define N_STREAMS  200
#define BODIES_MAX MIB(2)

struct client {
	int fd;
	char text[65536]; /* what came */
	size_t n;
};

static struct arena a;
static struct vocabulary vocabulary;
static struct fixture_dir dir;
static char path[128];
static struct loader *loader;
static struct listen listener;
static bool is_tcp;
static struct server *server;
static pthread_t thread;
static struct client one, two;
static const struct loader_options loader_options = {
	.dir = "/srv/mini",
	.vocabulary = &vocabulary,
};

/* ---- the server ---- */

static int
setup(void **state)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct rlimit files;

	(void)state;
	(void)sigaction(SIGPIPE, &ignore, NULL);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	log_init(false, LOG_LEVEL_ERROR, "test");
	arena_init(&a, MIB(16));
	vocabulary.tokenizer = fixture_tokenizer(&a);
	vocabulary.longest_token = 13;
	fixture_dir_make(&dir);
	(void)snprintf(path, sizeof(path), "%s/s", dir.path);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fixture_dir_remove(&dir);
	tokenizer_close(vocabulary.tokenizer);
	arena_fini(&a);
	return 0;
}

static void *
run(void *arg)
{
	server_run(arg);
	return NULL;
}

static void
start(int64_t drain_ms, int64_t read_ms, bool is_loaded)
{
	struct server_options so = {
		.listen = &listener,
		.vocabulary = &vocabulary,
		.model = S("mini"),
		.batch_max = BATCH_MAX,
		.queue_max = QUEUE_MAX,
		.drain_ms = drain_ms,
		.read_ms = read_ms,
		.bodies_max_bytes = BODIES_MAX,
	};
	struct error e;

	fake_reset(FIXTURE_N_VOCAB, N_POS, FIXTURE_EOS);
	one.fd = two.fd = -1;
	assert_ok(loader_new(&loader_options, &loader, &e));
	so.loader = loader;
	if (is_loaded)
		assert_ok(loader_run(loader, &e));
	if (is_tcp)
		assert_ok(listen_loopback(S("127.0.0.1:0"), &listener, &e));
	else
		assert_ok(listen_unix(path, &listener, &e));
	assert_ok(server_new(&so, &server, &e));
	assert_int_equal(pthread_create(&thread, NULL, run, server), 0);
}

static int
begin(void **state)
{
	(void)state;
	start(60000, 60000, true);
	return 0;
}

static int
begin_unloaded(void **state)
{
	(void)state;
	start(60000, 60000, false);
	return 0;
}

static int
begin_impatient(void **state)
{
	(void)state;
	start(0, 60000, true);
	return 0;
}

static int
begin_tcp(void **state)
{
	(void)state;
	is_tcp = true;
	start(60000, 60000, true);
	return 0;
}

static int
begin_hurried(void **state)
{
	(void)state;
	start(60000, 300, true);
	return 0;
}

static void
hang_up(struct client *c)
{
	if (c->fd >= 0)
		(void)close(c->fd);
	c->fd = -1;
}

/* The server has ended by itself, or is told to. */
static void
join(void)
{
	(void)pthread_join(thread, NULL);
	loader_free(loader);
	server_free(server);
	server = NULL;
}

static int
end(void **state)
{
	(void)state;
	hang_up(&one);
	hang_up(&two);
	is_tcp = false;
	if (!server)
		return 0;
	server_stop(server);
	server_stop(server);
	join();
	return 0;
}

/* ---- clients ---- */

static bool
try_dial(struct client *c)
{
	struct sockaddr_un local = { .sun_family = AF_UNIX };
	union {
		struct sockaddr any;
		struct sockaddr_in in;
	} tcp;
	socklen_t n = sizeof(tcp);
	const struct timeval patience = { .tv_sec = FAKE_WAIT_S };

	c->n = 0;
	c->fd = socket(is_tcp ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC,
	    0);
	assert_true(c->fd >= 0);
	assert_int_equal(setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
			     sizeof(patience)),
	    0);
	if (is_tcp) {
		assert_int_equal(getsockname(listener.fd, &tcp.any, &n), 0);
		return connect(c->fd, &tcp.any, n) == 0;
	}
	memcpy(local.sun_path, path, strlen(path) + 1);
	return connect(c->fd, (const struct sockaddr *)&local, sizeof(local)) ==
	       0;
}

static void
dial(struct client *c)
{
	assert_true(try_dial(c));
}

static void
say(struct client *c, const char *text, size_t n)
{
	while (n > 0) {
		ssize_t sent = send(c->fd, text, n, MSG_NOSIGNAL);

		if (sent <= 0)
			return; /* what it answers is looked at anyway */
		text += sent;
		n -= (size_t)sent;
	}
}

static void
say_text(struct client *c, const char *text)
{
	say(c, text, strlen(text));
}

static void
ask(struct client *c, const char *method, const char *target, const char *body)
{
	char text[4096];
	int n = snprintf(text, sizeof(text),
	    "%s %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	    "Content-Length: %zu\r\n\r\n%s",
	    method, target, strlen(body), body);

	assert_in_range(n, 1, sizeof(text) - 1);
	say(c, text, (size_t)n);
}

/* Read on until the text has come, and forget what was before its end. */
static void
expect(struct client *c, const char *text)
{
	char *hit;

	for (;;) {
		ssize_t got;

		c->text[c->n] = '\0';
		hit = strstr(c->text, text);
		if (hit)
			break;
		assert_true(c->n < sizeof(c->text) - 1);
		got = recv(c->fd, c->text + c->n, sizeof(c->text) - 1 - c->n,
		    0);
		if (got <= 0)
			fail_msg("no \"%s\" in: %s", text, c->text);
		c->n += (size_t)got;
	}
	hit += strlen(text);
	c->n -= (size_t)(hit - c->text);
	memmove(c->text, hit, c->n);
}

/* Nothing follows but the end of the connection. */
static void
expect_end(struct client *c)
{
	char byte;

	assert_int_equal(c->n, 0);
	errno = 0;
	assert_true(recv(c->fd, &byte, 1, 0) <= 0);
	assert_int_not_equal(errno, EAGAIN); /* the client's patience */
}

#define COMPLETIONS "/v1/completions"
#define WHOLE       "{\"prompt\":\"the\"}"
#define STREAM      "{\"prompt\":\"the\",\"stream\":true}"

static struct job *
open_stream(struct client *c, unsigned number)
{
	struct job *job;

	dial(c);
	ask(c, "POST", COMPLETIONS, STREAM);
	expect(c, "HTTP/1.1 200 OK\r\n");
	expect(c, "text/event-stream");
	expect(c, "\r\n\r\n");
	job = fake_wait_job(number);
	return job;
}

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

/* ---- routes ---- */

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

#define HEAD                                    \
 "POST /v1/completions HTTP/1.1\r\nHost: x\r\n" \
 "Content-Type: application/json\r\n"

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

/* ---- time ---- */

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

/* ---- answers ---- */

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

/* ---- clients that leave ---- */

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

/* ---- loading ---- */

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

/* ---- the end ---- */

static void
server__draining__nothing_new_and_what_runs_ends(void **state)
{
	static struct client late, health;
	struct job *job;
	struct stat st;
	(void)state;

	job = open_stream(&one, 0);
	dial(&two);
	ask(&two, "GET", "/healthz", "");
	expect(&two, "running\":0}");
	dial(&health);
	ask(&health, "GET", "/healthz", "");
	expect(&health, "running\":0}");
	server_stop(server);
	/* The last thing that a drain does at its start. */
	while (stat(path, &st) == 0)
		(void)sched_yield();
	assert_false(try_dial(&late));
	hang_up(&late);
	ask(&two, "POST", COMPLETIONS, WHOLE);
	expect(&two, "503 ");
	expect(&two, "\"code\":\"shutting_down\"}}");
	ask(&health, "GET", "/healthz", "");
	expect(&health, "503 ");
	expect(&health, "\"status\":\"draining\"");
	fake_token(job, 0, 'a', "a");
	expect(&one, "\"text\":\"a\"");
	fake_finish(job, JOB_END_STOP);
	expect(&one, "[DONE]");
	join();
	hang_up(&health);
}

static void
server__stopped_twice__cut(void **state)
{
	(void)state;

	(void)open_stream(&one, 0);
	dial(&two);
	ask(&two, "POST", COMPLETIONS, WHOLE);
	(void)fake_wait_job(1);
	server_stop(server);
	server_stop(server);
	expect(&one, "data: {\"error\":{");
	expect(&one, "\"code\":\"shutting_down\"}}\n\n");
	expect(&two, "503 ");
	expect(&two, "shutting_down\"}}");
	join();
	expect_end(&two);
}

static void
server__drain_takes_too_long__cut(void **state)
{
	(void)state;

	(void)open_stream(&one, 0);
	server_stop(server);
	expect(&one, "\"code\":\"shutting_down\"}}\n\n");
	join();
}

static void
server__cut_while_loading__503(void **state)
{
	(void)state;

	fake_hold_loads(true);
	dial(&one);
	ask(&one, "POST", COMPLETIONS, WHOLE);
	fake_wait_loads(1);
	server_stop(server);
	server_stop(server);
	expect(&one, "503 ");
	expect(&one, "shutting_down");
	fake_hold_loads(false);
	join();
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, begin, end)
#define CASE_HURRIED(test) \
 cmocka_unit_test_setup_teardown(test, begin_hurried, end)
#define CASE_UNLOADED(test) \
 cmocka_unit_test_setup_teardown(test, begin_unloaded, end)

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
		CASE_UNLOADED(server__not_loaded__requests_wait_for_one_load),
		CASE_UNLOADED(
		    server__client_leaves_while_loading__is_forgotten),
		CASE_UNLOADED(server__too_many_wait_for_the_load__503),
		CASE_UNLOADED(
		    server__load_fails__503_with_the_reason_and_tried_again),
		CASE(server__draining__nothing_new_and_what_runs_ends),
		CASE(server__stopped_twice__cut),
		cmocka_unit_test_setup_teardown(
		    server__drain_takes_too_long__cut, begin_impatient, end),
		CASE_UNLOADED(server__cut_while_loading__503),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
