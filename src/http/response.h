/* SPDX-License-Identifier: MIT */
/*
 * One response. RESP_BUFFERED: the answer is held back until the handler
 * has returned OK, and one that failed is answered by its 4xx or 5xx alone.
 * RESP_STREAMING, after response_stream_begin(): the head is out and every
 * write goes to the client. Headers with control characters are refused.
 */
#ifndef TG_HTTP_RESPONSE_H
#define TG_HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json_out.h"
#include "base/str.h"

struct conn;

#define RESPONSE_HEADER_MAX 32
/* Largest body built in memory; CSV exports and the like are streamed. */
#define RESPONSE_BODY_MAX   MIB(64)

enum response_mode {
	RESP_BUFFERED,
	RESP_STREAMING,
	RESP_SENT, /* complete; nothing may follow */
};

struct response_header {
	struct str name;
	struct str value;
};

struct response {
	struct arena *arena;
	struct conn *conn;
	enum response_mode mode;
	int status; /* 200 unless set */
	bool is_head;
	enum err sticky; /* a header that was refused, memory that ran out */

	struct response_header header[RESPONSE_HEADER_MAX];
	size_t n_headers;

	struct buf buf;        /* the body, unless view is set */
	struct str view;       /* borrowed body; {NULL, 0} = use buf */
	uint64_t sent_bytes;   /* of the body, handed to the web server */
	int64_t first_sent_us; /* monotonic; 0 = nothing was sent yet */
	bool is_client_gone;   /* a write failed, or the client was seen off */
};

/**
 * An empty 200 that carries x-request-id.
 * @request_id  text that lives as long as rs
 */
void response_init(struct response *rs, struct arena *a, struct conn *conn,
    const char *request_id, bool is_head);

/** Set a header; an earlier one of that name is replaced. name is a literal
 * in lower case; value is copied. */
void response_header(struct response *rs, const char *name, struct str value);
void response_header_u64(struct response *rs, const char *name, uint64_t value);
/** Add a header beside others of that name (set-cookie). */
void response_header_add(struct response *rs, const char *name,
    struct str value);
/** Value that was set, or {NULL, 0}. */
struct str response_header_get(const struct response *rs, const char *name);

/** The buffered body's builder: write into it, then set status and type. */
struct buf *response_buf(struct response *rs);
/** Send s as the body without copying it; s must outlive the response. */
void response_body(struct response *rs, struct str s);
/** The body as it stands. */
struct str response_body_get(const struct response *rs);

/** Start a JSON body: j writes into the response's builder. */
void response_json_begin(struct response *rs, struct json_out *j);
/** The JSON body is complete: set status and content-type. */
enum err response_json(struct response *rs, int status,
    const struct json_out *j, struct error *e) ATTR_MUST_CHECK;
/** The HTML in response_buf() is complete: set status and content-type. */
enum err response_html(struct response *rs, int status,
    struct error *e) ATTR_MUST_CHECK;
/** A short text body. */
enum err response_text(struct response *rs, int status, struct str text,
    struct error *e) ATTR_MUST_CHECK;
/**
 * Answer with a redirect and no body.
 * @status    303 after a POST, 302 or 307 elsewhere
 * @location  path or URL made by http/url
 */
enum err response_redirect(struct response *rs, int status, struct str location,
    struct error *e) ATTR_MUST_CHECK;

/**
 * Send status and headers now and flush; what is in the buffered body goes
 * with them. From here on errors can only be told inside the stream.
 * Errors: ERR_CLIENT_CLOSED; the sticky error (then nothing was sent).
 */
enum err response_stream_begin(struct response *rs,
    struct error *e) ATTR_MUST_CHECK;

/** Body bytes: to the client when streaming, else into the builder. */
enum err response_write(struct response *rs, struct str s,
    struct error *e) ATTR_MUST_CHECK;
/** Make what was written visible to the client. */
enum err response_flush(struct response *rs, struct error *e) ATTR_MUST_CHECK;

/** For poll(2) beside the upstream's descriptors: POLLIN | POLLRDHUP, then
 * ask response_is_client_gone(). -1 = none. */
int response_client_fd(const struct response *rs);
/** Whether the client has left; looks, never blocks. */
bool response_is_client_gone(struct response *rs);

/*
 * For the dispatcher.
 */

/**
 * Throw away body, status and headers, but for x-… and retry-after headers,
 * which belong to refusals too (request id, limits, cost).
 */
void response_reset(struct response *rs);
/** Make an error stick, for those who build parts of a response. */
void response_refuse(struct response *rs, enum err code);
/** The sticky error of headers and body, explained. */
enum err response_check(struct response *rs, struct error *e) ATTR_MUST_CHECK;
/**
 * Send what is buffered, or end a stream.
 * Errors: ERR_CLIENT_CLOSED.
 */
enum err response_send(struct response *rs, struct error *e) ATTR_MUST_CHECK;

#endif
