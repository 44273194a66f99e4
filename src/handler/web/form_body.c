/* SPDX-License-Identifier: MIT */
/* The API's body that a form stands for. */
#include "handler/web/form_priv.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/json_out.h"

static enum err
refuse(const struct web_form *f, size_t i, const char *what, struct error *e)
{
	return error_public(e, ERR_BAD_PARAM, f->fields[i].name,
	    "%s must be %s.", f->fields[i].label, what);
}

/* As JSON writes it: without a sign, zeros or a point at the beginning. */
static bool
is_number(struct str *s)
{
	size_t point;

	while (s->n > 1 && s->p[0] == '0' && s->p[1] != '.')
		*s = str_skip(*s, 1);
	point = str_find(*s, '.');
	if (point == 0 || point + 1 == s->n || s->n > 40)
		return false;
	for (size_t i = 0; i < s->n; i++)
		if (i != point && (s->p[i] < '0' || s->p[i] > '9'))
			return false;
	return true;
}

static enum err
put_number(const struct web_form *f, size_t i, struct str text,
    struct json_out *j, struct error *e)
{
	if (!is_number(&text))
		return refuse(f, i, "a number", e);
	json_out_raw(j, text);
	return OK;
}

static enum err
put_array(const struct web_form *f, size_t i, char between, struct json_out *j,
    struct error *e)
{
	bool are_numbers = f->fields[i].control == FORM_COMMAS ||
			   (f->fields[i].flags & FORM_NUMBERS);
	struct str rest = f->text[i], one;
	enum err err = OK;

	json_out_array(j);
	while (!err && rest.n && str_split(&rest, between, &one)) {
		one = str_trim(one);
		if (one.n && are_numbers)
			err = put_number(f, i, one, j, e);
		else if (one.n)
			json_out_str(j, one);
	}
	json_out_array_end(j);
	return err;
}

static enum err
put_time(const struct web_form *f, size_t i, struct json_out *j,
    struct error *e)
{
	char text[FORM_MINUTE_CHARS + sizeof(":00Z")];
	struct str s = f->text[i];
	int64_t time_ms;

	if (s.n == FORM_MINUTE_CHARS) {
		(void)snprintf(text, sizeof(text), "%.*s:00Z",
		    FORM_MINUTE_CHARS, s.p);
		s = str_from(text);
	}
	if (!clock_parse(s, &time_ms))
		return refuse(f, i, "a time such as 2026-12-31T23:59, in UTC",
		    e);
	json_out_time(j, time_ms);
	return OK;
}

static enum err
put_value(const struct web_form *f, size_t i, struct json_out *j,
    struct error *e)
{
	const struct form_field *field = &f->fields[i];
	struct str text = f->text[i];

	if (field->control == FORM_CHECK) {
		json_out_bool(j, text.n > 0);
		return OK;
	}
	if (!text.n && (field->flags & FORM_NULL)) {
		json_out_null(j);
		return OK;
	}
	if (form_control_has_many(field->control))
		return put_array(f, i, '\n', j, e);
	if (field->control == FORM_COMMAS)
		return put_array(f, i, ',', j, e);
	if (field->control == FORM_TIME)
		return put_time(f, i, j, e);
	if (field->control == FORM_NUMBER ||
	    ((field->control == FORM_SELECT || field->control == FORM_HIDDEN) &&
		(field->flags & FORM_NUMBERS)))
		return put_number(f, i, text, j, e);
	json_out_str(j, text);
	return OK;
}

/* Of a new thing what says something, else what is not as it was. */
static bool
is_said(const struct web_form *f, const struct web_form *shown, size_t i)
{
	if (!web_form_has(f, i) || f->fields[i].flags & FORM_ASIDE)
		return false;
	if (!shown)
		return f->text[i].n || f->fields[i].control == FORM_CHECK;
	return !str_eq(f->text[i], shown->text[i]);
}

/* Behind the last field of i's object. */
static size_t
group_end(const struct web_form *f, size_t i)
{
	size_t end = i + 1;

	while (end < f->n_fields && web_form_inner(f, end) &&
	       str_eq(web_form_outer(f, end), web_form_outer(f, i)))
		end++;
	return end;
}

/* The fields [i, end) are one object: all of it or null when the first says
 * FORM_GROUP, else those of them that are said. */
static enum err
put_group(const struct web_form *f, const struct web_form *shown, size_t i,
    size_t end, struct arena *a, struct json_out *j, struct error *e)
{
	bool is_whole = f->fields[i].flags & FORM_GROUP;
	bool is_null = is_whole && !f->text[i].n;
	bool any = false;
	enum err err = OK;

	for (size_t k = i; k < end; k++)
		any = any || (is_said(f, shown, k) &&
				 !(is_null && (!shown || k != i)));
	if (!any)
		return OK;
	json_out_key(j, arena_cstr(a, web_form_outer(f, i)));
	if (is_null) {
		json_out_null(j);
		return OK;
	}
	json_out_object(j);
	for (size_t k = i; !err && k < end; k++) {
		if (!(is_whole ? web_form_has(f, k) && f->text[k].n
			       : is_said(f, shown, k)))
			continue;
		json_out_key(j, web_form_inner(f, k));
		err = put_value(f, k, j, e);
	}
	json_out_object_end(j);
	return err;
}

enum err
web_form_body(const struct web_form *f, const struct web_form *shown,
    struct str more, struct arena *a, struct str *ret, struct error *e)
{
	struct json_out j;
	struct buf b;
	size_t end;
	enum err err = OK;

	buf_init(&b, a, KIB(256));
	json_out_init(&j, &b);
	json_out_object(&j);
	if (more.n) {
		buf_add(&b, more);
		j.has_item[j.depth] = true;
	}
	for (size_t i = 0; !err && i < f->n_fields; i = end) {
		end = i + 1;
		if (web_form_inner(f, i)) {
			end = group_end(f, i);
			err = put_group(f, shown, i, end, a, &j, e);
		} else if (is_said(f, shown, i)) {
			json_out_key(&j, f->fields[i].name);
			err = put_value(f, i, &j, e);
		}
	}
	json_out_object_end(&j);
	return err ? err : buf_finish(&b, ret, e);
}
