/* SPDX-License-Identifier: MIT */
#include "journal/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/crc32.h"
#include "base/hex.h"

static const char magic[8] = { 'T', 'G', 'J', 'O', 'U', 'R', 'N', '1' };

/* Offsets in the header. */
enum {
	AT_VERSION = 8,
	AT_BYTES = 12,
	AT_SERIES = 16,
	AT_FILE_NO = 32,
	AT_PID = 36,
	AT_CREATED = 40,
	AT_SALT = 48,
	AT_CRC = 60
};

static void
put(uint8_t *p, uint64_t v, size_t n_bytes)
{
	for (size_t i = 0; i < n_bytes; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static uint64_t
get(const uint8_t *p, size_t n_bytes)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n_bytes; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

void
journal_header_encode(const struct journal_header *h,
    uint8_t ret[JOURNAL_HEADER_BYTES])
{
	memset(ret, 0, JOURNAL_HEADER_BYTES);
	memcpy(ret, magic, sizeof(magic));
	put(ret + AT_VERSION, JOURNAL_VERSION, 4);
	put(ret + AT_BYTES, JOURNAL_HEADER_BYTES, 4);
	memcpy(ret + AT_SERIES, h->series.b, sizeof(h->series.b));
	put(ret + AT_FILE_NO, h->file_no, 4);
	put(ret + AT_PID, h->pid, 4);
	put(ret + AT_CREATED, (uint64_t)h->created_ms, 8);
	put(ret + AT_SALT, h->salt, 8);
	put(ret + AT_CRC, crc32c(ret, AT_CRC), 4);
}

bool
journal_header_decode(const uint8_t p[JOURNAL_HEADER_BYTES],
    struct journal_header *ret)
{
	if (memcmp(p, magic, sizeof(magic)) != 0 ||
	    get(p + AT_VERSION, 4) != JOURNAL_VERSION ||
	    get(p + AT_BYTES, 4) != JOURNAL_HEADER_BYTES ||
	    get(p + AT_CRC, 4) != crc32c(p, AT_CRC))
		return false;
	memcpy(ret->series.b, p + AT_SERIES, sizeof(ret->series.b));
	ret->file_no = (uint32_t)get(p + AT_FILE_NO, 4);
	ret->pid = (uint32_t)get(p + AT_PID, 4);
	ret->created_ms = (int64_t)get(p + AT_CREATED, 8);
	ret->salt = get(p + AT_SALT, 8);
	return true;
}

void
journal_series_format(const struct journal_series *s,
    char ret[JOURNAL_SERIES_TEXT_BYTES])
{
	hex_encode(s->b, sizeof(s->b), ret);
}

bool
journal_series_parse(struct str s, struct journal_series *ret)
{
	return hex_decode(s, ret->b, sizeof(ret->b));
}

void
journal_file_path(char ret[JOURNAL_PATH_BYTES], const char *dir,
    const struct journal_series *s, uint32_t file_no)
{
	char id[JOURNAL_SERIES_TEXT_BYTES];

	journal_series_format(s, id);
	(void)snprintf(ret, JOURNAL_PATH_BYTES, "%s/%s.%010u.tgj", dir, id,
	    file_no); /* folders are at most 200 bytes: config.def */
}

void
journal_lock_path(char ret[JOURNAL_PATH_BYTES], const char *dir,
    const struct journal_series *s)
{
	char id[JOURNAL_SERIES_TEXT_BYTES];

	journal_series_format(s, id);
	(void)snprintf(ret, JOURNAL_PATH_BYTES, "%s/%s.lock", dir, id);
}

bool
journal_name_parse(const char *name, struct journal_name *ret)
{
	struct str s = str_from(name);
	struct str id = { s.p, s.n < 32 ? s.n : 32 };
	struct str rest = str_skip(s, 32);
	uint64_t file_no;

	if (!journal_series_parse(id, &ret->series))
		return false;
	ret->file_no = 0;
	if (str_eq(rest, S(".lock")))
		return true;
	if (rest.n != 15 || rest.p[0] != '.' || !str_ends(rest, S(".tgj")) ||
	    !str_to_u64(str_make(rest.p + 1, 10), 1, UINT32_MAX, &file_no))
		return false;
	ret->file_no = (uint32_t)file_no;
	return true;
}

const struct journal_io journal_io_real = { pwrite, fdatasync,
	posix_fallocate };

enum err
journal_pwrite(const struct journal_io *io, int fd, const uint8_t *p, size_t n,
    uint32_t off, struct error *e)
{
	size_t done = 0;

	while (done < n) {
		ssize_t got = io->pwrite(fd, p + done, n - done,
		    (off_t)(off + done));

		if (got > 0) {
			done += (size_t)got;
			continue;
		}
		if (got < 0 && errno == EINTR)
			continue;
		if (got == 0 || errno == ENOSPC || errno == EDQUOT ||
		    errno == EFBIG)
			return error_set(e, ERR_JOURNAL_FULL,
			    "journal: write of %zu bytes: no space", n);
		return error_set(e, ERR_JOURNAL_FAILED,
		    "journal: write of %zu bytes: errno %d", n, errno);
	}
	return OK;
}

enum err
journal_dir_sync(const char *dir, struct error *e)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int failed;

	if (fd < 0)
		return error_set(e, ERR_IO, "journal: open %s: errno %d", dir,
		    errno);
	failed = fsync(fd) != 0 ? errno : 0;
	(void)close(fd); /* a folder: nothing is buffered */
	if (failed != 0)
		return error_set(e, ERR_IO, "journal: fsync %s: errno %d", dir,
		    failed);
	return OK;
}

enum err
journal_dir_bytes(const char *dir, uint64_t *ret, struct error *e)
{
	DIR *d = opendir(dir);
	const struct dirent *entry;
	uint64_t total = 0;

	if (!d)
		return error_set(e, ERR_IO, "journal: read %s: errno %d", dir,
		    errno);
	/* The stream is this call's own, so readdir() is safe. */
	while ((entry = readdir(d)) != NULL) {
		struct stat st;
		struct str name = str_from(entry->d_name);

		if ((!str_ends(name, S(".tgj")) &&
			!str_ends(name, S(".tmp"))) ||
		    fstatat(dirfd(d), entry->d_name, &st, 0) != 0)
			continue; /* removed meanwhile */
		total += (uint64_t)st.st_size;
	}
	(void)closedir(d);
	*ret = total;
	return OK;
}

/* Allocate and write the header of a file that has its temporary name. */
static enum err
prepare(int fd, const char *path, const struct journal_header *h,
    uint64_t size_bytes, const struct journal_io *io, struct error *e)
{
	uint8_t header[JOURNAL_HEADER_BYTES];
	int failed;
	enum err err;

	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return error_set(e, ERR_IO, "journal: lock %s: errno %d", path,
		    errno);
	failed = io->fallocate(fd, 0, (off_t)size_bytes);
	if (failed == ENOSPC || failed == EDQUOT || failed == EFBIG)
		return error_set(e, ERR_JOURNAL_FULL,
		    "journal: no space for a file of %ju bytes",
		    (uintmax_t)size_bytes);
	if (failed != 0)
		return error_set(e, ERR_IO, "journal: allocate %s: errno %d",
		    path, failed);
	journal_header_encode(h, header);
	err = journal_pwrite(io, fd, header, sizeof(header), 0, e);
	if (err)
		return err;
	if (fsync(fd) != 0)
		return error_set(e, ERR_IO, "journal: fsync %s: errno %d", path,
		    errno);
	return OK;
}

static enum err
make_at(int fd, const char *tmp, const char *dir,
    const struct journal_header *h, uint64_t size_bytes,
    const struct journal_io *io, struct error *e)
{
	char path[JOURNAL_PATH_BYTES];
	enum err err = prepare(fd, tmp, h, size_bytes, io, e);

	if (err)
		return err;
	journal_file_path(path, dir, &h->series, h->file_no);
	if (rename(tmp, path) != 0)
		return error_set(e, ERR_IO, "journal: rename to %s: errno %d",
		    path, errno);
	return journal_dir_sync(dir, e);
}

/* Make the file while holding the folder's space lock. */
static enum err
make_within(const char *dir, const struct journal_header *h,
    uint64_t size_bytes, uint64_t max_bytes, const struct journal_io *io,
    int *ret_fd, struct error *e)
{
	char tmp[JOURNAL_PATH_BYTES];
	char id[JOURNAL_SERIES_TEXT_BYTES];
	uint64_t total = 0;
	enum err err = journal_dir_bytes(dir, &total, e);
	int fd;

	if (err)
		return err;
	if (total > max_bytes || max_bytes - total < size_bytes)
		return error_set(e, ERR_JOURNAL_FULL,
		    "journal: %ju of journal.max_bytes = %ju are in use",
		    (uintmax_t)total, (uintmax_t)max_bytes);
	journal_series_format(&h->series, id);
	(void)snprintf(tmp, sizeof(tmp), "%s/%s.%010u.tmp", dir, id,
	    h->file_no);
	fd = open(tmp, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (fd < 0)
		return error_set(e,
		    errno == ENOSPC || errno == EDQUOT ? ERR_JOURNAL_FULL
						       : ERR_IO,
		    "journal: create %s: errno %d", tmp, errno);
	err = make_at(fd, tmp, dir, h, size_bytes, io, e);
	if (err) {
		(void)unlink(tmp); /* fails when it was renamed already */
		(void)close(fd);
		return err;
	}
	*ret_fd = fd;
	return OK;
}

/*
 * One process at a time measures the folder and adds to it. A holder that
 * is stopped must not stop the others: after a second they go on without,
 * which at worst passes max_bytes by a file each.
 */
static int
space_lock(const char *dir)
{
	char path[JOURNAL_PATH_BYTES];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/space.lock", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (fd < 0)
		return -1;
	for (int tries = 0; tries < 100; tries++) {
		const struct timespec pause = { 0, 10 * 1000 * 1000 };

		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			break;
		(void)nanosleep(&pause, NULL); /* a shorter one is fine */
	}
	return fd;
}

enum err
journal_file_make(const char *dir, const struct journal_header *h,
    uint64_t size_bytes, uint64_t max_bytes, const struct journal_io *io,
    int *ret_fd, struct error *e)
{
	int lock_fd = space_lock(dir);
	enum err err = make_within(dir, h, size_bytes, max_bytes, io, ret_fd,
	    e);

	if (lock_fd >= 0)
		(void)close(lock_fd);
	return err;
}
