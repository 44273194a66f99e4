/* SPDX-License-Identifier: MIT */
/*
 * Where a request wants to go, by REQUEST_URI alone: SCRIPT_NAME and
 * PATH_INFO differ from web server to web server and are not looked at.
 */
#include <string.h>

#include "http/request_priv.h"
#include "http/url.h"

static enum err
bad_target(struct error *e, const char *why)
{
	return error_public(e, ERR_BAD_REQUEST, NULL, "The address %s.", why);
}

/* "http://host/path" (RFC 9112, 3.2.2) without its scheme and host. */
static struct str
drop_authority(struct str target)
{
	static const struct str schemes[] = {
		STR_INIT("http://"),
		STR_INIT("https://"),
	};

	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		struct str s = schemes[i];

		if (target.n < s.n ||
		    !str_eq_nocase(str_make(target.p, s.n), s))
			continue;
		target = str_skip(target, s.n);
		return str_skip(target, str_find(target, '/'));
	}
	return target;
}

/* Take the base path off the front; false when the path is not below it. */
static bool
drop_base(struct str *path, struct str base)
{
	if (base.n == 0)
		return true;
	if (!str_starts(*path, base))
		return false;
	*path = str_skip(*path, base.n);
	if (path->n == 0) {
		*path = S("/");
		return true;
	}
	return path->p[0] == '/';
}

static bool
has_dot_segment(struct str path)
{
	struct str piece;

	while (str_split(&path, '/', &piece))
		if (str_eq(piece, S(".")) || str_eq(piece, S("..")))
			return true;
	return false;
}

static bool
has_control(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < ' ' || c == 0x7f)
			return true;
	}
	return false;
}

static enum err
decode_path(struct request *rq, struct error *e)
{
	enum err code = url_decode(rq->arena, rq->raw_path, false, &rq->path,
	    e);

	if (code)
		return code;
	if (has_control(rq->path) || !str_is_utf8(rq->path))
		return bad_target(e, "holds bytes that are not text");
	if (has_dot_segment(rq->path))
		return bad_target(e, "has \".\" or \"..\" in its path");
	return OK;
}

enum err
request_parse_target(struct request *rq, const struct request_env *env,
    struct error *e)
{
	struct str rest;
	size_t mark;

	rq->target = request_cgi(rq, "REQUEST_URI");
	if (rq->target.n == 0)
		return error_set(e, ERR_BAD_REQUEST,
		    "the web server sent no REQUEST_URI");
	if (rq->target.n > REQUEST_TARGET_MAX)
		return bad_target(e, "is too long");
	if (has_control(rq->target))
		return bad_target(e, "holds bytes that are not text");
	rest = drop_authority(rq->target);
	mark = str_find(rest, '?');
	rq->query = str_skip(rest, mark + 1);
	rest.n = mark;
	if (rest.n == 0)
		rest = S("/");
	if (rest.p[0] != '/')
		return bad_target(e, "does not start with \"/\"");
	if (!drop_base(&rest, env->base_path))
		return error_set(e, ERR_NOT_FOUND, "outside the base path");
	rq->raw_path = rest;
	return decode_path(rq, e);
}
