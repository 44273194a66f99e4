/* SPDX-License-Identifier: MIT */
/*
 * Query strings and HTML forms, one pair at a time: they are
 * application/x-www-form-urlencoded (WHATWG URL Standard, 5.1); of a form with
 * a file in it, the body is multipart/form-data.
 */
#ifndef TG_HTTP_FORM_H
#define TG_HTTP_FORM_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "http/multipart.h"

/* Most pairs in one form or query: what a page of ours could ever have. */
#define FORM_PAIR_MAX 256

struct form {
	struct arena *a;
	struct str rest;
	unsigned n_pairs;
	bool is_multipart;
	struct multipart parts;
};

void form_init(struct form *f, struct arena *a, struct str text);
/**
 * A request's body, by its Content-Type: in parts, or like a query string
 * whatever else it says. Errors: those of multipart_init().
 */
enum err form_init_body(struct form *f, struct arena *a,
    struct str content_type, struct str body, struct error *e) ATTR_MUST_CHECK;
/**
 * The next pair, decoded.
 * Returns OK and *ret_more = false at the end.
 * Errors: ERR_BAD_REQUEST for bad escapes, NUL, text that is not UTF-8, too
 *         many pairs, and those of multipart_next(); ERR_NO_MEMORY.
 */
enum err form_next(struct form *f, bool *ret_more, struct str *ret_name,
    struct str *ret_value, struct error *e) ATTR_MUST_CHECK;

/** Go on to the first value of a name; ERR_NOT_FOUND when there is none. */
enum err form_find(struct form *f, const char *name, struct str *ret,
    struct error *e) ATTR_MUST_CHECK;
/** The first value of a name in a query string; ERR_NOT_FOUND when there is
 * none. */
enum err form_get(struct arena *a, struct str text, const char *name,
    struct str *ret, struct error *e) ATTR_MUST_CHECK;

#endif
