/* SPDX-License-Identifier: MIT */
#include "gpt2d/server_priv.h"

#include <sys/socket.h>

#include "base/error_json.h"

/* The body twice over while it grows, and what is read out of it. */
#define ARENA_MAX_BYTES MIB(16)
/* Whatever is wrong with a request, so much of its body is read and dropped
 * before its answer; and after one that could not wait. A client that is still
 * sending would find the connection broken, and not read the answer. */
#define DROP_MAX_BYTES  MIB(16)

/* Of its body. */
static void
hold(struct call *c, size_t n)
{
	c->held_bytes += n;
	c->server->held_bytes += n;
}

void
call_release_body(struct call *c)
{
	c->server->held_bytes -= c->held_bytes;
	c->held_bytes = 0;
}

static void
begin_arena(struct call *c)
{
	arena_init(&c->arena, ARENA_MAX_BYTES);
	buf_init(&c->body, &c->arena, COMPLETION_BODY_BYTES);
}

void
call_begin_body(struct call *c)
{
	begin_arena(c);
	c->drop_end_bytes = DROP_MAX_BYTES;
}

static bool
is_longer(struct MHD_Connection *conn, uint64_t max_bytes)
{
	const char *value = MHD_lookup_connection_value(conn, MHD_HEADER_KIND,
	    MHD_HTTP_HEADER_CONTENT_LENGTH);
	uint64_t n;

	return value && !str_to_u64(str_from(value), 0, max_bytes, &n);
}

bool
call_is_too_long(const struct call *c)
{
	return is_longer(c->conn, COMPLETION_BODY_BYTES);
}

/* It won't send its body before it is told to. */
static bool
waits_to_send(struct MHD_Connection *conn)
{
	const char *value = MHD_lookup_connection_value(conn, MHD_HEADER_KIND,
	    MHD_HTTP_HEADER_EXPECT);

	return str_eq_nocase(str_from(value), S("100-continue"));
}

/* Answer amid a body with c's refusal. libmicrohttpd can't: it would close the
 * connection at once, and takes no answer but at a body's begin and end. */
static void
cut_off(struct call *c)
{
	const struct err_info *info = err_info(c->refusal.code);
	int fd = server_socket_of(c);
	char head[256], body[KIB(4)];
	struct buf b, h;

	buf_init_fixed(&b, body, sizeof(body));
	error_json(&b, &c->refusal);
	buf_init_fixed(&h, head, sizeof(head));
	buf_addf(&h,
	    "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
	    "Connection: close\r\n\r\n",
	    info->http_status,
	    MHD_get_reason_phrase_for((unsigned)info->http_status),
	    CALL_JSON_TYPE, b.n);
	/* Nothing else was written, so there is room; a client that has left
	 * doesn't matter. */
	if (send(fd, h.p, h.n, MSG_NOSIGNAL | MSG_DONTWAIT | MSG_MORE) > 0)
		(void)send(fd, b.p, b.n, MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)shutdown(fd, SHUT_WR);
	c->is_cut_off = true;
	c->status = (unsigned)info->http_status;
	c->drop_end_bytes = c->body_bytes + DROP_MAX_BYTES;
}

void
call_late(struct call *c)
{
	if (c->is_cut_off || c->stage != CALL_READING)
		return;
	(void)error_set(&c->refusal, ERR_REQUEST_TIMEOUT, "body");
	cut_off(c);
}

enum MHD_Result
call_begin_too_long(struct call *c)
{
	(void)error_set(&c->refusal, ERR_TOO_LARGE, "Content-Length");
	if (waits_to_send(c->conn))
		return call_send_error(c, NULL, &c->refusal);
	if (is_longer(c->conn, DROP_MAX_BYTES))
		cut_off(c);
	return MHD_YES;
}

/* What is there of the body is no use any more. */
static void
refuse(struct call *c, enum err code)
{
	(void)error_set(&c->refusal, code, "body");
	call_release_body(c);
	arena_fini(&c->arena);
	begin_arena(c);
}

static void
keep(struct call *c, struct str part)
{
	const struct server *s = c->server;

	if (c->body_bytes > COMPLETION_BODY_BYTES) {
		refuse(c, ERR_TOO_LARGE);
	} else if (part.n > s->opts.bodies_max_bytes - s->held_bytes) {
		refuse(c, ERR_OVERLOADED);
	} else {
		hold(c, part.n);
		buf_add(&c->body, part);
	}
}

enum MHD_Result
call_take_body(struct call *c, const char *upload, size_t *upload_n)
{
	c->body_bytes += *upload_n;
	if (!c->refusal.code)
		keep(c, str_make(upload, *upload_n));
	if (c->body_bytes > c->drop_end_bytes) {
		if (c->is_cut_off)
			return MHD_NO;
		cut_off(c);
	}
	*upload_n = 0;
	return MHD_YES;
}
