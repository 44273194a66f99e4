/* SPDX-License-Identifier: MIT */
#include "store/reconcile_last.h"

static const struct db_field last_fields[] = {
	DB_FIELD(struct reconcile_last, host, STR),
	DB_FIELD(struct reconcile_last, started_at_ms, TIME),
	DB_FIELD(struct reconcile_last, finished_at_ms, TIME),
	DB_FIELD(struct reconcile_last, is_clean, BOOL),
	DB_FIELD(struct reconcile_last, has_journals, BOOL),
	DB_FIELD(struct reconcile_last, usage_rows, U64),
	DB_FIELD(struct reconcile_last, n_differences, U64),
	DB_FIELD(struct reconcile_last, n_faults, U64),
	DB_FIELD(struct reconcile_last, n_pending, U64),
	DB_FIELD(struct reconcile_last, n_unchecked, U64),
};
static const struct db_map last_map = DB_MAP(struct reconcile_last,
    last_fields);

enum err
store_reconcile_last_set(struct db *db, const struct reconcile_last *r,
    struct error *e)
{
	return db_exec(db, STMT_RECONCILE_LAST_SET,
	    DB_IN(db_str(r->host), db_time(r->started_at_ms),
		db_time(r->finished_at_ms), db_bool(r->is_clean),
		db_bool(r->has_journals), db_u64(r->usage_rows),
		db_u64(r->n_differences), db_u64(r->n_faults),
		db_u64(r->n_pending), db_u64(r->n_unchecked)),
	    NULL, e);
}

enum err
store_reconcile_last_list(struct db *db, struct arena *a,
    struct reconcile_last **ret, size_t *ret_n, struct error *e)
{
	return db_all(db, STMT_RECONCILE_LAST_LIST,
	    DB_IN(db_u64(RECONCILE_LAST_MAX)), a, &last_map, ret, ret_n, e);
}
