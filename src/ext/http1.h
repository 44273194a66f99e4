/* SPDX-License-Identifier: MIT */
/*
 * Answers of HTTP/1.1 (RFC 9112): where the head ends, what frames the body,
 * the body's bytes without their framing. Knows no sockets; nothing is
 * allocated or kept but views into the caller's buffer.
 *
 * Stricter than it has to be where leniency would let two parsers see two
 * answers: a length beside other lengths, a coding beside chunked, folded
 * lines and control characters end the answer as broken.
 */
#ifndef TG_EXT_HTTP1_H
#define TG_EXT_HTTP1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum http1_got {
	HTTP1_MORE,   /* more bytes are needed */
	HTTP1_DONE,   /* the head, or the body, is whole */
	HTTP1_BROKEN, /* p->why tells */
};

enum http1_state {
	HTTP1_HEAD,
	HTTP1_LENGTH,     /* `left` bytes of body */
	HTTP1_CLOSE,      /* body until the connection ends */
	HTTP1_SIZE_FIRST, /* chunked: before the first digit of a size */
	HTTP1_SIZE,
	HTTP1_EXTENSION, /* behind a size, until the line's end */
	HTTP1_SIZE_END,  /* behind its CR */
	HTTP1_CHUNK,
	HTTP1_CHUNK_END, /* the line end behind it, and behind its CR */
	HTTP1_CHUNK_LF,
	HTTP1_TRAILER, /* start of a line behind the last chunk */
	HTTP1_TRAILER_LINE,
	HTTP1_TRAILER_LF, /* of the empty line that ends all */
	HTTP1_WHOLE,
};

struct http1 {
	enum http1_state state;
	int status;       /* 200..599 from HTTP1_DONE of the head on */
	bool is_kept;     /* the connection may carry another request */
	uint64_t left;    /* bytes of the body, or of this chunk */
	size_t n_line;    /* bytes of a chunk's extension or of the trailer */
	struct str lines; /* header lines; views into the head's bytes */
	const char *why;  /* of HTTP1_BROKEN; static */
};

/** Before each answer. */
void http1_init(struct http1 *p);

/**
 * Look for a whole head.
 * @bytes     all that came since the answer began; must stay where it is
 *            as long as p's headers are read
 * @ret_used  set with HTTP1_DONE: bytes before the body
 * Interim answers (1xx) are passed over.
 */
enum http1_got http1_head(struct http1 *p, struct str bytes, size_t *ret_used);
/** Value of the first header `name` (any case), or an empty view. */
struct str http1_header(const struct http1 *p, const char *name);
/**
 * Take the framing out of n bytes of the body, in place.
 * @ret_body  bytes of the body, now at bytes[0]; set whatever is returned
 * @ret_used  bytes that belonged to the answer; n unless HTTP1_DONE
 */
enum http1_got http1_body(struct http1 *p, char *bytes, size_t n,
    size_t *ret_body, size_t *ret_used);
/** Whether the connection's end ends the body as it should. */
bool http1_ends_here(const struct http1 *p);

#endif
