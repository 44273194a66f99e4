/* SPDX-License-Identifier: MIT */
/*
 * Small JSON objects as a tree: bodies of the management API. The only
 * includer of json-c. What json-c lets through (NaN, control characters,
 * -01, repeated names, names cut at an escaped NUL) is refused beforehand
 * by base/json_scan. Inference bodies are upstream/body's work.
 */
#ifndef TG_EXT_JSON_H
#define TG_EXT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json_scan.h"
#include "base/str.h"

struct json; /* one value; lives as long as the arena of its json_parse() */

#define JSON_VALUES_MAX 20000 /* in one text: bounds json-c's memory */

/**
 * Parse text, which must be one JSON value.
 * @depth_max  deepest nesting, 1..JSON_SCAN_DEPTH_MAX
 * Errors: ERR_BAD_JSON, with place and reason fit for the client, for text
 *         that is not RFC 8259, too deep, or repeats a name in an object;
 *         ERR_TOO_LARGE beyond JSON_VALUES_MAX; ERR_NO_MEMORY.
 * Memory: json-c's own, freed by the arena's deferred clean-up. Not to be
 *         shared between threads.
 */
enum err json_parse(struct arena *a, struct str text, unsigned depth_max,
    const struct json **ret, struct error *e) ATTR_MUST_CHECK;
/** As json_parse(), and the value must be an object. */
enum err json_parse_object(struct arena *a, struct str text, unsigned depth_max,
    const struct json **ret, struct error *e) ATTR_MUST_CHECK;

enum json_kind json_kind(const struct json *v);

/** Whether object has a member `name` other than null. */
bool json_has(const struct json *object, const char *name);
/** Whether it has one that is null. */
bool json_has_null(const struct json *object, const char *name);
/** The member's value; NULL when absent or null. */
const struct json *json_member(const struct json *object, const char *name);
/** Refuse members that are not in names[0..n). ERR_BAD_PARAM naming one. */
enum err json_only(const struct json *object, const char *const names[],
    size_t n, struct error *e) ATTR_MUST_CHECK;

/*
 * Typed members. All answer ERR_BAD_PARAM with the member's name in e->param
 * when it is absent, null, of another type or out of bounds; for optional
 * members ask json_has() first. Texts are views that live as the tree does.
 */

/** A string of min_bytes..max_bytes bytes without U+0000. */
enum err json_get_str(const struct json *object, const char *name,
    size_t min_bytes, size_t max_bytes, struct str *ret,
    struct error *e) ATTR_MUST_CHECK;
/** An integer written without fraction or exponent, min..max inclusive. */
enum err json_get_u64(const struct json *object, const char *name, uint64_t min,
    uint64_t max, uint64_t *ret, struct error *e) ATTR_MUST_CHECK;
enum err json_get_bool(const struct json *object, const char *name, bool *ret,
    struct error *e) ATTR_MUST_CHECK;
/**
 * A number in plain decimal notation as its source text (for money and
 * rates), or a string that holds one. The text is not checked further.
 */
enum err json_get_decimal(const struct json *object, const char *name,
    struct str *ret, struct error *e) ATTR_MUST_CHECK;
enum err json_get_object(const struct json *object, const char *name,
    const struct json **ret, struct error *e) ATTR_MUST_CHECK;
/** An array of at most max_len elements. */
enum err json_get_array(const struct json *object, const char *name,
    size_t max_len, const struct json **ret, struct error *e) ATTR_MUST_CHECK;

size_t json_array_len(const struct json *array);
/** Element i, 0..len-1; NULL for a JSON null. */
const struct json *json_array_at(const struct json *array, size_t i);

/* The same for a value in hand; `name` only words the error. */
enum err json_as_str(const struct json *v, const char *name, size_t min_bytes,
    size_t max_bytes, struct str *ret, struct error *e) ATTR_MUST_CHECK;
enum err json_as_u64(const struct json *v, const char *name, uint64_t min,
    uint64_t max, uint64_t *ret, struct error *e) ATTR_MUST_CHECK;

#endif
