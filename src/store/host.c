/* SPDX-License-Identifier: MIT */
#include "store/host.h"

static const struct db_field host_fields[] = {
	DB_FIELD(struct host, host, STR),
	DB_FIELD(struct host, pepper_id, U64),
	DB_FIELD(struct host, pepper_check, B16),
	DB_FIELD(struct host, seal_check, B16),
	DB_FIELD(struct host, n_unflushed, OPT),
	DB_FIELD(struct host, unflushed_since_ms, TIME),
	DB_FIELD(struct host, n_unreadable, U64),
	DB_FIELD(struct host, seen_at_ms, TIME),
};
static const struct db_map host_map = DB_MAP(struct host, host_fields);

enum err
store_host_seen(struct db *db, const struct host *h, struct error *e)
{
	return db_exec(db, STMT_HOST_SEEN,
	    DB_IN(db_str(h->host), db_u64(h->pepper_id),
		db_b16(h->pepper_check), db_b16(h->seal_check),
		db_opt(h->n_unflushed), db_time(h->unflushed_since_ms),
		db_u64(h->n_unreadable)),
	    NULL, e);
}

enum err
store_host_list(struct db *db, struct arena *a, struct host **ret,
    size_t *ret_n, struct error *e)
{
	return db_all(db, STMT_HOST_LIST, DB_IN_NONE, a, &host_map, ret, ret_n,
	    e);
}

enum err
store_host_delayed_since(struct db *db, int64_t *ret_ms, struct error *e)
{
	static const struct db_field fields[] = {
		DB_FIELD(struct host, unflushed_since_ms, TIME),
	};
	static const struct db_map map = DB_MAP(struct host, fields);
	struct host since;
	struct arena a;
	enum err err;

	arena_init(&a, KIB(4));
	err = db_one(db, STMT_HOST_DELAYED_SINCE, DB_IN_NONE, &a, &map, &since,
	    e);
	arena_fini(&a);
	if (!err)
		*ret_ms = since.unflushed_since_ms -
			  since.unflushed_since_ms % 60000;
	return err;
}
