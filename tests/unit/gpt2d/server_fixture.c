/* SPDX-License-Identifier: MIT */
#include "unit/gpt2d/server_fixture.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "support/fixture_dir.h"
#include "unit/gpt2d/fixture_tokenizer.h"

#define N_POS      32
#define BODIES_MAX MIB(2)

struct server *server;
char path[128];
struct client one, two;

static struct arena a;
static struct vocabulary vocabulary;
static struct fixture_dir dir;
static struct loader *loader;
static struct listen listener;
static bool is_tcp;
static pthread_t thread;
static const struct loader_options loader_options = {
	.dir = "/srv/mini",
	.vocabulary = &vocabulary,
};

int
server_setup(void **state)
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

int
server_teardown(void **state)
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

int
begin(void **state)
{
	(void)state;
	start(60000, 60000, true);
	return 0;
}

int
begin_unloaded(void **state)
{
	(void)state;
	start(60000, 60000, false);
	return 0;
}

int
begin_impatient(void **state)
{
	(void)state;
	start(0, 60000, true);
	return 0;
}

int
begin_tcp(void **state)
{
	(void)state;
	is_tcp = true;
	start(60000, 60000, true);
	return 0;
}

int
begin_hurried(void **state)
{
	(void)state;
	start(60000, 300, true);
	return 0;
}

void
hang_up(struct client *c)
{
	if (c->fd >= 0)
		(void)close(c->fd);
	c->fd = -1;
}

void
join(void)
{
	(void)pthread_join(thread, NULL);
	loader_free(loader);
	server_free(server);
	server = NULL;
}

int
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

bool
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

void
dial(struct client *c)
{
	assert_true(try_dial(c));
}

void
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

void
say_text(struct client *c, const char *text)
{
	say(c, text, strlen(text));
}

void
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

void
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

void
expect_end(struct client *c)
{
	char byte;

	assert_int_equal(c->n, 0);
	errno = 0;
	assert_true(recv(c->fd, &byte, 1, 0) <= 0);
	assert_int_not_equal(errno, EAGAIN); /* the client's patience */
}

struct job *
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
