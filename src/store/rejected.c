/* SPDX-License-Identifier: MIT */
#include "store/rejected.h"

static const struct db_field rejected_fields[] = {
	DB_FIELD(struct usage_rejected, series, B16),
	DB_FIELD(struct usage_rejected, off, U64),
	DB_FIELD(struct usage_rejected, error, STR),
	DB_FIELD(struct usage_rejected, record, BYTES),
	DB_FIELD(struct usage_rejected, created_at_ms, TIME),
};
static const struct db_map rejected_map = DB_MAP(struct usage_rejected,
    rejected_fields);

enum err
store_rejected_insert(struct db *db, const struct usage_rejected *r,
    struct error *e)
{
	return db_exec(db, STMT_REJECTED_INSERT,
	    DB_IN(db_b16(r->series), db_u64(r->off), db_str(r->error),
		db_bytes(r->record)),
	    NULL, e);
}

enum err
store_rejected_count(struct db *db, uint64_t *ret_n, struct error *e)
{
	return db_number(db, STMT_REJECTED_COUNT, DB_IN_NONE, ret_n, e);
}

enum err
store_rejected_list(struct db *db, uint64_t limit, struct arena *a,
    struct usage_rejected **ret, size_t *ret_n, struct error *e)
{
	return db_all(db, STMT_REJECTED_LIST, DB_IN(db_u64(limit)), a,
	    &rejected_map, ret, ret_n, e);
}
