/* SPDX-License-Identifier: MIT */
#include "http/response.h"

#include <string.h>

#include "base/clock.h"
#include "http/conn.h"

void
response_init(struct response *rs, struct arena *a, struct conn *conn,
    const char *request_id, bool is_head)
{
	*rs = (struct response){
		.arena = a,
		.conn = conn,
		.status = 200,
		.is_head = is_head,
	};
	buf_init(&rs->buf, a, RESPONSE_BODY_MAX);
	rs->header[0] = (struct response_header){ S("x-request-id"),
		str_from(request_id) };
	rs->n_headers = 1;
}

void
response_refuse(struct response *rs, enum err code)
{
	if (rs->sticky == OK)
		rs->sticky = code;
}

static bool
is_clean(struct str value)
{
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static struct response_header *
find_header(struct response *rs, struct str name)
{
	for (size_t i = 0; i < rs->n_headers; i++)
		if (str_eq(rs->header[i].name, name))
			return &rs->header[i];
	return NULL;
}

static void
put_header(struct response *rs, struct response_header *at, struct str name,
    struct str value)
{
	struct str copy;

	if (!is_clean(value)) {
		response_refuse(rs, ERR_INTERNAL);
		return;
	}
	if (!at && rs->n_headers == RESPONSE_HEADER_MAX) {
		response_refuse(rs, ERR_INTERNAL);
		return;
	}
	copy = arena_strdup(rs->arena, value);
	if (!copy.p) {
		response_refuse(rs, rs->arena->sticky);
		return;
	}
	if (!at)
		at = &rs->header[rs->n_headers++];
	*at = (struct response_header){ name, copy };
}

void
response_header(struct response *rs, const char *name, struct str value)
{
	struct str n = str_from(name);

	put_header(rs, find_header(rs, n), n, value);
}

void
response_header_u64(struct response *rs, const char *name, uint64_t value)
{
	char text[20];
	struct buf b;

	buf_init_fixed(&b, text, sizeof(text));
	buf_add_u64(&b, value);
	response_header(rs, name, buf_str(&b));
}

void
response_header_add(struct response *rs, const char *name, struct str value)
{
	put_header(rs, NULL, str_from(name), value);
}

struct str
response_header_get(const struct response *rs, const char *name)
{
	struct str wanted = str_from(name);

	for (size_t i = 0; i < rs->n_headers; i++)
		if (str_eq(rs->header[i].name, wanted))
			return rs->header[i].value;
	return (struct str){ NULL, 0 };
}

struct buf *
response_buf(struct response *rs)
{
	return &rs->buf;
}

void
response_body(struct response *rs, struct str s)
{
	rs->view = s;
}

struct str
response_body_get(const struct response *rs)
{
	return rs->view.p ? rs->view : buf_str(&rs->buf);
}

void
response_json_begin(struct response *rs, struct json_out *j)
{
	buf_reset(&rs->buf);
	json_out_init(j, &rs->buf);
}

static enum err
finish_body(struct response *rs, int status, struct str type, struct error *e)
{
	rs->status = status;
	response_header(rs, "content-type", type);
	return response_check(rs, e);
}

enum err
response_json(struct response *rs, int status, const struct json_out *j,
    struct error *e)
{
	ASSERT(j->depth == 0);
	return finish_body(rs, status, S("application/json"), e);
}

enum err
response_html(struct response *rs, int status, struct error *e)
{
	return finish_body(rs, status, S("text/html; charset=utf-8"), e);
}

enum err
response_text(struct response *rs, int status, struct str text, struct error *e)
{
	buf_reset(&rs->buf);
	buf_add(&rs->buf, text);
	return finish_body(rs, status, S("text/plain; charset=utf-8"), e);
}

enum err
response_redirect(struct response *rs, int status, struct str location,
    struct error *e)
{
	buf_reset(&rs->buf);
	rs->status = status;
	response_header(rs, "location", location);
	return response_check(rs, e);
}

void
response_reset(struct response *rs)
{
	size_t kept = 0;

	for (size_t i = 0; i < rs->n_headers; i++) {
		struct str name = rs->header[i].name;

		if (str_starts(name, S("x-")) ||
		    str_starts(name, S("retry-after")))
			rs->header[kept++] = rs->header[i];
	}
	rs->n_headers = kept;
	rs->status = 200;
	rs->sticky = OK;
	rs->view = (struct str){ NULL, 0 };
	buf_reset(&rs->buf);
}

enum err
response_check(struct response *rs, struct error *e)
{
	if (rs->sticky)
		return error_set(e, rs->sticky,
		    "a response header was refused");
	if (rs->buf.sticky)
		return error_set(e, rs->buf.sticky,
		    "the response's body did not fit");
	return OK;
}

int
response_client_fd(const struct response *rs)
{
	return conn_fd(rs->conn);
}

bool
response_is_client_gone(struct response *rs)
{
	if (!rs->is_client_gone && conn_is_gone(rs->conn))
		rs->is_client_gone = true;
	return rs->is_client_gone;
}
