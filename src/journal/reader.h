/* SPDX-License-Identifier: MIT */
/*
 * Reading journals: one series from a position on, record by record, while
 * its worker still writes or after it has died; and which series there are.
 * Never changes a file but in the two functions that say so.
 */
#ifndef TG_JOURNAL_READER_H
#define TG_JOURNAL_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "journal/record.h"
#include "journal/writer.h"

/* One record; the payload is good until the reader's next call. */
struct journal_rec {
	enum journal_type type;
	struct str payload;
	journal_pos pos;  /* where it starts */
	journal_pos next; /* where to go on after it */
};

struct journal_damage {
	uint64_t n_corrupt;     /* places in the middle that were skipped */
	uint64_t corrupt_bytes; /* their size */
	uint64_t torn_bytes;    /* dropped at the end of a dead series */
	uint64_t n_missing;     /* files that are not there */
	journal_pos last;       /* where the last of them began */
};

struct journal_reader;

/**
 * Read a series from pos on (0: from its oldest file). Opens files lazily.
 * Errors: ERR_NO_MEMORY.
 * Memory: *ret with malloc; journal_reader_free().
 */
enum err journal_reader_new(const char *dir, const struct journal_series *s,
    journal_pos pos, struct journal_reader **ret,
    struct error *e) ATTR_MUST_CHECK;
void journal_reader_free(struct journal_reader *r);

/**
 * The next record.
 * @is_final  nobody writes this series any more (its lock was seen free
 *            before this call): a torn tail is dropped, whole files are
 *            searched for records behind damage
 * Where bytes are damaged and sound records follow, reading goes on with the
 * first of those; the gap is counted. ROTATE records are followed, not
 * returned.
 * Errors: ERR_NOT_FOUND nothing more (for now, unless is_final); ERR_IO.
 */
enum err journal_reader_next(struct journal_reader *r, bool is_final,
    struct journal_rec *ret, struct error *e) ATTR_MUST_CHECK;

/** Where the next call goes on. */
journal_pos journal_reader_pos(const struct journal_reader *r);
const struct journal_damage *journal_reader_damage(
    const struct journal_reader *r);

/* A series as the folder shows it. */
struct journal_entry {
	struct journal_series id;
	uint32_t first_no, last_no; /* of its files; 0 = none left */
	uint64_t size_bytes;
	int64_t first_mtime_ms, last_mtime_ms;
};

/**
 * All series of a folder, by id.
 * Memory: *ret with malloc, free(); NULL when there are none.
 */
enum err journal_list(const char *dir, struct journal_entry **ret,
    size_t *ret_n, struct error *e) ATTR_MUST_CHECK;

/** Whether a living process holds the series. */
enum err journal_is_live(const char *dir, const struct journal_series *s,
    bool *ret, struct error *e) ATTR_MUST_CHECK;

/** "<dir>/<series>.<number>.tgj" */
#define JOURNAL_PATH_BYTES 512
void journal_file_path(char ret[JOURNAL_PATH_BYTES], const char *dir,
    const struct journal_series *s, uint32_t file_no);

/**
 * Remove files first_no..last_no of a series; with is_all its lock file too.
 * Changes the folder. Errors: ERR_IO.
 */
enum err journal_remove(const char *dir, const struct journal_series *s,
    uint32_t first_no, uint32_t last_no, bool is_all,
    struct error *e) ATTR_MUST_CHECK;

/**
 * Give back what a dead series has allocated behind its end.
 * Changes the folder. Errors: ERR_IO.
 */
enum err journal_trim(const char *dir, const struct journal_series *s,
    journal_pos end, struct error *e) ATTR_MUST_CHECK;

/**
 * Remove files that a worker was making when it died.
 * Changes the folder. Errors: ERR_IO.
 */
enum err journal_remove_unfinished(const char *dir,
    struct error *e) ATTR_MUST_CHECK;

#endif
