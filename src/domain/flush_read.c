/* SPDX-License-Identifier: MIT */
/* Journals to records: which series there are, and how far each is. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "domain/flush_priv.h"
#include "store/offset.h"

/* A change of a folder within this time of our look at it may not show. */
#define MTIME_GRAIN_MS 100

void
flush_unload(struct flush_series *s)
{
	journal_reader_free(s->reader);
	s->reader = NULL;
	open_set_fini(&s->open);
	s->is_loaded = false;
	s->is_final = false;
}

static int
compare_ids(const struct flush_series *s, const struct journal_entry *x)
{
	return memcmp(&s->files.id, &x->id, sizeof(x->id));
}

/* Merge the list (by id) with what is known (by id). */
static enum err
merge(struct flusher *f, const struct journal_entry *list, size_t n,
    struct error *e)
{
	struct flush_series *v = calloc(n ? n : 1, sizeof(*v));
	size_t k = 0;

	if (!v)
		return error_set(e, ERR_NO_MEMORY, "flusher: no memory");
	for (size_t i = 0; i < n; i++) {
		while (
		    k < f->n_series && compare_ids(&f->series[k], &list[i]) < 0)
			flush_unload(&f->series[k++]);
		if (k < f->n_series &&
		    compare_ids(&f->series[k], &list[i]) == 0)
			v[i] = f->series[k++];
		v[i].files = list[i];
	}
	while (k < f->n_series)
		flush_unload(&f->series[k++]);
	free(f->series);
	f->series = v;
	f->n_series = n;
	return OK;
}

enum err
flush_list(struct flusher *f, struct error *e)
{
	struct journal_entry *list = NULL;
	struct stat st;
	size_t n = 0;
	enum err err;

	if (stat(f->opt.journal_dir, &st) != 0)
		return error_set(e, ERR_IO, "flusher: folder %s: errno %d",
		    f->opt.journal_dir, errno);
	if (f->is_listed && st.st_mtim.tv_sec == f->dir_mtime.tv_sec &&
	    st.st_mtim.tv_nsec == f->dir_mtime.tv_nsec)
		return OK;
	err = journal_list(f->opt.journal_dir, &list, &n, e);
	if (err)
		return err;
	err = merge(f, list, n, e);
	free(list);
	f->dir_mtime = st.st_mtim;
	f->is_listed = clock_now_ms() - ((int64_t)st.st_mtim.tv_sec * 1000 +
					    st.st_mtim.tv_nsec / 1000000) >
		       MTIME_GRAIN_MS;
	return err;
}

/* Rebuild the set of open requests from the file that off is in. */
static enum err
rebuild(struct flush_series *s, struct error *e)
{
	struct journal_rec rec;
	struct journal_settle settle;
	struct open_entry *entry;

	while (journal_reader_pos(s->reader) < s->off) {
		/* What was flushed before was whole then. */
		enum err err = journal_reader_next(s->reader, true, &rec, e);

		if (err)
			return err == ERR_NOT_FOUND ? OK : err;
		if (rec.type == JOURNAL_SETTLE &&
		    journal_decode_settle(rec.payload, &settle)) {
			entry = open_set_find(&s->open, &settle.request_id);
			if (entry)
				open_set_remove(&s->open, entry);
		} else {
			err = flush_follow(s, &rec, e);
			if (err)
				return err;
		}
	}
	return OK;
}

/* Most series are there; only a new one is written. */
static enum err
read_offset(struct flusher *f, struct flush_series *s, struct error *e)
{
	const uint8_t *id = s->files.id.b;
	struct journal_offset row;
	enum err err = store_offset_get(f->db, id, &f->arena, &row, e);

	if (err == ERR_NOT_FOUND)
		return store_offset_open(f->db, id, str_from(f->host), &s->off,
		    e);
	if (!err)
		s->off = row.off;
	return err;
}

enum err
flush_load(struct flusher *f, struct flush_series *s, struct error *e)
{
	const struct journal_series *id = &s->files.id;
	uint32_t file_no;
	enum err err;

	flush_unload(s);
	open_set_init(&s->open);
	err = read_offset(f, s, e);
	if (err)
		return err;
	s->is_loaded = true;
	s->new_off = s->off;
	if (s->off & FLUSH_CLOSED)
		return OK;
	/* A series begins with file 1; if that is gone, it is missed. */
	file_no = s->off ? journal_pos_file(s->off) : 1;
	err = journal_reader_new(f->opt.journal_dir, id,
	    journal_pos_make(file_no, 0), &s->reader, e);
	if (!err)
		err = rebuild(s, e);
	if (err)
		flush_unload(s);
	return err;
}

