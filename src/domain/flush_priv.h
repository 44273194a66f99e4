/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the flusher share: flush.c (life, passes), flush_read.c
 * (journals to records), flush_item.c (records to items), flush_txn.c (items
 * to the database), flush_keep.c.
 */
#ifndef TG_DOMAIN_FLUSH_PRIV_H
#define TG_DOMAIN_FLUSH_PRIV_H

#include <pthread.h>
#include <sys/types.h>

#include "base/arena.h"
#include "domain/flush.h"
#include "domain/open_set.h"
#include "journal/reader.h"
#include "store/db.h"
#include "store/refusal.h"
#include "store/usage.h"

#define FLUSH_HOST_BYTES 256

/* Lowest bit of an offset: nothing follows, interrupted rows are written. */
#define FLUSH_CLOSED UINT64_C(1)

struct flush_series {
	struct journal_entry files; /* as last seen in the folder */
	bool is_loaded;             /* off, reader and open are right */
	bool is_trimmed;    /* its files hold nothing behind their end */
	bool is_final;      /* its worker was seen to be gone */
	uint64_t off;       /* as in the database */
	bool is_unreadable; /* which was logged */
	struct journal_reader *reader; /* NULL when closed */
	struct open_set open;          /* at the reader's position */
	uint64_t new_off;             /* what the reader and the batch are at */
	struct journal_damage damage; /* already reported */
};

enum flush_kind {
	FLUSH_ROW,
	FLUSH_REFUSAL,
	FLUSH_REJECT,
};

/* One effect of a journal record. */
struct flush_item {
	enum flush_kind kind;
	bool is_interrupted;
	struct flush_series *series;
	journal_pos pos;         /* of the record */
	struct open_entry *open; /* to be removed when it is committed */
	struct str record;       /* framed bytes, for usage_rejected */
	struct str why;          /* of a REJECT */
	int64_t hold_pusd;       /* of a ROW: in each of these budgets */
	unsigned n_budgets;
	uint32_t budget_id[JOURNAL_BUDGETS_MAX];
	union {
		struct usage_row row;
		struct usage_refusal refusal;
	};
};

struct flush_batch {
	struct flush_item *items;
	size_t n;
	size_t cap;
	bool is_due; /* there is something to commit */
};

struct flusher {
	struct flush_options opt;
	char host[FLUSH_HOST_BYTES];
	int lock_fd; /* -1: not the host's flusher */
	struct db *db;
	uint64_t generation;         /* of the connection that was used last */
	struct flush_series *series; /* by id */
	size_t n_series;
	size_t first; /* which series the next batch begins with */
	struct timespec dir_mtime;
	bool is_listed;     /* the folder was read at dir_mtime */
	int64_t kept_ms;    /* monotonic: when flush_keep() ran last */
	int64_t check_ms;   /* monotonic: when the offsets were compared last */
	int64_t refused_ms; /* monotonic: since when a batch is refused */
	int64_t rejected_ms; /* monotonic: when records were set aside last */
	unsigned n_query_errors; /* ERR_DB_QUERY in a row */
	struct arena arena;
	struct flush_batch batch;

	pthread_mutex_t mutex; /* guards what is below */
	pthread_cond_t wake;
	bool is_stopping;
	struct flush_stats stats;
};

/* flush_read.c */

/** Read the folder again if it changed. Series that are gone are dropped. */
enum err flush_list(struct flusher *f, struct error *e) ATTR_MUST_CHECK;
/** Forget all that is known of a series but its files. */
void flush_unload(struct flush_series *s);
/** Read the offset and rebuild the open requests. */
enum err flush_load(struct flusher *f, struct flush_series *s,
    struct error *e) ATTR_MUST_CHECK;
/**
 * Fill the empty batch from all series, up to opt.batch_rows.
 * Memory: in f->arena.
 */
enum err flush_fill(struct flusher *f, struct error *e) ATTR_MUST_CHECK;

/* flush_item.c */

/** Note an open or a progress in the set; other records change nothing. */
enum err flush_follow(struct flush_series *s, const struct journal_rec *rec,
    struct error *e) ATTR_MUST_CHECK;
/** Add to the batch what a record means. */
enum err flush_apply(struct flusher *f, struct flush_series *s,
    const struct journal_rec *rec, struct error *e) ATTR_MUST_CHECK;
/**
 * Add an interrupted row for each request that is open.
 * @is_cut  the journal's end was lost after it had been flushed (power cut):
 *          what seems open may have its row
 */
enum err flush_interrupt(struct flusher *f, struct flush_series *s, bool is_cut,
    struct error *e) ATTR_MUST_CHECK;

/* flush_txn.c */

/**
 * Write the batch in one transaction. Items that the database would never
 * take become REJECTs, which are written instead.
 * Errors: ERR_CONFLICT the offsets are not what we thought; others.
 */
enum err flush_commit(struct flusher *f, struct error *e) ATTR_MUST_CHECK;

/* flush_keep.c */

/** Remove drained files that are old enough, or in the way of new ones. */
void flush_keep(struct flusher *f);

#endif
