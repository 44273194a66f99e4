/* SPDX-License-Identifier: MIT */
/* What a row says, as a form shows it. */
#include "handler/web/form_priv.h"

#define TEXT_BYTES_MAX KIB(64) /* of one field */
#define JSON_DEPTH     6

/* A value in an array, as its line. */
static enum err
add_element(struct buf *b, const struct json *v, struct error *e)
{
	struct str s;
	uint64_t n;
	enum err err;

	if (json_kind(v) == JSON_STRING) {
		err = json_as_str(v, "value", 0, TEXT_BYTES_MAX, &s, e);
		if (!err)
			buf_add(b, s);
		return err;
	}
	err = json_as_u64(v, "value", 0, INT64_MAX, &n, e);
	if (!err)
		buf_add_u64(b, n);
	return err;
}

static enum err
add_array(struct buf *b, const struct json *v, const char *between,
    struct error *e)
{
	enum err err = OK;

	for (size_t i = 0; !err && i < json_array_len(v); i++) {
		if (i)
			buf_add(b, str_from(between));
		err = add_element(b, json_array_at(v, i), e);
	}
	return err;
}

static enum err
text_of(enum form_control control, const struct json *object, const char *name,
    struct arena *a, struct str *ret, struct error *e)
{
	const struct json *v = json_member(object, name);
	struct buf b;
	bool is_on;
	enum err err;

	*ret = S("");
	if (!v || control == FORM_SECRET)
		return OK;
	if (json_kind(v) == JSON_BOOL) {
		err = json_get_bool(object, name, &is_on, e);
		*ret = !err && is_on ? S("true") : S("");
		return err;
	}
	if (json_kind(v) == JSON_NUMBER)
		return json_get_decimal(object, name, ret, e);
	if (json_kind(v) == JSON_ARRAY) {
		buf_init(&b, a, TEXT_BYTES_MAX);
		err = add_array(&b, v, control == FORM_COMMAS ? ", " : "\n", e);
		return err ? err : buf_finish(&b, ret, e);
	}
	err = json_get_str(object, name, 0, TEXT_BYTES_MAX, ret, e);
	if (!err && control == FORM_TIME && ret->n > FORM_MINUTE_CHARS)
		ret->n = FORM_MINUTE_CHARS;
	return err;
}

/* An archived project, say: a form that doesn't offer it would take it away. */
static enum err
keep_value(struct web_form *f, size_t i, struct str value, struct arena *a,
    struct error *e)
{
	size_t n = f->n_options[i];
	struct form_option *all;

	for (size_t k = 0; k < n; k++)
		if (str_eq(f->options[i][k].value, value))
			return OK;
	all = arena_array(a, struct form_option, n + 1);
	if (!all)
		return error_arena(e, a);
	for (size_t k = 0; k < n; k++)
		all[k] = f->options[i][k];
	all[n] = (struct form_option){ value, value };
	f->options[i] = all;
	f->n_options[i] = n + 1;
	return OK;
}

static enum err
keep_values(struct web_form *f, size_t i, struct arena *a, struct error *e)
{
	enum form_control c = f->fields[i].control;
	struct str rest = f->text[i], one;
	enum err err = OK;

	if (c == FORM_SELECT && rest.n)
		return keep_value(f, i, rest, a, e);
	while (!err && c == FORM_CHECKS && form_next_line(&rest, &one))
		err = keep_value(f, i, one, a, e);
	return err;
}

enum err
web_form_fill(struct web_form *f, struct str row_json, struct arena *a,
    struct error *e)
{
	const struct json *row;
	enum err err = json_parse_object(a, row_json, JSON_DEPTH, &row, e);

	for (size_t i = 0; !err && i < f->n_fields; i++) {
		const char *inner = web_form_inner(f, i);
		const struct json *object = row;

		if (inner)
			object = json_member(row,
			    arena_cstr(a, web_form_outer(f, i)));
		if (object)
			err = text_of(f->fields[i].control, object,
			    inner ? inner : f->fields[i].name, a, &f->text[i],
			    e);
		if (!err)
			err = keep_values(f, i, a, e);
	}
	return err;
}
