/* SPDX-License-Identifier: MIT */
#include "store/offset.h"

static const struct db_field offset_fields[] = {
	DB_FIELD(struct journal_offset, series, B16),
	DB_FIELD(struct journal_offset, host, STR),
	DB_FIELD(struct journal_offset, off, U64),
	DB_FIELD(struct journal_offset, is_closed, BOOL),
	DB_FIELD(struct journal_offset, updated_at_ms, TIME),
};
static const struct db_map offset_map = DB_MAP(struct journal_offset,
    offset_fields);

enum err
store_offset_get(struct db *db, const uint8_t series[16], struct arena *a,
    struct journal_offset *ret, struct error *e)
{
	return db_one(db, STMT_OFFSET_GET, DB_IN(db_b16(series)), a,
	    &offset_map, ret, e);
}

enum err
store_offset_open(struct db *db, const uint8_t series[16], struct str host,
    uint64_t *ret_off, struct error *e)
{
	struct journal_offset row;
	struct arena a;
	enum err err = db_exec(db, STMT_OFFSET_MAKE,
	    DB_IN(db_b16(series), db_str(host)), NULL, e);

	if (err != OK)
		return err;
	arena_init(&a, KIB(8));
	err = store_offset_get(db, series, &a, &row, e);
	if (err == OK)
		*ret_off = row.off;
	arena_fini(&a);
	return err;
}

enum err
store_offset_move(struct db *db, const uint8_t series[16], uint64_t old_off,
    uint64_t new_off, bool is_closed, struct error *e)
{
	uint64_t n;
	enum err err = db_exec(db, STMT_OFFSET_MOVE,
	    DB_IN(db_u64(new_off), db_bool(is_closed), db_b16(series),
		db_u64(old_off)),
	    &n, e);

	if (err == OK && n != 1)
		return error_set(e, ERR_CONFLICT,
		    "journal offset is not %llu any more",
		    (unsigned long long)old_off);
	return err;
}

enum err
store_offset_list(struct db *db, struct str host, struct arena *a,
    struct journal_offset **ret, size_t *ret_n, struct error *e)
{
	if (!host.p)
		return db_all(db, STMT_OFFSET_LIST, DB_IN_NONE, a, &offset_map,
		    ret, ret_n, e);
	return db_all(db, STMT_OFFSET_LIST_OF, DB_IN(db_str(host)), a,
	    &offset_map, ret, ret_n, e);
}
