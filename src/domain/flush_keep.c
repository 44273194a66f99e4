/* SPDX-License-Identifier: MIT */
/*
 * Which journal files go. A file may go when all of it is in the database:
 * after keep_s, or, oldest first, when the folder holds more than 7/8 of
 * max_bytes, so that workers always find room while the database is up.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "domain/flush_priv.h"
#include "journal/file.h"

/* A lock file without files is a worker that is just starting, unless it is
 * older than this. */
#define STRAY_MS HOUR_MS

static int
compare_id(const void *key, const void *elem)
{
	const struct flush_series *s = elem;

	return memcmp(key, &s->files.id, sizeof(s->files.id));
}

/* The series, which are sorted by id; NULL: not seen yet. */
static const struct flush_series *
find(const struct flusher *f, const struct journal_series *id)
{
	if (f->n_series == 0)
		return NULL;
	return bsearch(id, f->series, f->n_series, sizeof(*f->series),
	    compare_id);
}

/* Whether everything in the file is in the database. */
static bool
is_drained(const struct flush_series *s, uint32_t file_no)
{
	if (!s || !s->is_loaded)
		return false;
	return (s->off & FLUSH_CLOSED) != 0 ||
	       file_no < journal_pos_file(s->off);
}

static int
compare_age(const void *a, const void *b)
{
	const struct journal_entry *x = a, *y = b;

	return (x->last_mtime_ms > y->last_mtime_ms) -
	       (x->last_mtime_ms < y->last_mtime_ms);
}

static bool
is_too_old(const struct flusher *f, const struct journal_entry *x)
{
	return clock_now_ms() - x->last_mtime_ms >
	       (int64_t)f->opt.keep_s * 1000;
}

static void
remove_file(struct flusher *f, const struct journal_entry *x)
{
	struct error e;

	error_clear(&e);
	if (journal_remove(f->opt.journal_dir, &x->id, x->first_no, x->first_no,
		false, &e) != OK) {
		log_error("journal_remove", &e);
		return;
	}
	f->is_listed = false;
	(void)pthread_mutex_lock(&f->mutex);
	f->stats.n_removed++;
	(void)pthread_mutex_unlock(&f->mutex);
}

/* A lock file that nothing is left of the series of. */
static void
remove_stray(struct flusher *f, const struct journal_entry *x)
{
	struct error e;
	bool is_live = true;

	error_clear(&e);
	if (clock_now_ms() - x->last_mtime_ms < STRAY_MS ||
	    journal_is_live(f->opt.journal_dir, &x->id, &is_live, &e) != OK ||
	    is_live)
		return;
	if (journal_remove(f->opt.journal_dir, &x->id, 0, 0, true, &e) != OK)
		log_error("journal_remove", &e);
}

static void
keep(struct flusher *f, struct journal_entry *files, size_t n)
{
	uint64_t limit = f->opt.max_bytes - f->opt.max_bytes / 8;
	uint64_t total = 0;

	for (size_t i = 0; i < n; i++)
		total += files[i].size_bytes;
	for (size_t i = 0; i < n; i++) {
		const struct journal_entry *x = &files[i];

		if (x->first_no == 0 ||
		    !is_drained(find(f, &x->id), x->first_no))
			continue;
		if (is_too_old(f, x) || total > limit) {
			remove_file(f, x);
			total -= x->size_bytes;
		}
	}
}

/* Give back what dead workers had allocated behind their last record. */
static void
trim(struct flusher *f)
{
	for (size_t i = 0; i < f->n_series; i++) {
		struct flush_series *s = &f->series[i];
		struct error e;

		if (!s->is_loaded || s->is_trimmed ||
		    (s->off & FLUSH_CLOSED) == 0)
			continue;
		error_clear(&e);
		if (journal_trim(f->opt.journal_dir, &s->files.id,
			s->off & ~FLUSH_CLOSED, &e) != OK)
			log_error("journal_trim", &e);
		s->is_trimmed = true;
	}
}

void
flush_keep(struct flusher *f)
{
	struct journal_entry *v = NULL;
	struct error e;
	size_t n = 0;

	trim(f);
	error_clear(&e);
	if (journal_remove_unfinished(f->opt.journal_dir, &e) != OK)
		log_error("journal_remove", &e);
	if (journal_list_files(f->opt.journal_dir, NULL, &v, &n, &e) != OK) {
		log_error("journal_list", &e);
		return;
	}
	if (n > 0)
		qsort(v, n, sizeof(*v), compare_age);
	keep(f, v, n);
	free(v);
	v = NULL;
	if (journal_list(f->opt.journal_dir, &v, &n, &e) != OK)
		return;
	for (size_t i = 0; i < n; i++) {
		if (v[i].first_no == 0)
			remove_stray(f, &v[i]);
	}
	free(v);
}
