/* SPDX-License-Identifier: MIT */
/* The half of a response that writes: head, stream, body. */
#include <string.h>

#include "base/clock.h"
#include "http/conn.h"
#include "http/response.h"

/* Names, values, "Status:" and what we add ourselves. */
#define HEAD_BYTES_MAX   KIB(64)
/* A head of usual size is built on the stack: it can be sent even when the
 * request's arena is full. */
#define HEAD_BYTES_USUAL KIB(4)

static enum err
gone(struct response *rs, struct error *e)
{
	rs->is_client_gone = true;
	return error_set(e, ERR_CLIENT_CLOSED, "the client left");
}

static bool
is_body_allowed(const struct response *rs)
{
	return rs->status >= 200 && rs->status != 204 && rs->status != 304;
}

static void
add_line(struct buf *b, struct str name, struct str value)
{
	buf_add(b, name);
	buf_add(b, S(": "));
	buf_header_value(b, value);
	buf_add(b, S("\r\n"));
}

/* RFC 3875, 6.2: "Status:" and the headers, then an empty line. */
static void
write_head(const struct response *rs, struct buf *b)
{
	buf_add(b, S("Status: "));
	buf_add_u64(b, (uint64_t)rs->status);
	buf_add(b, S("\r\n"));
	for (size_t i = 0; i < rs->n_headers; i++)
		add_line(b, rs->header[i].name, rs->header[i].value);
	if (!response_header_get(rs, "cache-control").p)
		add_line(b, S("cache-control"), S("no-store"));
	if (!response_header_get(rs, "x-content-type-options").p)
		add_line(b, S("x-content-type-options"), S("nosniff"));
	if (rs->mode == RESP_BUFFERED && is_body_allowed(rs)) {
		buf_add(b, S("content-length: "));
		buf_add_u64(b, response_body_get(rs).n);
		buf_add(b, S("\r\n"));
	}
	buf_add(b, S("\r\n"));
}

static enum err
send_bytes(struct response *rs, struct str s, struct error *e)
{
	if (rs->is_client_gone || !conn_write(rs->conn, s.p, s.n))
		return gone(rs, e);
	if (!rs->first_sent_us)
		rs->first_sent_us = clock_mono_us();
	return OK;
}

static enum err
send_head(struct response *rs, struct error *e)
{
	char text[HEAD_BYTES_USUAL];
	struct buf b;

	buf_init_fixed(&b, text, sizeof(text));
	write_head(rs, &b);
	if (b.sticky == ERR_NO_MEMORY) {
		buf_init(&b, rs->arena, HEAD_BYTES_MAX);
		write_head(rs, &b);
	}
	if (b.sticky)
		return error_set(e, b.sticky, "response head does not fit");
	return send_bytes(rs, buf_str(&b), e);
}

static enum err
send_body(struct response *rs, struct str s, struct error *e)
{
	enum err code;

	if (s.n == 0 || rs->is_head || !is_body_allowed(rs))
		return OK;
	code = send_bytes(rs, s, e);
	if (code == OK)
		rs->sent_bytes += s.n;
	return code;
}

enum err
response_stream_begin(struct response *rs, struct error *e)
{
	enum err code = response_check(rs, e);

	ASSERT(rs->mode == RESP_BUFFERED);
	if (code)
		return code;
	rs->mode = RESP_STREAMING;
	code = send_head(rs, e);
	if (code)
		return code;
	code = send_body(rs, response_body_get(rs), e);
	return code ? code : response_flush(rs, e);
}

enum err
response_write(struct response *rs, struct str s, struct error *e)
{
	ASSERT(rs->mode != RESP_SENT);
	if (rs->mode == RESP_STREAMING)
		return send_body(rs, s, e);
	buf_add(&rs->buf, s);
	return response_check(rs, e);
}

enum err
response_flush(struct response *rs, struct error *e)
{
	if (rs->mode == RESP_BUFFERED)
		return OK;
	if (rs->is_client_gone || !conn_flush(rs->conn))
		return gone(rs, e);
	return OK;
}

enum err
response_send(struct response *rs, struct error *e)
{
	enum err code = OK;

	if (rs->mode == RESP_BUFFERED) {
		code = send_head(rs, e);
		if (code == OK)
			code = send_body(rs, response_body_get(rs), e);
	}
	if (code == OK || code == ERR_CLIENT_CLOSED)
		rs->mode = RESP_SENT;
	return code;
}
