/* SPDX-License-Identifier: MIT */
/* Receiving an answer, by the thread that asked or by the pump. */
#include <poll.h>

#include "base/clock.h"
#include "ext/httpc_priv.h"

struct httpc_head {
	const struct http1 *answer;
};

int
httpc_head_status(const struct httpc_head *head)
{
	return head->answer->status;
}

struct str
httpc_head_get(const struct httpc_head *head, const char *name)
{
	return http1_header(head->answer, name);
}

static void
heard(struct httpc_call *c)
{
	c->heard_us = c->tick_us = clock_mono_us();
	if (c->res->first_byte_us)
		return;
	c->res->first_byte_us = c->heard_us - c->start_us;
	c->res->phase = HTTPC_HEAD;
}

static void
take_head(struct httpc_call *c, const struct http1 *answer)
{
	struct httpc_head head = { answer };
	struct str encoding = http1_header(answer, "content-encoding");

	c->res->status = answer->status;
	if (encoding.n && !str_eq_nocase(encoding, S("identity"))) {
		c->err = error_set(c->e, ERR_UPSTREAM,
		    "an answer encoded as %" PRI_STR ", which nobody asked for",
		    STR_ARG(encoding));
		return;
	}
	c->res->phase = HTTPC_BODY;
	if (c->cb->on_head)
		httpc_heed(c, c->cb->on_head(c->cb->ctx, &head, c->e));
}

static void
take_body(struct httpc_call *c, struct str bytes)
{
	c->res->body_bytes += bytes.n;
	if (c->rq->max_bytes && c->res->body_bytes > c->rq->max_bytes) {
		c->err = error_set(c->e, ERR_UPSTREAM,
		    "an answer of more than %llu bytes",
		    (unsigned long long)c->rq->max_bytes);
		return;
	}
	if (bytes.n && c->cb->on_body)
		httpc_heed(c, c->cb->on_body(c->cb->ctx, bytes, c->e));
}

static enum http1_got
feed_body(struct httpc_call *c, char *bytes, size_t n)
{
	struct httpc_answer *in = &c->in;
	size_t n_body, n_used;
	enum http1_got got = http1_body(&in->http1, bytes, n, &n_body, &n_used);

	in->has_excess = n_used < n;
	take_body(c, str_make(bytes, n_body));
	return got;
}

/* n more bytes are in the buffer, behind in->n. */
static enum http1_got
feed(struct httpc_call *c, size_t n)
{
	struct httpc_answer *in = &c->in;
	char *buf = c->conn->buf;
	size_t n_head = 0;
	enum http1_got got;

	if (in->http1.state != HTTP1_HEAD)
		return feed_body(c, buf, n);
	in->n += n;
	got = http1_head(&in->http1, str_make(buf, in->n), &n_head);
	if (got == HTTP1_MORE && in->n == HTTPC_BUF_BYTES) {
		in->http1.why = "a head that is too long";
		return HTTP1_BROKEN;
	}
	if (got != HTTP1_DONE)
		return got;
	n = in->n - n_head;
	in->n = 0;
	take_head(c, &in->http1);
	return c->err ? HTTP1_MORE : feed_body(c, buf + n_head, n);
}

/* The connection ended before the answer did, unless its end is the answer's.
 * A kept connection that dies without a byte was dead before. */
static void
end_early(struct httpc_call *c, enum httpc_io how)
{
	const struct httpc_answer *in = &c->in;
	const char *why = how == HTTPC_IO_END ? "closed" : c->conn->why;

	if (how == HTTPC_IO_END && http1_ends_here(&in->http1))
		c->in.is_whole = true;
	else if (in->http1.state == HTTP1_HEAD && in->n == 0)
		c->err = error_set(c->e, ERR_UPSTREAM, "no answer: %s", why);
	else
		c->err = error_set(c->e, ERR_UPSTREAM,
		    "the answer broke off: %s", why);
}

void
httpc_read(struct httpc_call *c, bool may_wait)
{
	struct httpc_answer *in = &c->in;
	size_t room = HTTPC_BUF_BYTES - in->n, n = 0;
	enum httpc_io io;

	if (may_wait && c->conn->is_polled && in->is_dry &&
	    !httpc_wait(c, POLLIN))
		return;
	io = httpc_conn_recv(c->conn, c->conn->buf + in->n, room, may_wait, &n);
	/* What TLS has taken off the socket, poll(2) doesn't show. */
	in->is_dry = io == HTTPC_IO_AGAIN || (n < room && !c->conn->is_tls);
	if (io == HTTPC_IO_AGAIN && may_wait)
		(void)httpc_check_times(c);
	if (io == HTTPC_IO_AGAIN)
		return;
	if (io != HTTPC_IO_OK) {
		end_early(c, io);
		return;
	}
	heard(c);
	if (c->heard_us - c->checked_us >= HTTPC_LOOK_MS * 1000)
		(void)httpc_check_times(c); /* ticks are not due now */
	if (c->err)
		return;
	switch (feed(c, n)) {
	case HTTP1_MORE:
		break;
	case HTTP1_DONE:
		in->is_whole = !c->err;
		break;
	case HTTP1_BROKEN:
		if (!c->err)
			c->err = error_set(c->e, ERR_UPSTREAM, "%s",
			    in->http1.why);
		break;
	}
}

/* Let the pump read what of a stream comes soon; then see what it is that
 * needs this thread. */
static void
lend(struct httpc_call *c)
{
	httpc_pump_lend(c->pool->pump, c);
	if (c->err || c->in.is_whole)
		return;
	if (!c->wants_thread)
		httpc_read(c, false); /* a busy pump is no silence */
	if (!c->err && !c->in.is_whole)
		(void)httpc_check_times(c);
	if (!c->err && !c->in.is_whole && c->wants_thread)
		httpc_read(c, true);
}

bool
httpc_receive(struct httpc_call *c)
{
	struct httpc_answer *in = &c->in;
	bool may_lend = httpc_pump_may_lend(c);

	*in = (struct httpc_answer){ .n = 0 };
	http1_init(&in->http1);
	if (c->conn->has_early) {
		c->conn->buf[in->n++] = c->conn->early;
		heard(c);
	}
	while (!c->err && !in->is_whole) {
		if (may_lend && in->http1.state != HTTP1_HEAD && in->is_dry &&
		    !httpc_pump_is_too_much(c))
			lend(c);
		else
			httpc_read(c, true);
	}
	if (c->err)
		return false;
	c->res->phase = HTTPC_DONE;
	return in->http1.is_kept && !in->has_excess;
}
