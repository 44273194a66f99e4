/* SPDX-License-Identifier: MIT */
#include "handler/web/form.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_out.h"

#define TEXT_BYTES_MAX KIB(64) /* of one field, when a row is shown */
#define JSON_DEPTH     6
#define MINUTE_CHARS   16 /* of "2026-11-26T14:05" */

/* ---- fields ---- */

static bool
is_there(const struct web_form *f, size_t i)
{
	unsigned flags = f->fields[i].flags;

	return !(flags & (f->is_new ? FORM_EDIT : FORM_NEW));
}

static struct str
name_of(const struct web_form *f, size_t i)
{
	return str_from(f->fields[i].name);
}

/* "budget" of "budget/amount_usd"; all of a name without a slash. */
static struct str
outer_of(const struct web_form *f, size_t i)
{
	struct str name = name_of(f, i);

	return str_make(name.p, str_find(name, '/'));
}

/* "amount_usd" of "budget/amount_usd"; NULL of a name without a slash. */
static const char *
inner_of(const struct web_form *f, size_t i)
{
	const char *slash = strchr(f->fields[i].name, '/');

	return slash ? slash + 1 : NULL;
}

static bool
has_many(enum form_control c)
{
	return c == FORM_LINES || c == FORM_CHECKS;
}

/* The next of a field's lines that says something. */
static bool
next_line(struct str *rest, struct str *ret)
{
	while (rest->n && str_split(rest, '\n', ret)) {
		*ret = str_trim(*ret);
		if (ret->n)
			return true;
	}
	return false;
}

static bool
has_line(struct str text, struct str line)
{
	struct str one;

	while (next_line(&text, &one))
		if (str_eq(one, line))
			return true;
	return false;
}

/* ---- options ---- */

/* "value|text" each. */
static enum err
own_options(struct web_form *f, size_t i, struct arena *a, struct error *e)
{
	const char *const *list = f->fields[i].options;
	size_t n = 0;

	if (!list)
		return OK;
	while (list[n])
		n++;
	f->options[i] = arena_array(a, struct form_option, n);
	if (!f->options[i])
		return error_arena(e, a);
	for (size_t k = 0; k < n; k++) {
		struct str s = str_from(list[k]);
		size_t at = str_find(s, '|');

		f->options[i][k] = (struct form_option){ str_make(s.p, at),
			str_skip(s, at + 1) };
	}
	f->n_options[i] = n;
	return OK;
}

enum err
web_form_init(struct web_form *f, const struct form_field *fields,
    size_t n_fields, bool is_new, struct arena *a, struct error *e)
{
	enum err err = OK;

	ASSERT(n_fields <= FORM_FIELD_MAX);
	*f = (struct web_form){ .fields = fields,
		.n_fields = n_fields,
		.is_new = is_new };
	for (size_t i = 0; !err && i < n_fields; i++)
		err = own_options(f, i, a, e);
	return err;
}

void
web_form_set_options(struct web_form *f, const char *name,
    struct form_option *options, size_t n)
{
	for (size_t i = 0; i < f->n_fields; i++)
		if (strcmp(f->fields[i].name, name) == 0) {
			f->options[i] = options;
			f->n_options[i] = n;
		}
}

/* ---- a row ---- */

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
	if (!err && control == FORM_TIME && ret->n > MINUTE_CHARS)
		ret->n = MINUTE_CHARS;
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
	while (!err && c == FORM_CHECKS && next_line(&rest, &one))
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
		const char *inner = inner_of(f, i);
		const struct json *object = row;

		if (inner)
			object = json_member(row,
			    arena_cstr(a, outer_of(f, i)));
		if (object)
			err = text_of(f->fields[i].control, object,
			    inner ? inner : f->fields[i].name, a, &f->text[i],
			    e);
		if (!err)
			err = keep_values(f, i, a, e);
	}
	return err;
}

/* ---- what was sent ---- */

/* Browsers end lines with CR LF. */
static struct str
plain_lines(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; p && i < s.n; i++)
		if (s.p[i] != '\r')
			p[n++] = s.p[i];
	return str_make(p, n);
}

