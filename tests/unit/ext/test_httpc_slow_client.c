/* SPDX-License-Identifier: MIT */
/* Streams for clients that are slow to take them: the pump waits for none of
 * them, and each gets every byte. */
#include "httpc_stream.h"

#include <errno.h>
#include <poll.h>

#include "support/fixture_script.h"

typedef void make_client_fn(int fds[2]);

static void
set_buffer(int fd, int option, int n_bytes)
{
	assert_int_equal(setsockopt(fd, SOL_SOCKET, option, &n_bytes,
			     sizeof(n_bytes)),
	    0);
}

/* The kernel gives each socket more than these, but not much. */
static void
make_small_client(int fds[2])
{
	make_client(fds);
	set_buffer(fds[0], SO_SNDBUF, 1);
}

static void
make_tcp_client(int fds[2])
{
	struct sockaddr_in addr;
	socklen_t n_addr = sizeof(addr);
	char url[64];
	int listen_fd = fixture_listen(1, url, sizeof(url));

	assert_int_equal(getsockname(listen_fd, (void *)&addr, &n_addr), 0);
	fds[1] = socket(AF_INET, SOCK_STREAM, 0);
	set_buffer(fds[1], SO_RCVBUF, 1);
	assert_int_equal(connect(fds[1], (void *)&addr, n_addr), 0);
	fds[0] = accept(listen_fd, NULL, NULL);
	set_buffer(fds[0], SO_SNDBUF, KIB(16));
	(void)close(listen_fd);
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
assert_others_go_on(make_client_fn *make, size_t hold_bytes)
{
	struct slow_client slow = { .hold_bytes = hold_bytes };
	struct seen seen = { .n_head = 0 };
	char sink[KIB(4)];
	struct pollfd room;
	pthread_t thread;
	struct chat c;
	ssize_t n;

	make(slow.fds);
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
	assert_others_go_on(make_client, 1);
}

static void
httpc_pump__much_is_kept_back_for_it__others_go_on(void **state)
{
	(void)state;
	assert_others_go_on(make_client, KIB(300));
}

static void
httpc_pump__tcp_client_takes_nothing__others_go_on(void **state)
{
	(void)state;
	assert_others_go_on(make_tcp_client, 1);
}

static char text[KIB(700)]; /* what each gets: lines with their numbers */

static void
write_text(void)
{
	for (size_t i = 0; i + 8 < sizeof(text); i += 8)
		(void)snprintf(text + i, sizeof(text) - i, "%07zu\n", i / 8);
	memcpy(text, "ab", 2); /* by stream_open() */
}

/* A client that takes nothing before a write to it didn't fit. */
struct client {
	int fds[2];
	sem_t is_full;
	unsigned n_short; /* writes that did not fit */
	unsigned n_short_pumped;
	pthread_t thread;
	size_t n_read, n_wrong;
};

/* Writes without waiting, to see what fits; only then waits. */
static enum err
write_to_client(struct stream *s, struct str bytes, struct error *err)
{
	struct client *c = s->hook_ctx;
	struct pollfd room = { c->fds[0], POLLOUT, 0 };

	while (bytes.n) {
		ssize_t n = send(c->fds[0], bytes.p, bytes.n,
		    MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			return error_set(err, ERR_CLIENT_CLOSED, "gone");
		bytes = str_skip(bytes, n < 0 ? 0 : (size_t)n);
		if (bytes.n == 0)
			break;
		c->n_short_pumped += !pthread_equal(pthread_self(), s->self);
		if (c->n_short++ == 0)
			(void)sem_post(&c->is_full);
		(void)poll(&room, 1, -1);
	}
	return OK;
}

static void *
read_slowly(void *arg)
{
	struct client *c = arg;
	char bytes[1000];
	ssize_t n;

	while (sem_wait(&c->is_full) != 0)
		continue;
	while ((n = read(c->fds[1], bytes, sizeof(bytes))) > 0) {
		size_t left = sizeof(text) - c->n_read;

		c->n_wrong += (size_t)n > left ||
			      memcmp(bytes, text + c->n_read, (size_t)n) != 0;
		c->n_read += (size_t)n < left ? (size_t)n : left;
	}
	return NULL;
}

static void
open_stream(struct stream *s, struct client *c, make_client_fn *make)
{
	*c = (struct client){ .n_short = 0 };
	make(c->fds);
	assert_int_equal(sem_init(&c->is_full, 0, 0), 0);
	stream_init(s);
	s->rq.client_fd = c->fds[0];
	s->hook = write_to_client;
	s->hook_ctx = c;
	stream_open(s);
}

static bool
is_sent(const struct stream *s, const char *bytes)
{
	size_t n = strlen(bytes), at = 0;
	ssize_t sent = 1;

	for (; at < n && sent > 0; at += sent > 0 ? (size_t)sent : 0)
		sent = send(s->fd, bytes + at, n - at, MSG_NOSIGNAL);
	return at == n;
}

/* The provider's part, as far as somebody takes it. */
static void *
say_text(void *arg)
{
	const struct stream *s = arg;
	char size[32];

	(void)snprintf(size, sizeof(size), "%zx\r\n", strlen(text) - 2);
	(void)(is_sent(s, size) && is_sent(s, text + 2) &&
	       is_sent(s, "\r\n" STREAM_END));
	return NULL;
}

/* Whatever its socket, and never by a write that the pump waits for. */
static void
assert_every_byte_arrives(make_client_fn *make, bool is_lent)
{
	struct client c;
	struct stream s;

	write_text();
	open_stream(&s, &c, make);
	assert_true(!is_lent || s.n_pumped > 0);
	assert_int_equal(pthread_create(&c.thread, NULL, read_slowly, &c), 0);

	(void)say_text(&s);

	stream_join(&s);
	(void)close(c.fds[0]);
	(void)pthread_join(c.thread, NULL);
	assert_int_equal(s.err, OK);
	assert_true(c.n_short > 0);
	assert_int_equal(c.n_short_pumped, 0);
	assert_int_equal(c.n_read, strlen(text));
	assert_int_equal(c.n_wrong, 0);
	(void)close(c.fds[1]);
	(void)close(s.fd);
	(void)sem_destroy(&c.is_full);
}

static void
httpc_pump__client_is_slow__gets_every_byte_in_order(void **state)
{
	(void)state;
	assert_every_byte_arrives(make_client, true);
}

static void
httpc_pump__client_has_a_small_buffer__gets_every_byte_in_order(void **state)
{
	(void)state;
	assert_every_byte_arrives(make_small_client, false);
}

static void
httpc_pump__tcp_client_is_slow__gets_every_byte_in_order(void **state)
{
	(void)state;
	assert_every_byte_arrives(make_tcp_client, false);
}

static void
httpc_pump__client_takes_nothing__a_cut_ends_it_after_the_abort(void **state)
{
	pthread_t provider;
	struct client c;
	struct stream s;

	(void)state;
	write_text();
	open_stream(&s, &c, make_client);
	assert_int_equal(pthread_create(&provider, NULL, say_text, &s), 0);
	while (sem_wait(&c.is_full) != 0)
		continue;

	httpc_pool_abort(pool); /* which cannot interrupt the write */
	(void)shutdown(c.fds[0], SHUT_RDWR);

	stream_join(&s);
	assert_int_equal(s.err, ERR_CLIENT_CLOSED);
	assert_int_equal(c.n_short_pumped, 0);
	(void)pthread_join(provider, NULL);
	stream_await_close(&s);
	(void)close(c.fds[0]);
	(void)close(c.fds[1]);
	(void)sem_destroy(&c.is_full);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, stream_setup, stream_teardown)
	const struct CMUnitTest tests[] = {
		T(httpc_pump__client_takes_nothing__others_go_on),
		T(httpc_pump__much_is_kept_back_for_it__others_go_on),
		T(httpc_pump__tcp_client_takes_nothing__others_go_on),
		T(httpc_pump__client_is_slow__gets_every_byte_in_order),
		T(httpc_pump__client_has_a_small_buffer__gets_every_byte_in_order),
		T(httpc_pump__tcp_client_is_slow__gets_every_byte_in_order),
		T(httpc_pump__client_takes_nothing__a_cut_ends_it_after_the_abort),
	};
	int n_failed;

	httpc_fixture_start();
	n_failed = cmocka_run_group_tests(tests, NULL, NULL);
	httpc_fixture_stop();
	return n_failed;
}
