/* SPDX-License-Identifier: MIT */
/* Changes that make caches out of date: row and generation in one
 * transaction. */
#include "store/store_priv.h"

static enum err
change_txn(struct db *db, void *arg, struct error *e)
{
	struct change *c = arg;
	uint64_t n;
	enum err err = db_exec(db, c->id, c->in, &n, e);

	if (err != OK)
		return err;
	if (n == 0 && !c->may_miss)
		return error_set(e, ERR_NOT_FOUND, "database: %s: no row",
		    stmt_info(c->id)->name);
	return store_generation_bump(db, c->slot, e);
}

enum err
store_change(struct db *db, struct change *c, struct error *e)
{
	return db_atomic(db, change_txn, c, e);
}

enum err
store_lock(struct db *db, enum stmt id, struct db_in in, struct error *e)
{
	static const struct db_field fields[] = { { .type = DB_U64 } };
	static const struct db_map map = DB_MAP(uint64_t, fields);
	uint64_t found;
	struct arena a;
	enum err err;

	arena_init(&a, KIB(4));
	err = db_one(db, id, in, &a, &map, &found, e);
	arena_fini(&a);
	return err;
}

struct insert_arg {
	enum stmt id;
	struct db_in in;
	uint64_t new_id;
};

static enum err
insert_txn(struct db *db, void *arg, struct error *e)
{
	struct insert_arg *i = arg;
	enum err err = db_insert(db, i->id, i->in, &i->new_id, e);

	if (err != OK)
		return err;
	return store_generation_bump(db, GENERATION_CATALOGUE, e);
}

enum err
store_catalogue_insert(struct db *db, enum stmt id, struct db_in in,
    uint64_t *ret_id, struct error *e)
{
	struct insert_arg arg = { .id = id, .in = in };
	enum err err = db_atomic(db, insert_txn, &arg, e);

	if (err == OK)
		*ret_id = arg.new_id;
	return err;
}
