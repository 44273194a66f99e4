/* SPDX-License-Identifier: MIT */
/*
 * Percent-encoding (RFC 3986) in both directions, and links built so that
 * no value can leave its place.
 */
#ifndef TG_HTTP_URL_H
#define TG_HTTP_URL_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/**
 * Decode %XX, and '+' as a space if asked.
 * Errors: ERR_BAD_REQUEST for an incomplete or wrong escape, or %00;
 *         ERR_NO_MEMORY.
 * Memory: s itself when nothing had to be decoded, else in a.
 */
enum err url_decode(struct arena *a, struct str s, bool plus_is_space,
    struct str *ret, struct error *e) ATTR_MUST_CHECK;

/** A link being written: base path, path, segments, then arguments. */
struct url {
	struct buf *b;
	bool has_arg;
};

/** @base_path  the configured one; @path  a literal such as "/dashboard" */
void url_begin(struct url *u, struct buf *b, struct str base_path,
    const char *path);
/** "/" and one encoded segment. */
void url_segment(struct url *u, struct str segment);
void url_segment_u64(struct url *u, uint64_t segment);
/** "?" or "&", then name=value, encoded. name is a literal. */
void url_arg(struct url *u, const char *name, struct str value);
void url_arg_u64(struct url *u, const char *name, uint64_t value);

/**
 * Whether s may be followed as a redirect after signing in: a path on this
 * site ("/x", never "//x" or "/\x"), without control characters.
 */
bool url_is_local_path(struct str s);

#endif
