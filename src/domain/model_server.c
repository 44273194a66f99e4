/* SPDX-License-Identifier: MIT */
#include "domain/model_server.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "domain/model_probe.h"

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

/* Until there is something to read or time is up. */
static void
wait_for(int fd, int64_t until_ms)
{
	struct pollfd p = { fd, POLLIN, 0 };
	int64_t left_ms;
	int n;

	do {
		left_ms = until_ms - clock_mono_ms();
		n = left_ms > 0 ? poll(&p, 1, (int)left_ms) : 0;
	} while (n < 0 && errno == EINTR);
}

bool
model_server_is_healthy(const char *socket_path, int timeout_ms)
{
	int64_t until_ms = clock_mono_ms() + timeout_ms;
	struct model_probe p = MODEL_PROBE_INIT;
	enum model_probe_news news = model_probe_ask(&p, socket_path);

	while (news == MODEL_PROBE_NOTHING_YET && clock_mono_ms() < until_ms) {
		wait_for(p.fd, until_ms);
		news = model_probe_look(&p);
	}
	model_probe_drop(&p);
	return news == MODEL_PROBE_HEALTHY;
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
