/* SPDX-License-Identifier: MIT */
/*
 * Whether the books agree: usage rows against rollups and ledger (in one
 * snapshot of the database), and this host's journals against the rows. Only
 * reads. Journals of other hosts are named as unchecked.
 */
#ifndef TG_DOMAIN_RECONCILE_H
#define TG_DOMAIN_RECONCILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/uuid7.h"
#include "journal/writer.h"
#include "store/reconcile.h"

#define RECONCILE_LISTED_MAX 100 /* of each list below */

/* What is wrong with one request of a journal. */
enum reconcile_fault {
	RECONCILE_NO_ROW,     /* settled before the offset, but no row */
	RECONCILE_TWO_ROWS,   /* more than one */
	RECONCILE_NO_OPEN,    /* a settle whose open is gone */
	RECONCILE_UNREADABLE, /* a record that can't be decoded */
	RECONCILE_NO_SERIES,  /* a file that can't be read: what follows in
				 the series is unknown */
	RECONCILE_FAULT__MAX
};
extern const char *const reconcile_fault_names[RECONCILE_FAULT__MAX];

struct reconcile_request {
	enum reconcile_fault fault;
	struct journal_series series;
	journal_pos pos;
	struct uuid7 request_id; /* zeros when unreadable */
	uint64_t n_rows;
};

struct reconcile_series {
	struct journal_series id;
	struct str host;
};

struct reconcile {
	struct reconcile_result books; /* rows, rollups, ledger */
	uint64_t n_series;             /* of this host, checked */
	uint64_t n_journaled;          /* requests that must have a row */
	uint64_t n_pending;            /* settled, not yet flushed */
	uint64_t n_damaged;            /* damaged places in journals */
	uint64_t n_faults;
	struct reconcile_request *faults; /* the first of them */
	size_t n_listed;
	struct reconcile_series *unchecked; /* not closed, of other hosts */
	size_t n_unchecked;
};

/**
 * @journal_dir  NULL: leave the journals out
 * Errors: the database's, ERR_IO. Finding differences is no error.
 * Memory: lists in a.
 */
enum err reconcile_run(struct db *db, const char *journal_dir, struct arena *a,
    struct reconcile *ret, struct error *e) ATTR_MUST_CHECK;

/** Whether anything was found that must not be. */
bool reconcile_is_clean(const struct reconcile *r);

#endif
