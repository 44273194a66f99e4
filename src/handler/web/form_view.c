/* SPDX-License-Identifier: MIT */
/* How a form looks: what its template is told. */
#include "handler/web/form_priv.h"

#include <string.h>

static bool
has_line(struct str text, struct str line)
{
	struct str one;

	while (form_next_line(&text, &one))
		if (str_eq(one, line))
			return true;
	return false;
}

/* The API names a member, a member's member, or an object as a whole. */
static bool
is_about(const struct web_form *f, size_t i, const char *param)
{
	const char *inner = web_form_inner(f, i);
	struct str outer = web_form_outer(f, i);

	if (strcmp(f->fields[i].name, param) == 0)
		return true;
	if (!inner)
		return false;
	if (strcmp(inner, param) == 0)
		return true;
	return str_eq(outer, str_from(param)) &&
	       (i == 0 || !str_eq(outer, web_form_outer(f, i - 1)));
}

/* The field that is to blame; n_fields: none of them, or nothing is wrong. */
static size_t
refused_field(const struct web_form *f, const struct error *refused)
{
	size_t i = f->n_fields;

	if (refused && refused->param[0])
		for (i = 0; i < f->n_fields; i++)
			if (web_form_has(f, i) &&
			    is_about(f, i, refused->param))
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
		tval_set_text(item, "name", web_form_name(f, i));
		tval_set_text(item, "value", op->value);
		tval_set_text(item, "text", op->text);
		tval_set_bool(item, "is_on",
		    form_control_has_many(f->fields[i].control)
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
		if (web_form_has(f, i) && (f->text[i].n || i == blamed))
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
	id = id_of(o->a, web_form_name(f, i));
	tval_set_text(o, "legend",
	    str_from(field->legend ? field->legend : ""));
	tval_set_text(o, "id", id);
	tval_set_text(o, "name", web_form_name(f, i));
	tval_set_text(o, "label", str_from(field->label));
	tval_set_text(o, "hint", hint);
	tval_set_text(o, "message", message);
	tval_set_text(o, "type", str_from(is_input(c) ? input_types[c] : ""));
	tval_set_text(o, "value",
	    c == FORM_SECRET || c == FORM_FILE ? S("") : f->text[i]);
	tval_set_text(o, "described_by", described_by(o->a, id, message, hint));
	tval_set_bool(o, "is_needed", field->flags & FORM_NEEDED);
	/* What is for the page itself says by its hint when it is needed. */
	tval_set_bool(o, "is_optional",
	    !(field->flags & (FORM_NEEDED | FORM_SMALL | FORM_ASIDE)));
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

struct str
web_form_message(struct arena *a, const struct error *refused)
{
	return arena_strdup(a,
	    str_from(refused->public_text[0]
			 ? refused->public_text
			 : err_info(refused->code)->public_text));
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
		message = web_form_message(o->a, refused);
	tval_set_text(o, "etag", f->etag);
	tval_set_text(o, "message", blamed < f->n_fields ? S("") : message);
	list = tval_set_list(o, "fields");
	for (size_t i = 0; list && i < f->n_fields; i++) {
		const struct form_field *field = &f->fields[i];
		bool folds = field->legend && (field->flags & FORM_FOLD);
		struct tval *last;

		if (!web_form_has(f, i))
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
