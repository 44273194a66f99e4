/* SPDX-License-Identifier: MIT */
/* A strict JSON scanner without a tree; see jscan.h.  Grammar: RFC 8259. */
#include "jscan.h"

#include <string.h>

static const char *
skip_white(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	return p;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* p is behind the backslash.  Returns the end of the escape or NULL. */
static const char *
skip_escape(const char *p, const char *end)
{
	if (p == end)
		return NULL;
	if (*p != 'u')
		return strchr("\"\\/bfnrt", *p) && *p ? p + 1 : NULL;
	if (end - p < 5)
		return NULL;
	for (int i = 1; i < 5; i++) {
		if (!is_hex(p[i]))
			return NULL;
	}
	return p + 5;
}

static const char *
skip_string(const char *p, const char *end)
{
	if (p == end || *p != '"')
		return NULL;
	p++;
	while (p < end && *p != '"') {
		if ((unsigned char)*p < 0x20)
			return NULL;
		if (*p++ != '\\')
			continue;
		p = skip_escape(p, end);
		if (!p)
			return NULL;
	}
	return p < end ? p + 1 : NULL;
}

static const char *
skip_digits(const char *p, const char *end)
{
	if (p == end || !is_digit(*p))
		return NULL;
	while (p < end && is_digit(*p))
		p++;
	return p;
}

static const char *
skip_number(const char *p, const char *end)
{
	if (p < end && *p == '-')
		p++;
	if (p < end && *p == '0')
		p++;
	else
		p = skip_digits(p, end);
	if (p && p < end && *p == '.')
		p = skip_digits(p + 1, end);
	if (p && p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		p = skip_digits(p, end);
	}
	return p;
}

static const char *
skip_scalar(const char *p, const char *end)
{
	static const char *const words[] = { "true", "false", "null" };

	if (p < end && *p == '"')
		return skip_string(p, end);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t n = strlen(words[i]);
		if ((size_t)(end - p) >= n && memcmp(p, words[i], n) == 0)
			return p + n;
	}
	return skip_number(p, end);
}

/* A key and its colon. */
static const char *
skip_key(const char *p, const char *end)
{
	p = skip_string(skip_white(p, end), end);
	if (!p)
		return NULL;
	p = skip_white(p, end);
	return p < end && *p == ':' ? p + 1 : NULL;
}

struct nest {
	char close[JSCAN_DEPTH_MAX];
	size_t depth;
};

/*
 * Behind a value: leave the objects and arrays that end here, pass one comma
 * and, in an object, the next key.  NULL: not JSON.  With depth 0 all is read.
 */
static const char *
leave_value(struct nest *s, const char *p, const char *end)
{
	while (s->depth) {
		p = skip_white(p, end);
		if (p == end)
			return NULL;
		char close = s->close[s->depth - 1];
		if (*p == ',')
			return close == '}' ? skip_key(p + 1, end) : p + 1;
		if (*p != close)
			return NULL;
		p++;
		s->depth--;
	}
	return p;
}

/* Skip and check one value of any depth; NULL: not JSON, or too deep. */
static const char *
skip_value(const char *p, const char *end)
{
	struct nest s;

	s.depth = 0;
	do {
		p = skip_white(p, end);
		if (p == end)
			return NULL;
		if (*p == '{' || *p == '[') {
			if (s.depth == JSCAN_DEPTH_MAX)
				return NULL;
			char close = *p == '{' ? '}' : ']';
			s.close[s.depth++] = close;
			p = skip_white(p + 1, end);
			if (p == end)
				return NULL;
			if (*p != close) {
				if (close == '}')
					p = skip_key(p, end);
				if (!p)
					return NULL;
				continue;
			}
		} else {
			p = skip_scalar(p, end);
			if (!p)
				return NULL;
		}
		p = leave_value(&s, p, end);
	} while (p && s.depth);
	return p;
}

bool
jscan_is_valid(struct slice text)
{
	const char *end = text.p + text.n;

	if (!text.n)
		return false;
	const char *p = skip_value(text.p, end);
	return p && skip_white(p, end) == end;
}

bool
jscan_open(struct jscan *j, struct slice value)
{
	if (!value.n)
		return false;
	j->end = value.p + value.n;
	j->p = skip_white(value.p, j->end);
	if (j->p == j->end || (*j->p != '{' && *j->p != '['))
		return false;
	while (j->end[-1] != '}' && j->end[-1] != ']')
		j->end--;
	j->p++;
	j->end--;
	return true;
}

static const char *
next_start(struct jscan *j)
{
	const char *p = skip_white(j->p, j->end);

	if (p < j->end && *p == ',')
		p = skip_white(p + 1, j->end);
	return p < j->end ? p : NULL;
}

bool
jscan_element(struct jscan *j, struct slice *value)
{
	const char *p = next_start(j);
	const char *q = p ? skip_value(p, j->end) : NULL;

	if (!q)
		return false;
	*value = (struct slice){ p, (size_t)(q - p) };
	j->p = q;
	return true;
}

bool
jscan_member(struct jscan *j, struct slice *key, struct slice *value)
{
	const char *p = next_start(j);
	const char *q = p ? skip_string(p, j->end) : NULL;

	if (!q)
		return false;
	*key = (struct slice){ p + 1, (size_t)(q - p) - 2 };
	q = skip_white(q, j->end);
	if (q == j->end || *q != ':')
		return false;
	p = skip_white(q + 1, j->end);
	q = skip_value(p, j->end);
	if (!q)
		return false;
	*value = (struct slice){ p, (size_t)(q - p) };
	j->p = q;
	return true;
}

bool
jscan_string(struct slice value, struct slice *ret)
{
	if (value.n < 2 || value.p[0] != '"')
		return false;
	*ret = (struct slice){ value.p + 1, value.n - 2 };
	return true;
}

struct slice
jscan_get(struct slice object, struct slice key)
{
	struct jscan j;
	struct slice k, v;

	if (object.n && object.p[0] != '[' && jscan_open(&j, object)) {
		while (jscan_member(&j, &k, &v)) {
			if (slice_eq(k, key))
				return v;
		}
	}
	return (struct slice){ NULL, 0 };
}

uint64_t
jscan_words(struct slice raw)
{
	uint64_t n = 0;
	bool inside = false;

	for (size_t i = 0; i < raw.n; i++) {
		bool white = raw.p[i] == ' ';
		if (raw.p[i] == '\\' && i + 1 < raw.n) {
			i++;
			white = raw.p[i] == 'n' || raw.p[i] == 'r' ||
				raw.p[i] == 't';
		}
		if (!white && !inside)
			n++;
		inside = !white;
	}
	return n;
}
