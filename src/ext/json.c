/* SPDX-License-Identifier: MIT */
#include "ext/json.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

/* struct json is json-c's object under a name of ours; JSON null is NULL. */
static struct json_object *
in_c(const struct json *v)
{
	struct json_object *object;

	memcpy(&object, &v, sizeof(object)); /* json-c's readers lack const */
	return object;
}

static const struct json *
out_of_c(struct json_object *object)
{
	return (const struct json *)(const void *)object;
}

static void
put(void *object)
{
	(void)json_object_put(object);
}

/* Members at all depths; the depth was bounded by the scanner. */
static size_t
count_names(struct json_object *v)
{
	size_t n = 0;

	if (json_object_is_type(v, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(v); i++)
			n += count_names(json_object_array_get_idx(v, i));
	} else if (json_object_is_type(v, json_type_object)) {
		struct json_object_iterator at = json_object_iter_begin(v);
		struct json_object_iterator end = json_object_iter_end(v);

		for (; !json_object_iter_equal(&at, &end);
		     json_object_iter_next(&at))
			n += 1 + count_names(json_object_iter_peek_value(&at));
	}
	return n;
}

static enum err
check_text(struct str text, unsigned depth_max, struct json_scan *s,
    struct error *e)
{
	*s = (struct json_scan){ .depth_max = depth_max };
	if (!json_scan(s, text))
		return error_public(e, ERR_BAD_JSON, NULL,
		    "The request body is not valid JSON: %s at byte %zu.",
		    s->failure, s->failure_offset);
	if (s->has_nul_escape)
		return error_public(e, ERR_BAD_JSON, NULL,
		    "The request body holds an escaped U+0000.");
	if (s->n_values > JSON_VALUES_MAX || text.n > INT_MAX)
		return error_public(e, ERR_TOO_LARGE, NULL,
		    "The request body holds more than %d values.",
		    JSON_VALUES_MAX);
	return OK;
}

static enum err
read_tree(struct str text, unsigned depth_max, struct json_object **ret,
    struct error *e)
{
	/* json-c counts a scalar as a level, too. */
	struct json_tokener *tok = json_tokener_new_ex((int)depth_max + 1);
	struct json_object *tree;
	enum json_tokener_error failure;

