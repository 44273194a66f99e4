/* SPDX-License-Identifier: MIT */
/*
 * A worker's own part of the usage journal. One process = one series with a
 * random id: files `<id>.<number>.tgj` in one folder, and `<id>.lock`, held
 * by flock(2) for the life of the process.
 *
 * Each record is written (pwrite) before the step that it covers; one thread
 * calls fdatasync at most sync_ms later. Files are allocated in full before
 * they are used, and a request is admitted only when there is room for its
 * own settle and those of all others that are open, so that a full disk
 * refuses requests and never loses one.
 *
 * All functions but open_series and close may be called from any thread.
 * They allocate nothing and hold one short mutex.
 */
#ifndef TG_JOURNAL_WRITER_H
#define TG_JOURNAL_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "journal/record.h"

struct journal;

/* 128 random bits, never reused. */
struct journal_series {
	uint8_t b[16];
};
#define JOURNAL_SERIES_TEXT_BYTES 33 /* 32 hex digits and a NUL */

struct journal_options {
	uint64_t max_bytes;     /* of all journals in the folder */
	uint64_t file_bytes;    /* raised when open_max needs more */
	uint32_t sync_ms;       /* longest wait before a record's fdatasync */
	uint32_t open_max;      /* most requests open at once */
	bool is_any_filesystem; /* tests: leave out journal_check_dir() */
};

struct journal_stats {
	uint64_t n_records; /* written since the start */
	uint64_t n_bytes;
	uint64_t n_files; /* begun, the first included */
	uint64_t n_syncs;
	uint64_t n_full; /* refused for want of room */
	uint32_t n_open;
	bool has_failed; /* a write or fdatasync failed: see below */
};

/**
 * Whether the folder may hold a journal: it exists (or can be made, 0750),
 * is ours to write and is on a local disk. NFS, SMB, FUSE, tmpfs, ramfs and
 * overlay are refused, as they lose files or locks.
 * Errors: ERR_CONFIG with a text for the operator.
 */
enum err journal_check_dir(const char *dir, struct error *e) ATTR_MUST_CHECK;

/**
 * Begin a series: lock it, allocate its first file. Without room for that,
 * the series begins all the same and takes nothing until there is some.
 * Errors: ERR_CONFIG (folder), ERR_JOURNAL_FULL (not even for a lock), ERR_IO.
 * Memory: *ret with malloc; journal_close().
 */
enum err journal_open_series(const char *dir, const struct journal_options *o,
    struct journal **ret, struct error *e) ATTR_MUST_CHECK;

/**
 * End the series: write the end marker, sync, give back the unused rest of
 * the file, unlock. Requests that are still open stay so and become
 * `interrupted` rows. The sync thread must have been joined. *j becomes
 * NULL; NULL is fine.
 */
void journal_close(struct journal **j);

const struct journal_series *journal_id(const struct journal *j);
void journal_series_format(const struct journal_series *s,
    char ret[JOURNAL_SERIES_TEXT_BYTES]);
bool journal_series_parse(struct str s,
    struct journal_series *ret) ATTR_MUST_CHECK;

/**
 * Write a request's open; only after OK may it go on.
 * @ret_slot  names the open request in the calls below
 * Errors: ERR_JOURNAL_FULL no room (disk, journal.max_bytes, or open_max);
 *         ERR_JOURNAL_FAILED the disk failed earlier: for good, the worker
 *         should drain and end.
 */
enum err journal_write_open(struct journal *j, const struct journal_open *o,
    uint32_t *ret_slot, struct error *e) ATTR_MUST_CHECK;

/**
 * Errors: ERR_JOURNAL_FULL: what is free is reserved for settles, so the
 *         stream must be ended now; ERR_JOURNAL_FAILED.
 */
enum err journal_write_progress(struct journal *j, uint32_t slot,
    const struct journal_progress *p, struct error *e) ATTR_MUST_CHECK;

/**
 * Write the end of a request, before the last byte of its answer is sent.
 * Errors: ERR_JOURNAL_FAILED: the disk failed. The slot stays taken: call
 *         again, or leave it, and the request becomes `interrupted`.
 */
enum err journal_write_settle(struct journal *j, uint32_t slot,
    const struct journal_settle *s, struct error *e) ATTR_MUST_CHECK;

/** Errors: ERR_JOURNAL_FULL, ERR_JOURNAL_FAILED. */
enum err journal_write_refuse(struct journal *j, const struct journal_refuse *r,
    struct error *e) ATTR_MUST_CHECK;

/** Whether an open would be accepted now: for /readyz. */
bool journal_has_room(struct journal *j);
void journal_stats(struct journal *j, struct journal_stats *ret);

/**
 * Body of the sync thread: starts an fdatasync at most sync_ms after a
 * write, and makes the next file in time. Returns after journal_sync_stop().
 */
void journal_sync_run(struct journal *j);
void journal_sync_stop(struct journal *j);

/** All that is written so far to the disk, now; for tests and for close. */
enum err journal_sync_now(struct journal *j, struct error *e) ATTR_MUST_CHECK;

#endif
