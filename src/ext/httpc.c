/* SPDX-License-Identifier: MIT */
#include "ext/httpc.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "ext/httpc_priv.h"

#define CONNECT_MS     5000
/* How often a client is looked at whose socket holds unread bytes, so that
 * it cannot be waited for. */
#define CLIENT_LOOK_MS 100

/* What httpc_perform() adds to the caller's header lines: no compression,
 * no waiting for "100 Continue". */
static char no_expect[] = "Expect:";
static char no_encoding[] = "Accept-Encoding: identity";

enum client_watch {
	CLIENT_UNWATCHED,
	CLIENT_POLLED,
	CLIENT_LOOKED_AT, /* now and then */
};

/* One httpc_perform(). Times are clock_mono_us(). */
struct call {
	struct httpc *h;
	const struct httpc_request *rq;
	const struct httpc_callbacks *cb;
	struct httpc_result *res;
	struct error *e;
	enum err err; /* why it must end, or OK */
	int64_t start_us;
	int64_t heard_us;     /* last sign of life from the provider */
	int64_t tick_us;      /* last byte of the body, or tick */
	int64_t drain_end_us; /* 0 = the client is there */
	enum client_watch watch;
	size_t piece, piece_at; /* of rq->body, sent so far */
	struct curl_slist headers[HTTPC_HEADERS_MAX + 2];
};

struct httpc_head {
	struct call *call;
};

/*
 * The client is gone, as its socket or a callback says. With drain_ms the
 * answer is read on for so long, else c->err ends the call.
 */
