/* SPDX-License-Identifier: MIT */
/*
 * What lists share that go by the time of their rows, the newest first, in
 * pages of bounded work: of a table with created_at and an id of its own, by
 * the statements of BEHIND_ROW and DOWN_TO_ROW in stmts.def. A cursor is the
 * id of a row; rows of one time go by their ids.
 */
#ifndef TG_STORE_NEWEST_H
#define TG_STORE_NEWEST_H

#include "store/db.h"

#define NEWEST_LEAD_MAX 2
#define NEWEST_IN_MAX   40

/* Which rows a page is looked for among. */
struct newest {
	uint64_t tenant; /* 0: all customers' rows */
	enum stmt reach; /* finds the last row that may be looked at */
	struct db_val lead[NEWEST_LEAD_MAX]; /* what its index begins with */
	size_t n_lead;
	bool is_exact;          /* the index leads to what is asked for alone */
	int64_t from_ms, to_ms; /* to: exclusive; 0: open */
	uint64_t before_id;     /* behind that row; 0: all; one gone: none */
	uint64_t look_max;      /* rows that it may look at; 0: all */
};

/* Where a page ended. */
struct newest_end {
	uint64_t next_id; /* behind it, it goes on; 0: no further */
	/* When the last row was made that was looked at; 0: it was not
	 * look_max that ended the page. */
	int64_t cut_ms;
};

/* A statement's parameters, in their order. */
struct newest_in {
	struct db_val v[NEWEST_IN_MAX];
	size_t n;
};
void store_newest_add(struct newest_in *in, const struct db_val *v, size_t n);
/** Those of the lead and of BEHIND_ROW; with floor_id, of DOWN_TO_ROW, too. */
void store_newest_add_span(struct newest_in *in, const struct newest *l,
    const uint64_t *floor_id);

/**
 * Where the page has to stop.
 * @ret  next_id and cut_ms of that row; both 0: nowhere
 * Memory: scratch in a.
 */
enum err store_newest_reach(struct db *db, const struct newest *l,
    struct arena *a, struct newest_end *ret, struct error *e) ATTR_MUST_CHECK;
/** How a page that has to stop at `reach` ended.
 * @last_id  of its last row, if it has as many as it may have; else 0 */
struct newest_end store_newest_end(struct newest_end reach, uint64_t last_id);

#endif
