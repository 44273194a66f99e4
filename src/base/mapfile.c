/* SPDX-License-Identifier: MIT */
#include "base/mapfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 512

/* The first bytes of the file. The rest of MAPFILE_HEADER_BYTES is zero. */
struct header {
	char magic[MAPFILE_MAGIC_BYTES];
	uint32_t version;
	uint32_t header_bytes;
	uint64_t body_bytes;
};

_Static_assert(sizeof(struct header) <= MAPFILE_HEADER_BYTES,
    "the header has its fixed place");

static size_t
file_bytes(const struct mapfile_spec *spec)
{
	return MAPFILE_HEADER_BYTES + spec->body_bytes;
}

static void
header_fill(const struct mapfile_spec *spec, struct header *ret)
{
	*ret = (struct header){
		.version = spec->version,
		.header_bytes = MAPFILE_HEADER_BYTES,
		.body_bytes = spec->body_bytes,
	};
	memcpy(ret->magic, spec->magic, MAPFILE_MAGIC_BYTES);
}

static bool
file_is_valid(int fd, const struct mapfile_spec *spec)
{
	struct header want, found;
	struct stat st;

	header_fill(spec, &want);
	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       st.st_size == (off_t)file_bytes(spec) &&
	       pread(fd, &found, sizeof(found), 0) == (ssize_t)sizeof(found) &&
	       memcmp(&want, &found, sizeof(want)) == 0;
}

/* Root's commands must not leave a file that the workers can't open. */
static void
give_to_owner_of_dir(int fd, const char *path)
{
	char dir[PATH_BYTES];
	struct stat st;
	char *slash;

	if (geteuid() != 0)
		return;
	(void)snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (slash)
		slash[slash == dir ? 1 : 0] = '\0';
	if (stat(slash ? dir : ".", &st) == 0 &&
	    fchown(fd, st.st_uid, st.st_gid) != 0)
		return; /* the workers will say that they can't open it */
}

static enum err
fill_new(int fd, const char *path, const struct mapfile_spec *spec,
    struct error *e)
{
	struct header h;
	int rc = posix_fallocate(fd, 0, (off_t)file_bytes(spec));

	if (rc != 0) {
		errno = rc;
		return error_errno(e, ERR_IO, "no room for %s", path);
	}
	header_fill(spec, &h);
	if (pwrite(fd, &h, sizeof(h), 0) != (ssize_t)sizeof(h))
		return error_errno(e, ERR_IO, "can't write %s", path);
	if (fchmod(fd, 0660) != 0)
		return error_errno(e, ERR_IO, "can't set the mode of %s", path);
	give_to_owner_of_dir(fd, path);
	return OK;
}

/* Under the lock: a whole new file in place of whatever has the name. */
static enum err
make_new(const char *path, const struct mapfile_spec *spec, int *ret_fd,
    struct error *e)
{
	char tmp[PATH_BYTES + 8];
	enum err err;
	int fd;

	(void)snprintf(tmp, sizeof(tmp), "%s.XXXXXX", path);
	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0)
		return error_errno(e, ERR_IO, "can't create %s", tmp);
	err = fill_new(fd, tmp, spec, e);
	if (!err && rename(tmp, path) != 0)
		err = error_errno(e, ERR_IO, "can't rename to %s", path);
	if (err) {
		(void)unlink(tmp); /* the first failure is the one to tell */
		(void)close(fd);
		return err;
	}
	*ret_fd = fd;
	return OK;
}

static enum err
open_or_make(const char *path, const struct mapfile_spec *spec, bool may_create,
    int *ret_fd, struct error *e)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 && errno != ENOENT)
		return error_errno(e, ERR_IO, "can't open %s", path);
	if (fd >= 0 && file_is_valid(fd, spec)) {
		*ret_fd = fd;
		return OK;
	}
	if (fd >= 0)
		(void)close(fd);
	if (!may_create)
		return error_set(e, ERR_NOT_FOUND,
		    "%s is missing or of another version", path);
	return make_new(path, spec, ret_fd, e);
}

/* Whoever makes or replaces the file holds the lock of <path>.lock. */
static enum err
open_locked(const char *path, const struct mapfile_spec *spec, bool may_create,
    int *ret_fd, struct error *e)
{
	char lock_path[PATH_BYTES + 8];
	enum err err;
	int lock_fd;

	if (!may_create)
		return open_or_make(path, spec, false, ret_fd, e);
	(void)snprintf(lock_path, sizeof(lock_path), "%s.lock", path);
	lock_fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
	    0660);
	if (lock_fd < 0)
		return error_errno(e, ERR_IO, "can't open %s", lock_path);
	give_to_owner_of_dir(lock_fd, lock_path);
	while (flock(lock_fd, LOCK_EX) != 0) {
		if (errno == EINTR)
			continue;
		err = error_errno(e, ERR_IO, "can't lock %s", lock_path);
		(void)close(lock_fd);
		return err;
	}
	err = open_or_make(path, spec, true, ret_fd, e);
	(void)close(lock_fd); /* gives the lock back */
	return err;
}

enum err
mapfile_open(const char *path, const struct mapfile_spec *spec, bool may_create,
    struct mapfile *ret, struct error *e)
{
	enum err err;
	void *base;
	int fd;

	if (strlen(path) >= PATH_BYTES)
		return error_set(e, ERR_IO, "the path is too long: %s", path);
	err = open_locked(path, spec, may_create, &fd, e);
	if (err)
		return err;
	base = mmap(NULL, file_bytes(spec), PROT_READ | PROT_WRITE, MAP_SHARED,
	    fd, 0);
	if (base == MAP_FAILED) {
		err = error_errno(e, ERR_IO, "can't map %s", path);
		(void)close(fd);
		return err;
	}
	*ret = (struct mapfile){
		.fd = fd,
		.base = base,
		.body = (char *)base + MAPFILE_HEADER_BYTES,
		.map_bytes = file_bytes(spec),
	};
	return OK;
}

void
mapfile_close(struct mapfile *m)
{
	if (!m->base)
		return;
	(void)munmap(m->base, m->map_bytes);
	(void)close(m->fd);
	*m = (struct mapfile){ .fd = -1 };
}

/* Locks of the open file description: they end with the last process that
 * has it, and two openings in one process exclude each other too. */
static bool
lock_byte(struct mapfile *m, unsigned number, short type)
{
	struct flock lock = {
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = (off_t)number,
		.l_len = 1,
	};

	return fcntl(m->fd, F_OFD_SETLK, &lock) == 0;
}

bool
mapfile_lock_try(struct mapfile *m, unsigned number)
{
	return lock_byte(m, number, F_WRLCK);
}

void
mapfile_unlock(struct mapfile *m, unsigned number)
{
	(void)lock_byte(m, number, F_UNLCK); /* cannot fail on our own lock */
}
