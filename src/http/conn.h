/* SPDX-License-Identifier: MIT */
/*
 * The transport seam: what a request and its response need from whoever
 * carries them. fcgi.c implements it on libfcgi, mem.c in memory for tests.
 * One connection carries one request; one thread owns it.
 */
#ifndef TG_HTTP_CONN_H
#define TG_HTTP_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct conn;

struct conn_ops {
	/* Up to n bytes of the body into p: 0 at its end, -1 when it broke
	 * off or timed out. */
	ssize_t (*read)(struct conn *c, void *p, size_t n);
	/* All n bytes or false; after one false nothing is written again. */
	bool (*write)(struct conn *c, const void *p, size_t n);
	bool (*flush)(struct conn *c);
	/* To be polled for POLLIN | POLLRDHUP while waiting; -1 = none. */
	int (*fd)(struct conn *c);
	/* Whether the web server or its client hung up. Never blocks. */
	bool (*is_gone)(struct conn *c);
};

struct conn {
	const struct conn_ops *ops;
};

static inline ssize_t
conn_read(struct conn *c, void *p, size_t n)
{
	return c->ops->read(c, p, n);
}

static inline bool
conn_write(struct conn *c, const void *p, size_t n)
{
	return c->ops->write(c, p, n);
}

static inline bool
conn_flush(struct conn *c)
{
	return c->ops->flush(c);
}

static inline int
conn_fd(struct conn *c)
{
	return c->ops->fd(c);
}

static inline bool
conn_is_gone(struct conn *c)
{
	return c->ops->is_gone(c);
}

#endif
