/* SPDX-License-Identifier: MIT */
/*
 * Responses, parsed as they arrive, and in them server-sent events with the
 * time of each.  A content event is one whose JSON holds a "content" or
 * "text" string that isn't empty.
 */
#include "http_load.h"

#include <string.h>

void
load_response_reset(struct load_response *rs)
{
	struct sbuf head = rs->head, line = rs->line, chunk = rs->chunk_line;

	*rs = (struct load_response){ .head = head,
		.line = line,
		.chunk_line = chunk };
	rs->head.n = 0;
	rs->line.n = 0;
	rs->chunk_line.n = 0;
}

void
load_response_fini(struct load_response *rs)
{
	sbuf_fini(&rs->head);
	sbuf_fini(&rs->line);
	sbuf_fini(&rs->chunk_line);
}

static bool
has_text(struct slice data, struct slice name)
{
	const char *p = memmem(data.p, data.n, name.p, name.n);

	return p && p + name.n < data.p + data.n && p[name.n] != '"';
}

static void
take_event(struct load_response *rs, struct slice data, int64_t now_ns)
{
	if (rs->last_event_ns) {
		uint64_t gap = (uint64_t)(now_ns - rs->last_event_ns) / 1000;
		if (gap > rs->gap_max_us)
			rs->gap_max_us = gap;
	} else {
		rs->first_event_ns = now_ns;
	}
	rs->last_event_ns = now_ns;
	if (slice_eq(data, SLICE("[DONE]"))) {
		rs->done_seen = true;
		return;
	}
	rs->events++;
	if (has_text(data, SLICE("\"content\":\"")) ||
	    has_text(data, SLICE("\"text\":\"")))
		rs->content_events++;
}

static void
take_line(struct load_response *rs, int64_t now_ns)
{
	struct slice line = { rs->line.p, rs->line.n };

	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	if (slice_has_prefix(line, SLICE("data:"))) {
		line.p += 5;
		line.n -= 5;
		take_event(rs, slice_trim(line), now_ns);
	}
	rs->line.n = 0;
}

/* Bytes of the body.  False: a line without end, or no memory. */
static bool
take_body(struct load_response *rs, const char *p, size_t n, int64_t now_ns)
{
	rs->body_n += n;
	while (rs->is_sse && n) {
		const char *nl = memchr(p, '\n', n);
		size_t k = nl ? (size_t)(nl - p) : n;
		if (rs->line.n + k > LOAD_LINE_MAX)
			return false;
		sbuf_add(&rs->line, p, k);
		if (nl) {
			take_line(rs, now_ns);
			k++;
		}
		p += k;
		n -= k;
	}
	return !rs->line.failed;
}

static bool
take_header(struct load_response *rs, struct slice line)
{
	const char *colon = memchr(line.p, ':', line.n);

	if (!colon)
		return false;
	struct slice name = { line.p, (size_t)(colon - line.p) };
	struct slice value = slice_trim(
	    (struct slice){ colon + 1, line.n - name.n - 1 });

	if (slice_ieq(name, SLICE("content-length"))) {
		rs->framing = FRAME_LENGTH;
		return slice_u64(value, INT64_MAX, &rs->left);
	}
	if (slice_ieq(name, SLICE("transfer-encoding")))
		rs->framing = FRAME_CHUNKED;
	else if (slice_ieq(name, SLICE("connection")))
		rs->closes = slice_ieq(value, SLICE("close"));
	else if (slice_ieq(name, SLICE("x-request-id")))
		rs->request_id = value;
	else if (slice_ieq(name, SLICE("content-type")))
		rs->is_sse = slice_has_prefix(value,
		    SLICE("text/event-stream"));
	return true;
}

static bool
take_status(struct load_response *rs, struct slice line)
{
	uint64_t status;

	if (line.n < 12 || !slice_has_prefix(line, SLICE("HTTP/1.")) ||
	    !slice_u64((struct slice){ line.p + 9, 3 }, LOAD_STATUS_N - 1,
		&status))
		return false;
	rs->closes = line.p[7] == '0';
	rs->status = (unsigned)status;
	return true;
}

