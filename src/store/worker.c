/* SPDX-License-Identifier: MIT */
#include "store/worker.h"

static const struct db_field worker_fields[] = {
	DB_FIELD(struct worker, series, B16),
	DB_FIELD(struct worker, host, STR),
	DB_FIELD(struct worker, pid, U64),
	DB_FIELD(struct worker, version, STR),
	DB_FIELD(struct worker, started_at_ms, TIME),
	DB_FIELD(struct worker, seen_at_ms, TIME),
};
static const struct db_map worker_map = DB_MAP(struct worker, worker_fields);

enum err
store_worker_seen(struct db *db, const struct worker *w, struct error *e)
{
	return db_exec(db, STMT_WORKER_SEEN,
	    DB_IN(db_b16(w->series), db_str(w->host), db_u64(w->pid),
		db_str(w->version), db_time(w->started_at_ms)),
	    NULL, e);
}

enum err
store_worker_leave(struct db *db, const uint8_t series[16], struct error *e)
{
	return db_exec(db, STMT_WORKER_LEAVE, DB_IN(db_b16(series)), NULL, e);
}

enum err
store_worker_forget(struct db *db, int64_t gone_s, struct error *e)
{
	return db_exec(db, STMT_WORKER_FORGET, DB_IN(db_i64(gone_s)), NULL, e);
}

enum err
store_worker_list(struct db *db, struct arena *a, struct worker **ret,
    size_t *ret_n, struct error *e)
{
	return db_all(db, STMT_WORKER_LIST, DB_IN(db_u64(WORKER_LIST_MAX)), a,
	    &worker_map, ret, ret_n, e);
}