static enum err
take(struct web_form *f, struct arena *a, struct str name, struct str value,
    struct error *e)
{
	if (str_eq(name, S("csrf")))
		return OK;
	if (str_eq(name, S("etag"))) {
		f->etag = value;
		return OK;
	}
	for (size_t i = 0; i < f->n_fields; i++) {
		struct str *text = &f->text[i];

		if (!is_there(f, i) || !str_eq(name, name_of(f, i)))
			continue;
		if (f->fields[i].control == FORM_CHECKS && text->n)
			*text = arena_printf(a, "%" PRI_STR "\n%" PRI_STR,
			    STR_ARG(*text), STR_ARG(value));
		else if (f->fields[i].control == FORM_SECRET)
			*text = value;
		else if (f->fields[i].control == FORM_LINES)
			*text = str_trim(plain_lines(a, value));
		else if (f->fields[i].control == FORM_AREA ||
			 f->fields[i].control == FORM_FILE)
			*text = plain_lines(a, value);
		else
			*text = str_trim(value);
		return OK;
	}
	return error_public(e, ERR_BAD_PARAM, NULL,
	    "This form has no field \"%.*s\".",
	    (int)(name.n < 64 ? name.n : 64), name.p);
}

enum err
web_form_read_pairs(struct web_form *f, struct form *pairs, struct arena *a,
    struct error *e)
{
	struct str name, value;
	bool more = true;
	enum err err;

	do {
		err = form_next(pairs, &more, &name, &value, e);
		if (!err && more)
			err = take(f, a, name, value, e);
	} while (!err && more);
	return err;
}

enum err
web_form_read(struct web_form *f, struct str body, struct arena *a,
    struct error *e)
{
	struct form pairs;

	form_init(&pairs, a, body);
	return web_form_read_pairs(f, &pairs, a, e);
}

