/* SPDX-License-Identifier: MIT */
#include "http/route_match.h"

#include "base/buf.h"
#include "http/url.h"

/* Deepest path that any pattern could have. */
#define SEGMENT_MAX 16

struct segments {
	struct str v[SEGMENT_MAX];
	unsigned n;
};

/* Cut "/a/b" into its segments; "/" has one, which is empty. */
static bool
cut_path(struct str path, struct segments *ret)
{
	struct str rest = str_skip(path, 1);

	ret->n = 0;
	if (path.n == 0 || path.p[0] != '/')
		return false;
	for (;;) {
		size_t end = str_find(rest, '/');

		if (ret->n == SEGMENT_MAX)
			return false;
		ret->v[ret->n++] = str_make(rest.p, end);
		if (end == rest.n)
			return true;
		rest = str_skip(rest, end + 1);
	}
}

static bool
is_param(struct str segment)
{
	return segment.n > 2 && segment.p[0] == '{';
}

static enum err
decode_all(struct segments *path, struct arena *a, struct error *e)
{
	for (unsigned i = 0; i < path->n; i++) {
		enum err code = url_decode(a, path->v[i], false, &path->v[i],
		    e);

		if (code)
			return code;
	}
	return OK;
}

/*
 * Whether path fits pattern. ret_literal gets one bit a segment, set where
 * the pattern is literal, the first segment in the highest bit: of two
 * patterns that fit, the larger number is the more exact one.
 */
static bool
does_match(const struct segments *pattern, const struct segments *path,
    unsigned *ret_literal)
{
	unsigned literal = 0;

	if (pattern->n != path->n)
		return false;
	for (unsigned i = 0; i < path->n; i++) {
		bool is_free = is_param(pattern->v[i]);

		if (is_free && path->v[i].n == 0)
			return false;
		if (!is_free && !str_eq(pattern->v[i], path->v[i]))
			return false;
		literal |= (is_free ? 0U : 1U) << (SEGMENT_MAX - 1 - i);
	}
	*ret_literal = literal;
	return true;
}

static void
take_params(const struct segments *pattern, const struct segments *path,
    struct route_hit *hit)
{
	hit->n_params = 0;
	for (unsigned i = 0; i < path->n; i++)
		if (is_param(pattern->v[i]) &&
		    hit->n_params < REQUEST_PATH_PARAM_MAX)
			hit->param[hit->n_params++] = path->v[i];
}

static unsigned
allow_bits(enum http_method method)
{
	unsigned bits = 1U << method;

	return method == METHOD_GET ? bits | 1U << METHOD_HEAD : bits;
}

/* Most rows need not be cut: their first segment is another one. */
static bool
may_match(struct str pattern, const struct segments *path)
{
	struct str first = path->v[0];

	return is_param(str_skip(pattern, 1)) ||
	       str_starts(str_skip(pattern, 1), first);
}

/* Fill ret from the best row; returns its literal bits + 1, 0 = none. */
static unsigned
search(const struct route_pattern *table, size_t n, enum http_method method,
    const struct segments *path, struct route_hit *ret)
{
	unsigned best = 0;

	for (size_t i = 0; i < n; i++) {
		struct str text = str_from(table[i].path);
		struct segments pattern;
		unsigned literal;

		if (!may_match(text, path) || !cut_path(text, &pattern) ||
		    !does_match(&pattern, path, &literal))
			continue;
		ret->allow |= allow_bits(table[i].method);
		if (!(allow_bits(table[i].method) & 1U << method) ||
		    literal < best)
			continue;
		best = literal + 1;
		ret->index = i;
		take_params(&pattern, path, ret);
	}
	return best;
}

enum err
route_match(const struct route_pattern *table, size_t n,
    enum http_method method, struct str raw_path, struct arena *a,
    struct route_hit *ret, struct error *e)
{
	struct segments path;
	enum err code;

	*ret = (struct route_hit){ .n_params = 0 };
	if (!cut_path(raw_path, &path))
		return error_set(e, ERR_NOT_FOUND, "path too deep");
	code = decode_all(&path, a, e);
	if (code)
		return code;
	if (search(table, n, method, &path, ret) > 0)
		return OK;
	if (ret->allow)
		return error_set(e, ERR_METHOD, "method not in the table");
	return error_set(e, ERR_NOT_FOUND, "no route");
}

struct str
route_allow_text(unsigned allow, struct arena *a)
{
	struct buf b;

	buf_init(&b, a, 128);
	for (unsigned m = METHOD_GET; m < METHOD_OTHER; m++) {
		if (!(allow & 1U << m))
			continue;
		if (b.n)
			buf_add(&b, S(", "));
		buf_add(&b, str_from(http_method_name((enum http_method)m)));
	}
	return buf_str(&b);
}
