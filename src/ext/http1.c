/* SPDX-License-Identifier: MIT */
#include "ext/http1.h"

#include <string.h>

#include "base/hex.h"

/* Of a chunk's extension, and of the trailer: nobody needs either. */
#define LINE_BYTES_MAX   KIB(8)
/* A larger chunk cannot be meant. */
#define CHUNK_DIGITS_MAX 15

void
http1_init(struct http1 *p)
{
	*p = (struct http1){ .state = HTTP1_HEAD };
}

static enum http1_got
broken(struct http1 *p, const char *why)
{
	p->why = why;
	return HTTP1_BROKEN;
}

/* Cut a line off, without its end; false when none is whole. */
static bool
take_line(struct str *rest, struct str *ret)
{
	size_t n = str_find(*rest, '\n');

	if (n == rest->n)
		return false;
	*ret = str_make(rest->p, n);
	*rest = str_skip(*rest, n + 1);
	if (ret->n && ret->p[ret->n - 1] == '\r')
		ret->n--;
	return true;
}

/* RFC 9110, 5.6.2. */
static bool
is_token(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(c >= '0' && c <= '9') ||
			(c && strchr("!#$%&'*+-.^_`|~", c))))
			return false;
	}
	return s.n > 0;
}

static bool
is_field_value(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static bool
split_field(struct str line, struct str *ret_name, struct str *ret_value)
{
	size_t colon = str_find(line, ':');

	*ret_name = str_make(line.p, colon);
	*ret_value = str_trim(str_skip(line, colon + 1));
	return colon < line.n;
}

/* What the header lines say about framing. */
struct framing {
	bool is_http10;
	bool has_length, is_chunked, is_close;
	uint64_t length;
};

static const char *
read_length(struct framing *f, struct str value)
{
	uint64_t length;

	if (!str_to_u64(value, 0, INT64_MAX, &length))
		return "a Content-Length that is no number";
	if (f->has_length && length != f->length)
		return "two lengths";
	f->has_length = true;
	f->length = length;
	return NULL;
}

static const char *
read_coding(struct framing *f, struct str value)
{
	if (f->is_chunked || f->is_http10 ||
	    !str_eq_nocase(value, S("chunked")))
		return "a Transfer-Encoding other than chunked";
	f->is_chunked = true;
	return NULL;
}

static void
read_connection(struct framing *f, struct str value)
{
	struct str option;

	while (str_split(&value, ',', &option))
		if (str_eq_nocase(str_trim(option), S("close")))
			f->is_close = true;
}

/* NULL, or what is wrong with the line. */
static const char *
read_field(struct framing *f, struct str line)
{
	struct str name, value;

	if (!split_field(line, &name, &value) || !is_token(name))
		return "a header line without a name";
	if (!is_field_value(value))
		return "a control character in a header";
	if (str_eq_nocase(name, S("content-length")))
		return read_length(f, value);
	if (str_eq_nocase(name, S("transfer-encoding")))
		return read_coding(f, value);
	if (str_eq_nocase(name, S("connection")))
		read_connection(f, value);
	return NULL;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* HTTP/1.x 200 OK; the reason may be missing, its space too. */
static bool
read_status_line(struct http1 *p, struct framing *f, struct str line)
{
	const char *s = line.p;

	if (line.n < 12 || !is_digit(s[7]) || s[8] != ' ' || !is_digit(s[9]) ||
	    !is_digit(s[10]) || !is_digit(s[11]) ||
	    (line.n > 12 && s[12] != ' ') || !is_field_value(line))
		return false;
	f->is_http10 = s[7] == '0';
	p->status = (s[9] - '0') * 100 + (s[10] - '0') * 10 + (s[11] - '0');
	return p->status >= 100 && p->status < 600;
}

/* RFC 9112, 6.3. */
static void
choose_framing(struct http1 *p, const struct framing *f)
{
	p->is_kept = !f->is_close && !f->is_http10;
	p->state = HTTP1_CLOSE;
	p->left = 0;
	if (p->status == 204 || p->status == 304) {
		p->state = HTTP1_WHOLE;
	} else if (f->is_chunked) {
		p->state = HTTP1_SIZE_FIRST;
		/* Whoever sends a length as well is not to be trusted. */
		p->is_kept = p->is_kept && !f->has_length;
	} else if (f->has_length) {
		p->state = f->length ? HTTP1_LENGTH : HTTP1_WHOLE;
		p->left = f->length;
	} else {
		p->is_kept = false;
	}
}

/* The head at the start of *rest; *rest goes behind it. */
static enum http1_got
one_head(struct http1 *p, struct str *rest, struct framing *f)
{
	const struct str magic = S("HTTP/1.");
	struct str start = *rest, line;
	size_t n = start.n < magic.n ? start.n : magic.n;

	if (memcmp(start.p, magic.p, n) != 0)
		return broken(p, "an answer that is not HTTP/1");
	*f = (struct framing){ 0 };
	if (!take_line(rest, &line))
		return HTTP1_MORE;
	if (!read_status_line(p, f, line))
		return broken(p, "a broken status line");
	p->lines.p = rest->p;
	for (;;) {
		const char *why;

		p->lines.n = (size_t)(rest->p - p->lines.p);
		if (!take_line(rest, &line))
			return HTTP1_MORE;
		if (line.n == 0)
			return HTTP1_DONE;
		why = read_field(f, line);
		if (why)
			return broken(p, why);
	}
}

enum http1_got
http1_head(struct http1 *p, struct str bytes, size_t *ret_used)
{
	struct str rest = bytes;
	struct framing f;
	enum http1_got got;

	do {
		if (rest.n == 0)
			return HTTP1_MORE;
		got = one_head(p, &rest, &f);
		if (got != HTTP1_DONE)
			return got;
		if (p->status == 101)
			return broken(p, "another protocol");
	} while (p->status < 200);
	*ret_used = bytes.n - rest.n;
	choose_framing(p, &f);
	return HTTP1_DONE;
}

struct str
http1_header(const struct http1 *p, const char *name)
{
	struct str rest = p->lines, wanted = str_from(name);
	struct str line, found, value;

	while (take_line(&rest, &line))
		if (split_field(line, &found, &value) &&
		    str_eq_nocase(found, wanted))
			return value;
	return (struct str){ NULL, 0 };
}

/* Behind the line that holds a chunk's size. */
static void
end_size(struct http1 *p)
{
	p->n_line = 0;
	p->state = p->left ? HTTP1_CHUNK : HTTP1_TRAILER;
}

static const char *
size_byte(struct http1 *p, char c)
{
	int digit = hex_digit(c);

	if (digit >= 0) {
		if (++p->n_line > CHUNK_DIGITS_MAX)
			return "a chunk that is too large";
		p->left = p->left * 16 + (uint64_t)digit;
		p->state = HTTP1_SIZE;
	} else if (p->state == HTTP1_SIZE_FIRST) {
		return "a chunk without a size";
	} else if (c == '\n') {
		end_size(p);
	} else if (c == '\r') {
		p->state = HTTP1_SIZE_END;
	} else if (c == ';' || c == ' ' || c == '\t') {
		p->state = HTTP1_EXTENSION;
	} else {
		return "a chunk's size that is no number";
	}
	return NULL;
}

/* One byte of the framing; NULL, or what is wrong with it. */
static const char *
framing_byte(struct http1 *p, char c)
{
	switch (p->state) {
	case HTTP1_SIZE_FIRST:
	case HTTP1_SIZE:
		return size_byte(p, c);
	case HTTP1_EXTENSION:
		if (++p->n_line > LINE_BYTES_MAX)
			return "a chunk's extension that does not end";
		if (c == '\r')
			p->state = HTTP1_SIZE_END;
		if (c == '\n')
			end_size(p);
		return NULL;
	case HTTP1_SIZE_END:
		end_size(p);
		return c == '\n' ? NULL : "a chunk's size without a line end";
	case HTTP1_CHUNK_END:
		if (c == '\r') {
			p->state = HTTP1_CHUNK_LF;
			return NULL;
		}
		p->state = HTTP1_SIZE_FIRST;
		return c == '\n' ? NULL : "a chunk longer than its size";
	case HTTP1_CHUNK_LF:
		p->state = HTTP1_SIZE_FIRST;
		return c == '\n' ? NULL : "a chunk longer than its size";
	case HTTP1_TRAILER:
		if (c == '\r')
			p->state = HTTP1_TRAILER_LF;
		else
			p->state = c == '\n' ? HTTP1_WHOLE : HTTP1_TRAILER_LINE;
		return NULL;
	case HTTP1_TRAILER_LINE:
		if (++p->n_line > LINE_BYTES_MAX)
			return "a trailer that does not end";
		if (c == '\n')
			p->state = HTTP1_TRAILER;
		return NULL;
	case HTTP1_TRAILER_LF:
		p->state = HTTP1_WHOLE;
		return c == '\n' ? NULL : "a broken trailer";
	case HTTP1_HEAD:
	case HTTP1_LENGTH:
	case HTTP1_CLOSE:
	case HTTP1_CHUNK:
	case HTTP1_WHOLE:
		break;
	}
	return "bytes where none belong";
}

/* Take what is there of the body's own bytes, n at most. */
static size_t
take_body(struct http1 *p, size_t n)
{
	if (p->state == HTTP1_CLOSE)
		return n;
	if (n > p->left)
		n = (size_t)p->left;
	p->left -= n;
	if (p->left == 0)
		p->state = p->state == HTTP1_CHUNK ? HTTP1_CHUNK_END
						   : HTTP1_WHOLE;
	return n;
}

static bool
is_in_body(const struct http1 *p)
{
	return p->state == HTTP1_LENGTH || p->state == HTTP1_CLOSE ||
	       p->state == HTTP1_CHUNK;
}

enum http1_got
http1_body(struct http1 *p, char *bytes, size_t n, size_t *ret_body,
    size_t *ret_used)
{
	size_t at = 0, out = 0;
	const char *why = NULL;

	while (!why && at < n && p->state != HTTP1_WHOLE) {
		if (is_in_body(p)) {
			size_t take = take_body(p, n - at);

			if (out != at)
				memmove(bytes + out, bytes + at, take);
			out += take;
			at += take;
		} else {
			if (p->state == HTTP1_SIZE_FIRST)
				p->n_line = 0;
			why = framing_byte(p, bytes[at++]);
		}
	}
	*ret_body = out;
	*ret_used = at;
	if (why)
		return broken(p, why);
	return p->state == HTTP1_WHOLE ? HTTP1_DONE : HTTP1_MORE;
}

bool
http1_ends_here(const struct http1 *p)
{
	return p->state == HTTP1_CLOSE || p->state == HTTP1_WHOLE;
}
