/* SPDX-License-Identifier: MIT */
/*
 * What the flusher has yet to do on this host, seen from outside: for
 * `tollgate doctor` and the page System. Only reads.
 */
#ifndef TG_DOMAIN_FLUSH_BACKLOG_H
#define TG_DOMAIN_FLUSH_BACKLOG_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "journal/writer.h"

struct db;

#define FLUSH_BACKLOG_MAX 100000

struct flush_backlog {
	uint64_t n_unreadable; /* series with a file that can't be read */
	struct journal_series unreadable; /* the first of them */
	int64_t oldest_ms;  /* wall clock: when the oldest request ended that
			      is not in the database; 0: none waits */
	uint64_t n_waiting; /* such requests; no more are counted than
			       FLUSH_BACKLOG_MAX */
};

/**
 * Errors: the database's; ERR_IO the folder can't be read.
 * Memory: the offsets in a.
 */
enum err flush_backlog(struct db *db, const char *journal_dir, struct arena *a,
    struct flush_backlog *ret, struct error *e) ATTR_MUST_CHECK;

#endif
