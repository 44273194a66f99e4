/* SPDX-License-Identifier: MIT */
/* Waiting for the provider and the client in one poll, with an eye on the
 * clock and the shutdown. */
#include "ext/httpc_priv.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/clock.h"

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

	c->looked_us = clock_mono_us();
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

void
httpc_look_in_time(struct httpc_call *c, int64_t now_us)
{
	if (c->watch != HTTPC_UNWATCHED &&
	    now_us - c->looked_us >= HTTPC_LOOK_MS * 1000)
		httpc_look_at_client(c);
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
	if (rq->total_ms) {
		due_at(c->start_us, rq->total_ms, now_us, &wait_us);
		if (wait_us <= 0) {
			c->err = timed_out(c, "not done", rq->total_ms);
			return;
		}
	}
	*ret_wait_us = wait_us;
}

static void
check_client(struct httpc_call *c, int64_t now_us, int64_t *ret_wait_us)
{
	if (c->drain_end_us) {
		int64_t left_us = c->drain_end_us - now_us;

		if (left_us <= 0)
			c->err = error_set(c->e, ERR_CLIENT_CLOSED,
			    "the client left %llu ms ago",
			    (unsigned long long)c->rq->drain_ms);
		else if (left_us < *ret_wait_us)
			*ret_wait_us = left_us;
		return;
	}
	httpc_look_in_time(c, now_us);
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

int
httpc_check_times(struct httpc_call *c)
{
	int64_t now_us = clock_mono_us();
	int64_t wait_us = HTTPC_LOOK_MS * 1000;

	c->checked_us = now_us;
	if (atomic_load_explicit(&c->pool->is_aborted, memory_order_relaxed))
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

/* Poll once; what the connection is ready for. The client comes first. */
static short
poll_once(struct httpc_call *c, short events, int wait_ms)
{
	struct pollfd fds[2] = { { c->conn->fd, events, 0 },
		{ c->rq->client_fd, POLLIN, 0 } };
	bool is_watched = c->watch == HTTPC_POLLED;

	if (poll(fds, is_watched ? 2 : 1, wait_ms) < 0) {
		if (errno != EINTR)
			c->err = error_set(c->e, ERR_INTERNAL, "poll: %d",
			    errno);
		return 0;
	}
	if (is_watched && fds[1].revents)
		httpc_look_at_client(c);
	return c->err ? 0 : fds[0].revents;
}

short
httpc_wait(struct httpc_call *c, short events)
{
	short ready = 0;

	while (!c->err && !ready) {
		int wait_ms = httpc_check_times(c);

		if (!c->err)
			ready = poll_once(c, events, wait_ms);
	}
	return ready;
}
