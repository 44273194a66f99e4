/* SPDX-License-Identifier: MIT */
/*
 * Who is at the other end. The web server's REMOTE_ADDR is believed, as
 * whoever can write to our socket can forge anything; forwarded headers are
 * believed only as far as trusted proxies have written them.
 */
#include "http/request_priv.h"

/* "1.2.3.4", "1.2.3.4:80", "2001:db8::1", "[2001:db8::1]:80". */
static bool
parse_node(struct str s, struct cidr_addr *ret)
{
	size_t colon = str_find(s, ':');

	s = str_trim(s);
	if (s.n > 1 && s.p[0] == '[') {
		s = str_skip(s, 1);
		s.n = str_find(s, ']');
		return cidr_addr_parse(s, ret);
	}
	colon = str_find(s, ':');
	if (colon < s.n &&
	    str_find(str_skip(s, colon + 1), ':') == str_skip(s, colon + 1).n)
		s.n = colon; /* exactly one colon: IPv4 and a port */
	return cidr_addr_parse(s, ret);
}

/* The piece behind the last comma, taken off *rest. */
static struct str
last_piece(struct str *rest)
{
	size_t i = rest->n;
	struct str piece;

	while (i > 0 && rest->p[i - 1] != ',')
		i--;
	piece = str_skip(*rest, i);
	rest->n = i > 0 ? i - 1 : 0;
	return str_trim(piece);
}

/*
 * Walk X-Forwarded-For from its end, where the nearest proxy wrote, as long
 * as addresses are trusted proxies'. The first that is not is the client.
 */
static void
walk_forwarded(struct request *rq, const struct cidr_list *trusted)
{
	struct str rest = request_header(rq, "x-forwarded-for");

	while (rest.n > 0 && cidr_list_contains(trusted, &rq->client_ip)) {
		struct cidr_addr addr;

		if (!parse_node(last_piece(&rest), &addr))
			return;
		rq->client_ip = addr;
	}
}

static bool
is_on(struct str s)
{
	return str_eq_nocase(s, S("on")) || str_eq(s, S("1"));
}

static void
format_client(struct request *rq)
{
	char text[CIDR_TEXT_BYTES];
	struct str copy;

	cidr_addr_format(&rq->client_ip, text);
	copy = arena_strdup(rq->arena, str_from(text));
	if (copy.p)
		rq->client_addr = copy;
}

void
request_find_client(struct request *rq, const struct request_env *env)
{
	const struct cidr_list *trusted = env->trusted_proxies;
	bool is_proxied;

	rq->is_tls = is_on(request_cgi(rq, "HTTPS")) ||
		     str_eq(request_cgi(rq, "REQUEST_SCHEME"), S("https"));
	rq->has_client_ip = cidr_addr_parse(request_cgi(rq, "REMOTE_ADDR"),
	    &rq->client_ip);
	if (!rq->has_client_ip)
		return;
	is_proxied = trusted && cidr_list_contains(trusted, &rq->client_ip);
	if (is_proxied) {
		struct str proto = request_header(rq, "x-forwarded-proto");

		if (proto.n > 0)
			rq->is_tls = str_eq_nocase(last_piece(&proto),
			    S("https"));
		walk_forwarded(rq, trusted);
	}
	format_client(rq);
}