static void
client_left(struct call *c)
{
	if (c->res->is_client_gone)
		return;
	c->res->is_client_gone = true;
	c->watch = CLIENT_UNWATCHED;
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
static void
heed(struct call *c, enum err err)
{
	c->heard_us = clock_mono_us();
	if (err == ERR_CLIENT_CLOSED)
		client_left(c);
	else if (err && !c->err)
		c->err = err;
}

static struct str
header_of(struct call *c, const char *name)
{
	struct curl_header *header;

	if (curl_easy_header(c->h->easy, name, 0, CURLH_HEADER, -1, &header))
		return (struct str){ NULL, 0 };
	return str_from(header->value);
}

int
httpc_head_status(const struct httpc_head *head)
{
	return head->call->res->status;
}

struct str
httpc_head_get(const struct httpc_head *head, const char *name)
{
	return header_of(head->call, name);
}

/* The blank line behind status and headers. */
static void
end_of_head(struct call *c)
{
	struct httpc_head head = { c };
	struct str encoding;
	long status = 0;

	(void)curl_easy_getinfo(c->h->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200)
		return; /* an interim answer */
	c->res->status = (int)status;
	encoding = header_of(c, "content-encoding");
	if (encoding.n && !str_eq_nocase(encoding, S("identity"))) {
		c->err = error_set(c->e, ERR_UPSTREAM,
		    "an answer encoded as %" PRI_STR ", which nobody asked for",
		    STR_ARG(encoding));
		return;
	}
	c->res->phase = HTTPC_BODY;
	if (c->cb->on_head)
		heed(c, c->cb->on_head(c->cb->ctx, &head, c->e));
}

static size_t
header_cb(char *p, size_t size, size_t n, void *ctx)
{
	struct call *c = ctx;

	(void)size; /* 1 */
	c->heard_us = clock_mono_us();
	if (!c->res->first_byte_us)
		c->res->first_byte_us = c->heard_us - c->start_us;
	if (c->res->phase < HTTPC_HEAD)
		c->res->phase = HTTPC_HEAD;
	if (c->res->phase == HTTPC_HEAD && (p[0] == '\r' || p[0] == '\n'))
		end_of_head(c);
	return c->err ? 0 : n;
}

static size_t
body_cb(char *p, size_t size, size_t n, void *ctx)
{
	struct call *c = ctx;

	(void)size; /* 1 */
	c->res->body_bytes += n;
	if (c->rq->max_bytes && c->res->body_bytes > c->rq->max_bytes) {
		c->err = error_set(c->e, ERR_UPSTREAM,
		    "an answer of more than %llu bytes",
		    (unsigned long long)c->rq->max_bytes);
		return CURL_WRITEFUNC_ERROR;
	}
	if (c->cb->on_body)
		heed(c, c->cb->on_body(c->cb->ctx, str_make(p, n), c->e));
	else
		c->heard_us = clock_mono_us();
	c->tick_us = c->heard_us;
	return c->err ? CURL_WRITEFUNC_ERROR : n;
}

/* The request's bytes are about to be sent, on a new connection or not. */
static int
before_request_cb(void *ctx, char *ip, char *local_ip, int port, int local_port)
{
	struct call *c = ctx;

	(void)ip;
	(void)local_ip;
	(void)port;
	(void)local_port;
	c->res->n_sent++;
	if (c->res->phase == HTTPC_CONNECT)
		c->res->phase = HTTPC_WAIT;
	return CURL_PREREQFUNC_OK;
}

static size_t
read_cb(char *p, size_t size, size_t n, void *ctx)
{
	struct call *c = ctx;
	size_t done = 0;

	(void)size; /* 1 */
	while (done < n && c->piece < c->rq->n_body) {
		struct str rest = str_skip(c->rq->body[c->piece], c->piece_at);
		size_t take = rest.n < n - done ? rest.n : n - done;

		if (take)
			memcpy(p + done, rest.p, take);
		done += take;
		c->piece_at += take;
		if (take == rest.n) {
			c->piece++;
			c->piece_at = 0;
		}
	}
	/* Sending is a sign of life too: the other side takes it. */
	c->heard_us = clock_mono_us();
	return done;
}

/* curl starts again on a new connection. */
static int
seek_cb(void *ctx, curl_off_t offset, int origin)
{
	struct call *c = ctx;

	if (offset != 0 || origin != SEEK_SET)
		return CURL_SEEKFUNC_CANTSEEK;
	c->piece = c->piece_at = 0;
	return CURL_SEEKFUNC_OK;
}

static struct curl_slist *
link_headers(struct call *c)
{
	size_t n = c->rq->n_headers;

	ASSERT(n <= HTTPC_HEADERS_MAX);
	for (size_t i = 0; i < n; i++) {
		/* curl reads them only, but its list says char *. */
		memcpy(&c->headers[i].data, &c->rq->headers[i],
		    sizeof(c->headers[i].data));
		c->headers[i].next = &c->headers[i + 1];
	}
	c->headers[n] = (struct curl_slist){ no_expect, &c->headers[n + 1] };
	c->headers[n + 1] = (struct curl_slist){ no_encoding, NULL };
	return c->headers;
}

static bool
set_body(struct call *c)
{
	const struct httpc_request *rq = c->rq;
	CURL *easy = c->h->easy;
	size_t n_bytes = 0;

	if (rq->n_body == 0 && strcmp(rq->method, "GET") == 0)
		return !curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L) &&
		       !curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, NULL);
	for (size_t i = 0; i < rq->n_body; i++)
		n_bytes += rq->body[i].n;
	return !curl_easy_setopt(easy, CURLOPT_POST, 1L) &&
	       !curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST,
		   strcmp(rq->method, "POST") == 0 ? NULL : rq->method) &&
	       !curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
		   (curl_off_t)n_bytes) &&
	       /* One piece is sent from where it is; with the headers, if
		* it is small. */
	       !curl_easy_setopt(easy, CURLOPT_POSTFIELDS,
		   rq->n_body == 0   ? ""
		   : rq->n_body == 1 ? rq->body[0].p
				     : NULL) &&
	       !curl_easy_setopt(easy, CURLOPT_READFUNCTION, read_cb) &&
	       !curl_easy_setopt(easy, CURLOPT_READDATA, c) &&
	       !curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, seek_cb) &&
	       !curl_easy_setopt(easy, CURLOPT_SEEKDATA, c);
}

