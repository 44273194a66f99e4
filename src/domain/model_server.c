/* SPDX-License-Identifier: MIT */
#include "domain/model_server.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

#define LOCK_NAME  "supervisor.lock"
#define WHY_SUFFIX ".why"

/* ---- the lock ---- */

/* Of the file description, as flock() has them, but it can be looked at
 * without being taken: who looks must not keep a supervisor from starting. */
static struct flock
whole_file(short type)
{
	return (struct flock){ .l_type = type, .l_whence = SEEK_SET };
}

enum err
model_server_lock(const char *socket_dir, int *ret_fd, struct error *e)
{
	struct flock lock = whole_file(F_WRLCK);
	char path[PATH_MAX];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/" LOCK_NAME, socket_dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return error_errno(e, ERR_IO, "%s", path);
	if (fcntl(fd, F_OFD_SETLK, &lock) != 0) {
		enum err err = errno == EAGAIN || errno == EACCES
				   ? error_set(e, ERR_CONFLICT,
					 "%s is held: another `tollgate model "
					 "serve` runs on this host",
					 path)
				   : error_errno(e, ERR_IO, "%s", path);

		(void)close(fd); /* nothing was written */
		return err;
	}
	*ret_fd = fd;
	return OK;
}

bool
model_server_is_supervised(const char *socket_dir)
{
	struct flock lock = whole_file(F_WRLCK);
	char path[PATH_MAX];
	bool is_held;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/" LOCK_NAME, socket_dir);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return false;
	is_held = fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
	(void)close(fd); /* nothing was taken */
	return is_held;
}

/* ---- health ---- */

/* Until fd is ready or time is up. */
static bool
wait_for(int fd, short events, int64_t until_ms)
{
	struct pollfd p = { fd, events, 0 };
	int64_t left_ms;
	int n;

	do {
		left_ms = until_ms - clock_mono_ms();
		n = left_ms > 0 ? poll(&p, 1, (int)left_ms) : 0;
	} while (n < 0 && errno == EINTR);
	return n > 0;
}

static bool
is_ok(int fd, int64_t until_ms)
{
	static const char ask[] = "GET /healthz HTTP/1.1\r\n"
				  "Host: localhost\r\n"
				  "Connection: close\r\n\r\n";
	char answer[13]; /* "HTTP/1.1 200 " */
	size_t n = 0;

	if (send(fd, ask, sizeof(ask) - 1, MSG_NOSIGNAL) !=
	    (ssize_t)sizeof(ask) - 1)
		return false;
	while (n < sizeof(answer)) {
		ssize_t got;

		if (!wait_for(fd, POLLIN, until_ms))
			return false;
		got = recv(fd, answer + n, sizeof(answer) - n, 0);
		if (got < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (got <= 0)
			return false;
		n += (size_t)got;
	}
	return memcmp(answer, "HTTP/1.", 7) == 0 &&
	       memcmp(answer + 8, " 200 ", 5) == 0;
}

bool
model_server_is_healthy(const char *socket_path, int timeout_ms)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int64_t until_ms = clock_mono_ms() + timeout_ms;
	bool ok;
	int fd;

	if (strlen(socket_path) >= sizeof(to.sun_path))
		return false;
	memcpy(to.sun_path, socket_path, strlen(socket_path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	/* A full queue (EAGAIN) is a server that is too busy to say. */
	ok = connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 &&
	     is_ok(fd, until_ms);
	(void)close(fd); /* nothing is kept of it */
	return ok;
}

/* ---- why one does not run ---- */

struct why_path {
	char text[PATH_MAX];
};

static struct why_path
why_path(const char *socket_dir, uint64_t model_id)
{
	struct why_path p;

	(void)snprintf(p.text, sizeof(p.text), "%s/%llu" WHY_SUFFIX, socket_dir,
	    (unsigned long long)model_id);
	return p;
}

void
model_server_why_write(const char *socket_dir, uint64_t model_id,
    const char *why)
{
	struct why_path path = why_path(socket_dir, model_id);
	char made[PATH_MAX + 8];
	size_t n = strlen(why);
	bool ok;
	int fd;

	if (n == 0) {
		(void)unlink(path.text); /* it need not be there */
		return;
	}
	(void)snprintf(made, sizeof(made), "%s.new", path.text);
	fd = open(made, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
	    0640);
	if (fd < 0)
		return;
	ok = write(fd, why, n) == (ssize_t)n;
	ok = close(fd) == 0 && ok;
	if (!ok || rename(made, path.text) != 0)
		(void)unlink(made); /* the log has it, too */
}

bool
model_server_why_read(const char *socket_dir, uint64_t model_id,
    char ret[MODEL_SERVER_WHY_BYTES])
{
	struct why_path path = why_path(socket_dir, model_id);
	int fd = open(path.text, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, ret, MODEL_SERVER_WHY_BYTES - 1);
	(void)close(fd); /* it was only read */
	ret[n > 0 ? n : 0] = '\0';
	return n > 0;
}

void
model_server_why_forget(const char *socket_dir)
{
	DIR *dir = opendir(socket_dir);
	struct dirent *d;

	if (!dir)
		return;
	while ((d = readdir(dir)))
		if (str_ends(str_from(d->d_name), S(WHY_SUFFIX)))
			(void)unlinkat(dirfd(dir), d->d_name, 0);
	(void)closedir(dir); /* it was only read */
}
