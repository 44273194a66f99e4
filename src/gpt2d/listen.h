/* SPDX-License-Identifier: MIT */
/*
 * Where clients come from: a unix socket, or a TCP port of the loopback
 * interface. Nothing else: this server knows no keys.
 */
#ifndef TG_GPT2D_LISTEN_H
#define TG_GPT2D_LISTEN_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"
#include "base/unix_socket.h"

#define LISTEN_NAME_BYTES 128

struct listen {
	int fd;                       /* -1: none */
	char name[LISTEN_NAME_BYTES]; /* "unix:/run/x.sock", "127.0.0.1:80" */
	struct unix_socket file;      /* none with TCP */
};

/**
 * A unix socket with mode 0660. A file left by a dead server is replaced,
 * by rename: nobody finds one that does not listen yet.
 * @path  outlives ret
 * Errors: ERR_CONFLICT somebody listens there; ERR_CONFIG the path is too
 *         long or something else; ERR_IO.
 */
enum err listen_unix(const char *path, struct listen *ret,
    struct error *e) ATTR_MUST_CHECK;
/**
 * @address  "127.0.0.1:8080" or "[::1]:8080"; port 0 takes a free one
 * Errors: ERR_BAD_PARAM it is no loopback address with a port; ERR_IO.
 */
enum err listen_loopback(struct str address, struct listen *ret,
    struct error *e) ATTR_MUST_CHECK;
/** A Host header's value: "localhost" or a loopback address; a port may follow. */
bool listen_is_loopback_host(struct str host);
/** Remove the socket's file, if it is still ours. The descriptor stays. */
void listen_unlink(struct listen *l);

#endif
