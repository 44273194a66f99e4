/* SPDX-License-Identifier: MIT */
#include "admin/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err
map_fd(int fd, const char *path, size_t max_bytes, struct str *ret,
    struct error *e)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) < 0)
		return error_errno(e, ERR_IO, "%s", path);
	if (!S_ISREG(st.st_mode))
		return error_set(e, ERR_BAD_PARAM, "%s is not a file", path);
	if (st.st_size > (off_t)max_bytes)
		return error_set(e, ERR_TOO_LARGE, "%s is larger than %zu MiB",
		    path, max_bytes / MIB(1));
	*ret = str_make("", 0);
	if (st.st_size == 0)
		return OK;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return error_errno(e, ERR_IO, "%s", path);
	*ret = str_make(p, (size_t)st.st_size);
	return OK;
}

enum err
admin_file(struct admin *ad, struct str name, size_t max_bytes, struct str *ret,
    struct error *e)
{
	const char *path = arena_cstr(admin_arena(ad), name);
	enum err err;
	int fd;

	if (!path)
		return error_arena(e, admin_arena(ad));
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return error_errno(e, ERR_IO, "%s", path);
	err = map_fd(fd, path, max_bytes, ret, e);
	(void)close(fd);
	return err;
}
