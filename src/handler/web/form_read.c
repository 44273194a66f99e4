/* SPDX-License-Identifier: MIT */
/* What was sent, as a form has it. */
#include "handler/web/form_priv.h"
#include "http/form.h"

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

static bool
is_left_out(const struct web_form *f, struct str name)
{
	for (size_t i = 0; i < f->n_fields; i++)
		if (f->is_left_out[i] &&
		    str_eq(name, str_from(f->fields[i].name)))
			return true;
	return false;
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

		if (!web_form_has(f, i) || !str_eq(name, web_form_name(f, i)))
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
	/* It may have had the field when it was shown. */
	if (!value.n && is_left_out(f, name))
		return OK;
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
