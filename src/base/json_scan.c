/* SPDX-License-Identifier: MIT */
#include "base/json_scan.h"

#include <string.h>

/* Which containers are open: a bit each, set for an object. */
struct open_stack {
	uint64_t is_object[JSON_SCAN_DEPTH_MAX / 64];
	unsigned depth;
};

struct scanner {
	const char *p;
	const char *end;
	const char *begin;
	struct open_stack open;
	struct json_member now; /* of the outermost object, in the making */
	struct json_scan *s;
};

static bool
fail(struct scanner *c, const char *failure)
{
	c->s->failure = failure;
	c->s->failure_offset = (size_t)(c->p - c->begin);
	return false;
}

static void
skip_space(struct scanner *c)
{
	while (c->p < c->end && (*c->p == ' ' || *c->p == '\n' ||
				    *c->p == '\r' || *c->p == '\t'))
		c->p++;
}

static bool
top_is_object(const struct open_stack *open)
{
	unsigned top = open->depth - 1;

	return open->is_object[top / 64] >> (top % 64) & 1;
}

static bool
push(struct scanner *c, bool is_object)
{
	struct open_stack *open = &c->open;
	uint64_t bit;

	if (open->depth >= c->s->depth_max)
		return fail(c, "nested too deeply");
	bit = UINT64_C(1) << (open->depth % 64);
	if (is_object)
		open->is_object[open->depth / 64] |= bit;
	else
		open->is_object[open->depth / 64] &= ~bit;
	open->depth++;
	c->p++;
	return true;
}

static bool
is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
	       (c >= 'A' && c <= 'F');
}

static bool
scan_escape(struct scanner *c)
{
	const char *p = c->p;

	if (c->end - p < 2)
		return fail(c, "a string does not end");
	switch (p[1]) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		c->p += 2;
		return true;
	case 'u':
		break;
	default:
		return fail(c, "an unknown escape in a string");
	}
	if (c->end - p < 6 || !is_hex(p[2]) || !is_hex(p[3]) || !is_hex(p[4]) ||
	    !is_hex(p[5]))
		return fail(c, "\\u needs four hex digits");
	if (memcmp(p + 2, "0000", 4) == 0)
		c->s->has_nul_escape = true;
	c->p += 6;
	return true;
}

/* c->p is at the opening quote; leaves it behind the closing one. */
static bool
scan_string(struct scanner *c, bool *ret_escaped)
{
	c->p++;
	for (;;) {
		size_t len;

		c->p += str_json_plain(str_make(c->p, (size_t)(c->end - c->p)));
		if (c->p == c->end)
			return fail(c, "a string does not end");
		if (*c->p == '"') {
			c->p++;
			return true;
		}
		if (*c->p == '\\') {
			*ret_escaped = true;
			if (!scan_escape(c))
				return false;
			continue;
		}
		if ((unsigned char)*c->p < 0x20)
			return fail(c, "a control character in a string");
		len = str_utf8_sequence(c->p, (size_t)(c->end - c->p));
		if (len == 0)
			return fail(c, "bytes that are not UTF-8");
		c->p += len;
	}
}

static bool
scan_digits(struct scanner *c)
{
	const char *from = c->p;

	while (c->p < c->end && *c->p >= '0' && *c->p <= '9')
		c->p++;
	return c->p > from;
}

static bool
scan_number(struct scanner *c)
{
	if (*c->p == '-')
		c->p++;
	if (c->p < c->end && *c->p == '0') {
		c->p++;
		if (c->p < c->end && *c->p >= '0' && *c->p <= '9')
			return fail(c, "a number with a leading zero");
	} else if (!scan_digits(c)) {
		return fail(c, "a number without digits");
	}
	if (c->p < c->end && *c->p == '.') {
		c->p++;
		if (!scan_digits(c))
			return fail(c, "a number without decimals");
	}
	if (c->p < c->end && (*c->p == 'e' || *c->p == 'E')) {
		c->p++;
		if (c->p < c->end && (*c->p == '+' || *c->p == '-'))
			c->p++;
		if (!scan_digits(c))
			return fail(c, "a number without an exponent");
	}
	return true;
}

static bool
scan_word(struct scanner *c, const char *word, size_t n)
{
	if ((size_t)(c->end - c->p) < n || memcmp(c->p, word, n) != 0)
		return fail(c, "an unknown word");
	c->p += n;
	return true;
}

/* c->p is at a name; leaves it before the value. */
static bool
scan_name(struct scanner *c)
{
	const char *from = c->p;
	bool is_escaped = false;

	if (c->p == c->end || *c->p != '"')
		return fail(c, "a name in quotes is missing");
	if (!scan_string(c, &is_escaped))
		return false;
	c->s->n_names++;
	if (c->open.depth == 1) {
		c->now.name = str_make(from + 1, (size_t)(c->p - from) - 2);
		c->now.is_name_escaped = is_escaped;
	}
	skip_space(c);
	if (c->p == c->end || *c->p != ':')
		return fail(c, "a colon is missing");
	c->p++;
	skip_space(c);
	return true;
}

