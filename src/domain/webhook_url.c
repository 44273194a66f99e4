/* SPDX-License-Identifier: MIT */
#include "domain/webhook_url.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

/* ---- addresses ---- */

/*
 * What of IPv4 is not one public host's, and of IPv6 within 2000::/3, which is
 * all that is global there. Source: IANA's registries of special-purpose
 * addresses (iana.org/assignments, as of 2026-11), RFC 6890. 168.63.129.16 is
 * public by its number, and Azure's own service inside of it.
 */
static const char *const refused[] = { "0.0.0.0/8", "10.0.0.0/8",
	"100.64.0.0/10", "127.0.0.0/8", "168.63.129.16", "169.254.0.0/16",
	"172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
	"192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
	"224.0.0.0/3", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20" };
static const char *const global[] = { "0.0.0.0/0", "2000::/3" };

static bool
is_among(const char *const ranges[], size_t n, const struct cidr_addr *addr)
{
	struct cidr range;

	for (size_t i = 0; i < n; i++)
		if (cidr_parse(str_from(ranges[i]), &range) &&
		    cidr_contains(&range, addr))
			return true;
	return false;
}

bool
webhook_address_is_ok(const struct cidr_addr *addr,
    const struct cidr_list *allowed)
{
	if (cidr_list_contains(allowed, addr))
		return true;
	return is_among(global, ARRAY_LEN(global), addr) &&
	       !is_among(refused, ARRAY_LEN(refused), addr);
}

bool
webhook_peer_is_ok(void *allowed, const struct sockaddr *addr,
    size_t addr_bytes)
{
	struct cidr_addr a = { .b = { [10] = 0xff, [11] = 0xff } };
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (addr->sa_family == AF_INET && addr_bytes >= sizeof(v4)) {
		memcpy(&v4, addr, sizeof(v4));
		memcpy(a.b + 12, &v4.sin_addr, 4);
	} else if (addr->sa_family == AF_INET6 && addr_bytes >= sizeof(v6)) {
		memcpy(&v6, addr, sizeof(v6));
		memcpy(a.b, &v6.sin6_addr, sizeof(a.b));
	} else {
		return false;
	}
	return webhook_address_is_ok(&a, allowed);
}

/* ---- names ---- */

static bool
is_in(char c, const char *all)
{
	return c && strchr(all, c);
}

#define DIGITS  "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static bool
is_of(struct str s, const char *all)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_in(s.p[i], all))
			return false;
	return s.n > 0;
}

static struct str
last_label(struct str host)
{
	size_t at = host.n;

	while (at > 0 && host.p[at - 1] != '.')
		at--;
	return str_skip(host, at);
}

/* Names of one's own network, or of this host. */
static bool
is_local(struct str host)
{
	static const char *const ends[] = { "localhost", "local", "internal",
		"intranet", "lan", "home", "corp", "arpa", "test", "invalid" };
	struct str last = last_label(host);

	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (str_eq_nocase(last, str_from(ends[i])))
			return true;
	return last.n == host.n; /* no dot */
}

/* 2130706433, 0x7f.1, 0177.0.0.1 and 127.1 are what some resolvers take for
 * an address: a last label that begins with a digit is none of a name's. */
static bool
is_numeric(struct str host)
{
	struct str last = last_label(host);

	return last.n && is_in(last.p[0], DIGITS);
}

static const char *
fault_of_address(struct str text, const struct cidr_list *allowed)
{
	struct cidr_addr addr;

	if (!cidr_addr_parse(text, &addr))
		return "has an address that is not in its usual notation";
	if (!webhook_address_is_ok(&addr, allowed))
		return "points to a private or special address";
	return NULL;
}

static const char *
fault_of_host(struct str host, const struct cidr_list *allowed)
{
	if (str_starts(host, S("[")) && str_ends(host, S("]")))
		return fault_of_address(str_make(host.p + 1, host.n - 2),
		    allowed);
	if (!is_of(host, DIGITS LETTERS "-."))
		return "has no host, or one with characters that do not belong "
		       "there";
	if (is_numeric(host))
		return fault_of_address(host, allowed);
	if (host.n > 253 || str_starts(host, S(".")) ||
	    str_ends(host, S(".")) || is_local(host))
		return "does not have the full name of a public host";
	return NULL;
}

/* ---- the whole ---- */

static bool
is_visible(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' || is_in(s.p[i], "\\#"))
			return false;
	return true;
}

/* Where the port begins, at its colon; the end when there is none. */
static size_t
port_at(struct str authority)
{
	size_t from = str_starts(authority, S("[")) ? str_find(authority, ']')
						    : 0;

	return from + str_find(str_skip(authority, from), ':');
}

static const char *
fault_of(struct str url, const struct cidr_list *allowed)
{
	struct str authority, port;
	size_t n = 0, at;
	uint64_t number;

	if (!str_starts(url, S("https://")))
		return "must begin with https://";
	if (url.n > WEBHOOK_URL_BYTES)
		return "is too long";
	if (!is_visible(url))
		return "holds a space, a fragment or a special character";
	authority = str_skip(url, 8);
	while (n < authority.n && !is_in(authority.p[n], "/?"))
		n++;
	authority.n = n;
	if (str_find(authority, '@') < n)
		return "must not hold a user or a password";
	at = port_at(authority);
	port = str_skip(authority, at);
	if (port.n && !str_to_u64(str_skip(port, 1), 1, 65535, &number))
		return "has a port that is none";
	return fault_of_host(str_make(authority.p, at), allowed);
}

enum err
webhook_url_check(struct str url, const struct cidr_list *allowed,
    struct error *e)
{
	const char *fault = fault_of(url, allowed);

	return fault ? error_public(e, ERR_BAD_PARAM, "webhook_url",
			   "The webhook's address %s.", fault)
		     : OK;
}
