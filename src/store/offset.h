/* SPDX-License-Identifier: MIT */
/*
 * Table journal_offsets: how far each journal series is in the database. The
 * compare-and-set of store_offset_move() is what keeps a replay from being
 * counted twice; it comes first in the flusher's transaction.
 */
#ifndef TG_STORE_OFFSET_H
#define TG_STORE_OFFSET_H

#include "store/db.h"

struct journal_offset {
	uint8_t series[16];
	struct str host; /* who writes the series; for people */
	uint64_t off;    /* file number << 32 | bytes */
	bool is_closed;  /* drained to its end */
	int64_t updated_at_ms;
};

/** The series' offset; makes the row with 0 if it is not there (a new
 * series, or a database restored from before it). */
enum err store_offset_open(struct db *db, const uint8_t series[16],
    struct str host, uint64_t *ret_off, struct error *e) ATTR_MUST_CHECK;
/**
 * Move from old to new.
 * Errors: ERR_CONFLICT the offset is not old (or the row is gone): roll
 *         back and read again.
 */
enum err store_offset_move(struct db *db, const uint8_t series[16],
    uint64_t old_off, uint64_t new_off, bool is_closed,
    struct error *e) ATTR_MUST_CHECK;
/** Errors: ERR_NOT_FOUND. */
enum err store_offset_get(struct db *db, const uint8_t series[16],
    struct arena *a, struct journal_offset *ret,
    struct error *e) ATTR_MUST_CHECK;
/** All series, those of host only unless host.p is NULL. */
enum err store_offset_list(struct db *db, struct str host, struct arena *a,
    struct journal_offset **ret, size_t *ret_n,
    struct error *e) ATTR_MUST_CHECK;

#endif
