/* SPDX-License-Identifier: MIT */
#include "ext/httpc.h"

#include <string.h>

#include "base/clock.h"
#include "ext/httpc_priv.h"

#define CONNECT_MS 5000

/* What httpc_perform() adds to the caller's header lines: no compression,
 * no waiting for "100 Continue". */
static char no_expect[] = "Expect:";
static char no_encoding[] = "Accept-Encoding: identity";

struct httpc_head {
	struct httpc_call *call;
};

static struct str
header_of(struct httpc_call *c, const char *name)
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
end_of_head(struct httpc_call *c)
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
		httpc_heed(c, c->cb->on_head(c->cb->ctx, &head, c->e));
}

static size_t
header_cb(char *p, size_t size, size_t n, void *ctx)
{
	struct httpc_call *c = ctx;

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
	struct httpc_call *c = ctx;

	(void)size; /* 1 */
	c->res->body_bytes += n;
	if (c->rq->max_bytes && c->res->body_bytes > c->rq->max_bytes) {
		c->err = error_set(c->e, ERR_UPSTREAM,
		    "an answer of more than %llu bytes",
		    (unsigned long long)c->rq->max_bytes);
		return CURL_WRITEFUNC_ERROR;
	}
	if (c->cb->on_body)
		httpc_heed(c, c->cb->on_body(c->cb->ctx, str_make(p, n), c->e));
	else
		c->heard_us = clock_mono_us();
	c->tick_us = c->heard_us;
	return c->err ? CURL_WRITEFUNC_ERROR : n;
}

/* The request's bytes are about to be sent, on a new connection or not. */
static int
before_request_cb(void *ctx, char *ip, char *local_ip, int port, int local_port)
{
	struct httpc_call *c = ctx;

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
	struct httpc_call *c = ctx;
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
	struct httpc_call *c = ctx;

	if (offset != 0 || origin != SEEK_SET)
		return CURL_SEEKFUNC_CANTSEEK;
	c->piece = c->piece_at = 0;
	return CURL_SEEKFUNC_OK;
}

static struct curl_slist *
link_headers(struct httpc_call *c)
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
set_body(struct httpc_call *c)
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
set_options(struct httpc_call *c)
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

static enum err
map_failure(struct httpc_call *c, CURLcode code)
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
outcome(struct httpc_call *c)
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
fill_result(struct httpc_call *c)
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
perform(struct httpc_call *c)
{
	CURL *easy = c->h->easy;
	enum err err;

	if (c->rq->client_fd >= 0) {
		c->watch = HTTPC_POLLED;
		httpc_look_at_client(c);
		if (c->err)
			return c->err;
	}
	if (!set_options(c) || curl_multi_add_handle(c->h->multi, easy))
		return error_set(c->e, ERR_NO_MEMORY, "curl takes no request");
	httpc_run(c);
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
	struct httpc_call c = {
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