	if (!tok)
		return error_set(e, ERR_NO_MEMORY, "no memory for json-c");
	json_tokener_set_flags(tok,
	    JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	tree = json_tokener_parse_ex(tok, text.p, (int)text.n);
	failure = json_tokener_get_error(tok);
	if (failure == json_tokener_continue) {
		/* A number at the very end could go on; now it does not. */
		tree = json_tokener_parse_ex(tok, "", -1);
		failure = json_tokener_get_error(tok);
	}
	json_tokener_free(tok);
	if (failure != json_tokener_success)
		return error_public(e, ERR_BAD_JSON, NULL,
		    "The request body is not valid JSON: %s.",
		    json_tokener_error_desc(failure));
	*ret = tree;
	return OK;
}

enum err
json_parse(struct arena *a, struct str text, unsigned depth_max,
    const struct json **ret, struct error *e)
{
	struct json_object *tree = NULL;
	struct json_scan s;
	enum err err = check_text(text, depth_max, &s, e);

	if (err)
		return err;
	err = read_tree(text, depth_max, &tree, e);
	if (err)
		return err;
	if (!arena_defer(a, put, tree))
		return error_arena(e, a);
	/* json-c lets the last of two equal names win. */
	if (count_names(tree) != s.n_names)
		return error_public(e, ERR_BAD_JSON, NULL,
		    "The request body gives a name twice in one object.");
	*ret = out_of_c(tree);
	return OK;
}

enum err
json_parse_object(struct arena *a, struct str text, unsigned depth_max,
    const struct json **ret, struct error *e)
{
	const struct json *v;
	enum err err = json_parse(a, text, depth_max, &v, e);

	if (err)
		return err;
	if (json_kind(v) != JSON_OBJECT)
		return error_public(e, ERR_BAD_JSON, NULL,
		    "The request body must be a JSON object.");
	*ret = v;
	return OK;
}

enum json_kind
json_kind(const struct json *v)
{
	switch (json_object_get_type(in_c(v))) {
	case json_type_null:
		return JSON_NULL;
	case json_type_boolean:
		return JSON_BOOL;
	case json_type_double:
	case json_type_int:
		return JSON_NUMBER;
	case json_type_object:
		return JSON_OBJECT;
	case json_type_array:
		return JSON_ARRAY;
	case json_type_string:
		return JSON_STRING;
	}
	return JSON_NONE;
}

const struct json *
json_member(const struct json *object, const char *name)
{
	struct json_object *v = NULL;

	if (json_kind(object) != JSON_OBJECT ||
	    !json_object_object_get_ex(in_c(object), name, &v))
		return NULL;
	return out_of_c(v);
}

bool
json_has(const struct json *object, const char *name)
{
	return json_member(object, name) != NULL;
}

bool
json_has_null(const struct json *object, const char *name)
{
	struct json_object *v = NULL;

	return json_kind(object) == JSON_OBJECT &&
	       json_object_object_get_ex(in_c(object), name, &v) && !v;
}

static bool
is_in(const char *name, const char *const names[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

enum err
json_only(const struct json *object, const char *const names[], size_t n,
    struct error *e)
{
	struct json_object_iterator at, end;

	if (json_kind(object) != JSON_OBJECT)
		return OK;
	at = json_object_iter_begin(in_c(object));
	end = json_object_iter_end(in_c(object));
	for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at)) {
		const char *name = json_object_iter_peek_name(&at);

		if (!is_in(name, names, n))
			return error_public(e, ERR_BAD_PARAM, name,
			    "The parameter '%.60s' is not known here.", name);
	}
	return OK;
}

static enum err
need(const struct json *object, const char *name, const struct json **ret,
    struct error *e)
{
	*ret = json_member(object, name);
	if (!*ret)
		return error_public(e, ERR_BAD_PARAM, name,
		    "The parameter '%s' is missing.", name);
	return OK;
}

static enum err
wrong_kind(const char *name, const char *kind, struct error *e)
{
	return error_public(e, ERR_BAD_PARAM, name, "'%s' must be %s.", name,
	    kind);
}

enum err
json_as_str(const struct json *v, const char *name, size_t min_bytes,
    size_t max_bytes, struct str *ret, struct error *e)
{
	struct str s;

	if (json_kind(v) != JSON_STRING)
		return wrong_kind(name, "a string", e);
	s = str_make(json_object_get_string(in_c(v)),
	    (size_t)json_object_get_string_len(in_c(v)));
	if (s.n < min_bytes || s.n > max_bytes)
		return error_public(e, ERR_BAD_PARAM, name,
		    "'%s' must have %zu to %zu bytes.", name, min_bytes,
		    max_bytes);
	*ret = s;
	return OK;
}

/* Source text of a number. json-c keeps it for fractions; integers beyond
 * 64 bits it clamps, so those at the ends of its range are no longer sure. */
static bool
number_text(const struct json *v, struct str *ret)
{
	struct json_object *number = in_c(v);
	bool is_whole = json_object_is_type(number, json_type_int);

	if (is_whole && (json_object_get_uint64(number) == UINT64_MAX ||
			    json_object_get_int64(number) == INT64_MIN))
		return false;
	*ret = str_from(
	    json_object_to_json_string_ext(number, JSON_C_TO_STRING_PLAIN));
	return true;
}

enum err
json_as_u64(const struct json *v, const char *name, uint64_t min, uint64_t max,
    uint64_t *ret, struct error *e)
{
	struct str text;

	if (json_kind(v) != JSON_NUMBER || !number_text(v, &text) ||
	    !str_to_u64(text, min, max, ret))
		return error_public(e, ERR_BAD_PARAM, name,
		    "'%s' must be a whole number from %llu to %llu.", name,
		    (unsigned long long)min, (unsigned long long)max);
	return OK;
}

enum err
json_get_str(const struct json *object, const char *name, size_t min_bytes,
    size_t max_bytes, struct str *ret, struct error *e)
{
	const struct json *v;
	enum err err = need(object, name, &v, e);

	return err ? err : json_as_str(v, name, min_bytes, max_bytes, ret, e);
}

enum err
json_get_u64(const struct json *object, const char *name, uint64_t min,
    uint64_t max, uint64_t *ret, struct error *e)
{
	const struct json *v;
	enum err err = need(object, name, &v, e);

	return err ? err : json_as_u64(v, name, min, max, ret, e);
}

enum err
json_get_bool(const struct json *object, const char *name, bool *ret,
    struct error *e)
{
	const struct json *v;
	enum err err = need(object, name, &v, e);

	if (err)
		return err;
	if (json_kind(v) != JSON_BOOL)
		return wrong_kind(name, "true or false", e);
	*ret = json_object_get_boolean(in_c(v));
	return OK;
}

enum err
json_get_decimal(const struct json *object, const char *name, struct str *ret,
    struct error *e)
{
	const struct json *v;
	enum err err = need(object, name, &v, e);

	if (err)
		return err;
	if (json_kind(v) == JSON_STRING)
		return json_as_str(v, name, 1, 64, ret, e);
	if (json_kind(v) != JSON_NUMBER || !number_text(v, ret))
		return wrong_kind(name, "a decimal number", e);
	return OK;
}

enum err
json_get_object(const struct json *object, const char *name,
    const struct json **ret, struct error *e)
{
	const struct json *v;
	enum err err = need(object, name, &v, e);

	if (err)
		return err;
	if (json_kind(v) != JSON_OBJECT)
		return wrong_kind(name, "an object", e);
	*ret = v;
	return OK;
}

enum err
json_get_array(const struct json *object, const char *name, size_t max_len,
    const struct json **ret, struct error *e)
{
	const struct json *v;
	enum err err = need(object, name, &v, e);

	if (err)
		return err;
	if (json_kind(v) != JSON_ARRAY)
		return wrong_kind(name, "an array", e);
	if (json_array_len(v) > max_len)
		return error_public(e, ERR_BAD_PARAM, name,
		    "'%s' must not have more than %zu elements.", name,
		    max_len);
	*ret = v;
	return OK;
}

size_t
json_array_len(const struct json *array)
{
	return json_object_array_length(in_c(array));
}

const struct json *
json_array_at(const struct json *array, size_t i)
{
	return out_of_c(json_object_array_get_idx(in_c(array), i));
}
