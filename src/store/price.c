/* SPDX-License-Identifier: MIT */
#include "store/price.h"

#include "store/fields.h"
#include "store/store_priv.h"

static const struct db_field price_fields[] = {
	DB_FIELD(struct price, price_version_id, U64),
	DB_FIELD(struct price, model_id, U64),
	DB_FIELD(struct price, effective_from_ms, TIME),
	DB_FIELDS_TOK(struct price, tok_pusd, MONEY),
	DB_FIELD(struct price, request_pusd, MONEY),
	DB_FIELD(struct price, note, STR),
};
static const struct db_map price_map = DB_MAP(struct price, price_fields);

/* All but the id, for an INSERT. */
static const struct db_map insert_map = { price_fields + 1,
	ARRAY_LEN(price_fields) - 1, sizeof(struct price) };

struct now_row {
	int64_t now_ms;
};
static const struct db_field now_fields[] = {
	DB_FIELD(struct now_row, now_ms, TIME),
};
static const struct db_map now_map = DB_MAP(struct now_row, now_fields);

static enum err
database_now(struct db *db, int64_t *ret_ms, struct error *e)
{
	struct now_row row;
	struct arena a;
	enum err err;

	arena_init(&a, KIB(4));
	err = db_one(db, STMT_PRICE_NOW, DB_IN_NONE, &a, &now_map, &row, e);
	if (err == OK)
		*ret_ms = row.now_ms;
	arena_fini(&a);
	return err;
}

struct insert_arg {
	const struct price *p;
	uint64_t price_version_id;
};

static enum err
insert_txn(struct db *db, void *arg, struct error *e)
{
	struct insert_arg *i = arg;
	struct price p = *i->p;
	enum err err = OK;

	if (p.effective_from_ms == 0)
		err = database_now(db, &p.effective_from_ms, e);
	if (err == OK)
		err = db_insert_row(db, STMT_PRICE_INSERT, &insert_map, &p,
		    &i->price_version_id, e);
	if (err != OK)
		return err;
	return store_generation_bump(db, GENERATION_CATALOGUE, e);
}

enum err
store_price_insert(struct db *db, const struct price *p,
    uint64_t *ret_price_version_id, struct error *e)
{
	struct insert_arg arg = { .p = p };
	enum err err = db_atomic(db, insert_txn, &arg, e);

	if (err == OK)
		*ret_price_version_id = arg.price_version_id;
	return err;
}

enum err
store_price_list(struct db *db, uint64_t model_id, struct arena *a,
    struct price **ret, size_t *ret_n, struct error *e)
{
	return db_all(db, STMT_PRICE_LIST, DB_IN(db_u64(model_id)), a,
	    &price_map, ret, ret_n, e);
}

enum err
store_price_current(struct db *db, struct arena *a, struct price **ret,
    size_t *ret_n, struct error *e)
{
	return db_all(db, STMT_PRICE_CURRENT, DB_IN_NONE, a, &price_map, ret,
	    ret_n, e);
}

enum err
store_price_by_id(struct db *db, uint64_t price_version_id, struct arena *a,
    struct price *ret, struct error *e)
{
	return db_one(db, STMT_PRICE_BY_ID, DB_IN(db_u64(price_version_id)), a,
	    &price_map, ret, e);
}
