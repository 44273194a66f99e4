/* SPDX-License-Identifier: MIT */
#include "handler/web/form_priv.h"

#include <string.h>

bool
web_form_has(const struct web_form *f, size_t i)
{
	unsigned flags = f->fields[i].flags;

	return !(flags & (f->is_new ? FORM_EDIT : FORM_NEW)) &&
	       !f->is_left_out[i];
}

struct str
web_form_name(const struct web_form *f, size_t i)
{
	return str_from(f->fields[i].name);
}

struct str
web_form_outer(const struct web_form *f, size_t i)
{
	struct str name = web_form_name(f, i);

	return str_make(name.p, str_find(name, '/'));
}

const char *
web_form_inner(const struct web_form *f, size_t i)
{
	const char *slash = strchr(f->fields[i].name, '/');

	return slash ? slash + 1 : NULL;
}

bool
form_control_has_many(enum form_control c)
{
	return c == FORM_LINES || c == FORM_CHECKS;
}

bool
form_next_line(struct str *rest, struct str *ret)
{
	while (rest->n && str_split(rest, '\n', ret)) {
		*ret = str_trim(*ret);
		if (ret->n)
			return true;
	}
	return false;
}

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

struct str
web_form_sent(const struct web_form *f, const char *name)
{
	for (size_t i = 0; i < f->n_fields; i++)
		if (str_eq(str_from(f->fields[i].name), str_from(name)))
			return f->text[i];
	return S("");
}

bool
web_form_says(enum err err)
{
	return err == ERR_BAD_PARAM || err == ERR_BAD_REQUEST ||
	       err == ERR_CONFLICT || err == ERR_PRECONDITION ||
	       err == ERR_FORBIDDEN || err == ERR_RATE_LIMITED;
}

void
web_form_leave_out(struct web_form *f, const char *name)
{
	for (size_t i = 0; i < f->n_fields; i++)
		if (str_eq(str_from(f->fields[i].name), str_from(name)))
			f->is_left_out[i] = true;
}

void
web_form_set_text(struct web_form *f, const char *name, struct str text)
{
	for (size_t i = 0; i < f->n_fields; i++)
		if (str_eq(str_from(f->fields[i].name), str_from(name)))
			f->text[i] = text;
}
