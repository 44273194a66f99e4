/* SPDX-License-Identifier: MIT */
/*
 * A strict JSON scanner without a tree: it checks a text and walks over the
 * members of objects and arrays as slices of that text.
 */
#ifndef TG_SUPPORT_JSCAN_H
#define TG_SUPPORT_JSCAN_H

#include "sbuf.h"

#define JSCAN_DEPTH_MAX 256 /* nested objects and arrays */

/** Is the whole text one JSON value, white space around it allowed? */
bool jscan_is_valid(struct slice text);

/** A walk over one object or array of a text that jscan_is_valid() passed. */
struct jscan {
	const char *p;
	const char *end;
};

/** Start a walk; false when `value` is neither an object nor an array. */
bool jscan_open(struct jscan *j, struct slice value);

/** Next member of an object: the key without its quotes, and the value. */
bool jscan_member(struct jscan *j, struct slice *key, struct slice *value);

/** Next element of an array. */
bool jscan_element(struct jscan *j, struct slice *value);

/** Is the value a string?  *ret is then its text between the quotes, raw. */
bool jscan_string(struct slice value, struct slice *ret);

/** The value of one member, or an empty slice. */
struct slice jscan_get(struct slice object, struct slice key);

/** White-space separated words of a raw string; \n, \r, \t count as white. */
uint64_t jscan_words(struct slice raw);

#endif
