/* SPDX-License-Identifier: MIT */
#include "http/form.h"

#include "http/url.h"

void
form_init(struct form *f, struct arena *a, struct str text)
{
	*f = (struct form){ .a = a, .rest = text };
}

enum err
form_init_body(struct form *f, struct arena *a, struct str content_type,
    struct str body, struct error *e)
{
	form_init(f, a, body);
	f->is_multipart = multipart_is_type(content_type);
	if (f->is_multipart)
		return multipart_init(&f->parts, content_type, body, e);
	return OK;
}

static enum err
check_text(struct str s, struct error *e)
{
	if (str_find(s, '\0') < s.n || !str_is_utf8(s))
		return error_public(e, ERR_BAD_REQUEST, NULL,
		    "The address or form holds text that is not UTF-8.");
	return OK;
}

static enum err
decode_text(struct form *f, struct str s, struct str *ret, struct error *e)
{
	enum err code = url_decode(f->a, s, true, ret, e);

	return code ? code : check_text(*ret, e);
}

static enum err
next_part(struct form *f, bool *ret_more, struct str *ret_name,
    struct str *ret_value, struct error *e)
{
	enum err code = multipart_next(&f->parts, ret_more, ret_name, ret_value,
	    e);

	if (code || !*ret_more)
		return code;
	code = check_text(*ret_name, e);
	return code ? code : check_text(*ret_value, e);
}

enum err
form_next(struct form *f, bool *ret_more, struct str *ret_name,
    struct str *ret_value, struct error *e)
{
	struct str piece;

	if (f->is_multipart)
		return next_part(f, ret_more, ret_name, ret_value, e);
	while (str_split(&f->rest, '&', &piece)) {
		size_t eq = str_find(piece, '=');
		enum err code;

		if (piece.n == 0)
			continue;
		if (++f->n_pairs > FORM_PAIR_MAX)
			return error_public(e, ERR_BAD_REQUEST, NULL,
			    "The address or form has too many fields.");
		*ret_more = true;
		code = decode_text(f, str_make(piece.p, eq), ret_name, e);
		return code ? code
			    : decode_text(f, str_skip(piece, eq + 1), ret_value,
				  e);
	}
	*ret_more = false;
	return OK;
}

enum err
form_find(struct form *f, const char *name, struct str *ret, struct error *e)
{
	struct str wanted = str_from(name);
	struct str key, value;
	bool more;

	for (;;) {
		enum err code = form_next(f, &more, &key, &value, e);

		if (code)
			return code;
		if (!more)
			return error_set(e, ERR_NOT_FOUND, "no field \"%s\"",
			    name);
		if (str_eq(key, wanted)) {
			*ret = value;
			return OK;
		}
	}
}

enum err
form_get(struct arena *a, struct str text, const char *name, struct str *ret,
    struct error *e)
{
	struct form f;

	form_init(&f, a, text);
	return form_find(&f, name, ret, e);
}
