/* SPDX-License-Identifier: MIT */
/*
 * A unix socket to listen on, and its file: made so that nobody ever finds one
 * that does not listen yet or has other permissions, and removed only if it is
 * still ours.
 */
#ifndef TG_BASE_UNIX_SOCKET_H
#define TG_BASE_UNIX_SOCKET_H

#include <sys/types.h>

#include "base/err.h"

struct unix_socket {
	const char *path; /* of its file; NULL: none */
	dev_t dev;
	ino_t ino;
};

struct unix_socket_options {
	const char *setting; /* what errors begin with */
	const char *path;    /* outlives the socket */
	int flags;           /* SOCK_NONBLOCK or 0; it is closed on exec */
	int backlog;
};

/**
 * Listen on a socket with mode 0660, which needs the umask: before the process
 * has threads. A file left by a dead process is replaced.
 * Errors: ERR_CONFLICT somebody listens there; ERR_CONFIG the path is too long
 *         or is something else; ERR_IO.
 * Memory: unix_socket_unlink(), and close *ret_fd.
 */
enum err unix_socket_listen(const struct unix_socket_options *o,
    struct unix_socket *ret, int *ret_fd, struct error *e) ATTR_MUST_CHECK;
/** Remove the file, if it is still ours, so that nobody connects any more. */
void unix_socket_unlink(struct unix_socket *s);

#endif
