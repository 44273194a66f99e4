/* SPDX-License-Identifier: MIT */
#include "domain/flush.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "domain/flush_priv.h"
#include "store/offset.h"

#define KEEP_EVERY_MS  2000
#define CHECK_EVERY_MS 1000 /* an idle connection is tried this often */
#define PAUSE_MAX_MS   5000 /* while the database is away */
#define ARENA_BYTES    MIB(256)

enum err
flusher_new(const struct flush_options *opt, struct flusher **ret,
    struct error *e)
{
	struct flusher *f = calloc(1, sizeof(*f));
	pthread_condattr_t attr;

	if (!f)
		return error_set(e, ERR_NO_MEMORY, "flusher: no memory");
	f->opt = *opt;
	f->lock_fd = -1;
	f->db = db_new(opt->db);
	if (!f->db) {
		free(f);
		return error_set(e, ERR_NO_MEMORY, "flusher: no memory");
	}
	if (gethostname(f->host, sizeof(f->host) - 1) != 0)
		(void)snprintf(f->host, sizeof(f->host), "unknown");
	arena_init(&f->arena, ARENA_BYTES);
	(void)pthread_mutex_init(&f->mutex, NULL); /* can't fail on Linux */
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&f->wake, &attr);
	(void)pthread_condattr_destroy(&attr);
	*ret = f;
	return OK;
}

static void
unload_all(struct flusher *f)
{
	for (size_t i = 0; i < f->n_series; i++)
		flush_unload(&f->series[i]);
}

void
flusher_free(struct flusher *f)
{
	if (!f)
		return;
	flusher_unlock(f);
	unload_all(f);
	free(f->series);
	db_free(f->db);
	arena_fini(&f->arena);
	(void)pthread_cond_destroy(&f->wake);
	(void)pthread_mutex_destroy(&f->mutex);
	free(f);
}

