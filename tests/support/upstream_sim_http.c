/* SPDX-License-Identifier: MIT */
/*
 * HTTP/1.1 requests, parsed as they arrive.  Strict where it matters to a
 * gateway's tests: a request with both framings, a bad length or a stray
 * control byte is refused rather than guessed at.  Grammar: RFC 9112.
 */
#include "upstream_sim.h"

#include <string.h>

#define CHUNK_LINE_MAX 256u  /* bytes of a chunk-size line */
#define TRAILERS_MAX   8192u /* bytes of the trailers */

void
sim_http_reset(struct sim_request *rq)
{
	*rq = (struct sim_request){ .route = ROUTE_NONE };
}

/* The text up to the separator; `rest` moves behind it.  False: not there. */
static bool
cut(struct slice *rest, char sep, struct slice *ret)
{
	const char *p = memchr(rest->p, sep, rest->n);

	if (!p)
		return false;
	*ret = (struct slice){ rest->p, (size_t)(p - rest->p) };
	rest->n -= ret->n + 1;
	rest->p = p + 1;
	return true;
}

static bool
is_token(struct slice s)
{
	if (!s.n)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char ch = (unsigned char)s.p[i];
		if (ch <= ' ' || ch >= 127 || strchr("\"(),/:;<=>?@[\\]{}", ch))
			return false;
	}
	return true;
}

static bool
is_text(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char ch = (unsigned char)s.p[i];
		if ((ch < ' ' && ch != '\t') || ch == 127)
			return false;
	}
	return true;
}

static bool
parse_request_line(struct slice line, struct sim_request *rq)
{
	if (!cut(&line, ' ', &rq->method) || !is_token(rq->method))
		return false;
	if (!cut(&line, ' ', &rq->target) || !rq->target.n)
		return false;
	if (!is_text(rq->target))
		return false;
	rq->http10 = slice_eq(line, SLICE("HTTP/1.0"));
	rq->wants_close = rq->http10;
	return rq->http10 || slice_eq(line, SLICE("HTTP/1.1"));
}

/* `has_length` is set when a Content-Length was seen. */
static bool
parse_header(struct slice line, struct sim_request *rq, bool *has_length)
{
	struct slice name;

	if (!cut(&line, ':', &name) || !is_token(name) || !is_text(line))
		return false;
	const struct slice value = slice_trim(line);

	if (slice_ieq(name, SLICE("content-length"))) {
		if (*has_length)
			return false;
		*has_length = true;
		return slice_u64(value, INT64_MAX, &rq->length);
	}
	if (slice_ieq(name, SLICE("transfer-encoding"))) {
		rq->chunked = slice_ieq(value, SLICE("chunked"));
		return rq->chunked;
	}
	if (slice_ieq(name, SLICE("connection"))) {
		if (slice_ieq(value, SLICE("close")))
			rq->wants_close = true;
		else if (slice_ieq(value, SLICE("keep-alive")))
			rq->wants_close = false;
	} else if (slice_ieq(name, SLICE("expect"))) {
		rq->expects_continue = slice_ieq(value, SLICE("100-continue"));
	} else if (slice_ieq(name, SLICE("x-sim"))) {
		rq->words = value;
	}
	return true;
}

/* The head without its empty line; each line ends in CR LF. */
static bool
parse_head(struct slice head, struct sim_request *rq)
{
	bool has_length = false;
	size_t n_lines = 0;
	struct slice line;

	while (cut(&head, '\n', &line)) {
		if (!line.n || line.p[line.n - 1] != '\r')
			return false;
		line.n--;
		bool ok = n_lines ? parse_header(line, rq, &has_length)
				  : parse_request_line(line, rq);
		if (!ok || ++n_lines > SIM_HEADERS_MAX + 1)
			return false;
	}
	return !(rq->chunked && (has_length || rq->http10));
}

static bool
ends_with_path(struct slice target, struct slice path)
{
	const char *query = memchr(target.p, '?', target.n);

	if (query)
		target.n = (size_t)(query - target.p);
	return slice_has_suffix(target, path);
}

/* Paths are matched at their end, so that any base URL will do. */
static enum sim_route
route_of(const struct sim_request *rq)
{
	static const struct {
		const char *method, *path;
		enum sim_route route;
	} routes[] = {
		{ "POST", "/chat/completions", ROUTE_CHAT },
		{ "POST", "/completions", ROUTE_COMPLETION },
		{ "POST", "/embeddings", ROUTE_EMBEDDING },
		{ "POST", "/responses", ROUTE_RESPONSE },
		{ "POST", "/messages", ROUTE_MESSAGE },
		{ "POST", "/messages/count_tokens", ROUTE_COUNT },
		{ "POST", "/generate", ROUTE_GENERATE },
		{ "GET", "/models", ROUTE_MODELS },
		{ "GET", "/healthz", ROUTE_HEALTH },
		{ "GET", "/__sim/stats", ROUTE_STATS },
		{ "GET", "/__sim/last", ROUTE_LAST },
		{ "POST", "/__sim/reset", ROUTE_RESET },
	};

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		struct slice m = { routes[i].method, strlen(routes[i].method) };
		struct slice p = { routes[i].path, strlen(routes[i].path) };
		if (slice_eq(rq->method, m) && ends_with_path(rq->target, p))
			return routes[i].route;
	}
	return ROUTE_NONE;
}

