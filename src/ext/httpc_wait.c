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

/* Until something happens; then see whether it was the client. */
static void
wait_for_events(struct httpc_call *c, int wait_ms)
{
	struct curl_waitfd fds[2] = {
		{ c->h->pool->abort_fd, CURL_WAIT_POLLIN, 0 },
		{ c->rq->client_fd, CURL_WAIT_POLLIN, 0 },
	};
	unsigned n = c->watch == HTTPC_POLLED ? 2 : 1;

	if (curl_multi_poll(c->h->multi, fds, n, wait_ms, NULL))
		c->err = error_set(c->e, ERR_INTERNAL, "curl_multi_poll");
	else if (n == 2 && fds[1].revents)
		httpc_look_at_client(c);
}

void
httpc_run(struct httpc_call *c)
{
	int n_running = 1;

	while (!c->err) {
		int wait_ms;

		if (curl_multi_perform(c->h->multi, &n_running)) {
			c->err = error_set(c->e, ERR_INTERNAL,
			    "curl_multi_perform");
			return;
		}
		if (c->err || n_running == 0)
			return;
		wait_ms = check_times(c);
		if (!c->err)
			wait_for_events(c, wait_ms);
	}
}
