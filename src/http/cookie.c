/* SPDX-License-Identifier: MIT */
#include "http/cookie.h"

#include <inttypes.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "http/request.h"
#include "http/response.h"

/* Most bytes of one Set-Cookie header; browsers refuse more than 4096. */
#define COOKIE_BYTES_MAX 4096

struct str
cookie_get(const struct request *rq, const char *name)
{
	struct str wanted = str_from(name);
	struct str rest = request_cgi(rq, "HTTP_COOKIE");
	struct str found = { NULL, 0 };
	struct str piece;

	while (str_split(&rest, ';', &piece)) {
		size_t eq;

		piece = str_trim(piece);
		eq = str_find(piece, '=');
		if (eq == piece.n || !str_eq(str_make(piece.p, eq), wanted))
			continue;
		piece = str_skip(piece, eq + 1);
		if (found.p && !str_eq(found, piece))
			return (struct str){ NULL, 0 };
		found = piece;
	}
	return found;
}

/* RFC 6265, 4.1.1: cookie-octet. */
static bool
is_cookie_value(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' ||
		    strchr("\",;\\", s.p[i]) != NULL)
			return false;
	return true;
}

static void
write_cookie(struct buf *b, const struct cookie *c)
{
	buf_addf(b, "%s=%" PRI_STR "; Path=%s", c->name, STR_ARG(c->value),
	    c->path ? c->path : "/");
	if (c->max_age_s > 0)
		buf_addf(b, "; Max-Age=%" PRId64, c->max_age_s);
	if (c->max_age_s < 0)
		buf_add(b, S("; Max-Age=0"));
	if (c->is_secure)
		buf_add(b, S("; Secure"));
	buf_add(b, S("; HttpOnly; SameSite="));
	buf_add(b, c->is_strict ? S("Strict") : S("Lax"));
}

void
cookie_set(struct response *rs, const struct cookie *c)
{
	struct buf b;

	if (!is_cookie_value(c->value)) {
		response_refuse(rs, ERR_INTERNAL);
		return;
	}
	buf_init(&b, rs->arena, COOKIE_BYTES_MAX);
	write_cookie(&b, c);
	if (b.sticky)
		response_refuse(rs, b.sticky);
	response_header_add(rs, "set-cookie", buf_str(&b));
}
