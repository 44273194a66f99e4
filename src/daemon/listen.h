/* SPDX-License-Identifier: MIT */
/*
 * Where requests come from: a socket inherited as descriptor 0 (lighttpd,
 * mod_fcgid, spawn-fcgi), one from systemd, or one of our own.
 */
#ifndef TG_DAEMON_LISTEN_H
#define TG_DAEMON_LISTEN_H

#include <stdbool.h>

#include "base/err.h"
#include "base/unix_socket.h"

/* Connections that may wait when all threads are busy. */
#define LISTEN_BACKLOG 4096

struct listen {
	int fd;
	/* Nobody else accepts from it: what waits in it at the end is ours
	 * to serve. */
	bool is_ours;
	struct unix_socket file; /* bound here, to be removed; or none */
};

/**
 * Take over a socket that the process was started with: descriptor 0, or
 * systemd's (descriptor 3, sd_listen_fds(3)). Without one ret->fd is -1.
 * Before anything else opens a descriptor.
 */
enum err listen_inherit(struct listen *ret, struct error *e) ATTR_MUST_CHECK;

/**
 * Bind a socket of our own. A path on which somebody listens is refused; a
 * file left by a dead worker is replaced.
 * @path  outlives ret
 * Errors: ERR_CONFLICT, ERR_CONFIG (the path), ERR_IO.
 */
enum err listen_bind(const char *path, struct listen *ret,
    struct error *e) ATTR_MUST_CHECK;

/** The error for a worker that has neither. */
enum err listen_none(struct error *e);

/** Remove our socket's file, if it is still ours, so that nobody connects
 * any more. The descriptor stays open. */
void listen_unlink(struct listen *l);

#endif
