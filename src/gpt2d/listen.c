/* SPDX-License-Identifier: MIT */
#include "gpt2d/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 1024

enum err
listen_unix(const char *path, struct listen *ret, struct error *e)
{
	const struct unix_socket_options o = {
		.setting = "--socket",
		.path = path,
		.flags = SOCK_NONBLOCK,
		.backlog = BACKLOG,
	};

	*ret = (struct listen){ .fd = -1 };
	if (unix_socket_listen(&o, &ret->file, &ret->fd, e))
		return e->code;
	(void)snprintf(ret->name, sizeof(ret->name), "unix:%s", path);
	return OK;
}

void
listen_unlink(struct listen *l)
{
	unix_socket_unlink(&l->file);
}

/* ---- loopback ---- */

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* Numbers only: a name could come to mean another address. */
static bool
read_host(struct str host, union address *a)
{
	char text[INET6_ADDRSTRLEN];

	*a = (union address){ .v4.sin_family = AF_INET };
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']') {
		host = str_make(host.p + 1, host.n - 2);
		a->v6.sin6_family = AF_INET6;
	}
	if (host.n == 0 || host.n >= sizeof(text))
		return false;
	memcpy(text, host.p, host.n);
	text[host.n] = '\0';
	if (a->any.sa_family == AF_INET6)
		return inet_pton(AF_INET6, text, &a->v6.sin6_addr) == 1 &&
		       IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr);
	return inet_pton(AF_INET, text, &a->v4.sin_addr) == 1 &&
	       ntohl(a->v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

/* Behind the last one; 0: there is none. */
static size_t
find_colon(struct str text)
{
	size_t colon = text.n;

	while (colon > 0 && text.p[colon - 1] != ':')
		colon--;
	return colon;
}

static bool
read_address(struct str text, union address *a)
{
	size_t colon = find_colon(text);
	uint64_t port;

	if (colon == 0 || !read_host(str_make(text.p, colon - 1), a) ||
	    !str_to_u64(str_skip(text, colon), 0, UINT16_MAX, &port))
		return false;
	/* The port is at the same place in both. */
	a->v4.sin_port = htons((uint16_t)port);
	return true;
}

static int
bind_address(union address *a)
{
	socklen_t n = a->any.sa_family == AF_INET6 ? sizeof(a->v6)
						   : sizeof(a->v4);
	int fd = socket(a->any.sa_family,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int yes = 1;

	if (fd >= 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0 &&
	    bind(fd, &a->any, n) == 0 && listen(fd, BACKLOG) == 0 &&
	    getsockname(fd, &a->any, &n) == 0)
		return fd;
	yes = errno;
	if (fd >= 0)
		(void)close(fd);
	errno = yes;
	return -1;
}

enum err
listen_loopback(struct str address, struct listen *ret, struct error *e)
{
	union address a;

	*ret = (struct listen){ .fd = -1 };
	if (!read_address(address, &a))
		return error_set(e, ERR_BAD_PARAM,
		    "--listen takes a loopback address and a port, such as "
		    "127.0.0.1:8080; for other hosts there is the gateway");
	ret->fd = bind_address(&a);
	if (ret->fd < 0)
		return error_errno(e, ERR_IO, "--listen: %" PRI_STR,
		    STR_ARG(address));
	(void)snprintf(ret->name, sizeof(ret->name), "%.*s%u",
	    (int)find_colon(address), address.p,
	    (unsigned)ntohs(a.v4.sin_port));
	return OK;
}

bool
listen_is_loopback_host(struct str host)
{
	size_t colon = find_colon(host);
	union address a;
	uint64_t port;

	if (colon > 0 &&
	    str_to_u64(str_skip(host, colon), 0, UINT16_MAX, &port))
		host.n = colon - 1;
	return str_eq_nocase(host, S("localhost")) || read_host(host, &a);
}
