/* SPDX-License-Identifier: MIT */
/* Beginning and ending a series: folder, lock, first file, memory. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rng.h"
#include "journal/writer_priv.h"

/* f_type of file systems that lose files or locks: linux/magic.h and the
 * kernel's sources, Linux 6.1. */
static const struct {
	unsigned long type;
	const char *name;
} refused_fs[] = {
	{ 0x6969, "NFS" },
	{ 0x517b, "SMB" },
	{ 0xff534d42, "CIFS" },
	{ 0xfe534d42, "SMB2" },
	{ 0x01021997, "9P" },
	{ 0x65735546, "FUSE" },
	{ 0x73757245, "Coda" },
	{ 0x5346414f, "AFS" },
	{ 0x00c36400, "Ceph" },
	{ 0x01021994, "tmpfs" },
	{ 0x858458f6, "ramfs" },
	{ 0x794c7630, "overlay" },
};

static enum err
check_filesystem(const char *dir, struct error *e)
{
	struct statfs fs;

	if (statfs(dir, &fs) != 0)
		return error_set(e, ERR_CONFIG,
		    "journal.dir %s: can't be examined (errno %d)", dir, errno);
	for (size_t i = 0; i < ARRAY_LEN(refused_fs); i++) {
		if ((unsigned long)fs.f_type == refused_fs[i].type)
			return error_set(e, ERR_CONFIG,
			    "journal.dir %s is on %s, which would lose usage "
			    "in a crash: name a folder on a local disk",
			    dir, refused_fs[i].name);
	}
	return OK;
}

static enum err
check_folder(const char *dir, struct error *e)
{
	struct stat st;

	if (strlen(dir) >= JOURNAL_DIR_MAX)
		return error_set(e, ERR_CONFIG,
		    "journal.dir: the path is too long");
	if (mkdir(dir, 0750) != 0 && errno != EEXIST)
		return error_set(e, ERR_CONFIG,
		    "journal.dir %s: can't be made (errno %d)", dir, errno);
	if (stat(dir, &st) != 0 || !S_ISDIR(st.st_mode))
		return error_set(e, ERR_CONFIG,
		    "journal.dir %s is not a folder", dir);
	if (access(dir, R_OK | W_OK | X_OK) != 0)
		return error_set(e, ERR_CONFIG,
		    "journal.dir %s: this account may not write there", dir);
	return OK;
}

enum err
journal_check_dir(const char *dir, struct error *e)
{
	enum err err = check_folder(dir, e);

	return err ? err : check_filesystem(dir, e);
}

static enum err
lock_series(struct journal *j, struct error *e)
{
	char path[JOURNAL_PATH_BYTES];

	rng_bytes(j->series.b, sizeof(j->series.b));
	journal_lock_path(path, j->dir, &j->series);
	j->lock_fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (j->lock_fd < 0)
		return error_set(e,
		    errno == ENOSPC || errno == EDQUOT ? ERR_JOURNAL_FULL
						       : ERR_IO,
		    "journal: create %s: errno %d", path, errno);
	if (flock(j->lock_fd, LOCK_EX | LOCK_NB) != 0)
		return error_set(e, ERR_IO, "journal: lock %s: errno %d", path,
		    errno);
	return OK;
}

/* What one request takes at most in a file that it is carried over to: its
 * open, progress and settle, and as much again to spare. */
#define OPEN_BYTES_MAX (2 * JOURNAL_RECORD_MAX + JOURNAL_PROGRESS_MAX)

static enum err
alloc(struct journal *j, struct error *e)
{
	size_t n = j->opt.open_max;
	size_t need = JOURNAL_HEADER_BYTES + 4 * (n + 1) * OPEN_BYTES_MAX;

	if (j->opt.file_bytes < need)
		j->opt.file_bytes = need;
	j->opt.file_bytes &= ~(uint64_t)7;
	j->carry_cap = n * (JOURNAL_RECORD_MAX + JOURNAL_PROGRESS_MAX);
	j->carry = malloc(j->carry_cap);
	j->slots = calloc(n, sizeof(*j->slots));
	if (!j->carry || !j->slots)
		return error_set(e, ERR_NO_MEMORY, "journal: no memory");
	for (uint32_t i = 0; i < n; i++)
		j->slots[i].next_free = i + 1;
	return OK;
}

