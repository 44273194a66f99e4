/* SPDX-License-Identifier: MIT */
/*
 * Whether the web server's client still has its end of the TCP connection
 * open. Before a response begins, lighttpd and Apache do not look at their
 * client at all, so a FastCGI worker that waits for a slow model would work
 * for nobody. The kernel knows better: the web server runs on this host, so
 * its socket, named by the addresses and ports in the CGI parameters, can be
 * asked for (sock_diag(7), which needs no privilege).
 */
#ifndef TG_HTTP_PEER_H
#define TG_HTTP_PEER_H

#include <stdbool.h>
#include <stdint.h>

struct request;

/* How often a waiting request should ask, ms: one look costs four system
 * calls. */
#define PEER_INTERVAL_MS 100

struct peer {
	bool is_usable; /* the parameters name a TCP connection */
	bool was_found; /* the kernel has shown it to us once */
	uint8_t family;
	uint16_t client_port, server_port; /* network byte order */
	uint8_t client[16], server[16];    /* IPv4 uses the first four */
};

/** From REMOTE_ADDR, REMOTE_PORT, SERVER_ADDR, SERVER_PORT. */
void peer_init(struct peer *p, const struct request *rq);

/**
 * True when the client has closed its end, or reset the connection, after it
 * was seen open. Whatever can't be found out is "no": another network
 * namespace, addresses rewritten by a proxy module, a kernel without
 * sock_diag. Never blocks.
 */
bool peer_is_gone(struct peer *p);

#endif
