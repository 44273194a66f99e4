/* SPDX-License-Identifier: MIT */
#include "daemon/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* First descriptor that systemd passes; sd_listen_fds(3). */
#define SYSTEMD_FD 3

static bool
is_listening(int fd)
{
	socklen_t n = sizeof(int);
	int yes = 0;

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &n) == 0 &&
	       yes != 0;
}

/* Keep the socket away from descriptor 0, where a library might read. */
static enum err
take_stdin(struct listen *ret, struct error *e)
{
	int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, SYSTEMD_FD);
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || null < 0 || dup2(null, STDIN_FILENO) < 0)
		return error_errno(e, ERR_IO, "inherited socket");
	(void)close(null);
	*ret = (struct listen){ .fd = fd, .is_ours = true };
	return OK;
}

/* bind() creates the file with the umask's permissions: 0660, as there is
 * only one thread yet. */
static int
bind_private(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	mode_t before;
	int fd, rc;

	if (strlen(path) >= sizeof(addr.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(addr.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	before = umask(0117);
	rc = bind(fd, (const struct sockaddr *)&addr, sizeof(addr));
	(void)umask(before);
	if (rc == 0 && listen(fd, LISTEN_BACKLOG) == 0)
		return fd;
	rc = errno;
	(void)close(fd);
	errno = rc;
	return -1;
}

/* Whether somebody accepts connections on path. */
static bool
is_alive(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool alive;

	if (fd < 0 || strlen(path) >= sizeof(addr.sun_path)) {
		(void)close(fd);
		return false;
	}
	memcpy(addr.sun_path, path, strlen(path) + 1);
	/* EAGAIN: its queue is full, so it is there. */
	alive = connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) ==
		    0 ||
		errno == EAGAIN;
	(void)close(fd);
	return alive;
}

/*
 * Bind beside the path and move it there: nobody ever finds a socket that
 * does not listen yet or has other permissions.
 */
enum err
listen_bind(const char *path, struct listen *ret, struct error *e)
{
	char beside[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct stat st;
	int n = snprintf(beside, sizeof(beside), "%s.%d", path, (int)getpid());

	*ret = (struct listen){ .fd = -1 };
	if (n < 0 || (size_t)n >= sizeof(beside))
		return error_set(e, ERR_CONFIG,
		    "listen.socket: the path %s is too long", path);
	if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
		return error_set(e, ERR_CONFIG,
		    "listen.socket: %s exists and is no socket", path);
	if (is_alive(path))
		return error_set(e, ERR_CONFLICT,
		    "listen.socket: another process listens on %s", path);
	(void)unlink(beside); /* of a dead process with our number */
	ret->fd = bind_private(beside);
	if (ret->fd < 0)
		return error_errno(e, ERR_IO, "listen.socket: %s", beside);
	if (lstat(beside, &st) < 0 || rename(beside, path) < 0) {
		(void)unlink(beside);
		(void)close(ret->fd);
		return error_errno(e, ERR_IO, "listen.socket: %s", path);
	}
	ret->path = path;
	ret->is_ours = true;
	ret->dev = st.st_dev;
	ret->ino = st.st_ino;
	return OK;
}

enum err
listen_inherit(struct listen *ret, struct error *e)
{
	*ret = (struct listen){ .fd = -1 };
	if (is_listening(STDIN_FILENO))
		return take_stdin(ret, e);
	if (is_listening(SYSTEMD_FD))
		ret->fd = SYSTEMD_FD;
	return OK;
}

enum err
listen_none(struct error *e)
{
	return error_set(e, ERR_CONFIG,
	    "no socket to listen on: this program is started by a web server "
	    "(lighttpd, mod_fcgid), by spawn-fcgi or by systemd; to start it "
	    "by hand, set listen.socket");
}

void
listen_unlink(struct listen *l)
{
	struct stat st;

	if (l->path && lstat(l->path, &st) == 0 && st.st_dev == l->dev &&
	    st.st_ino == l->ino)
		(void)unlink(l->path); /* gone already is fine */
	l->path = NULL;
}
