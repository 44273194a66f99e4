/* SPDX-License-Identifier: MIT */
#include "daemon/listen.h"

#include <fcntl.h>
#include <sys/socket.h>
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

enum err
listen_bind(const char *path, struct listen *ret, struct error *e)
{
	const struct unix_socket_options o = {
		.setting = "listen.socket",
		.path = path,
		.backlog = LISTEN_BACKLOG,
	};

	*ret = (struct listen){ .fd = -1 };
	if (unix_socket_listen(&o, &ret->file, &ret->fd, e))
		return e->code;
	ret->is_ours = true;
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
	unix_socket_unlink(&l->file);
}