static void
init_locks(struct journal *j)
{
	pthread_condattr_t attr;

	(void)pthread_mutex_init(&j->mutex, NULL); /* can't fail on Linux */
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&j->wake, &attr);
	(void)pthread_condattr_destroy(&attr);
}

static void
journal_free(struct journal *j)
{
	if (j->cur.fd >= 0)
		(void)close(j->cur.fd); /* synced by who wanted that */
	if (j->next.fd >= 0)
		(void)close(j->next.fd);
	for (unsigned i = 0; i < j->n_old; i++)
		(void)close(j->old_fds[i]);
	if (j->lock_fd >= 0)
		(void)close(j->lock_fd);
	free(j->carry);
	free(j->slots);
	(void)pthread_cond_destroy(&j->wake);
	(void)pthread_mutex_destroy(&j->mutex);
	free(j);
}

static enum err
begin(struct journal *j, const char *dir, struct error *e)
{
	enum err err = j->opt.is_any_filesystem ? check_folder(dir, e)
						: journal_check_dir(dir, e);

	if (err)
		return err;
	(void)snprintf(j->dir, sizeof(j->dir), "%s", dir);
	err = alloc(j, e);
	if (err)
		return err;
	err = lock_series(j, e);
	if (err)
		return err;
	j->wants_next = true;
	err = journal_make_next(j, e);
	/* Without room the worker starts and refuses what it can't record:
	 * pages and answers that cost nothing work on. */
	if (err && err != ERR_JOURNAL_FULL)
		return err;
	journal_begin_first(j);
	return OK;
}

enum err
journal_open_series(const char *dir, const struct journal_options *o,
    struct journal **ret, struct error *e)
{
	struct journal *j = calloc(1, sizeof(*j));
	enum err err;

	if (!j)
		return error_set(e, ERR_NO_MEMORY, "journal: no memory");
	j->opt = *o;
	j->io = &journal_io_real;
	j->lock_fd = j->cur.fd = j->next.fd = -1;
	init_locks(j);
	err = begin(j, dir, e);
	if (err) {
		if (j->lock_fd >= 0) {
			char path[JOURNAL_PATH_BYTES];

			journal_lock_path(path, j->dir, &j->series);
			(void)unlink(path); /* the flusher would do it too */
		}
		journal_free(j);
		return err;
	}
	*ret = j;
	return OK;
}

/* Remove the next file, which nothing was written to. */
static void
remove_next(struct journal *j)
{
	char path[JOURNAL_PATH_BYTES];

	if (j->next.fd < 0)
		return;
	journal_file_path(path, j->dir, &j->series, j->next.no);
	(void)unlink(path); /* else the flusher reads an empty file */
}

void
journal_close(struct journal **j)
{
	struct journal *p = *j;
	struct error ignored; /* a series without its end is read as well */

	*j = NULL;
	if (!p)
		return;
	if (p->cur.fd >= 0 && p->stats.n_open == 0 && !p->stats.has_failed)
		(void)!journal_write_mark(p, &p->cur, JOURNAL_END, &ignored);
	(void)!journal_sync_now(p, &ignored);
	remove_next(p);
	if (p->cur.fd >= 0 && !p->stats.has_failed)
		(void)!ftruncate(p->cur.fd, (off_t)p->cur.off);
	(void)!journal_dir_sync(p->dir, &ignored);
	journal_free(p);
}

void
journal_set_io_for_test(struct journal *j, const struct journal_io *io)
{
	(void)pthread_mutex_lock(&j->mutex);
	j->io = io;
	(void)pthread_mutex_unlock(&j->mutex);
}
