/* SPDX-License-Identifier: MIT */
/* What writer.c, series.c and sync.c share about a series being written. */
#ifndef TG_JOURNAL_WRITER_PRIV_H
#define TG_JOURNAL_WRITER_PRIV_H

#include <pthread.h>

#include "journal/file.h"
#include "journal/writer.h"

#define JOURNAL_DIR_MAX      256
#define JOURNAL_OLD_MAX      8
#define JOURNAL_RETRY_MS     200 /* after a file could not be made */
#define JOURNAL_MARK_BYTES   JOURNAL_FRAME_BYTES /* ROTATE or END */
#define JOURNAL_PROGRESS_MAX 56 /* bytes of a progress record, rounded up */

struct journal_file {
	int fd; /* -1: none */
	uint32_t no;
	uint32_t off; /* where the next record goes */
	uint64_t salt;
};

/* A request that is open, as it is repeated in the next file. */
struct journal_slot {
	bool is_used;
	bool has_progress;
	uint32_t next_free;
	size_t open_bytes;
	uint8_t open[JOURNAL_PAYLOAD_MAX];
	struct journal_progress progress;
};

struct journal {
	char dir[JOURNAL_DIR_MAX];
	struct journal_series series;
	struct journal_options opt;
	const struct journal_io *io;
	int lock_fd;

	pthread_mutex_t mutex;        /* guards all below */
	pthread_cond_t wake;          /* of the sync thread */
	struct journal_file cur;      /* fd -1: there was no room yet */
	struct journal_file next;     /* made ahead; fd -1: none */
	int old_fds[JOURNAL_OLD_MAX]; /* left behind, not yet synced */
	unsigned n_old;
	bool is_dirty;
	int64_t dirty_us; /* when it became so */
	bool wants_next;
	bool is_making;   /* a file, without the mutex */
	int64_t retry_ms; /* no file is tried before */
	bool is_stopping;
	struct journal_slot *slots;
	uint32_t free_slot; /* head of the list; open_max: none */
	uint8_t *carry;     /* what is written first into the next file */
	size_t carry_cap;
	struct journal_stats stats;
};

/** Ask the sync thread for the next file. With the mutex held. */
void journal_want_next(struct journal *j);
/** Make the next file if it is wanted; without the mutex. */
enum err journal_make_next(struct journal *j, struct error *e) ATTR_MUST_CHECK;

/** Go on to the first file, if it was not there at the start and is now.
 * With the mutex held. */
void journal_begin_first(struct journal *j);

/** Write a record that has no payload; with the mutex held. */
enum err journal_write_mark(struct journal *j, struct journal_file *f,
    enum journal_type type, struct error *e) ATTR_MUST_CHECK;

/** Test seam: other system calls from now on. */
void journal_set_io_for_test(struct journal *j, const struct journal_io *io);

#endif
