/* SPDX-License-Identifier: MIT */
/* Reading a body: to its end, within a maximum, and not a byte more. */
#include <inttypes.h>

#include "base/buf.h"
#include "http/conn.h"
#include "http/request.h"

/* Room made at a time when the length was not declared. */
#define READ_BYTES KIB(32)

static enum err
too_large(size_t max_bytes, struct error *e)
{
	return error_public(e, ERR_TOO_LARGE, NULL,
	    "The request body may have at most %zu bytes here.", max_bytes);
}

/* Read until the end or until there is more than limit. */
static enum err
read_all(struct conn *c, struct buf *b, size_t limit, bool *ret_more,
    struct error *e)
{
	for (;;) {
		size_t room = limit - b->n;
		char extra;
		ssize_t got;
		char *p = &extra;

		if (room > READ_BYTES)
			room = READ_BYTES;
		if (room > 0)
			p = buf_room(b, room);
		if (!p)
			return error_arena(e, b->a);
		got = conn_read(c, p, room > 0 ? room : 1);
		if (got < 0)
			return error_set(e, ERR_SHORT_BODY,
			    "body broke off after %zu bytes", b->n);
		*ret_more = got > 0 && room == 0;
		if (got == 0 || *ret_more)
			return OK;
		buf_grew(b, (size_t)got);
	}
}

static enum err
check_length(const struct request *rq, size_t n, bool has_more,
    size_t max_bytes, struct error *e)
{
	if (has_more && !rq->has_content_length)
		return too_large(max_bytes, e);
	if (has_more)
		return error_public(e, ERR_BAD_REQUEST, NULL,
		    "The request body is longer than its Content-Length.");
	if (rq->has_content_length && n < rq->content_length)
		return error_set(e, ERR_SHORT_BODY,
		    "%zu bytes came of a declared length of %" PRIu64, n,
		    rq->content_length);
	return OK;
}

enum err
request_read_body(struct request *rq, size_t max_bytes, struct error *e)
{
	size_t limit = max_bytes;
	bool has_more = false;
	struct buf b;
	enum err code;

	ASSERT(!rq->is_body_read);
	if (rq->has_content_length && rq->content_length > max_bytes)
		return too_large(max_bytes, e);
	if (rq->has_content_length)
		limit = (size_t)rq->content_length;
	rq->arena->full_err = ERR_TOO_LARGE;
	buf_init(&b, rq->arena, max_bytes);
	/* All at once when the length is known: nothing is copied. */
	if (rq->has_content_length && limit > 0 && !buf_room(&b, limit))
		return error_arena(e, rq->arena);
	code = read_all(rq->conn, &b, limit, &has_more, e);
	rq->arena->full_err = ERR_NO_MEMORY;
	if (code)
		return code;
	code = check_length(rq, b.n, has_more, max_bytes, e);
	if (code)
		return code;
	rq->body = buf_str(&b);
	rq->is_body_read = true;
	return OK;
}
