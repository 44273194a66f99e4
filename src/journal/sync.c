/* SPDX-License-Identifier: MIT */
/*
 * The slow work of a series: fdatasync in time, and the next file in
 * advance. Making a file may take as long as the disk likes, so it has a
 * short-lived thread of its own and never delays a sync.
 */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rng.h"
#include "journal/writer_priv.h"

enum err
journal_make_next(struct journal *j, struct error *e)
{
	struct journal_header h = { .series = j->series };
	int fd = -1;
	enum err err;

	rng_bytes(&h.salt, sizeof(h.salt));
	h.pid = (uint32_t)getpid();
	h.created_ms = clock_now_ms();
	(void)pthread_mutex_lock(&j->mutex);
	h.file_no = j->cur.no + 1;
	(void)pthread_mutex_unlock(&j->mutex);

	err = journal_file_make(j->dir, &h, j->opt.file_bytes, j->opt.max_bytes,
	    j->io, &fd, e);

	(void)pthread_mutex_lock(&j->mutex);
	if (!err) {
		j->next = (struct journal_file){ fd, h.file_no,
			JOURNAL_HEADER_BYTES, h.salt };
		j->wants_next = false;
	} else {
		j->retry_ms = clock_mono_ms() + JOURNAL_RETRY_MS;
	}
	j->is_making = false;
	(void)pthread_cond_signal(&j->wake);
	(void)pthread_mutex_unlock(&j->mutex);
	return err;
}

static void *
maker_run(void *arg)
{
	struct journal *j = arg;
	struct error e;
	enum err err;

	error_clear(&e);
	err = journal_make_next(j, &e);
	if (err)
		log_error("journal_file", &e);
	return NULL;
}

static struct timespec
timespec_of(int64_t mono_us)
{
	struct timespec t = { (time_t)(mono_us / 1000000),
		(long)(mono_us % 1000000) * 1000 };

	return t;
}

/* Sync what was written before this call. With the mutex held, which is
 * given up meanwhile. */
static void
sync_unlocked(struct journal *j)
{
	int old_fds[JOURNAL_OLD_MAX];
	unsigned n_old = j->n_old;
	int cur_fd = j->cur.fd; /* nobody else closes it */
	bool ok = true;

	for (unsigned i = 0; i < n_old; i++)
		old_fds[i] = j->old_fds[i];
	j->is_dirty = false;
	(void)pthread_mutex_unlock(&j->mutex);
	for (unsigned i = 0; i < n_old; i++) {
		ok = j->io->fdatasync(old_fds[i]) == 0 && ok;
		(void)close(old_fds[i]); /* its data is on the disk */
	}
	ok = (cur_fd < 0 || j->io->fdatasync(cur_fd) == 0) && ok;
	(void)pthread_mutex_lock(&j->mutex);
	for (unsigned i = n_old; i < j->n_old; i++)
		j->old_fds[i - n_old] = j->old_fds[i];
	j->n_old -= n_old;
	j->stats.n_syncs++;
	if (!ok && !j->stats.has_failed) {
		j->stats.has_failed = true;
		log_event(LOG_LEVEL_ERROR, "journal_failed",
		    "fdatasync failed: no more requests are admitted");
	}
}

/* Whether the helper should be started now. */
static bool
should_make(const struct journal *j)
{
	return j->wants_next && !j->is_making && !j->is_stopping &&
	       clock_mono_ms() >= j->retry_ms;
}

/* Sleep until there is something to do. With the mutex held. */
static void
wait_for_work(struct journal *j)
{
	int64_t until_us = INT64_MAX;
	struct timespec until;

	if (j->is_dirty)
		until_us = j->dirty_us + (int64_t)j->opt.sync_ms * 1000;
	if (j->wants_next && !j->is_making && j->retry_ms * 1000 < until_us)
		until_us = j->retry_ms * 1000;
	if (until_us == INT64_MAX) {
		(void)pthread_cond_wait(&j->wake, &j->mutex);
		return;
	}
	until = timespec_of(until_us);
	(void)pthread_cond_timedwait(&j->wake, &j->mutex, &until);
}

static bool
is_due(const struct journal *j)
{
	return j->is_dirty &&
	       (j->is_stopping ||
		   clock_mono_us() >=
		       j->dirty_us + (int64_t)j->opt.sync_ms * 1000);
}

void
journal_sync_run(struct journal *j)
{
	pthread_t maker;
	bool has_maker = false;

	(void)pthread_mutex_lock(&j->mutex);
	while (!j->is_stopping || j->is_dirty) {
		if (has_maker && !j->is_making) {
			(void)pthread_join(maker, NULL); /* it is done */
			has_maker = false;
		}
		if (!has_maker && should_make(j)) {
			j->is_making = true;
			has_maker = pthread_create(&maker, NULL, maker_run,
					j) == 0;
			if (!has_maker) {
				j->is_making = false;
				j->retry_ms = clock_mono_ms() +
					      JOURNAL_RETRY_MS;
			}
		}
		if (is_due(j))
			sync_unlocked(j);
		else if (!j->is_stopping)
			wait_for_work(j);
	}
	(void)pthread_mutex_unlock(&j->mutex);
	if (has_maker)
		(void)pthread_join(maker, NULL);
}

void
journal_sync_stop(struct journal *j)
{
	(void)pthread_mutex_lock(&j->mutex);
	j->is_stopping = true;
	(void)pthread_cond_signal(&j->wake);
	(void)pthread_mutex_unlock(&j->mutex);
}

enum err
journal_sync_now(struct journal *j, struct error *e)
{
	bool has_failed;

	(void)pthread_mutex_lock(&j->mutex);
	sync_unlocked(j);
	has_failed = j->stats.has_failed;
	(void)pthread_mutex_unlock(&j->mutex);
	if (has_failed)
		return error_set(e, ERR_JOURNAL_FAILED,
		    "journal: fdatasync failed");
	return OK;
}