/* ---- the API's body ---- */

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
	char text[MINUTE_CHARS + sizeof(":00Z")];
	struct str s = f->text[i];
	int64_t time_ms;

	if (s.n == MINUTE_CHARS) {
		(void)snprintf(text, sizeof(text), "%.*s:00Z", MINUTE_CHARS,
		    s.p);
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
	if (has_many(field->control))
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
	if (!is_there(f, i) || f->fields[i].flags & FORM_ASIDE)
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

	while (end < f->n_fields && inner_of(f, end) &&
	       str_eq(outer_of(f, end), outer_of(f, i)))
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
	json_out_key(j, arena_cstr(a, outer_of(f, i)));
	if (is_null) {
		json_out_null(j);
		return OK;
	}
	json_out_object(j);
	for (size_t k = i; !err && k < end; k++) {
		if (!(is_whole ? is_there(f, k) && f->text[k].n
			       : is_said(f, shown, k)))
			continue;
		json_out_key(j, inner_of(f, k));
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
		if (inner_of(f, i)) {
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

/* ---- how it looks ---- */

/* The API names a member, a member's member, or an object as a whole. */
static bool
is_about(const struct web_form *f, size_t i, const char *param)
{
	const char *inner = inner_of(f, i);
	struct str outer = outer_of(f, i);

	if (strcmp(f->fields[i].name, param) == 0)
		return true;
	if (!inner)
		return false;
	if (strcmp(inner, param) == 0)
		return true;
	return str_eq(outer, str_from(param)) &&
	       (i == 0 || !str_eq(outer, outer_of(f, i - 1)));
}

/* The field that is to blame; n_fields: none of them, or nothing is wrong. */
static size_t
refused_field(const struct web_form *f, const struct error *refused)
{
	size_t i = f->n_fields;

	if (refused && refused->param[0])
		for (i = 0; i < f->n_fields; i++)
			if (is_there(f, i) && is_about(f, i, refused->param))
				break;
	return i;
}

static struct str
id_of(struct arena *a, struct str name)
{
	struct str id = arena_printf(a, "f-%" PRI_STR, STR_ARG(name));
	char *p = (char *)(uintptr_t)id.p;

	for (size_t i = 0; i < id.n; i++)
		if (p[i] == '/' || p[i] == '.' || p[i] == ':')
			p[i] = '-';
	return id;
}

static const char *const input_types[] = {
	[FORM_TEXT] = "text",
	[FORM_EMAIL] = "email",
	[FORM_SECRET] = "password",
	[FORM_NUMBER] = "text", /* "number" loses what is no number */
	[FORM_COMMAS] = "text",
	[FORM_TIME] = "datetime-local",
};

static bool
is_input(enum form_control c)
{
	return c < ARRAY_LEN(input_types) && input_types[c];
}

static void
add_options(struct tval *o, const struct web_form *f, size_t i, struct str id)
{
	struct tval *list = tval_set_list(o, "options");

	for (size_t k = 0; k < f->n_options[i]; k++) {
		const struct form_option *op = &f->options[i][k];
		struct tval *item = tval_push_object(list);

		tval_set_textf(item, "id", "%" PRI_STR "-%zu", STR_ARG(id), k);
		tval_set_text(item, "name", name_of(f, i));
		tval_set_text(item, "value", op->value);
		tval_set_text(item, "text", op->text);
		tval_set_bool(item, "is_on",
		    has_many(f->fields[i].control)
			? has_line(f->text[i], op->value)
			: str_eq(f->text[i], op->value));
	}
}

/* Ids of what a reader's software says after the label. */
static struct str
described_by(struct arena *a, struct str id, struct str message,
    struct str hint)
{
	struct buf b;

	buf_init(&b, a, KIB(1));
	if (message.n)
		buf_addf(&b, "%" PRI_STR "-message", STR_ARG(id));
	if (hint.n)
		buf_addf(&b, "%s%" PRI_STR "-hint", message.n ? " " : "",
		    STR_ARG(id));
	return buf_str(&b);
}

/* Whether the fields from i up to the next legend say anything. */
static bool
is_group_said(const struct web_form *f, size_t i, size_t blamed)
{
	size_t begin = i;

	for (; i < f->n_fields && (i == begin || !f->fields[i].legend); i++)
		if (is_there(f, i) && (f->text[i].n || i == blamed))
			return true;
	return false;
}

static void
add_field(struct tval *list, const struct web_form *f, size_t i,
    struct str message)
{
	const struct form_field *field = &f->fields[i];
	struct tval *o = tval_push_object(list);
	enum form_control c = field->control;
	struct str id, hint = str_from(field->hint ? field->hint : "");

	if (!o)
		return;
	id = id_of(o->a, name_of(f, i));
	tval_set_text(o, "legend",
	    str_from(field->legend ? field->legend : ""));
	tval_set_text(o, "id", id);
	tval_set_text(o, "name", name_of(f, i));
	tval_set_text(o, "label", str_from(field->label));
	tval_set_text(o, "hint", hint);
	tval_set_text(o, "message", message);
	tval_set_text(o, "type", str_from(is_input(c) ? input_types[c] : ""));
	tval_set_text(o, "value",
	    c == FORM_SECRET || c == FORM_FILE ? S("") : f->text[i]);
	tval_set_text(o, "described_by", described_by(o->a, id, message, hint));
	tval_set_bool(o, "is_needed", field->flags & FORM_NEEDED);
	tval_set_bool(o, "is_input", is_input(c));
	tval_set_bool(o, "is_area", c == FORM_LINES || c == FORM_AREA);
	tval_set_bool(o, "is_lines", c == FORM_LINES);
	tval_set_bool(o, "is_hidden", c == FORM_HIDDEN);
	/* A secret for the page itself is the password of who sends it; any
	 * other is no password of this site, and what stands above it is no
	 * name to sign in with. */
	tval_set_text(o, "autocomplete",
	    c != FORM_SECRET            ? S("")
	    : field->flags & FORM_ASIDE ? S("current-password")
					: S("one-time-code"));
	tval_set_bool(o, "is_file", c == FORM_FILE);
	tval_set_bool(o, "is_check", c == FORM_CHECK);
	tval_set_bool(o, "is_select", c == FORM_SELECT);
	tval_set_bool(o, "is_checks", c == FORM_CHECKS);
	tval_set_bool(o, "is_on", f->text[i].n > 0);
	tval_set_bool(o, "is_small", field->flags & FORM_SMALL);
	add_options(o, f, i, id);
}

void
web_form_view(struct tval *o, const struct web_form *f,
    const struct error *refused)
{
	size_t blamed = refused_field(f, refused);
	struct str message = S("");
	bool is_folding = false;
	struct tval *list;

	if (refused && o)
		message = arena_strdup(o->a,
		    str_from(refused->public_text[0]
				 ? refused->public_text
				 : err_info(refused->code)->public_text));
	tval_set_text(o, "etag", f->etag);
	tval_set_text(o, "message", blamed < f->n_fields ? S("") : message);
	list = tval_set_list(o, "fields");
	for (size_t i = 0; list && i < f->n_fields; i++) {
		const struct form_field *field = &f->fields[i];
		bool folds = field->legend && (field->flags & FORM_FOLD);
		struct tval *last;

		if (!is_there(f, i))
			continue;
		add_field(list, f, i, i == blamed ? message : S(""));
		last = list->last ? list->last->value : NULL;
		tval_set_bool(last, "folds", folds);
		tval_set_bool(last, "closes", is_folding && field->legend);
		tval_set_bool(last, "is_open",
		    folds && is_group_said(f, i, blamed));
		is_folding = folds || (is_folding && !field->legend);
	}
	tval_set_bool(o, "ends_fold", is_folding);
}

bool
web_form_says(enum err err)
{
	return err == ERR_BAD_PARAM || err == ERR_BAD_REQUEST ||
	       err == ERR_CONFLICT || err == ERR_PRECONDITION ||
	       err == ERR_FORBIDDEN || err == ERR_RATE_LIMITED;
}
