/* SPDX-License-Identifier: MIT */
/*
 * The flusher: carries every journal of this host to the database, one
 * process of the host at a time (flock on `<journal>/flusher.lock`).
 *
 * A transaction first moves the journal's offset by compare-and-set, then
 * inserts rows, rollups, refusals and ledger transfers; nothing else guards
 * against counting twice. Whatever fails, all knowledge of a series is
 * dropped and built again from the database's offset and the files, so a
 * restored backup is healed in the same way as a lost connection.
 *
 * A series whose worker is gone is read to its end; what is still open then
 * becomes an `interrupted` row. Offsets are multiples of 8; the lowest bit
 * says that the series is closed and its interrupted rows are written.
 */
#ifndef TG_DOMAIN_FLUSH_H
#define TG_DOMAIN_FLUSH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct db_options;
struct flusher;

typedef void flush_beat_fn(void *arg, int64_t now_ms);

struct flush_options {
	const char *journal_dir;
	const struct db_options *db; /* one connection of its own */
	uint32_t interval_ms;        /* between two looks at the journals */
	uint32_t batch_rows;         /* most usage rows in a transaction */
	uint64_t keep_s;             /* drained files are kept so long */
	uint64_t max_bytes;          /* of all journals: drained files go
					earlier when 7/8 of it are used */
	bool is_impatient;   /* tests: set bad records aside at once, not after
			      half a minute */
	flush_beat_fn *beat; /* "I am alive"; NULL: nobody asks */
	void *beat_arg;
};

/* What was done since the flusher was made. */
struct flush_stats {
	uint64_t n_rows;        /* usage rows written */
	uint64_t n_interrupted; /* of them, decided by us */
	uint64_t n_refusals;
	uint64_t n_rejected; /* records set aside: an operator must look */
	uint64_t n_txns;
	uint64_t n_retries; /* transactions that had to be built again */
	uint64_t n_corrupt; /* damaged places in journals */
	uint64_t n_removed; /* files */
	int64_t drained_ms; /* wall time when all journals were last empty */
	bool is_database_down;
};

/** Memory: malloc; flusher_free(). Connects to nothing yet. */
enum err flusher_new(const struct flush_options *opt, struct flusher **ret,
    struct error *e) ATTR_MUST_CHECK;
void flusher_free(struct flusher *f);

/**
 * Become the host's flusher, or see that somebody else is.
 * Errors: ERR_CONFLICT another process is; ERR_IO.
 */
enum err flusher_lock(struct flusher *f, struct error *e) ATTR_MUST_CHECK;
void flusher_unlock(struct flusher *f);

/**
 * Flush all that the journals hold now, and remove files that have been
 * kept long enough. Needs the lock.
 * @ret_rows  usage rows written by this pass; also on an error
 * Errors: the database's; a later call tries again.
 */
enum err flusher_pass(struct flusher *f, uint64_t *ret_rows,
    struct error *e) ATTR_MUST_CHECK;

/**
 * Thread body: waits for the lock, then passes until flusher_stop(). Retries
 * with growing pauses (at most 5 s) while the database is away; logs.
 */
void flusher_run(struct flusher *f);
/** From any thread; a pass under way ends with its transaction. */
void flusher_stop(struct flusher *f);

/** From any thread. */
void flusher_stats(struct flusher *f, struct flush_stats *ret);

#endif
