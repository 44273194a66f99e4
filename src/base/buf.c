/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BUF_FIRST_BYTES 256

void
buf_init(struct buf *b, struct arena *a, size_t max_bytes)
{
	*b = (struct buf){ .a = a, .max_bytes = max_bytes };
}

void
buf_init_fixed(struct buf *b, char *p, size_t cap)
{
	*b = (struct buf){ .p = p, .cap = cap, .max_bytes = cap };
}

void
buf_reset(struct buf *b)
{
	b->n = 0;
	b->sticky = OK;
}

static char *
fail(struct buf *b, enum err code)
{
	if (b->sticky == OK)
		b->sticky = code;
	return NULL;
}

static bool
grow(struct buf *b, size_t need)
{
	size_t cap = b->cap ? b->cap : BUF_FIRST_BYTES;
	char *p;

	if (!b->a)
		return false;
	while (cap < need)
		cap = cap > b->max_bytes / 2 ? b->max_bytes : cap * 2;
	if (cap > b->max_bytes) /* what fits may be added */
		cap = b->max_bytes;
	p = arena_alloc(b->a, cap);
	if (!p)
		return false;
	if (b->n)
		memcpy(p, b->p, b->n);
	b->p = p;
	b->cap = cap;
	return true;
}

char *
buf_room(struct buf *b, size_t n)
{
	if (b->sticky)
		return NULL;
	if (n > b->max_bytes - b->n)
		return fail(b, b->a ? ERR_TOO_LARGE : ERR_NO_MEMORY);
	if (n > b->cap - b->n && !grow(b, b->n + n))
		return fail(b, b->a ? b->a->sticky : ERR_NO_MEMORY);
	return b->p + b->n;
}

void
buf_grew(struct buf *b, size_t n)
{
	ASSERT(n <= b->cap - b->n);
	b->n += n;
}

void
buf_add_u64(struct buf *b, uint64_t v)
{
	char text[20];
	size_t i = sizeof(text);

	do {
		text[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	buf_add(b, str_make(text + i, sizeof(text) - i));
}

void
buf_add_padded(struct buf *b, uint64_t v, size_t n_digits)
{
	char text[20];

	ASSERT(n_digits >= 1 && n_digits <= sizeof(text));
	for (size_t i = n_digits; i-- > 0; v /= 10)
		text[i] = (char)('0' + v % 10);
	buf_add(b, str_make(text, n_digits));
}

void
buf_add_i64(struct buf *b, int64_t v)
{
	if (v < 0)
		buf_add_char(b, '-');
	buf_add_u64(b, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void
buf_addf(struct buf *b, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	int n;
	char *p;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0) {
		fail(b, ERR_INTERNAL);
		return;
	}
	if ((size_t)n < sizeof(text)) {
		buf_add(b, str_make(text, (size_t)n));
		return;
	}
	p = buf_room(b, (size_t)n + 1);
	if (!p)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(p, (size_t)n + 1, fmt, ap); /* measured above */
	va_end(ap);
	b->n += (size_t)n;
}

static struct str
html_escape(char c)
{
	switch (c) {
	case '&':
		return S("&amp;");
	case '<':
		return S("&lt;");
	case '>':
		return S("&gt;");
	case '"':
		return S("&quot;");
	case '\'':
		return S("&#39;");
	default:
		return (struct str){ NULL, 0 };
	}
}

void
buf_html(struct buf *b, struct str s)
{
	size_t from = 0;

	for (size_t i = 0; i < s.n; i++) {
		struct str escaped = html_escape(s.p[i]);

		if (!escaped.p)
			continue;
		buf_add(b, str_make(s.p + from, i - from));
		buf_add(b, escaped);
		from = i + 1;
	}
	buf_add(b, str_skip(s, from));
}

static bool
is_url_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
	       c == '~';
}

void
buf_url_arg(struct buf *b, struct str s)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.n; i++) {
		unsigned char u = (unsigned char)s.p[i];

		if (is_url_unreserved(s.p[i])) {
			buf_add_char(b, s.p[i]);
			continue;
		}
		buf_add_char(b, '%');
		buf_add_char(b, digits[u >> 4]);
		buf_add_char(b, digits[u & 15]);
	}
}

static void
json_escape(struct buf *b, char c)
{
	switch (c) {
	case '"':
		buf_add(b, S("\\\""));
		break;
	case '\\':
		buf_add(b, S("\\\\"));
		break;
	case '\n':
		buf_add(b, S("\\n"));
		break;
	case '\r':
		buf_add(b, S("\\r"));
		break;
	case '\t':
		buf_add(b, S("\\t"));
		break;
	default:
		buf_addf(b, "\\u%04x", (unsigned)(unsigned char)c);
	}
}

static void
json_text(struct buf *b, struct str s)
{
	for (;;) {
		size_t n = str_json_plain(s);

		/* Behind what is plain: valid UTF-8, or one to escape. */
		while (n < s.n && (unsigned char)s.p[n] >= 0x80)
			n++;
		buf_add(b, str_make(s.p, n));
		s = str_skip(s, n);
		if (s.n == 0)
			return;
		if (str_json_plain(s) > 0)
			continue;
		json_escape(b, *s.p);
		s = str_skip(s, 1);
	}
}

/* Broken text is rare: keep its ASCII, mark the rest. */
static void
json_broken_text(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] < 0x80)
			json_text(b, str_make(s.p + i, 1));
		else
			buf_add(b, S("\xef\xbf\xbd"));
	}
}

void
buf_json_string(struct buf *b, struct str s)
{
	buf_add_char(b, '"');
	if (str_json_plain(s) == s.n)
		buf_add(b, s);
	else if (str_is_utf8(s))
		json_text(b, s);
	else
		json_broken_text(b, s);
	buf_add_char(b, '"');
}

void
buf_header_value(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char u = (unsigned char)s.p[i];

		if ((u < 0x20 && u != '\t') || u == 0x7f) {
			fail(b, ERR_BAD_PARAM);
			return;
		}
	}
	buf_add(b, s);
}

enum err
buf_finish(struct buf *b, struct str *ret, struct error *e)
{
	if (b->sticky)
		return error_set(e, b->sticky, "text of %zu bytes, at most %zu",
		    b->n, b->max_bytes);
	*ret = buf_str(b);
	return OK;
}
