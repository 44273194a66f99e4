/* SPDX-License-Identifier: MIT */
/*
 * Whether usage (rows, closings of pruned months, adjustments), refusals,
 * rollups and ledger say the same, compared in one snapshot. Reads everything;
 * for the command line, not for a request.
 */
#ifndef TG_STORE_RECONCILE_H
#define TG_STORE_RECONCILE_H

#include "store/db.h"

enum reconcile_check {
	RECONCILE_HOURLY,  /* usage against usage_hourly, key by key; in
			      months that are closed, both by month */
	RECONCILE_DAILY,   /* usage_hourly against usage_daily */
	RECONCILE_MONTHLY, /* usage_daily against usage_monthly */
	RECONCILE_CALLERS, /* usage_daily and usage_monthly against
			      usage_callers */
	RECONCILE_OVERALL, /* usage_hourly, usage_daily and usage_monthly
			      against usage_totals */
	RECONCILE_ALL,     /* usage_totals against usage_sums */
	RECONCILE_RANKS,   /* usage_totals against usage_ranks */
	RECONCILE_REFUSED, /* usage_refusals against its two sums */
	RECONCILE_LEDGER,  /* usage's cost against transfers of usage and
			      adjustments, a customer */
	RECONCILE_BALANCE, /* transfers against cached balances, an account */
	RECONCILE_BUDGET,  /* usage_hourly against what budgets say was spent,
			      credits against balances, and no leases of
			      series that are closed */
	RECONCILE_ORPHAN,  /* rows whose customer, key, user or model is not
			      there */
	RECONCILE__N
};

/* One difference: `rows` is what the source says, `sums` what was kept. */
struct reconcile_diff {
	enum reconcile_check check;
	uint64_t customer_id;
	uint64_t api_key_id; /* 0 where the check has none */
	uint64_t model_id;
	uint64_t budget_id; /* 0: of no budget */
	int64_t time_ms;
	uint64_t rows_requests, sums_requests;
	uint64_t rows_tok, sums_tok; /* all classes */
	int64_t rows_pusd, sums_pusd;
};

#define RECONCILE_DIFFS_MAX 100 /* of each check */

struct reconcile_result {
	uint64_t usage_rows;
	uint64_t usage_tok;
	int64_t usage_pusd; /* as the rows were written */
	uint64_t unpriced_requests;
	uint64_t closed_requests; /* of pruned months */
	int64_t closed_pusd;
	uint64_t adjustments; /* of rows that are there */
	int64_t adjusted_pusd;
	uint64_t rejected; /* rows of usage_rejected */
	struct reconcile_diff *diffs;
	size_t n_diffs;
	bool is_cut; /* a check had more than RECONCILE_DIFFS_MAX */
};

/** Memory: the differences in a. Finding some is no error. */
enum err store_reconcile(struct db *db, struct arena *a,
    struct reconcile_result *ret, struct error *e) ATTR_MUST_CHECK;

#endif
