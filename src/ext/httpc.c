/* SPDX-License-Identifier: MIT */
/* The exchange of one request for one answer: where to, the request. */
#include "ext/httpc.h"

#include <poll.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "ext/httpc_priv.h"

/* How soon a kept connection that was closed meanwhile shows it. */
#define DEAD_MS 1000

/* ---- where to ---- */

static uint64_t
fnv1a(struct str s)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < s.n; i++)
		hash = (hash ^ (unsigned char)s.p[i]) * UINT64_C(0x100000001b3);
	return hash;
}

/* Whether a text can stand in a line of a request; no space if `is_word`. */
static bool
is_clean(struct str s, bool is_word)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == 0x7f || c < (is_word ? '!' : ' '))
			return false;
	}
	return true;
}

static enum err
parse_url(const struct httpc_request *rq, struct httpc_url *ret,
    struct error *e)
{
	struct str url = str_from(rq->url), rest;
	size_t n;

	ret->is_tls = str_starts(url, S("https://"));
	if (!is_clean(url, true) ||
	    (!ret->is_tls && !str_starts(url, S("http://"))))
		return error_set(e, ERR_UPSTREAM_CONNECT,
		    "a URL that is not http:// or https://");
	rest = str_skip(url, ret->is_tls ? 8 : 7);
	for (n = 0; n < rest.n && !strchr("/?#", rest.p[n]);)
		n++;
	ret->authority = str_make(rest.p, n);
	ret->target = str_skip(rest, n);
	ret->target.n = str_find(ret->target, '#');
	if (n == 0 || str_find(ret->authority, '@') < n)
		return error_set(e, ERR_UPSTREAM_CONNECT,
		    "a URL without a host, or with a user");
	ret->origin = fnv1a(str_make(url.p, url.n - rest.n + n));
	if (rq->unix_path)
		ret->origin ^= fnv1a(str_from(rq->unix_path)) * 3;
	return OK;
}

/* ---- the request ---- */

/* What of the request has been sent. */
struct cursor {
	size_t piece; /* of rq->body */
	size_t at;
};

static void
add_line(struct buf *b, struct str name, struct str value)
{
	buf_add(b, name);
	buf_add(b, value);
	buf_add(b, S("\r\n"));
}

static void
add_body_length(struct buf *b, const struct httpc_request *rq)
{
	size_t n_bytes = 0;

	for (size_t i = 0; i < rq->n_body; i++)
		n_bytes += rq->body[i].n;
	if (n_bytes == 0 && strcmp(rq->method, "GET") == 0)
		return;
	buf_add(b, S("Content-Length: "));
	buf_add_u64(b, n_bytes);
	buf_add(b, S("\r\n"));
}

/* Into the connection's buffer. No compression, no "100 Continue". */
static enum err
build_head(struct httpc_call *c, const struct httpc_url *url, size_t *ret_n)
{
	const struct httpc_request *rq = c->rq;
	struct buf b;

	ASSERT(rq->n_headers <= HTTPC_HEADERS_MAX);
	buf_init_fixed(&b, c->conn->buf, sizeof(c->conn->buf));
	buf_add(&b, str_from(rq->method));
	buf_add(&b, S(" "));
	if (!str_starts(url->target, S("/")))
		buf_add(&b, S("/"));
	buf_add(&b, url->target);
	add_line(&b, S(" HTTP/1.1\r\nHost: "), url->authority);
	if (c->pool->user_agent)
		add_line(&b, S("User-Agent: "), str_from(c->pool->user_agent));
	buf_add(&b, S("Accept: */*\r\nAccept-Encoding: identity\r\n"));
	for (size_t i = 0; i < rq->n_headers; i++) {
		struct str line = str_from(rq->headers[i]);

		if (!is_clean(line, false))
			return error_set(c->e, ERR_INTERNAL,
			    "a control character in a header for a provider");
		add_line(&b, line, S(""));
	}
	add_body_length(&b, rq);
	buf_add(&b, S("\r\n"));
	*ret_n = b.n;
	if (b.sticky)
		return error_set(c->e, ERR_UPSTREAM,
		    "the headers for a provider do not fit");
	return OK;
}

/* Add of the body what fits behind n bytes of buf; how many there are then. */
static size_t
fill(const struct httpc_request *rq, struct cursor *at, char *buf, size_t n)
{
	while (n < HTTPC_BUF_BYTES && at->piece < rq->n_body) {
		struct str rest = str_skip(rq->body[at->piece], at->at);
		size_t room = HTTPC_BUF_BYTES - n;
		size_t take = rest.n < room ? rest.n : room;

		if (take)
			memcpy(buf + n, rest.p, take);
		n += take;
		at->at += take;
		if (take == rest.n)
			*at = (struct cursor){ at->piece + 1, 0 };
	}
	return n;
}

