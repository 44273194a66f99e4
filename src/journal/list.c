/* SPDX-License-Identifier: MIT */
/* Which series a folder holds, whether they live, and removing them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/file.h"

#define ENTRIES_STEP 64

struct entries {
	struct journal_entry *v;
	size_t n;
	size_t cap;
};

static struct journal_entry *
entries_add(struct entries *list)
{
	if (list->n == list->cap) {
		size_t cap = list->cap + list->cap / 2 + ENTRIES_STEP;
		struct journal_entry *v = reallocarray(list->v, cap,
		    sizeof(*v));

		if (!v)
			return NULL;
		list->v = v;
		list->cap = cap;
	}
	memset(&list->v[list->n], 0, sizeof(*list->v));
	return &list->v[list->n++];
}

static int64_t
mtime_ms(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * 1000 +
	       st->st_mtim.tv_nsec / 1000000;
}

/* One entry for each file; a lock file has first_no 0. only: NULL = all. */
static enum err
read_dir(const char *dir, const struct journal_series *only,
    struct entries *list, struct error *e)
{
	DIR *d = opendir(dir);
	const struct dirent *entry;

	if (!d)
		return error_set(e, ERR_IO, "journal: read %s: errno %d", dir,
		    errno);
	/* The stream is this call's own, so readdir() is safe. */
	while ((entry = readdir(d)) != NULL) {
		struct journal_name name;
		struct journal_entry *x;
		struct stat st;

		if (!journal_name_parse(entry->d_name, &name) ||
		    (only && memcmp(only, &name.series, sizeof(*only)) != 0) ||
		    fstatat(dirfd(d), entry->d_name, &st, 0) != 0)
			continue;
		x = entries_add(list);
		if (!x) {
			(void)closedir(d);
			return error_set(e, ERR_NO_MEMORY,
			    "journal: no memory");
		}
		x->id = name.series;
		x->first_no = x->last_no = name.file_no;
		x->size_bytes = name.file_no ? (uint64_t)st.st_size : 0;
		x->first_mtime_ms = x->last_mtime_ms = mtime_ms(&st);
	}
	(void)closedir(d);
	return OK;
}

static int
compare(const void *a, const void *b)
{
	const struct journal_entry *x = a, *y = b;
	int order = memcmp(&x->id, &y->id, sizeof(x->id));

	if (order != 0)
		return order;
	return (x->first_no > y->first_no) - (x->first_no < y->first_no);
}

enum err
journal_list_files(const char *dir, const struct journal_series *s,
    struct journal_entry **ret, size_t *ret_n, struct error *e)
{
	struct entries list = { NULL, 0, 0 };
	enum err err = read_dir(dir, s, &list, e);

	if (err) {
		free(list.v);
		return err;
	}
	if (list.n > 0)
		qsort(list.v, list.n, sizeof(*list.v), compare);
	*ret = list.v;
	*ret_n = list.n;
	return OK;
}

/* Put the file y behind what x has of the same series so far. */
static void
join(struct journal_entry *x, const struct journal_entry *y)
{
	if (x->first_no == 0) {
		x->first_no = y->first_no;
		x->first_mtime_ms = y->first_mtime_ms;
	}
	x->last_no = y->last_no;
	x->last_mtime_ms = y->last_mtime_ms;
	x->size_bytes += y->size_bytes;
}

enum err
journal_list(const char *dir, struct journal_entry **ret, size_t *ret_n,
    struct error *e)
{
	struct journal_entry *v = NULL;
	size_t n = 0, n_out = 0;
	enum err err = journal_list_files(dir, NULL, &v, &n, e);

	if (err)
		return err;
	for (size_t i = 0; i < n; i++) {
		if (n_out > 0 &&
		    memcmp(&v[n_out - 1].id, &v[i].id, sizeof(v[i].id)) == 0)
			join(&v[n_out - 1], &v[i]);
		else
			v[n_out++] = v[i];
	}
	*ret = v;
	*ret_n = n_out;
	return OK;
}

