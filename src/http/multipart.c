/* SPDX-License-Identifier: MIT */
#include "http/multipart.h"

#define CRLF S("\r\n")

static enum err
refuse(const char *why, struct error *e)
{
	return error_public(e, ERR_BAD_REQUEST, NULL,
	    "The form that was sent can't be read: %s.", why);
}

/* ---- parameters of a header: "; name=value; name=\"value\"" ---- */

static bool
is_one_of(struct str chars, char c)
{
	return str_find(chars, c) < chars.n;
}

static bool
is_token_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || is_one_of(S("!#$%&'*+-.^_`|~"), c);
}

static struct str
take_token(struct str *rest)
{
	struct str token = str_make(rest->p, 0);

	while (token.n < rest->n && is_token_char(rest->p[token.n]))
		token.n++;
	*rest = str_skip(*rest, token.n);
	return token;
}

/* Browsers write %22 for a quote in it: the next one is its end, and a
 * backslash is a character as others are. */
static bool
take_value(struct str *rest, struct str *ret)
{
	if (rest->n == 0 || rest->p[0] != '"') {
		*ret = take_token(rest);
		return ret->n > 0;
	}
	*rest = str_skip(*rest, 1);
	*ret = str_make(rest->p, str_find(*rest, '"'));
	if (ret->n == rest->n)
		return false;
	*rest = str_skip(*rest, ret->n + 1);
	return true;
}

/* The next parameter; false when there is none or it is no such. */
static bool
take_parameter(struct str *rest, struct str *ret_name, struct str *ret_value)
{
	if (rest->n == 0 || rest->p[0] != ';')
		return false;
	*rest = str_trim(str_skip(*rest, 1));
	*ret_name = take_token(rest);
	if (ret_name->n == 0 || rest->n == 0 || rest->p[0] != '=')
		return false;
	*rest = str_skip(*rest, 1);
	if (!take_value(rest, ret_value))
		return false;
	*rest = str_trim(*rest);
	return true;
}

/**
 * The one value of a parameter of a header's value.
 * @type  what must stand before the parameters, in any case
 * Returns false when it is absent or comes twice, and when the header's value
 * is of another shape.
 */
static bool
find_parameter(struct str header, struct str type, struct str wanted,
    struct str *ret)
{
	struct str name, value;
	size_t n = str_find(header, ';');
	struct str rest = str_skip(header, n);
	bool is_found = false;

	if (!str_eq_nocase(str_trim(str_make(header.p, n)), type))
		return false;
	while (rest.n) {
		if (!take_parameter(&rest, &name, &value))
			return false;
		if (!str_eq_nocase(name, wanted))
			continue;
		if (is_found)
			return false;
		*ret = value;
		is_found = true;
	}
	return is_found;
}

/* ---- the boundary ---- */

static bool
is_boundary(struct str s)
{
	if (s.n == 0 || s.n > MULTIPART_BOUNDARY_MAX || s.p[s.n - 1] == ' ')
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!is_token_char(s.p[i]) && !is_one_of(S("(),/:=? "), s.p[i]))
			return false;
	return true;
}

bool
multipart_is_type(struct str content_type)
{
	struct str type = str_make(content_type.p, str_find(content_type, ';'));

	return str_eq_nocase(str_trim(type), S("multipart/form-data"));
}

enum err
multipart_init(struct multipart *m, struct str content_type, struct str body,
    struct error *e)
{
	struct str boundary, first;

	if (!find_parameter(content_type, S("multipart/form-data"),
		S("boundary"), &boundary) ||
	    !is_boundary(boundary))
		return refuse("its boundary is missing or wrong", e);
	*m = (struct multipart){ .n_delimiter = 4 + boundary.n };
	memcpy(m->delimiter, "\r\n--", 4);
	memcpy(m->delimiter + 4, boundary.p, boundary.n);
	/* No line end stands before the first. */
	first = str_make(m->delimiter + 2, m->n_delimiter - 2);
	if (!str_starts(body, first))
		return refuse("it doesn't begin with its boundary", e);
	m->rest = str_skip(body, first.n);
	return OK;
}

/* ---- parts ---- */

/* A lone CR or LF above all, which other software may take for an end. */
static bool
has_controls(struct str line)
{
	for (size_t i = 0; i < line.n; i++)
		if ((unsigned char)line.p[i] < ' ' && line.p[i] != '\t')
			return true;
	return false;
}

static enum err
read_header(struct str line, struct str *name, struct error *e)
{
	size_t colon = str_find(line, ':');
	struct str field = str_make(line.p, colon);
	struct str value = str_trim(str_skip(line, colon + 1));
	struct str rest = field;

	if (take_token(&rest).n == 0 || rest.n || colon == line.n ||
	    has_controls(line))
		return refuse("a part has a line that is no header", e);
	if (str_eq_nocase(field, S("content-transfer-encoding")))
		return refuse("a part is encoded", e);
	if (str_eq_nocase(field, S("content-type")) && value.n >= 10 &&
	    str_eq_nocase(str_make(value.p, 10), S("multipart/")))
		return refuse("a part has parts itself", e);
	if (!str_eq_nocase(field, S("content-disposition")))
		return OK;
	if (name->p || !find_parameter(value, S("form-data"), S("name"), name))
		return refuse("a part has no name, or several", e);
	return OK;
}

static enum err
read_headers(struct multipart *m, struct str *ret_name, struct error *e)
{
	struct str name = { NULL, 0 };

	for (unsigned n = 0;; n++) {
		/* Within the bound, so that no line is searched far. */
		struct str near = m->rest;
		struct str line;
		enum err err;

		if (near.n > MULTIPART_HEADER_BYTES_MAX)
			near.n = MULTIPART_HEADER_BYTES_MAX;
		line = str_make(near.p, str_find_str(near, CRLF));
		if (line.n == near.n || n > MULTIPART_HEADER_MAX)
			return refuse("a part's headers are too long or have "
				      "no end",
			    e);
		m->rest = str_skip(m->rest, line.n + 2);
		if (line.n == 0)
			break;
		err = read_header(line, &name, e);
		if (err)
			return err;
	}
	if (!name.p)
		return refuse("a part has no name, or several", e);
	*ret_name = name;
	return OK;
}

enum err
multipart_next(struct multipart *m, bool *ret_more, struct str *ret_name,
    struct str *ret_value, struct error *e)
{
	struct str delimiter = str_make(m->delimiter, m->n_delimiter);
	struct str value;
	enum err err;

	*ret_more = false;
	if (str_eq(m->rest, S("--")) || str_eq(m->rest, S("--\r\n")))
		return OK;
	if (!str_starts(m->rest, CRLF))
		return refuse("something stands behind a boundary", e);
	if (++m->n_parts > MULTIPART_PART_MAX)
		return refuse("it has too many parts", e);
	m->rest = str_skip(m->rest, 2);
	err = read_headers(m, ret_name, e);
	if (err)
		return err;
	value = str_make(m->rest.p, str_find_str(m->rest, delimiter));
	if (value.n == m->rest.n)
		return refuse("a part has no end", e);
	m->rest = str_skip(m->rest, value.n + delimiter.n);
	*ret_value = value;
	*ret_more = true;
	return OK;
}
