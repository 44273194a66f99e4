/* SPDX-License-Identifier: MIT */
/*
 * Server-sent events (WHATWG HTML, 9.2) out of chunks that may be cut
 * anywhere. Lines end with LF, CRLF or CR. An event that lies within one
 * chunk is not copied. The raw bytes of all events together are the stream's
 * bytes, so it can be passed on unchanged.
 */
#ifndef TG_UPSTREAM_SSE_H
#define TG_UPSTREAM_SSE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* Views that live until the callback returns. */
struct sse_event {
	struct str raw;  /* all of it, blank line included */
	struct str data; /* the data lines, joined by LF */
	struct str name; /* of the last event: line; empty = none */
	bool has_data;   /* else only comments or other fields */
	bool has_fields; /* others than data and one event */
	bool is_cut;     /* the stream ended before the blank line */
};

/** A result other than OK (with e set) stops the feeding call. */
typedef enum err sse_event_fn(void *ctx, const struct sse_event *ev,
    struct error *e);

struct sse {
	struct arena *a;
	sse_event_fn *fn;
	void *ctx;
	size_t event_max_bytes;
	struct buf held;   /* an event whose end isn't here yet */
	struct buf joined; /* data of several lines */
	bool is_line_start, after_cr, is_begun; /* where the last chunk ended */
};

/** Allocates nothing yet; memory for split events comes from a. */
void sse_init(struct sse *s, struct arena *a, size_t event_max_bytes,
    sse_event_fn *fn, void *ctx);
/**
 * Errors: ERR_UPSTREAM an event longer than event_max_bytes; ERR_NO_MEMORY;
 *         what fn returned. After an error only sse_init() is of use.
 */
enum err sse_feed(struct sse *s, struct str chunk,
    struct error *e) ATTR_MUST_CHECK;
/** The stream is over: hands out a last event that lacks its blank line. */
enum err sse_finish(struct sse *s, struct error *e) ATTR_MUST_CHECK;

#endif
