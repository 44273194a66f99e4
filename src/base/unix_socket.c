/* SPDX-License-Identifier: MIT */
#include "base/unix_socket.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static bool
is_alive(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool alive;

	if (fd < 0)
		return false;
	/* EAGAIN: its queue is full, so it is there. */
	alive = connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) ==
		    0 ||
		errno == EAGAIN;
	(void)close(fd);
	return alive;
}

/* The umask gives bind() its permissions. */
static int
bind_private(const struct sockaddr_un *addr,
    const struct unix_socket_options *o)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | o->flags, 0);
	mode_t before;
	int rc;

	if (fd < 0)
		return -1;
	before = umask(0117);
	rc = bind(fd, (const struct sockaddr *)addr, sizeof(*addr));
	(void)umask(before);
	if (rc == 0 && listen(fd, o->backlog) == 0)
		return fd;
	rc = errno;
	(void)close(fd);
	errno = rc;
	return -1;
}

static enum err
check_path(const struct unix_socket_options *o, struct error *e)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct stat st;

	if (lstat(o->path, &st) == 0 && !S_ISSOCK(st.st_mode))
		return error_set(e, ERR_CONFIG,
		    "%s: %s exists and is no socket", o->setting, o->path);
	memcpy(addr.sun_path, o->path, strlen(o->path) + 1);
	if (is_alive(&addr))
		return error_set(e, ERR_CONFLICT,
		    "%s: another process listens on %s", o->setting, o->path);
	return OK;
}

enum err
unix_socket_listen(const struct unix_socket_options *o, struct unix_socket *ret,
    int *ret_fd, struct error *e)
{
	/* Beside the path, and moved there when it listens. */
	struct sockaddr_un beside = { .sun_family = AF_UNIX };
	int n = snprintf(beside.sun_path, sizeof(beside.sun_path), "%s.%d",
	    o->path, (int)getpid());
	struct stat st;
	int fd;

	if (n < 0 || (size_t)n >= sizeof(beside.sun_path))
		return error_set(e, ERR_CONFIG, "%s: the path %s is too long",
		    o->setting, o->path);
	if (check_path(o, e))
		return e->code;
	(void)unlink(beside.sun_path); /* of a dead process with our number */
	fd = bind_private(&beside, o);
	if (fd < 0)
		return error_errno(e, ERR_IO, "%s: %s", o->setting,
		    beside.sun_path);
	if (lstat(beside.sun_path, &st) < 0 ||
	    rename(beside.sun_path, o->path) < 0) {
		(void)error_errno(e, ERR_IO, "%s: %s", o->setting, o->path);
		(void)unlink(beside.sun_path);
		(void)close(fd);
		return e->code;
	}
	*ret = (struct unix_socket){ o->path, st.st_dev, st.st_ino };
	*ret_fd = fd;
	return OK;
}

void
unix_socket_unlink(struct unix_socket *s)
{
	struct stat st;

	if (s->path && lstat(s->path, &st) == 0 && st.st_dev == s->dev &&
	    st.st_ino == s->ino)
		(void)unlink(s->path); /* gone already is fine */
	s->path = NULL;
}
