/* SPDX-License-Identifier: MIT */
/* Waiting: for the provider, the client, the clock and the shutdown, all in
 * one poll. */
#include "ext/httpc_priv.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/clock.h"

/* How often a client is looked at whose socket holds unread bytes, so that
 * it cannot be waited for. */
#define CLIENT_LOOK_MS 100

/*
 * The client is gone, as its socket or a callback says. With drain_ms the
 * answer is read on for so long, else c->err ends the call.
 */
static void
client_left(struct httpc_call *c)
{
	if (c->res->is_client_gone)
		return;
	c->res->is_client_gone = true;
	c->watch = HTTPC_UNWATCHED;
	if (c->cb->on_client_gone)
		c->cb->on_client_gone(c->cb->ctx);
	if (c->rq->drain_ms)
		c->drain_end_us = clock_mono_us() +
				  (int64_t)c->rq->drain_ms * 1000;
	else if (!c->err)
		c->err = error_set(c->e, ERR_CLIENT_CLOSED,
		    "the client closed its connection");
}

/* What a callback said. */
void
httpc_heed(struct httpc_call *c, enum err err)
{
	c->heard_us = clock_mono_us();
	if (err == ERR_CLIENT_CLOSED)
		client_left(c);
	else if (err && !c->err)
		c->err = err;
}

