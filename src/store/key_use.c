/* SPDX-License-Identifier: MIT */
/* When keys were used, and what that cost. */
#include "store/key_priv.h"

static const struct db_field use_fields[] = {
	DB_FIELD(struct key_use, api_key_id, U64),
	DB_FIELD(struct key_use, last_used_at_ms, TIME),
};
static const struct db_map use_map = DB_MAP(struct key_use, use_fields);

enum err
store_key_touch(struct db *db, const struct key_use *uses, size_t n,
    struct error *e)
{
	return db_bulk(db, STMT_KEY_TOUCH, &use_map, uses, n, e);
}

static const struct db_field spend_fields[] = {
	DB_FIELD(struct key_spend, day_pusd, MONEY),
	DB_FIELD(struct key_spend, month_pusd, MONEY),
};
static const struct db_map spend_map = DB_MAP(struct key_spend, spend_fields);

enum err
store_key_spend(struct db *db, uint64_t customer_id, uint64_t api_key_id,
    int64_t day_ms, int64_t month_ms, struct arena *a, struct key_spend *ret,
    struct error *e)
{
	return db_one(db, STMT_KEY_SPEND,
	    DB_IN(db_u64(customer_id), db_day(day_ms), db_u64(api_key_id),
		db_u64(customer_id), db_day(month_ms), db_u64(api_key_id)),
	    a, &spend_map, ret, e);
}

static const struct db_field cost_fields[] = {
	DB_FIELD(struct key_cost, api_key_id, U64),
	DB_FIELD(struct key_cost, cost_pusd, MONEY),
};
static const struct db_map cost_map = DB_MAP(struct key_cost, cost_fields);

enum err
store_key_costs_some(struct db *db, uint64_t customer_id, int64_t month_ms,
    const uint64_t *ids, size_t n, struct arena *a, struct key_cost **ret,
    size_t *ret_n, struct error *e)
{
	struct db_val in[2 + KEY_SOME_MAX] = { db_u64(customer_id),
		db_day(month_ms) };

	store_key_some(ids, n, in + 2);
	return db_all(db, STMT_KEY_COSTS_SOME,
	    (struct db_in){ in, ARRAY_LEN(in) }, a, &cost_map, ret, ret_n, e);
}

enum err
store_key_uses(struct db *db, uint64_t customer_id, struct arena *a,
    struct key_uses *ret, struct error *e)
{
	static const struct db_field all[] = {
		DB_FIELD(struct key_uses, n_seen, U64),
		DB_FIELD(struct key_uses, n_active, U64),
		DB_FIELD(struct key_uses, n_all, U64),
	};
	static const struct db_map all_map = DB_MAP(struct key_uses, all);
	static const struct db_field of_model[] = {
		DB_FIELD(struct key_model_use, model_id, U64),
		DB_FIELD(struct key_model_use, n_keys, U64),
	};
	static const struct db_map model_map = DB_MAP(struct key_model_use,
	    of_model);
	struct key_model_use *models;
	enum err err = db_one(db, STMT_KEY_USES,
	    DB_IN(db_u64(customer_id), db_u64(KEY_USES_MAX)), a, &all_map, ret,
	    e);

	if (!err)
		err = db_all(db, STMT_KEY_USES_MODEL,
		    DB_IN(db_u64(customer_id), db_u64(KEY_USES_MAX)), a,
		    &model_map, &models, &ret->n_models, e);
	if (!err)
		ret->models = models;
	return err;
}