static bool
set_options(struct call *c)
{
	const struct httpc_request *rq = c->rq;
	long connect_ms = rq->connect_ms ? (long)rq->connect_ms : CONNECT_MS;
	CURL *easy = c->h->easy;

	c->h->why[0] = '\0';
	return !curl_easy_setopt(easy, CURLOPT_URL, rq->url) &&
	       !curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH,
		   rq->unix_path) &&
	       !curl_easy_setopt(easy, CURLOPT_HTTPHEADER, link_headers(c)) &&
	       !curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, connect_ms) &&
	       !curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, header_cb) &&
	       !curl_easy_setopt(easy, CURLOPT_HEADERDATA, c) &&
	       !curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, body_cb) &&
	       !curl_easy_setopt(easy, CURLOPT_WRITEDATA, c) &&
	       !curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION,
		   before_request_cb) &&
	       !curl_easy_setopt(easy, CURLOPT_PREREQDATA, c) && set_body(c);
}

/* The client's socket is readable, or it is time to look at it. */
static void
look_at_client(struct call *c)
{
	struct pollfd pfd = { .fd = c->rq->client_fd, .events = POLLRDHUP };
	ssize_t n;
	char byte;

	n = recv(c->rq->client_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	if (n > 0) {
		c->watch = CLIENT_LOOKED_AT;
		if (poll(&pfd, 1, 0) > 0)
			client_left(c);
	} else if (n == 0) {
		client_left(c);
	} else if (errno == ENOTSOCK || errno == EBADF) {
		c->watch = CLIENT_UNWATCHED;
	} else if (errno != EAGAIN && errno != EINTR) {
		client_left(c);
	}
}

static enum err
timed_out(struct call *c, const char *what, uint64_t after_ms)
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
check_provider(struct call *c, int64_t now_us, int64_t *ret_wait_us)
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
check_client(struct call *c, int64_t now_us, int64_t *ret_wait_us)
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
	if (c->watch == CLIENT_LOOKED_AT) {
		look_at_client(c);
		if (*ret_wait_us > CLIENT_LOOK_MS * 1000)
			*ret_wait_us = CLIENT_LOOK_MS * 1000;
	}
}

static void
check_tick(struct call *c, int64_t now_us, int64_t *ret_wait_us)
{
	int64_t left_us = INT64_MAX;
	int64_t heard_us = c->heard_us;

	if (!c->rq->tick_ms || !c->cb->on_tick || c->drain_end_us)
		return;
	due_at(c->tick_us, c->rq->tick_ms, now_us, &left_us);
	if (left_us <= 0) {
		heed(c, c->cb->on_tick(c->cb->ctx, c->e));
		c->heard_us = heard_us; /* that was not the provider */
		c->tick_us = now_us;
		left_us = (int64_t)c->rq->tick_ms * 1000;
	}
	if (left_us < *ret_wait_us)
		*ret_wait_us = left_us;
}

/* Do what is due; how long nothing else is, in whole ms. */
static int
check_times(struct call *c)
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
wait_for_events(struct call *c, int wait_ms)
{
	struct curl_waitfd fds[2] = {
		{ c->h->pool->abort_fd, CURL_WAIT_POLLIN, 0 },
		{ c->rq->client_fd, CURL_WAIT_POLLIN, 0 },
	};
	unsigned n = c->watch == CLIENT_POLLED ? 2 : 1;

	if (curl_multi_poll(c->h->multi, fds, n, wait_ms, NULL))
		c->err = error_set(c->e, ERR_INTERNAL, "curl_multi_poll");
	else if (n == 2 && fds[1].revents)
		look_at_client(c);
}

static void
run(struct call *c)
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