/* Tell about damage that was not told of before. */
static void
report_damage(struct flusher *f, struct flush_series *s)
{
	const struct journal_damage *now = journal_reader_damage(s->reader);
	char id[JOURNAL_SERIES_TEXT_BYTES];
	uint64_t more;

	if (now->last <= s->damage.last &&
	    now->n_missing <= s->damage.n_missing)
		return;
	more = now->n_corrupt > s->damage.n_corrupt
		   ? now->n_corrupt - s->damage.n_corrupt
		   : 0;
	journal_series_format(&s->files.id, id);
	log_event(LOG_LEVEL_ERROR, "journal_damaged",
	    "series %s: %ju damaged places (%ju bytes) up to file %u offset "
	    "%u, %ju files missing: usage may be lost",
	    id, (uintmax_t)now->n_corrupt, (uintmax_t)now->corrupt_bytes,
	    journal_pos_file(now->last), journal_pos_offset(now->last),
	    (uintmax_t)now->n_missing);
	s->damage = *now;
	(void)pthread_mutex_lock(&f->mutex);
	f->stats.n_corrupt += more;
	(void)pthread_mutex_unlock(&f->mutex);
}

/* Take records of s into the batch until it is full or s has no more. */
static enum err
take(struct flusher *f, struct flush_series *s, bool *ret_is_drained,
    struct error *e)
{
	struct journal_rec rec;
	enum err err = OK;

	*ret_is_drained = false;
	while (f->batch.n < f->opt.batch_rows) {
		err = journal_reader_next(s->reader, s->is_final, &rec, e);
		if (err == ERR_NOT_FOUND) {
			*ret_is_drained = true;
			err = OK;
			break;
		}
		if (!err)
			err = flush_apply(f, s, &rec, e);
		if (err)
			break;
		s->new_off = rec.next;
	}
	report_damage(f, s);
	return err;
}

/* A drained series whose worker is gone: the open requests are its last. */
static enum err
finish(struct flusher *f, struct flush_series *s, struct error *e)
{
	journal_pos end = journal_reader_pos(s->reader);
	char path[JOURNAL_PATH_BYTES];
	struct stat st;
	enum err err;

	journal_file_path(path, f->opt.journal_dir, &s->files.id,
	    journal_pos_file(end));
	if (stat(path, &st) == 0)
		s->files.last_mtime_ms = (int64_t)st.st_mtim.tv_sec * 1000 +
					 st.st_mtim.tv_nsec / 1000000;
	err = flush_interrupt(f, s, end < s->off, e);
	if (!err)
		s->new_off = (end > s->off ? end : s->off) | FLUSH_CLOSED;
	return err;
}

static enum err
take_all(struct flusher *f, struct flush_series *s, struct error *e)
{
	bool is_drained = false, is_live = true;
	enum err err = take(f, s, &is_drained, e);

	if (err || !is_drained)
		return err;
	if (!s->is_final) {
		/* First the lock, then the rest: who died wrote no more. */
		err = journal_is_live(f->opt.journal_dir, &s->files.id,
		    &is_live, e);
		if (err || is_live)
			return err;
		s->is_final = true;
		err = take(f, s, &is_drained, e);
		if (err || !is_drained)
			return err;
	}
	return finish(f, s, e);
}

/* Whether the offset alone is worth a transaction: opens and progress are
 * read again after a restart anyway. */
static bool
is_due(const struct flush_series *s)
{
	return (s->new_off & FLUSH_CLOSED) != 0 ||
	       journal_pos_file(s->new_off) != journal_pos_file(s->off);
}

enum err
flush_fill(struct flusher *f, struct error *e)
{
	f->batch = (struct flush_batch){ NULL, 0, 0, false };
	arena_reset(&f->arena);
	for (size_t i = 0; i < f->n_series; i++) {
		struct flush_series *s =
		    &f->series[(f->first + i) % f->n_series];
		enum err err = OK;

		if (f->batch.n >= f->opt.batch_rows)
			break;
		if (!s->is_loaded)
			err = flush_load(f, s, e);
		if (!err && !(s->off & FLUSH_CLOSED))
			err = take_all(f, s, e);
		if (err == ERR_IO) {
			/* Its file can't be read: the others go on. What was
			 * taken before the error counts. */
			if (!s->is_unreadable)
				log_error("journal_unreadable", e);
			s->is_unreadable = true;
			err = OK;
		} else {
			s->is_unreadable = false;
		}
		if (err)
			return err;
		f->batch.is_due = f->batch.is_due ||
				  (s->is_loaded && is_due(s));
	}
	f->batch.is_due = f->batch.is_due || f->batch.n > 0;
	if (f->n_series > 0)
		f->first = (f->first + 1) % f->n_series;
	return OK;
}