/* The head is complete in rs->head. */
static bool
parse_head(struct load_response *rs)
{
	struct slice rest = { rs->head.p, rs->head.n - 2 };
	bool first = true;

	rs->framing = FRAME_CLOSE;
	while (rest.n) {
		const char *nl = memchr(rest.p, '\n', rest.n);
		if (!nl || nl == rest.p)
			return false;
		struct slice line = { rest.p, (size_t)(nl - rest.p) - 1 };
		if (!(first ? take_status(rs, line) : take_header(rs, line)))
			return false;
		first = false;
		rest.n -= (size_t)(nl - rest.p) + 1;
		rest.p = nl + 1;
	}
	if (rs->status / 100 == 1) {
		load_response_reset(rs);
		return true;
	}
	rs->has_head = true;
	if (rs->status == 204 || rs->status == 304 ||
	    (rs->framing == FRAME_LENGTH && !rs->left))
		rs->complete = true;
	return true;
}

/* Collect the head.  *ret_used: how many bytes it took. */
static bool
feed_head(struct load_response *rs, const char *p, size_t n, size_t *ret_used)
{
	size_t before = rs->head.n;
	size_t from = before > 3 ? before - 3 : 0;

	sbuf_add(&rs->head, p, n);
	if (rs->head.failed)
		return false;
	const char *end = memmem(rs->head.p + from, rs->head.n - from,
	    "\r\n\r\n", 4);
	*ret_used = n;
	if (!end)
		return rs->head.n <= LOAD_HEAD_MAX;
	size_t head_n = (size_t)(end - rs->head.p) + 4;
	*ret_used = head_n - before;
	rs->head.n = head_n;
	return parse_head(rs);
}

static bool
parse_chunk_size(struct load_response *rs)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < rs->chunk_line.n && i < 15; i++) {
		const char *digits = "0123456789abcdef";
		char ch = rs->chunk_line.p[i];
		if (ch >= 'A' && ch <= 'F')
			ch = (char)(ch - 'A' + 'a');
		const char *d = memchr(digits, ch, 16);
		if (!d)
			break;
		v = v * 16 + (uint64_t)(d - digits);
	}
	rs->left = v;
	rs->chunk = v ? CHUNK_DATA : CHUNK_TRAILER;
	return i > 0;
}

/* A line of the framing has ended. */
static bool
end_chunk_line(struct load_response *rs)
{
	struct sbuf *line = &rs->chunk_line;
	bool ok = true;

	if (line->n && line->p[line->n - 1] == '\r')
		line->n--;
	if (rs->chunk == CHUNK_SIZE) {
		ok = parse_chunk_size(rs);
	} else if (rs->chunk == CHUNK_END) {
		ok = !line->n;
		rs->chunk = CHUNK_SIZE;
	} else if (!line->n) {
		rs->complete = true;
	}
	line->n = 0;
	return ok;
}

static bool
feed_chunked(struct load_response *rs, const char *p, size_t n, int64_t now_ns)
{
	while (n && !rs->complete) {
		size_t k;
		if (rs->chunk == CHUNK_DATA) {
			k = n < rs->left ? n : (size_t)rs->left;
			if (!take_body(rs, p, k, now_ns))
				return false;
			rs->left -= k;
			if (!rs->left)
				rs->chunk = CHUNK_END;
		} else {
			const char *nl = memchr(p, '\n', n);
			k = nl ? (size_t)(nl - p) : n;
			if (rs->chunk_line.n + k > LOAD_HEAD_MAX)
				return false;
			sbuf_add(&rs->chunk_line, p, k);
			if (nl) {
				k++;
				if (!end_chunk_line(rs))
					return false;
			}
		}
		p += k;
		n -= k;
	}
	return true;
}

static bool
feed_body(struct load_response *rs, const char *p, size_t n, int64_t now_ns)
{
	if (rs->framing == FRAME_CHUNKED)
		return feed_chunked(rs, p, n, now_ns);
	if (rs->framing == FRAME_LENGTH) {
		if (n > rs->left)
			return false;
		rs->left -= n;
		rs->complete = !rs->left;
	}
	return take_body(rs, p, n, now_ns);
}

bool
load_response_feed(struct load_response *rs, const char *p, size_t n,
    int64_t now_ns)
{
	if (!rs->first_byte_ns && n)
		rs->first_byte_ns = now_ns;
	while (n && !rs->has_head) {
		size_t used = 0;
		if (!feed_head(rs, p, n, &used))
			return false;
		p += used;
		n -= used;
	}
	if (!n)
		return true;
	return !rs->complete && feed_body(rs, p, n, now_ns);
}