static enum json_kind
kind_of(char c)
{
	switch (c) {
	case '{':
		return JSON_OBJECT;
	case '[':
		return JSON_ARRAY;
	case '"':
		return JSON_STRING;
	case 't':
	case 'f':
		return JSON_BOOL;
	case 'n':
		return JSON_NULL;
	default:
		return c == '-' || (c >= '0' && c <= '9') ? JSON_NUMBER
							  : JSON_NONE;
	}
}

/* A value at c->p. Of a container only the bracket is taken; *ret_open says
 * that its contents follow. */
static bool
scan_value(struct scanner *c, bool *ret_open)
{
	enum json_kind kind = c->p < c->end ? kind_of(*c->p) : JSON_NONE;
	bool is_escaped;

	*ret_open = false;
	c->s->n_values++;
	if (c->open.depth == 0)
		c->s->kind = kind;
	if (c->open.depth == 1) {
		c->now.kind = kind;
		c->now.value.p = c->p;
	}
	switch (kind) {
	case JSON_OBJECT:
	case JSON_ARRAY:
		*ret_open = true;
		return push(c, kind == JSON_OBJECT);
	case JSON_STRING:
		return scan_string(c, &is_escaped);
	case JSON_NUMBER:
		return scan_number(c);
	case JSON_BOOL:
		return *c->p == 't' ? scan_word(c, "true", 4)
				    : scan_word(c, "false", 5);
	case JSON_NULL:
		return scan_word(c, "null", 4);
	case JSON_NONE:
		break;
	}
	return fail(c,
	    c->p < c->end ? "a value is missing" : "the text ends too early");
}

/* A member of the outermost object is complete. */
static void
note_member(struct scanner *c)
{
	struct json_scan *s = c->s;

	c->now.value.n = (size_t)(c->p - c->now.value.p);
	if (s->members && s->n_members < s->members_cap)
		s->members[s->n_members] = c->now;
	s->n_members++;
}

/*
 * Behind a value: close what ends here, up to the place of the next value.
 * *ret_more tells whether there is one.
 */
static bool
scan_after_value(struct scanner *c, bool *ret_more)
{
	*ret_more = false;
	for (;;) {
		bool in_object;

		if (c->open.depth == 0)
			return true;
		in_object = top_is_object(&c->open);
		if (c->open.depth == 1 && in_object)
			note_member(c);
		skip_space(c);
		if (c->p == c->end)
			return fail(c, "the text ends too early");
		if (*c->p == ',') {
			c->p++;
			skip_space(c);
			*ret_more = true;
			return !in_object || scan_name(c);
		}
		if (*c->p != (in_object ? '}' : ']'))
			return fail(c, "a comma or bracket is missing");
		c->p++;
		c->open.depth--;
	}
}

/* Behind an opening bracket: either it closes at once, or the place of the
 * first value is found. */
static bool
scan_opened(struct scanner *c, bool *ret_more)
{
	bool in_object = top_is_object(&c->open);

	skip_space(c);
	if (c->p < c->end && *c->p == (in_object ? '}' : ']')) {
		c->p++;
		c->open.depth--;
		return scan_after_value(c, ret_more);
	}
	*ret_more = true;
	return !in_object || scan_name(c);
}

bool
json_scan(struct json_scan *s, struct str text)
{
	struct scanner c = {
		.p = text.p,
		.begin = text.p,
		.end = text.p + text.n,
		.s = s,
	};
	const char *value;
	bool is_open, more;

	s->kind = JSON_NONE;
	s->n_members = s->n_values = s->n_names = s->failure_offset = 0;
	s->has_nul_escape = false;
	s->inner = (struct str){ NULL, 0 };
	s->failure = NULL;
	skip_space(&c);
	value = c.p;
	do {
		if (!scan_value(&c, &is_open))
			return false;
		if (!(is_open ? scan_opened(&c, &more)
			      : scan_after_value(&c, &more)))
			return false;
	} while (more);
	if (s->kind == JSON_OBJECT)
		s->inner = str_make(value + 1, (size_t)(c.p - value) - 2);
	skip_space(&c);
	if (c.p != c.end)
		return fail(&c, "something follows the value");
	return true;
}

size_t
json_scan_repeated(const struct json_scan *s)
{
	size_t n = s->n_members < s->members_cap ? s->n_members
						 : s->members_cap;

	for (size_t i = 1; i < n; i++)
		for (size_t k = 0; k < i; k++)
			if (str_eq(s->members[i].name, s->members[k].name))
				return i;
	return s->n_members;
}