/* Whether anybody holds a lock on the file. A shared lock of ours does not
 * disturb others who look. */
static enum err
is_locked(const char *path, bool *ret, bool *ret_exists, struct error *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int failed = 0;

	*ret = false;
	*ret_exists = fd >= 0;
	if (fd < 0 && errno == ENOENT)
		return OK;
	if (fd < 0)
		return error_set(e, ERR_IO, "journal: open %s: errno %d", path,
		    errno);
	if (flock(fd, LOCK_SH | LOCK_NB) != 0)
		failed = errno;
	(void)close(fd); /* gives the lock back */
	if (failed != 0 && failed != EWOULDBLOCK)
		return error_set(e, ERR_IO, "journal: lock %s: errno %d", path,
		    failed);
	*ret = failed != 0;
	return OK;
}

enum err
journal_is_live(const char *dir, const struct journal_series *s, bool *ret,
    struct error *e)
{
	char path[JOURNAL_PATH_BYTES];
	struct journal_entry *files = NULL;
	size_t n = 0;
	bool exists;
	enum err err;

	journal_lock_path(path, dir, s);
	err = is_locked(path, ret, &exists, e);
	if (err || exists)
		return err;
	/* Somebody removed the lock file: the newest files are locked too. */
	err = journal_list_files(dir, s, &files, &n, e);
	for (size_t i = 0; i < n && !err && !*ret; i++) {
		journal_file_path(path, dir, s, files[i].first_no);
		err = is_locked(path, ret, &exists, e);
	}
	free(files);
	return err;
}

enum err
journal_remove(const char *dir, const struct journal_series *s,
    uint32_t first_no, uint32_t last_no, bool is_all, struct error *e)
{
	char path[JOURNAL_PATH_BYTES];

	for (uint64_t no = first_no; no != 0 && no <= last_no; no++) {
		journal_file_path(path, dir, s, (uint32_t)no);
		if (unlink(path) != 0 && errno != ENOENT)
			return error_set(e, ERR_IO,
			    "journal: remove %s: errno %d", path, errno);
	}
	journal_lock_path(path, dir, s);
	if (is_all && unlink(path) != 0 && errno != ENOENT)
		return error_set(e, ERR_IO, "journal: remove %s: errno %d",
		    path, errno);
	return OK;
}

enum err
journal_trim(const char *dir, const struct journal_series *s, journal_pos end,
    struct error *e)
{
	char path[JOURNAL_PATH_BYTES];
	struct stat st;
	uint32_t file_no = journal_pos_file(end);
	off_t size = (off_t)(journal_pos_offset(end) & ~7u);

	journal_file_path(path, dir, s, file_no);
	if (size >= JOURNAL_HEADER_BYTES && stat(path, &st) == 0 &&
	    st.st_size > size && truncate(path, size) != 0)
		return error_set(e, ERR_IO, "journal: truncate %s: errno %d",
		    path, errno);
	/* The file that was made ahead and never begun. */
	return journal_remove(dir, s, file_no + 1, file_no + 1, false, e);
}

/* The series of a file that was being made, "<32 hex digits>.…tmp". */
static bool
is_unfinished(const char *name, struct journal_series *ret)
{
	struct str s = str_from(name);

	return str_ends(s, S(".tmp")) && s.n > 32 &&
	       journal_series_parse(str_make(s.p, 32), ret);
}

enum err
journal_remove_unfinished(const char *dir, struct error *e)
{
	DIR *d = opendir(dir);
	const struct dirent *entry;
	enum err err = OK;

	if (!d)
		return error_set(e, ERR_IO, "journal: read %s: errno %d", dir,
		    errno);
	while (!err && (entry = readdir(d)) != NULL) {
		struct journal_series id;
		bool is_live = true;

		if (!is_unfinished(entry->d_name, &id))
			continue;
		err = journal_is_live(dir, &id, &is_live, e);
		if (!err && !is_live)
			(void)unlinkat(dirfd(d), entry->d_name, 0);
	}
	(void)closedir(d);
	return err;
}
