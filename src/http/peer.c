/* SPDX-License-Identifier: MIT */
#include "http/peer.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/request.h"

/* What the kernel says about one connection. */
enum peer_state {
	PEER_UNKNOWN,
	PEER_OPEN,
	PEER_CLOSED
};

static bool
read_port(const struct request *rq, const char *name, uint16_t *ret)
{
	uint64_t port;

	if (!str_to_u64(request_cgi(rq, name), 1, UINT16_MAX, &port))
		return false;
	*ret = htons((uint16_t)port);
	return true;
}

/* Both addresses are of one family. */
static bool
read_addresses(struct peer *p, const struct request *rq)
{
	struct arena *a = rq->arena;
	const char *client = arena_cstr(a, request_cgi(rq, "REMOTE_ADDR"));
	const char *server = arena_cstr(a, request_cgi(rq, "SERVER_ADDR"));

	if (!client || !server)
		return false;
	p->family = strchr(client, ':') ? AF_INET6 : AF_INET;
	return inet_pton(p->family, client, p->client) == 1 &&
	       inet_pton(p->family, server, p->server) == 1;
}

void
peer_init(struct peer *p, const struct request *rq)
{
	*p = (struct peer){ 0 };
	p->is_usable = read_port(rq, "REMOTE_PORT", &p->client_port) &&
		       read_port(rq, "SERVER_PORT", &p->server_port) &&
		       read_addresses(p, rq);
}

struct question {
	struct nlmsghdr head;
	struct inet_diag_req_v2 body;
};

static bool
ask(int fd, const struct peer *p)
{
	struct question q = {
	    .head =
		{
		    .nlmsg_len = sizeof(q),
		    .nlmsg_type = SOCK_DIAG_BY_FAMILY,
		    .nlmsg_flags = NLM_F_REQUEST,
		},
	    .body =
		{
		    .sdiag_family = p->family,
		    .sdiag_protocol = IPPROTO_TCP,
		    .idiag_states = UINT32_MAX,
		    .id =
			{
			    .idiag_sport = p->server_port,
			    .idiag_dport = p->client_port,
			    .idiag_cookie = {INET_DIAG_NOCOOKIE,
				INET_DIAG_NOCOOKIE},
			},
		},
	};

	memcpy(q.body.id.idiag_src, p->server, sizeof(p->server));
	memcpy(q.body.id.idiag_dst, p->client, sizeof(p->client));
	return send(fd, &q, sizeof(q), 0) == (ssize_t)sizeof(q);
}

/* The web server's half: CLOSE_WAIT once the client has closed. A listening
 * socket is what the kernel finds when the connection itself is gone. */
static enum peer_state
read_answer(int fd, const struct peer *p)
{
	union {
		struct nlmsghdr head;
		char room[1024];
	} a;
	const struct inet_diag_msg *m;
	ssize_t n = recv(fd, &a, sizeof(a), MSG_DONTWAIT);

	if (n < (ssize_t)NLMSG_LENGTH(sizeof(*m)) ||
	    a.head.nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return n >= (ssize_t)NLMSG_LENGTH(sizeof(struct nlmsgerr)) &&
			       p->was_found
			   ? PEER_CLOSED
			   : PEER_UNKNOWN;
	m = NLMSG_DATA(&a.head);
	if (m->idiag_state == TCP_ESTABLISHED)
		return PEER_OPEN;
	if (m->idiag_state == TCP_LISTEN)
		return p->was_found ? PEER_CLOSED : PEER_UNKNOWN;
	return PEER_CLOSED;
}

bool
peer_is_gone(struct peer *p)
{
	enum peer_state state = PEER_UNKNOWN;
	int fd;

	if (!p->is_usable)
		return false;
	fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (fd >= 0 && ask(fd, p))
		state = read_answer(fd, p);
	if (fd >= 0)
		(void)close(fd); /* nothing is lost with it */
	if (state == PEER_UNKNOWN)
		p->is_usable = false;
	p->was_found = p->was_found || state == PEER_OPEN;
	return state == PEER_CLOSED;
}
