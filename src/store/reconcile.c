/* SPDX-License-Identifier: MIT */
#include "store/reconcile.h"

#include <string.h>

#include "store/rejected.h"

static const struct db_field totals_fields[] = {
	DB_FIELD(struct reconcile_result, usage_rows, U64),
	DB_FIELD(struct reconcile_result, usage_tok, U64),
	DB_FIELD(struct reconcile_result, usage_pusd, MONEY),
	DB_FIELD(struct reconcile_result, unpriced_requests, U64),
	DB_FIELD(struct reconcile_result, closed_requests, U64),
	DB_FIELD(struct reconcile_result, closed_pusd, MONEY),
	DB_FIELD(struct reconcile_result, adjustments, U64),
	DB_FIELD(struct reconcile_result, adjusted_pusd, MONEY),
};
static const struct db_map totals_map = DB_MAP(struct reconcile_result,
    totals_fields);

/* rows against sums, or sums against coarser ones */
static const struct db_field sums_fields[] = {
	DB_FIELD(struct reconcile_diff, customer_id, U64),
	DB_FIELD(struct reconcile_diff, api_key_id, U64),
	DB_FIELD(struct reconcile_diff, model_id, U64),
	DB_FIELD(struct reconcile_diff, time_ms, TIME),
	DB_FIELD(struct reconcile_diff, rows_requests, U64),
	DB_FIELD(struct reconcile_diff, sums_requests, U64),
	DB_FIELD(struct reconcile_diff, rows_tok, U64),
	DB_FIELD(struct reconcile_diff, sums_tok, U64),
	DB_FIELD(struct reconcile_diff, rows_pusd, MONEY),
	DB_FIELD(struct reconcile_diff, sums_pusd, MONEY),
};
static const struct db_map sums_map = DB_MAP(struct reconcile_diff,
    sums_fields);

static const struct db_field money_fields[] = {
	DB_FIELD(struct reconcile_diff, customer_id, U64),
	DB_FIELD(struct reconcile_diff, rows_pusd, MONEY),
	DB_FIELD(struct reconcile_diff, sums_pusd, MONEY),
};
static const struct db_map money_map = DB_MAP(struct reconcile_diff,
    money_fields);

static const struct db_field budget_fields[] = {
	DB_FIELD(struct reconcile_diff, customer_id, U64),
	DB_FIELD(struct reconcile_diff, budget_id, U64),
	DB_FIELD(struct reconcile_diff, rows_pusd, MONEY),
	DB_FIELD(struct reconcile_diff, sums_pusd, MONEY),
};
static const struct db_map budget_map = DB_MAP(struct reconcile_diff,
    budget_fields);

static const struct db_field orphan_fields[] = {
	DB_FIELD(struct reconcile_diff, customer_id, U64),
	DB_FIELD(struct reconcile_diff, api_key_id, U64),
	DB_FIELD(struct reconcile_diff, model_id, U64),
	DB_FIELD(struct reconcile_diff, rows_requests, U64),
};
static const struct db_map orphan_map = DB_MAP(struct reconcile_diff,
    orphan_fields);

static const struct {
	enum stmt id;
	const struct db_map *map;
} checks[RECONCILE__N] = {
	[RECONCILE_HOURLY] = { STMT_RECONCILE_HOURLY, &sums_map },
	[RECONCILE_DAILY] = { STMT_RECONCILE_DAILY, &sums_map },
	[RECONCILE_MONTHLY] = { STMT_RECONCILE_MONTHLY, &sums_map },
	[RECONCILE_CALLERS] = { STMT_RECONCILE_CALLERS, &sums_map },
	[RECONCILE_OVERALL] = { STMT_RECONCILE_OVERALL, &sums_map },
	[RECONCILE_ALL] = { STMT_RECONCILE_ALL, &sums_map },
	[RECONCILE_RANKS] = { STMT_RECONCILE_RANKS, &sums_map },
	[RECONCILE_REFUSED] = { STMT_RECONCILE_REFUSED, &sums_map },
	[RECONCILE_LEDGER] = { STMT_RECONCILE_LEDGER, &money_map },
	[RECONCILE_BALANCE] = { STMT_RECONCILE_BALANCE, &money_map },
	[RECONCILE_BUDGET] = { STMT_RECONCILE_BUDGETS, &budget_map },
	[RECONCILE_ORPHAN] = { STMT_RECONCILE_ORPHANS, &orphan_map },
};

struct reconcile_arg {
	struct arena *a;
	struct reconcile_result *result;
};

static enum err
run_check(struct db *db, enum reconcile_check check, struct arena *a,
    struct reconcile_result *r, struct error *e)
{
	struct reconcile_diff *diffs;
	size_t n;
	enum err err = db_all(db, checks[check].id, DB_IN_NONE, a,
	    checks[check].map, &diffs, &n, e);

	if (err != OK)
		return err;
	if (n > RECONCILE_DIFFS_MAX) {
		n = RECONCILE_DIFFS_MAX;
		r->is_cut = true;
	}
	for (size_t i = 0; i < n; i++) {
		diffs[i].check = check;
		r->diffs[r->n_diffs++] = diffs[i];
	}
	return OK;
}

static enum err
reconcile_txn(struct db *db, void *arg, struct error *e)
{
	struct reconcile_arg *x = arg;
	struct reconcile_result *r = x->result;
	struct reconcile_result totals;
	enum err err = db_one(db, STMT_RECONCILE_TOTALS, DB_IN_NONE, x->a,
	    &totals_map, &totals, e);

	if (err != OK)
		return err;
	*r = totals;
	r->diffs = arena_array(x->a, struct reconcile_diff,
	    (size_t)RECONCILE__N * RECONCILE_DIFFS_MAX);
	if (!r->diffs)
		return error_arena(e, x->a);
	err = store_rejected_count(db, &r->rejected, e);
	for (int i = 0; err == OK && i < RECONCILE__N; i++)
		err = run_check(db, (enum reconcile_check)i, x->a, r, e);
	return err;
}

enum err
store_reconcile(struct db *db, struct arena *a, struct reconcile_result *ret,
    struct error *e)
{
	struct reconcile_arg arg = { a, ret };

	return db_snapshot(db, reconcile_txn, &arg, e);
}
