/* SPDX-License-Identifier: MIT */
#include "httpc_stream.h"

#include <netinet/tcp.h>
#include <stdio.h>

#include "support/fixture_script.h"

#define HEAD "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

static int listen_fd;
static char url[64];

int
stream_setup(void **state)
{
	listen_fd = fixture_listen(8, url, sizeof(url));
	return httpc_setup(state);
}

int
stream_teardown(void **state)
{
	(void)close(listen_fd);
	return httpc_teardown(state);
}

void
stream_init(struct stream *s)
{
	*s = (struct stream){ .fd = -1 };
	s->rq = (struct httpc_request){
		.method = "GET",
		.url = url,
		.is_stream = true,
		.client_fd = -1,
	};
	assert_int_equal(sem_init(&s->came, 0, 0), 0);
}

static enum err
on_body(void *ctx, struct str bytes, struct error *err)
{
	struct stream *s = ctx;
	enum err code = OK;

	if (!pthread_equal(pthread_self(), s->self))
		s->n_pumped++;
	for (size_t i = 0; i < bytes.n; i++, s->n_body++)
		if (s->n_body < sizeof(s->body) - 1)
			s->body[s->n_body] = bytes.p[i];
	if (s->hook)
		code = s->hook(s, bytes, err);
	for (size_t i = 0; i < bytes.n; i++)
		(void)sem_post(&s->came);
	return code;
}

static void
on_client_gone(void *ctx)
{
	struct stream *s = ctx;

	s->n_gone++;
}

static void *
run(void *arg)
{
	struct stream *s = arg;
	struct httpc_callbacks cb = {
		.ctx = s,
		.on_body = on_body,
		.on_client_gone = on_client_gone,
	};

	s->self = pthread_self();
	s->err = httpc_perform(pool, &s->rq, &cb, &s->res, &s->e);
	atomic_store(&s->is_over, true);
	(void)sem_post(&s->came);
	return NULL;
}

void
stream_say(struct stream *s, const char *text)
{
	struct str rest = str_from(text);

	while (rest.n) {
		ssize_t n = send(s->fd, rest.p, rest.n, MSG_NOSIGNAL);

		assert_true(n > 0);
		rest = str_skip(rest, (size_t)n);
	}
}

void
stream_say_chunk(struct stream *s, const char *text)
{
	char chunk[128];
	int n = snprintf(chunk, sizeof(chunk), "%zx\r\n%s\r\n", strlen(text),
	    text);

	assert_in_range(n, 1, sizeof(chunk) - 1);
	stream_say(s, chunk);
}

void
stream_await(struct stream *s, size_t n)
{
	while (n)
		n -= sem_wait(&s->came) == 0;
}

static void
start(struct stream *s)
{
	int on = 1;

	assert_int_equal(pthread_create(&s->thread, NULL, run, s), 0);
	if (s->fd < 0)
		s->fd = accept(listen_fd, NULL, NULL);
	assert_int_equal(setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on,
			     sizeof(on)),
	    0);
	assert_true(fixture_script_read(s->fd));
}

void
stream_open(struct stream *s)
{
	start(s);
	stream_say(s, HEAD "1\r\na\r\n");
	stream_await(s, 1);
	stream_say_chunk(s, "b");
	stream_await(s, 1);
}

void
stream_join(struct stream *s)
{
	assert_int_equal(pthread_join(s->thread, NULL), 0);
	(void)sem_destroy(&s->came);
}

void
stream_await_close(struct stream *s)
{
	char byte;

	assert_true(recv(s->fd, &byte, 1, 0) <= 0); /* 0, or it was reset */
	(void)close(s->fd);
}
