/* SPDX-License-Identifier: MIT */
#include "store/limit.h"

#include "store/store_priv.h"

static const struct db_field row_fields[] = {
	DB_FIELD(struct limit_row, tier_id, ID),
	DB_FIELD(struct limit_row, customer_id, ID),
	DB_FIELD(struct limit_row, api_key_id, ID),
	DB_FIELD_ENUM(struct limit_row, metric, limit_metric_names),
	DB_FIELD(struct limit_row, max, U64),
};
static const struct db_map row_map = DB_MAP(struct limit_row, row_fields);

static const struct db_field role_fields[] = {
	DB_FIELD(struct role_tier, role, STR),
	DB_FIELD(struct role_tier, tier_id, U64),
};
static const struct db_map role_map = DB_MAP(struct role_tier, role_fields);

enum err
store_limit_load(struct db *db, struct limit_holder holder, struct arena *a,
    struct limit_set *ret, struct error *e)
{
	struct limit_row *rows = NULL;
	size_t n = 0;
	enum err err = db_all(db, STMT_LIMIT_LIST,
	    DB_IN(db_id(holder.tier_id), db_id(holder.customer_id),
		db_id(holder.api_key_id)),
	    a, &row_map, &rows, &n, e);

	if (err)
		return err;
	*ret = (struct limit_set){ 0 };
	for (size_t i = 0; i < n; i++)
		limit_set_put(ret, rows[i].metric, (int64_t)rows[i].max);
	return OK;
}

struct change_arg {
	struct limit_holder holder;
	const struct limit_change *changes;
	size_t n;
};

static enum err
change_one(struct db *db, struct limit_holder holder, struct limit_change c,
    struct error *e)
{
	struct str metric = str_from(limit_metric_names[c.metric]);

	if (c.max < 0)
		return db_exec(db, STMT_LIMIT_DELETE,
		    DB_IN(db_id(holder.tier_id), db_id(holder.customer_id),
			db_id(holder.api_key_id), db_str(metric)),
		    NULL, e);
	return db_exec(db, STMT_LIMIT_PUT,
	    DB_IN(db_id(holder.tier_id), db_id(holder.customer_id),
		db_id(holder.api_key_id), db_str(metric),
		db_u64((uint64_t)c.max)),
	    NULL, e);
}

static unsigned
slot_of(struct limit_holder holder)
{
	if (holder.api_key_id)
		return generation_key_slot(holder.api_key_id);
	if (holder.customer_id)
		return generation_customer_slot(holder.customer_id);
	return GENERATION_CATALOGUE;
}

static enum err
change_limits_txn(struct db *db, void *arg, struct error *e)
{
	const struct change_arg *c = arg;
	enum err err = OK;

	for (size_t i = 0; !err && i < c->n; i++)
		err = change_one(db, c->holder, c->changes[i], e);
	if (err)
		return err;
	return store_generation_bump(db, slot_of(c->holder), e);
}

enum err
store_limit_change(struct db *db, struct limit_holder holder,
    const struct limit_change *changes, size_t n, struct error *e)
{
	struct change_arg arg = { holder, changes, n };

	return n ? db_atomic(db, change_limits_txn, &arg, e) : OK;
}

enum err
store_limit_of_customers(struct db *db, struct arena *a, struct limit_row **ret,
    size_t *ret_n, struct error *e)
{
	return db_all(db, STMT_LIMIT_LIST_CUSTOMERS, DB_IN_NONE, a, &row_map,
	    ret, ret_n, e);
}

enum err
store_limit_of_keys(struct db *db, uint64_t customer_id, struct arena *a,
    struct limit_row **ret, size_t *ret_n, struct error *e)
{
	return db_all(db, STMT_LIMIT_LIST_KEYS,
	    DB_IN(DB_TWICE(db_id(customer_id))), a, &row_map, ret, ret_n, e);
}

enum err
store_limit_for_key(struct db *db, const struct limit_query *q, struct arena *a,
    struct limit_row **ret, size_t *ret_n, struct error *e)
{
	return db_all(db, STMT_LIMIT_LIST_FOR_KEY,
	    DB_IN(db_u64(q->api_key_id), db_u64(q->customer_id),
		db_id(q->tier_id[0]), db_id(q->tier_id[1]),
		db_id(q->tier_id[2])),
	    a, &row_map, ret, ret_n, e);
}

enum err
store_role_tier_set(struct db *db, struct str role, uint64_t tier_id,
    struct error *e)
{
	struct change set = { .id = STMT_ROLE_TIER_SET,
		.in = DB_IN(db_str(role), db_u64(tier_id)),
		.slot = GENERATION_CATALOGUE,
		.may_miss = true };
	struct change unset = { .id = STMT_ROLE_TIER_DELETE,
		.in = DB_IN(db_str(role)),
		.slot = GENERATION_CATALOGUE,
		.may_miss = true };

	return store_change(db, tier_id ? &set : &unset, e);
}

enum err
store_role_tier_list(struct db *db, struct arena *a, struct role_tier **ret,
    size_t *ret_n, struct error *e)
{
	return db_all(db, STMT_ROLE_TIER_LIST, DB_IN_NONE, a, &role_map, ret,
	    ret_n, e);
}
