/* SPDX-License-Identifier: MIT */
/* Table workers: the worker processes that run, of all hosts. */
#ifndef TG_STORE_WORKER_H
#define TG_STORE_WORKER_H

#include "store/db.h"

#define WORKER_LIST_MAX 500

struct worker {
	uint8_t series[16]; /* its journal's */
	struct str host;
	uint64_t pid;
	struct str version;
	int64_t started_at_ms;
	int64_t seen_at_ms; /* read only */
};

/** Write its row. */
enum err store_worker_seen(struct db *db, const struct worker *w,
    struct error *e) ATTR_MUST_CHECK;
/** It ends. */
enum err store_worker_leave(struct db *db, const uint8_t series[16],
    struct error *e) ATTR_MUST_CHECK;
/** Forget those that nobody has seen for so long. */
enum err store_worker_forget(struct db *db, int64_t gone_s,
    struct error *e) ATTR_MUST_CHECK;
/** By host and start, WORKER_LIST_MAX at most. Memory: in a. */
enum err store_worker_list(struct db *db, struct arena *a, struct worker **ret,
    size_t *ret_n, struct error *e) ATTR_MUST_CHECK;

#endif