/* Look for the empty line and parse what stands before it. */
static enum sim_parse
read_head(struct sbuf *in, struct sim_request *rq)
{
	size_t from = rq->scanned > 3 ? rq->scanned - 3 : 0;
	const char *end = in->n > from ? memmem(in->p + from, in->n - from,
					     "\r\n\r\n", 4)
				       : NULL;

	rq->scanned = in->n;
	if (!end)
		return in->n > SIM_HEAD_MAX ? PARSE_TOO_LARGE : PARSE_MORE;

	size_t head_n = (size_t)(end - in->p) + 4;
	if (head_n > SIM_HEAD_MAX)
		return PARSE_TOO_LARGE;
	if (!parse_head((struct slice){ in->p, head_n - 2 }, rq))
		return PARSE_BAD;
	rq->base = in->p;
	rq->head_n = head_n;
	rq->chunk_at = head_n;
	rq->route = route_of(rq);
	return PARSE_OK;
}

static bool
parse_hex(struct slice s, uint64_t *ret)
{
	uint64_t v = 0;

	if (!s.n || s.n > 15)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		const char *digits = "0123456789abcdef";
		char ch = s.p[i] >= 'A' && s.p[i] <= 'F'
			      ? (char)(s.p[i] - 'A' + 'a')
			      : s.p[i];
		const char *d = memchr(digits, ch, 16);
		if (!d)
			return false;
		v = v * 16 + (uint64_t)(d - digits);
	}
	*ret = v;
	return true;
}

/* A line of the upload ending in CR LF, without them. */
static enum sim_parse
upload_line(const struct sbuf *in, size_t at, size_t max, struct slice *ret)
{
	size_t n = in->n - at < max ? in->n - at : max;
	const char *nl = n ? memchr(in->p + at, '\n', n) : NULL;

	if (!nl)
		return n == max ? PARSE_BAD : PARSE_MORE;
	*ret = (struct slice){ in->p + at, (size_t)(nl - (in->p + at)) };
	if (!ret->n || ret->p[ret->n - 1] != '\r')
		return PARSE_BAD;
	ret->n--;
	return PARSE_OK;
}

/* Behind the last chunk: trailers, then an empty line. */
static enum sim_parse
read_trailers(struct sbuf *in, struct sim_request *rq, size_t at)
{
	struct slice line;

	for (;;) {
		enum sim_parse r = upload_line(in, at, TRAILERS_MAX, &line);
		if (r != PARSE_OK)
			return r;
		at += line.n + 2;
		if (!line.n)
			break;
		if (at - rq->chunk_at > TRAILERS_MAX)
			return PARSE_TOO_LARGE;
	}
	rq->raw_n = at;
	rq->body = (struct slice){ in->p + rq->head_n, rq->body_n };
	return PARSE_OK;
}

/* Decode in place: the body's bytes are moved together behind the head. */
static enum sim_parse
read_chunks(struct sbuf *in, struct sim_request *rq, uint64_t body_max)
{
	for (;;) {
		struct slice line, size;
		uint64_t n;
		enum sim_parse r = upload_line(in, rq->chunk_at, CHUNK_LINE_MAX,
		    &line);
		if (r != PARSE_OK)
			return r;
		size = line;
		(void)cut(&line, ';', &size); /* extensions are ignored */
		if (!parse_hex(slice_trim(size), &n))
			return PARSE_BAD;

		size_t data = (size_t)(size.p - in->p);
		const char *nl = memchr(in->p + data, '\n', in->n - data);
		if (!nl)
			return PARSE_BAD;
		data = (size_t)(nl - in->p) + 1;
		if (!n)
			return read_trailers(in, rq, data);
		if (n > body_max || rq->body_n + n > body_max)
			return PARSE_TOO_LARGE;
		if (in->n - data < n + 2)
			return PARSE_MORE;
		if (memcmp(in->p + data + n, "\r\n", 2) != 0)
			return PARSE_BAD;
		memmove(in->p + rq->head_n + rq->body_n, in->p + data,
		    (size_t)n);
		rq->body_n += (size_t)n;
		rq->chunk_at = data + (size_t)n + 2;
	}
}

/* The body is there or not; the head has been parsed. */
static enum sim_parse
read_body(struct sbuf *in, struct sim_request *rq, uint64_t body_max)
{
	if (rq->chunked)
		return read_chunks(in, rq, body_max);
	if (rq->length > body_max)
		return PARSE_TOO_LARGE;
	if (in->n - rq->head_n < rq->length)
		return PARSE_MORE;
	rq->body = (struct slice){ in->p + rq->head_n, (size_t)rq->length };
	rq->raw_n = rq->head_n + (size_t)rq->length;
	return PARSE_OK;
}

/* The input was moved while the body came in: take the head's slices anew. */
static bool
parse_head_again(const struct sbuf *in, struct sim_request *rq)
{
	struct sim_request head = { 0 };

	if (!parse_head((struct slice){ in->p, rq->head_n - 2 }, &head))
		return false;
	rq->method = head.method;
	rq->target = head.target;
	rq->words = head.words;
	rq->base = in->p;
	return true;
}

enum sim_parse
sim_http_parse(struct sbuf *in, struct sim_request *rq, uint64_t body_max)
{
	if (!rq->head_n) {
		enum sim_parse r = read_head(in, rq);
		if (r != PARSE_OK)
			return r;
	}
	enum sim_parse r = read_body(in, rq, body_max);
	if (r == PARSE_OK && rq->base != in->p && !parse_head_again(in, rq))
		return PARSE_BAD;
	return r;
}