/*
 * The connection is readable while a request goes out: whether that is an
 * answer, or the end. TLS has things of its own to say, so there a byte is
 * taken; httpc_receive() begins with it.
 */
static bool
is_answered(struct httpc_conn *conn)
{
	size_t n = 0;

	if (!conn->is_tls)
		return true;
	switch (httpc_conn_recv(conn, &conn->early, 1, false, &n)) {
	case HTTPC_IO_AGAIN:
		return false;
	case HTTPC_IO_OK:
		conn->has_early = true;
		break;
	case HTTPC_IO_END:
	case HTTPC_IO_FAILED:
		break;
	}
	return true;
}

/*
 * Send all of `bytes`; false when the provider doesn't take them any more.
 * It may answer a request that it has not read to its end, with an error
 * usually; that answer is read then.
 */
static bool
send_all(struct httpc_call *c, struct str bytes)
{
	size_t n;

	while (bytes.n) {
		switch (httpc_conn_send(c->conn, bytes, &n)) {
		case HTTPC_IO_OK:
			bytes = str_skip(bytes, n);
			/* Taking is a sign of life too. */
			c->heard_us = clock_mono_us();
			break;
		case HTTPC_IO_AGAIN:
			if ((httpc_wait(c, POLLOUT | POLLIN) & POLLIN) &&
			    is_answered(c->conn))
				return false;
			if (c->err)
				return false;
			break;
		case HTTPC_IO_END:
		case HTTPC_IO_FAILED:
			return false;
		}
	}
	return true;
}

/* Send the request; whether all of it went out. */
static bool
send_request(struct httpc_call *c, const struct httpc_url *url)
{
	struct cursor at = { 0, 0 };
	size_t n = 0;

	c->err = build_head(c, url, &n);
	if (c->err)
		return false;
	c->res->n_sent++;
	c->res->phase = HTTPC_WAIT;
	while ((n = fill(c->rq, &at, c->conn->buf, n)) > 0) {
		if (!send_all(c, str_make(c->conn->buf, n)))
			return false;
		n = 0;
	}
	return true;
}

/* ---- both ---- */

/* Send and receive on c->conn, which is kept or closed afterwards. */
static void
exchange(struct httpc_call *c, const struct httpc_url *url)
{
	struct httpc_conn *conn = c->conn;
	bool is_sent = send_request(c, url);
	bool is_kept;

	c->sent_us = clock_mono_us();
	if (is_sent && c->cb->on_sent)
		c->cb->on_sent(c->cb->ctx);
	is_kept = !c->err && httpc_receive(c);

	c->conn = NULL;
	if (is_sent && is_kept && !c->err)
		httpc_pool_keep(conn);
	else
		httpc_conn_free(conn);
}

/* Whether the kept connection had died, so that a new one may do better. One
 * that dies later may have had the request answered: that is not sent again. */
static bool
was_dead(const struct httpc_call *c)
{
	return clock_mono_us() - c->sent_us < DEAD_MS * 1000 &&
	       c->err == ERR_UPSTREAM && c->res->phase == HTTPC_WAIT &&
	       !c->res->is_client_gone;
}

static void
run(struct httpc_call *c, const struct httpc_url *url)
{
	c->conn = httpc_pool_take(c->pool, url->origin);
	if (c->conn) {
		c->res->is_reused = true;
		exchange(c, url);
		if (!was_dead(c))
			return;
		c->err = OK;
		c->res->is_reused = false;
	}
	httpc_conn_open(c, url);
	if (!c->err)
		exchange(c, url);
	httpc_reap(c->conn);
}

enum err
httpc_perform(struct httpc_pool *pool, const struct httpc_request *rq,
    const struct httpc_callbacks *cb, struct httpc_result *ret, struct error *e)
{
	struct httpc_call c = {
		.pool = pool,
		.rq = rq,
		.cb = cb,
		.res = ret,
		.e = e,
		.start_us = clock_mono_us(),
	};
	struct httpc_url url;

	*ret = (struct httpc_result){ .phase = HTTPC_CONNECT };
	c.heard_us = c.tick_us = c.start_us;
	c.err = parse_url(rq, &url, e);
	if (!c.err && rq->client_fd >= 0) {
		c.watch = HTTPC_POLLED;
		httpc_look_at_client(&c);
	}
	if (!c.err)
		run(&c, &url);
	ret->total_us = clock_mono_us() - c.start_us;
	return c.err;
}
