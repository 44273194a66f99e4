/* SPDX-License-Identifier: MIT */
/* The part of json_scan.h that reads text which was already accepted: it
 * looks for ends only and trusts the grammar, but never its length. */
#include "base/json_scan.h"

#include <string.h>

static const char *
skip_space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
		p++;
	return p;
}

/* p is at the opening quote; returns the place behind the closing one. */
static const char *
string_end(const char *p, const char *end)
{
	p++;
	while (p < end) {
		const char *quote = memchr(p, '"', (size_t)(end - p));
		const char *before;

		if (!quote)
			return end;
		before = quote;
		while (before > p && before[-1] == '\\')
			before--;
		/* p is never in the middle of an escape, so an even number
		 * of backslashes means a quote that ends the string. */
		if ((quote - before) % 2 == 0)
			return quote + 1;
		p = quote + 1;
	}
	return end;
}

static const char *
container_end(const char *p, const char *end)
{
	unsigned depth = 0;

	while (p < end) {
		if (*p == '"') {
			p = string_end(p, end);
			continue;
		}
		if (*p == '{' || *p == '[')
			depth++;
		if ((*p == '}' || *p == ']') && --depth == 0)
			return p + 1;
		p++;
	}
	return end;
}

static const char *
scalar_end(const char *p, const char *end)
{
	while (p < end && *p != ',' && *p != '}' && *p != ']' && *p != ' ' &&
	       *p != '\n' && *p != '\r' && *p != '\t')
		p++;
	return p;
}

static const char *
value_end(const char *p, const char *end, enum json_kind *ret_kind)
{
	switch (*p) {
	case '"':
		*ret_kind = JSON_STRING;
		return string_end(p, end);
	case '{':
		*ret_kind = JSON_OBJECT;
		return container_end(p, end);
	case '[':
		*ret_kind = JSON_ARRAY;
		return container_end(p, end);
	case 't':
	case 'f':
		*ret_kind = JSON_BOOL;
		return scalar_end(p, end);
	case 'n':
		*ret_kind = JSON_NULL;
		return scalar_end(p, end);
	default:
		*ret_kind = JSON_NUMBER;
		return scalar_end(p, end);
	}
}

void
json_walk_init(struct json_walk *w, struct str container)
{
	/* Between the brackets. */
	if (container.n < 2) {
		w->p = w->end = NULL;
		w->is_object = false;
		return;
	}
	w->is_object = container.p[0] == '{';
	w->p = container.p + 1;
	w->end = container.p + container.n - 1;
}

bool
json_walk_next(struct json_walk *w, struct json_member *ret)
{
	const char *p = skip_space(w->p, w->end);
	const char *from;

	*ret = (struct json_member){ .kind = JSON_NONE };
	if (p == w->end)
		return false;
	if (w->is_object) {
		from = p;
		p = string_end(p, w->end);
		ret->name = str_make(from + 1, (size_t)(p - from) - 2);
		ret->is_name_escaped = str_find(ret->name, '\\') < ret->name.n;
		p = skip_space(p, w->end);
		p = skip_space(p < w->end ? p + 1 : p, w->end);
	}
	if (p == w->end)
		return false;
	from = p;
	p = value_end(p, w->end, &ret->kind);
	ret->value = str_make(from, (size_t)(p - from));
	p = skip_space(p, w->end);
	w->p = p < w->end ? p + 1 : p;
	return true;
}

bool
json_walk_find(struct str object, struct str name, struct json_member *ret)
{
	struct json_member m;
	struct json_walk w;
	bool is_found = false;

	json_walk_init(&w, object);
	while (w.is_object && json_walk_next(&w, &m)) {
		if (!str_eq(m.name, name))
			continue;
		*ret = m;
		is_found = true;
	}
	return is_found;
}

static unsigned
hex4(const char *p)
{
	unsigned v = 0;

	for (int i = 0; i < 4; i++) {
		unsigned c = (unsigned char)p[i];

		v = v << 4 | (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return v;
}

static size_t
utf8_write(unsigned cp, char *ret)
{
	if (cp < 0x80) {
		ret[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		ret[0] = (char)(0xc0 | cp >> 6);
		ret[1] = (char)(0x80 | (cp & 0x3f));
		return 2;
	}
	if (cp < 0x10000) {
		ret[0] = (char)(0xe0 | cp >> 12);
		ret[1] = (char)(0x80 | (cp >> 6 & 0x3f));
		ret[2] = (char)(0x80 | (cp & 0x3f));
		return 3;
	}
	ret[0] = (char)(0xf0 | cp >> 18);
	ret[1] = (char)(0x80 | (cp >> 12 & 0x3f));
	ret[2] = (char)(0x80 | (cp >> 6 & 0x3f));
	ret[3] = (char)(0x80 | (cp & 0x3f));
	return 4;
}

/* The code point of "\uXXXX" at p; a surrogate pair takes both escapes. */
static size_t
read_unicode_escape(const char *p, const char *end, unsigned *ret_cp)
{
	unsigned cp = hex4(p + 2);
	unsigned low;

	*ret_cp = cp;
	if (cp < 0xd800 || cp > 0xdfff)
		return 6;
	*ret_cp = 0xfffd;
	if (cp > 0xdbff || end - p < 12 || p[6] != '\\' || p[7] != 'u')
		return 6;
	low = hex4(p + 8);
	if (low < 0xdc00 || low > 0xdfff)
		return 6;
	*ret_cp = 0x10000 + ((cp - 0xd800) << 10) + (low - 0xdc00);
	return 12;
}

static char
simple_escape(char c)
{
	switch (c) {
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	default:
		return c;
	}
}

/* Resolve the escape at p into ret (4 bytes); returns how long it was. */
static size_t
read_escape(const char *p, const char *end, char ret[4], size_t *ret_n)
{
	unsigned cp;
	size_t len;

	if (p[1] != 'u') {
		ret[0] = simple_escape(p[1]);
		*ret_n = 1;
		return 2;
	}
	len = read_unicode_escape(p, end, &cp);
	*ret_n = utf8_write(cp, ret);
	return len;
}

bool
json_text_next(struct str *rest, char escape[4], struct str *ret)
{
	size_t n = str_find(*rest, '\\');

	if (rest->n == 0)
		return false;
	if (n > 0) {
		*ret = str_make(rest->p, n);
	} else {
		ret->p = escape;
		n = read_escape(rest->p, rest->p + rest->n, escape, &ret->n);
	}
	*rest = str_make(rest->p + n, rest->n - n);
	return true;
}

/* Text between the quotes, into out (or only counted: NULL). */
static size_t
unescape(struct str s, char *out)
{
	char escape[4];
	struct str run;
	size_t n = 0;

	while (json_text_next(&s, escape, &run)) {
		if (out)
			memcpy(out + n, run.p, run.n);
		n += run.n;
	}
	return n;
}

struct str
json_unescape(struct arena *a, struct str value)
{
	struct str s = str_make(value.p + 1, value.n - 2);
	char *out;

	if (str_find(s, '\\') == s.n)
		return s;
	/* An escape is never shorter than what it stands for. */
	out = arena_alloc(a, s.n);
	if (!out)
		return (struct str){ NULL, 0 };
	return str_make(out, unescape(s, out));
}

size_t
json_unescaped_bytes(struct str value)
{
	return unescape(str_make(value.p + 1, value.n - 2), NULL);
}