enum err
flusher_lock(struct flusher *f, struct error *e)
{
	char path[JOURNAL_PATH_BYTES];

	if (f->lock_fd >= 0)
		return OK;
	(void)snprintf(path, sizeof(path), "%s/flusher.lock",
	    f->opt.journal_dir);
	f->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (f->lock_fd < 0)
		return error_set(e, ERR_IO, "flusher: open %s: errno %d", path,
		    errno);
	if (flock(f->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return OK;
	(void)close(f->lock_fd);
	f->lock_fd = -1;
	return error_set(e, ERR_CONFLICT,
	    "flusher: another process of this host is it");
}

void
flusher_unlock(struct flusher *f)
{
	if (f->lock_fd >= 0)
		(void)close(f->lock_fd); /* gives the lock back */
	f->lock_fd = -1;
	unload_all(f); /* somebody else moves the offsets now */
}

static bool
is_stopping(struct flusher *f)
{
	bool yes;

	(void)pthread_mutex_lock(&f->mutex);
	yes = f->is_stopping;
	(void)pthread_mutex_unlock(&f->mutex);
	return yes;
}

static void
beat(const struct flusher *f)
{
	if (f->opt.beat)
		f->opt.beat(f->opt.beat_arg, clock_now_ms());
}

static uint64_t
rows_so_far(struct flusher *f)
{
	struct flush_stats st;

	flusher_stats(f, &st);
	return st.n_rows;
}

/* Whether the database has the offset that we remember. */
static enum err
check_offset(struct flusher *f, const struct flush_series *s, bool *ret_same,
    struct error *e)
{
	struct journal_offset row;
	enum err err = store_offset_get(f->db, s->files.id.b, &f->arena, &row,
	    e);

	*ret_same = err == OK && row.off == s->off;
	return err == ERR_NOT_FOUND ? OK : err;
}

/*
 * Look whether the server still has what we think it has: an idle flusher
 * would never notice that rows are gone with a restored backup. Any
 * difference makes everything be read again. One finished series stands for
 * all of them.
 */
static enum err
check_offsets(struct flusher *f, struct error *e)
{
	bool was_closed = false;

	for (size_t i = 0; i < f->n_series; i++) {
		const struct flush_series *s = &f->series[i];
		bool is_closed = (s->off & FLUSH_CLOSED) != 0;
		bool is_same = true;
		enum err err;

		if (!s->is_loaded || (is_closed && was_closed))
			continue;
		was_closed = was_closed || is_closed;
		err = check_offset(f, s, &is_same, e);
		if (err)
			return err;
		if (!is_same) {
			unload_all(f);
			return OK;
		}
	}
	return OK;
}

/* Make sure of the server. A new connection may lead to another one, or to
 * one that was restored, so everything is read again. */
static enum err
prepare(struct flusher *f, struct error *e)
{
	arena_reset(&f->arena);
	if (clock_mono_ms() - f->check_ms >= CHECK_EVERY_MS) {
		enum err err = check_offsets(f, e);

		if (err)
			return err;
		f->check_ms = clock_mono_ms();
	}
	if (db_generation(f->db) != f->generation) {
		unload_all(f);
		f->generation = db_generation(f->db);
	}
	return OK;
}

/* Series that this batch closed need no reader any more. */
static void
after_commit(struct flusher *f)
{
	f->n_query_errors = 0;
	for (size_t i = 0; i < f->n_series; i++) {
		struct flush_series *s = &f->series[i];

		if ((s->off & FLUSH_CLOSED) != 0 && s->reader) {
			journal_reader_free(s->reader);
			s->reader = NULL;
			open_set_fini(&s->open);
		}
	}
}

static void
keep_in_time(struct flusher *f)
{
	if (clock_mono_ms() - f->kept_ms < KEEP_EVERY_MS)
		return;
	f->kept_ms = clock_mono_ms();
	flush_keep(f);
}

/* One transaction. A batch that isn't full was all that there is. */
static enum err
one_batch(struct flusher *f, bool *ret_is_last, struct error *e)
{
	enum err err = flush_list(f, e);

	if (!err)
		err = flush_fill(f, e);
	*ret_is_last = f->batch.n < f->opt.batch_rows;
	if (!err && f->batch.is_due)
		err = flush_commit(f, e);
	if (err)
		return err;
	after_commit(f);
	keep_in_time(f);
	return OK;
}

static void
failed(struct flusher *f)
{
	unload_all(f); /* what is true is in the database */
	(void)pthread_mutex_lock(&f->mutex);
	f->stats.n_retries++;
	(void)pthread_mutex_unlock(&f->mutex);
}

/* Flush what the journals hold now. Lost offsets are read again, once. */
static enum err
drain(struct flusher *f, struct error *e)
{
	bool is_last = false, was_lost = false;

	while (!is_last && !is_stopping(f)) {
		enum err err = one_batch(f, &is_last, e);

		beat(f);
		if (err)
			failed(f);
		if (err == ERR_CONFLICT && !was_lost) {
			was_lost = true;
			is_last = false;
			continue;
		}
		if (err)
			return err;
	}
	return OK;
}

enum err
flusher_pass(struct flusher *f, uint64_t *ret_rows, struct error *e)
{
	uint64_t before = rows_so_far(f);
	enum err err = prepare(f, e);

	if (!err)
		err = drain(f, e);
	*ret_rows = rows_so_far(f) - before;
	(void)pthread_mutex_lock(&f->mutex);
	f->stats.is_database_down = err == ERR_DB_DOWN;
	if (!err)
		f->stats.drained_ms = clock_now_ms();
	(void)pthread_mutex_unlock(&f->mutex);
	return err;
}

/* Wait, or until flusher_stop(). */
static void
pause_ms(struct flusher *f, int64_t ms)
{
	int64_t until_us = clock_mono_us() + ms * 1000;
	struct timespec until = { (time_t)(until_us / 1000000),
		(long)(until_us % 1000000) * 1000 };

	(void)pthread_mutex_lock(&f->mutex);
	while (!f->is_stopping && clock_mono_us() < until_us)
		(void)pthread_cond_timedwait(&f->wake, &f->mutex, &until);
	(void)pthread_mutex_unlock(&f->mutex);
}

/* Log the first of a row of failures, and its end. A database that goes amid a
 * COMMIT is uncertain once and then down: that is one failure. */
static void
log_change(enum err err, enum err *last, const struct error *e)
{
	if (err == ERR_DB_UNCERTAIN)
		err = ERR_DB_DOWN;
	if (err && err != *last)
		log_error("flush", e);
	if (!err && *last)
		log_event(LOG_LEVEL_INFO, "flush", "flushing works again");
	*last = err;
}

void
flusher_run(struct flusher *f)
{
	int64_t interval_ms = f->opt.interval_ms;
	int64_t wait_ms = interval_ms;
	enum err last = OK;

	while (!is_stopping(f)) {
		struct error e;
		uint64_t n_rows = 0;
		enum err err;

		error_clear(&e);
		err = flusher_lock(f, &e);
		if (err == ERR_CONFLICT) {
			pause_ms(f, interval_ms);
			continue;
		}
		if (!err)
			err = flusher_pass(f, &n_rows, &e);
		beat(f);
		log_change(err, &last, &e);
		if (!err)
			wait_ms = interval_ms;
		else if (wait_ms < PAUSE_MAX_MS)
			wait_ms = 2 * wait_ms < PAUSE_MAX_MS ? 2 * wait_ms
							     : PAUSE_MAX_MS;
		pause_ms(f, wait_ms);
	}
	flusher_unlock(f);
}

void
flusher_stop(struct flusher *f)
{
	(void)pthread_mutex_lock(&f->mutex);
	f->is_stopping = true;
	(void)pthread_cond_broadcast(&f->wake);
	(void)pthread_mutex_unlock(&f->mutex);
}

void
flusher_stats(struct flusher *f, struct flush_stats *ret)
{
	(void)pthread_mutex_lock(&f->mutex);
	*ret = f->stats;
	(void)pthread_mutex_unlock(&f->mutex);
}
