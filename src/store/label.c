/* SPDX-License-Identifier: MIT */
#include "store/label.h"

#include "store/store_priv.h"

static const struct {
	enum stmt insert, update, archive, lock, by_id, page;
} stmts[LABEL__N] = {
#define ROW(NAME)                                                        \
 [LABEL_##NAME] = { STMT_##NAME##_INSERT, STMT_##NAME##_UPDATE,          \
	 STMT_##NAME##_ARCHIVE, STMT_##NAME##_LOCK, STMT_##NAME##_BY_ID, \
	 STMT_##NAME##_PAGE }
	ROW(PROJECT),
	ROW(AGENT),
	ROW(CONNECTOR),
#undef ROW
};

static const struct db_field label_fields[] = {
	DB_FIELD(struct label, label_id, U64),
	DB_FIELD(struct label, customer_id, U64),
	DB_FIELD(struct label, name, STR),
	DB_FIELD(struct label, created_at_ms, TIME),
	DB_FIELD(struct label, archived_at_ms, TIME),
};
static const struct db_map label_map = DB_MAP(struct label, label_fields);

enum err
store_label_insert(struct db *db, enum label_kind kind, const struct label *l,
    uint64_t *ret_id, struct error *e)
{
	return db_insert(db, stmts[kind].insert,
	    DB_IN(db_u64(l->customer_id), db_str(l->name)), ret_id, e);
}

enum err
store_label_by_id(struct db *db, enum label_kind kind, uint64_t tenant,
    uint64_t id, struct arena *a, struct label *ret, struct error *e)
{
	return db_one(db, stmts[kind].by_id,
	    DB_IN(db_u64(id), DB_TWICE(db_id(tenant))), a, &label_map, ret, e);
}

enum err
store_label_lock(struct db *db, enum label_kind kind, uint64_t tenant,
    uint64_t id, struct error *e)
{
	return store_lock(db, stmts[kind].lock,
	    DB_IN(db_u64(id), DB_TWICE(db_id(tenant))), e);
}

enum err
store_label_page(struct db *db, enum label_kind kind, uint64_t tenant,
    const struct label_filter *f, uint64_t after_id, uint64_t limit,
    struct arena *a, struct label **ret, size_t *ret_n, struct error *e)
{
	return db_all(db, stmts[kind].page,
	    DB_IN(DB_TWICE(db_id(tenant)), DB_TWICE(db_id(f->customer_id)),
		DB_TWICE(db_str(f->name)), db_bool(f->with_archived),
		db_u64(after_id), db_u64(limit)),
	    a, &label_map, ret, ret_n, e);
}

enum err
store_label_update(struct db *db, enum label_kind kind, const struct label *l,
    struct error *e)
{
	return db_exec(db, stmts[kind].update,
	    DB_IN(db_str(l->name), db_u64(l->label_id), db_u64(l->customer_id)),
	    NULL, e);
}

enum err
store_label_archive(struct db *db, enum label_kind kind, const struct label *l,
    struct error *e)
{
	/* The keys of a project are refused with it. */
	struct change c = { stmts[kind].archive,
		DB_IN(db_u64(l->label_id), db_u64(l->customer_id)),
		kind == LABEL_PROJECT ? generation_customer_slot(l->customer_id)
				      : generation_key_slot(l->label_id),
		false };

	return store_change(db, &c, e);
}

enum err
store_label_check(struct db *db, enum label_kind kind, uint64_t customer_id,
    uint64_t id, struct error *e)
{
	struct label l = { 0 };
	struct arena a;
	enum err err;

	arena_init(&a, KIB(4));
	err = store_label_by_id(db, kind, customer_id, id, &a, &l, e);
	arena_fini(&a);
	if (!err && l.archived_at_ms)
		return error_set(e, ERR_NOT_FOUND, "archived");
	return err;
}