/* The client's socket is readable, or it is time to look at it. */
void
httpc_look_at_client(struct httpc_call *c)
{
	struct pollfd pfd = { .fd = c->rq->client_fd, .events = POLLRDHUP };
	ssize_t n;
	char byte;

	n = recv(c->rq->client_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	if (n > 0) {
		c->watch = HTTPC_LOOKED_AT;
		if (poll(&pfd, 1, 0) > 0)
			client_left(c);
	} else if (n == 0) {
		client_left(c);
	} else if (errno == ENOTSOCK || errno == EBADF) {
		c->watch = HTTPC_UNWATCHED;
	} else if (errno != EAGAIN && errno != EINTR) {
		client_left(c);
	}
}

static enum err
timed_out(struct httpc_call *c, const char *what, uint64_t after_ms)
{
	return error_set(c->e, ERR_UPSTREAM_TIMEOUT, "%s for %llu ms", what,
	    (unsigned long long)after_ms);
}

/* A moment that ends the wait, or asks for something to be done. */
static void
due_at(int64_t from_us, uint64_t ms, int64_t now_us, int64_t *ret_wait_us)
{
	int64_t left_us = from_us + (int64_t)ms * 1000 - now_us;

	if (left_us < *ret_wait_us)
		*ret_wait_us = left_us;
}

static void
check_provider(struct httpc_call *c, int64_t now_us, int64_t *ret_wait_us)
{
	const struct httpc_request *rq = c->rq;
	int64_t wait_us = *ret_wait_us;
	bool is_answering = c->res->first_byte_us != 0;

	if (!is_answering && rq->first_byte_ms) {
		due_at(c->start_us, rq->first_byte_ms, now_us, &wait_us);
		if (wait_us <= 0) {
			c->err = timed_out(c, "no first byte",
			    rq->first_byte_ms);
			return;
		}
	}
	if (is_answering && rq->idle_ms) {
		due_at(c->heard_us, rq->idle_ms, now_us, &wait_us);
		if (wait_us <= 0) {
			c->err = timed_out(c, "silent", rq->idle_ms);
			return;
		}
	}
	*ret_wait_us = wait_us;
}

static void
check_client(struct httpc_call *c, int64_t now_us, int64_t *ret_wait_us)
{
	int64_t left_us;

	if (c->drain_end_us) {
		left_us = c->drain_end_us - now_us;
		if (left_us <= 0)
			c->err = error_set(c->e, ERR_CLIENT_CLOSED,
			    "the client left %llu ms ago",
			    (unsigned long long)c->rq->drain_ms);
		else if (left_us < *ret_wait_us)
			*ret_wait_us = left_us;
		return;
	}
	if (c->watch == HTTPC_LOOKED_AT) {
		httpc_look_at_client(c);
		if (*ret_wait_us > CLIENT_LOOK_MS * 1000)
			*ret_wait_us = CLIENT_LOOK_MS * 1000;
	}
}

static void
check_tick(struct httpc_call *c, int64_t now_us, int64_t *ret_wait_us)
{
	int64_t left_us = INT64_MAX;
	int64_t heard_us = c->heard_us;

	if (!c->rq->tick_ms || !c->cb->on_tick || c->drain_end_us)
		return;
	due_at(c->tick_us, c->rq->tick_ms, now_us, &left_us);
	if (left_us <= 0) {
		httpc_heed(c, c->cb->on_tick(c->cb->ctx, c->e));
		c->heard_us = heard_us; /* that was not the provider */
		c->tick_us = now_us;
		left_us = (int64_t)c->rq->tick_ms * 1000;
	}
	if (left_us < *ret_wait_us)
		*ret_wait_us = left_us;
}

/* Do what is due; how long nothing else is, in whole ms. */
static int
check_times(struct httpc_call *c)
{
	int64_t now_us = clock_mono_us();
	int64_t wait_us = 60 * 1000 * 1000;

	if (atomic_load_explicit(&c->h->pool->is_aborted, memory_order_relaxed))
		c->err = error_set(c->e, ERR_SHUTTING_DOWN,
		    "the request was cut off by the shutdown");
	if (!c->err)
		check_provider(c, now_us, &wait_us);
	if (!c->err)
		check_client(c, now_us, &wait_us);
	if (!c->err)
		check_tick(c, now_us, &wait_us);
	return (int)((wait_us + 999) / 1000);
}

/*
 * curl's event interface: it names its sockets and its timer, we wait and
 * say what happened. Its own waiting, curl_multi_poll(), costs two further
 * poll(2) calls for each event of a stream.
 */
int
httpc_on_socket(CURL *easy, curl_socket_t fd, int what, void *handle,
    void *socket_data)
{
	struct httpc *h = handle;
	size_t i = 0;

	(void)easy;
	(void)socket_data;
	while (i < h->n_sockets && h->sockets[i].fd != fd)
		i++;
	if (what == CURL_POLL_REMOVE) {
		if (i < h->n_sockets)
			h->sockets[i] = h->sockets[--h->n_sockets];
		return 0;
	}
	if (i == HTTPC_SOCKETS_MAX)
		return -1;
	if (i == h->n_sockets)
		h->n_sockets++;
	h->sockets[i] = (struct httpc_socket){ fd,
		(short)((what & CURL_POLL_IN ? POLLIN : 0) |
			(what & CURL_POLL_OUT ? POLLOUT : 0)) };
	return 0;
}

int
httpc_on_timer(CURLM *multi, long timeout_ms, void *handle)
{
	struct httpc *h = handle;

	(void)multi;
	h->timer_us = timeout_ms < 0
			  ? 0
			  : clock_mono_us() + (int64_t)timeout_ms * 1000;
	return 0;
}

/* Let curl act on what happened at a socket, or on its timer. */
static void
act(struct httpc_call *c, curl_socket_t fd, int what, int *n_running)
{
	if (!c->err &&
	    curl_multi_socket_action(c->h->multi, fd, what, n_running))
		c->err = error_set(c->e, ERR_INTERNAL,
		    "curl_multi_socket_action");
}

/* How long curl has nothing to do, at most wait_ms. */
static int
until_timer(const struct httpc *h, int wait_ms)
{
	int64_t left_us;

	if (h->timer_us == 0)
		return wait_ms;
	left_us = h->timer_us - clock_mono_us();
	if (left_us <= 0)
		return 0;
	return left_us / 1000 < wait_ms ? (int)((left_us + 999) / 1000)
					: wait_ms;
}

static int
what_happened(short revents)
{
	return (revents & POLLIN ? CURL_CSELECT_IN : 0) |
	       (revents & POLLOUT ? CURL_CSELECT_OUT : 0) |
	       (revents & (POLLERR | POLLHUP | POLLNVAL) ? CURL_CSELECT_ERR
							 : 0);
}

/* Until something happens; then see who it was: the client comes first. */
static void
wait_for_events(struct httpc_call *c, int wait_ms, int *n_running)
{
	struct httpc *h = c->h;
	struct pollfd fds[HTTPC_SOCKETS_MAX + 2];
	nfds_t n = 0, n_sockets;

	for (; n < h->n_sockets; n++)
		fds[n] = (struct pollfd){ h->sockets[n].fd,
			h->sockets[n].events, 0 };
	n_sockets = n;
	fds[n++] = (struct pollfd){ h->pool->abort_fd, POLLIN, 0 };
	if (c->watch == HTTPC_POLLED)
		fds[n++] = (struct pollfd){ c->rq->client_fd, POLLIN, 0 };
	if (poll(fds, n, until_timer(h, wait_ms)) < 0) {
		if (errno != EINTR)
			c->err = error_set(c->e, ERR_INTERNAL, "poll: %d",
			    errno);
		return;
	}
	if (c->watch == HTTPC_POLLED && fds[n - 1].revents)
		httpc_look_at_client(c);
	for (nfds_t i = 0; i < n_sockets; i++)
		if (fds[i].revents)
			act(c, fds[i].fd, what_happened(fds[i].revents),
			    n_running);
}

static bool
is_timer_due(const struct httpc *h)
{
	return h->timer_us != 0 && h->timer_us <= clock_mono_us();
}

void
httpc_run(struct httpc_call *c)
{
	int n_running = 1;

	act(c, CURL_SOCKET_TIMEOUT, 0, &n_running);
	while (!c->err && n_running > 0) {
		int wait_ms = check_times(c);

		if (!c->err)
			wait_for_events(c, wait_ms, &n_running);
		if (!c->err && n_running > 0 && is_timer_due(c->h)) {
			c->h->timer_us = 0;
			act(c, CURL_SOCKET_TIMEOUT, 0, &n_running);
		}
	}
}
