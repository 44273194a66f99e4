/* SPDX-License-Identifier: MIT */
#include "http/url.h"

#include <string.h>

#include "base/hex.h"

/* Decode the escape at s.p[i]; 0 when it is wrong, or stands for NUL. */
static char
decode_escape(struct str s, size_t i)
{
	int high, low;

	if (s.n - i < 3)
		return '\0';
	high = hex_digit(s.p[i + 1]);
	low = hex_digit(s.p[i + 2]);
	return high < 0 || low < 0 ? '\0' : (char)(high << 4 | low);
}

enum err
url_decode(struct arena *a, struct str s, bool plus_is_space, struct str *ret,
    struct error *e)
{
	char *p;
	size_t n = 0;

	if (str_find(s, '%') == s.n &&
	    (!plus_is_space || str_find(s, '+') == s.n)) {
		*ret = s;
		return OK;
	}
	p = arena_alloc(a, s.n + 1);
	if (!p)
		return error_arena(e, a);
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '+' && plus_is_space) {
			c = ' ';
		} else if (c == '%') {
			c = decode_escape(s, i);
			i += 2;
			if (c == '\0')
				return error_public(e, ERR_BAD_REQUEST, NULL,
				    "A percent escape in the address or form "
				    "is not valid.");
		}
		p[n++] = c;
	}
	*ret = str_make(p, n);
	return OK;
}

void
url_begin(struct url *u, struct buf *b, struct str base_path, const char *path)
{
	*u = (struct url){ .b = b };
	buf_add(b, base_path);
	buf_add(b, str_from(path));
}

void
url_segment(struct url *u, struct str segment)
{
	buf_add_char(u->b, '/');
	buf_url_arg(u->b, segment);
}

void
url_segment_u64(struct url *u, uint64_t segment)
{
	buf_add_char(u->b, '/');
	buf_add_u64(u->b, segment);
}

static void
begin_arg(struct url *u, const char *name)
{
	buf_add_char(u->b, u->has_arg ? '&' : '?');
	u->has_arg = true;
	buf_add(u->b, str_from(name));
	buf_add_char(u->b, '=');
}

void
url_arg(struct url *u, const char *name, struct str value)
{
	begin_arg(u, name);
	buf_url_arg(u->b, value);
}

void
url_arg_u64(struct url *u, const char *name, uint64_t value)
{
	begin_arg(u, name);
	buf_add_u64(u->b, value);
}

bool
url_is_local_path(struct str s)
{
	if (s.n == 0 || s.p[0] != '/')
		return false;
	/* Browsers take "//host" and "/\host" for another site. */
	if (s.n > 1 && (s.p[1] == '/' || s.p[1] == '\\'))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == '\\')
			return false;
	return true;
}