static enum err
map_failure(struct call *c, CURLcode code)
{
	struct httpc_result *res = c->res;
	const char *why = c->h->why[0] ? c->h->why : curl_easy_strerror(code);

	if (code == CURLE_OUT_OF_MEMORY)
		return error_set(c->e, ERR_NO_MEMORY, "curl: %s", why);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return error_set(c->e, ERR_UPSTREAM_TIMEOUT, "curl: %s", why);
	if (res->phase == HTTPC_CONNECT)
		return error_set(c->e, ERR_UPSTREAM_CONNECT, "curl: %s", why);
	/* Bytes came, but no status line. */
	if (code == CURLE_UNSUPPORTED_PROTOCOL ||
	    code == CURLE_WEIRD_SERVER_REPLY)
		res->phase = HTTPC_HEAD;
	return error_set(c->e, ERR_UPSTREAM, "curl: %s", why);
}

/* How curl ended, once it has. */
static enum err
outcome(struct call *c)
{
	CURLMsg *msg;
	int n_left;

	if (c->err)
		return c->err;
	msg = curl_multi_info_read(c->h->multi, &n_left);
	if (!msg || msg->msg != CURLMSG_DONE)
		return error_set(c->e, ERR_INTERNAL, "curl has no outcome");
	if (msg->data.result != CURLE_OK)
		return map_failure(c, msg->data.result);
	if (c->res->status == 0)
		return error_set(c->e, ERR_UPSTREAM, "no final status");
	c->res->phase = HTTPC_DONE;
	return OK;
}

static void
fill_result(struct call *c)
{
	curl_off_t connect_us = 0, tls_us = 0;
	long n_connects = 0;

	(void)curl_easy_getinfo(c->h->easy, CURLINFO_NUM_CONNECTS, &n_connects);
	c->res->is_reused = n_connects == 0 && c->res->n_sent > 0;
	if (n_connects > 0) {
		(void)curl_easy_getinfo(c->h->easy, CURLINFO_CONNECT_TIME_T,
		    &connect_us);
		(void)curl_easy_getinfo(c->h->easy, CURLINFO_APPCONNECT_TIME_T,
		    &tls_us);
		c->res->connect_us = tls_us > connect_us ? tls_us : connect_us;
	}
	c->res->total_us = clock_mono_us() - c->start_us;
}

/* Scheme and authority of the URL, or the socket's path: FNV-1a. */
static uint64_t
origin_of(const struct httpc_request *rq)
{
	const char *p = rq->unix_path ? rq->unix_path : rq->url;
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	unsigned n_slashes = 0;

	for (; *p; p++) {
		if (!rq->unix_path && *p == '/' && ++n_slashes == 3)
			break;
		hash = (hash ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
	}
	return hash;
}

static enum err
perform(struct call *c)
{
	CURL *easy = c->h->easy;
	enum err err;

	if (c->rq->client_fd >= 0) {
		c->watch = CLIENT_POLLED;
		look_at_client(c);
		if (c->err)
			return c->err;
	}
	if (!set_options(c) || curl_multi_add_handle(c->h->multi, easy))
		return error_set(c->e, ERR_NO_MEMORY, "curl takes no request");
	run(c);
	err = outcome(c);
	fill_result(c);
	(void)curl_multi_remove_handle(c->h->multi, easy); /* it is in */
	/* They point into this call. */
	(void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
	(void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, NULL);
	return err;
}

enum err
httpc_perform(struct httpc_pool *pool, const struct httpc_request *rq,
    const struct httpc_callbacks *cb, struct httpc_result *ret, struct error *e)
{
	struct call c = {
		.rq = rq,
		.cb = cb,
		.res = ret,
		.e = e,
		.start_us = clock_mono_us(),
	};
	enum err err;

	*ret = (struct httpc_result){ .phase = HTTPC_CONNECT };
	c.heard_us = c.tick_us = c.start_us;
	c.h = httpc_borrow(pool, origin_of(rq));
	if (!c.h)
		return error_set(e, ERR_OVERLOADED,
		    "no memory or descriptor for a connection");
	err = perform(&c);
	httpc_return(c.h);
	return err;
}
