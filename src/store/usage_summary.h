/* SPDX-License-Identifier: MIT */
/*
 * Sums of usage by one or two dimensions, from the rollups, and of refusals
 * from theirs: never from the rows of usage.
 */
#ifndef TG_STORE_USAGE_SUMMARY_H
#define TG_STORE_USAGE_SUMMARY_H

#include "store/rollup.h"
#include "store/usage_page.h"

/* The numbers are known to stmts.def. */
enum usage_dimension {
	USAGE_BY_NOTHING,
	USAGE_BY_KEY,
	USAGE_BY_USER,
	USAGE_BY_PROJECT,
	USAGE_BY_CUSTOMER,
	USAGE_BY_MODEL,
	USAGE_BY_PROVIDER,
	USAGE_BY_AGENT,
	USAGE_BY_CONNECTOR,
	USAGE_BY_STATUS,
	USAGE_BY_HOUR,
	USAGE_BY_DAY,
	USAGE_BY_MONTH,
	USAGE_BY__N
};
extern const char *const usage_dimension_names[USAGE_BY__N];

#define USAGE_BY_MAX 2 /* dimensions at once */

struct usage_group {
	/* By dimension: an id, 0 for none; 1 + enum usage_status; seconds
	 * since the epoch. */
	uint64_t by[USAGE_BY_MAX];
	uint64_t refusals;
	uint64_t failed_requests;
	struct rollup_sums sums;
};

/* Which sums. */
enum usage_sums_of {
	USAGE_SUMS_FULL,    /* usage_hourly, _daily or _monthly */
	USAGE_SUMS_TOTALS,  /* customer, model, provider, status and times */
	USAGE_SUMS_ALL,     /* customer and times */
	USAGE_SUMS_CALLERS, /* key, user, project, customer, agent, connector,
			       days and months */
	USAGE_SUMS_RANKS,   /* customers by times; of a ranking alone, see
			       usage_summary_has_ranks() */
	/* These fill `refusals` alone. */
	USAGE_SUMS_REFUSED_TOTALS, /* customer, model and times */
	USAGE_SUMS_REFUSED_KEYS,   /* customer, key and times */
	USAGE_SUMS_REFUSALS,       /* customer, key, model and times, by hours
				      only: reads each key's each hour */
};

/* A number that groups are sorted by. These numbers are known to stmts.def. */
enum usage_rank {
	USAGE_RANK_NONE,
	USAGE_RANK_COST,
	USAGE_RANK_FAILED,
	USAGE_RANK_TOKENS, /* in and out, of both contexts, as the next ones */
	USAGE_RANK_TOKENS_IN,
	USAGE_RANK_TOKENS_OUT,
	USAGE_RANK_TOKEN_CLASS, /* the first; the others follow */
	USAGE_RANK_REQUESTS = USAGE_RANK_TOKEN_CLASS + TOK_CLASS__MAX,
};

static inline bool
usage_rank_is_of_tokens(enum usage_rank rank)
{
	return rank >= USAGE_RANK_TOKENS && rank < USAGE_RANK_REQUESTS;
}

/* What is asked for. */
struct usage_wish {
	enum usage_dimension by[USAGE_BY_MAX];
	/* customer_id 0: all customers; from_ms and to_ms at full periods. */
	struct usage_filter filter;
	enum usage_rank rank; /* what alone is wanted of each group */
	/* Of each group only what a page shows of it: no times to first token,
	 * no provider's costs, no counts of unpriced and estimated requests. */
	bool shown_only;
	bool no_refusals; /* what was refused is not wanted */
	/* Rows of everybody's callers that are read at most; 0: any number. */
	uint64_t rows_max;
	/* The only groups of by[1] that are wanted, each once; n_ids 0: all. */
	const uint64_t *ids;
	size_t n_ids; /* at most USAGE_AMONG_MAX */
};
#define USAGE_AMONG_MAX 32

/* A row if only a number is wanted; what is not read is what it was. */
struct usage_rank_row {
	uint64_t by[USAGE_BY_MAX];
	uint64_t requests;
	uint64_t failed_requests;
	int64_t cost_pusd;
	uint64_t tokens; /* if those are wanted; then they and requests alone */
};

/**
 * Whether usage_ranks tell: everybody's ranking by customer, whichever model,
 * provider and status are asked for.
 */
bool usage_summary_has_ranks(const struct usage_wish *w);

/** Whether such sums are kept by pentads, too. */
bool usage_summary_has_pentads(enum usage_sums_of sums);

/**
 * Rows of the sums, each a struct usage_group, or a struct usage_rank_row of
 * sums that are not refusals and are only ranked; with what they are grouped by,
 * many of the same group, in any order. However many there are, they take no
 * memory.
 * @period  of the sums; no matter for USAGE_SUMS_REFUSALS, and no hours of
 *          USAGE_SUMS_CALLERS; pentads where usage_summary_has_pentads()
 * Errors: those of fn; the database's.
 */
enum err store_usage_summary(struct db *db, const struct usage_wish *w,
    enum usage_sums_of sums, enum rollup_period period, db_row_fn *fn,
    void *arg, struct error *e) ATTR_MUST_CHECK;

/**
 * How many rows of everybody's that would read, at most max of them; 0 of sums
 * that have few or are a customer's.
 */
enum err store_usage_summary_count(struct db *db, const struct usage_wish *w,
    enum usage_sums_of sums, enum rollup_period period, uint64_t max,
    uint64_t *ret, struct error *e) ATTR_MUST_CHECK;

#endif
