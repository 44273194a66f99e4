/* SPDX-License-Identifier: MIT */
/*
 * multipart/form-data: a form that sends a file, one part at a time. Only
 * what browsers write is understood; all else is refused. Nothing is copied,
 * and a file's name and type are not looked at.
 * Spec: RFC 7578; RFC 2046, 5.1.1; HTML, "Multipart form data".
 */
#ifndef TG_HTTP_MULTIPART_H
#define TG_HTTP_MULTIPART_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

#define MULTIPART_BOUNDARY_MAX     70 /* RFC 2046, 5.1.1 */
/* Most parts, headers of a part and bytes of such: more than a page of ours
 * could have, with a file's name of 255 characters of four bytes. */
#define MULTIPART_PART_MAX         64
#define MULTIPART_HEADER_MAX       8
#define MULTIPART_HEADER_BYTES_MAX 2048

struct multipart {
	/* "\r\n--" and the boundary. */
	char delimiter[4 + MULTIPART_BOUNDARY_MAX];
	size_t n_delimiter;
	struct str rest; /* behind the last delimiter */
	unsigned n_parts;
};

/** Whether Content-Type is multipart/form-data, whatever its boundary. */
bool multipart_is_type(struct str content_type);
/**
 * Begin with a whole body, which m borrows.
 * @content_type  with its boundary
 * Errors: ERR_BAD_REQUEST no boundary, more than one, or one that is empty,
 *         too long or of other characters; the body doesn't begin with it.
 */
enum err multipart_init(struct multipart *m, struct str content_type,
    struct str body, struct error *e) ATTR_MUST_CHECK;
/**
 * The next part, as it came: not looked at as text.
 * Returns OK and *ret_more = false behind the last.
 * Errors: ERR_BAD_REQUEST for a part without an end, without a name, of
 *         several parts itself or encoded, for headers that are none, and
 *         for anything behind the end.
 * Memory: in the body.
 */
enum err multipart_next(struct multipart *m, bool *ret_more,
    struct str *ret_name, struct str *ret_value,
    struct error *e) ATTR_MUST_CHECK;

#endif
