/* SPDX-License-Identifier: MIT */
#include "store/limit.h"

#include "store/store_priv.h"

/* One number of a holder. */
struct limit_row {
	enum limit_metric metric;
	uint64_t max;
};
static const struct db_field row_fields[] = {
	DB_FIELD_ENUM(struct limit_row, metric, limit_metric_names),
	DB_FIELD(struct limit_row, max, U64),
};
static const struct db_map row_map = DB_MAP(struct limit_row, row_fields);

static const struct db_field role_fields[] = {
	DB_FIELD(struct role_tier, role, STR),
	DB_FIELD(struct role_tier, tier_id, U64),
};
static const struct db_map role_map = DB_MAP(struct role_tier, role_fields);

static enum err
load(struct db *db, struct limit_holder holder, struct limit_set *ret,
    struct error *e)
{
	struct limit_row *rows = NULL;
	struct arena a;
	size_t n = 0;
	enum err err;

	arena_init(&a, KIB(8));
	err = db_all(db, STMT_LIMIT_LIST,
	    DB_IN(db_id(holder.tier_id), db_id(holder.customer_id),
		db_id(holder.api_key_id)),
	    &a, &row_map, &rows, &n, e);
	*ret = (struct limit_set){ 0 };
	for (size_t i = 0; !err && i < n; i++)
		limit_set_put(ret, rows[i].metric, (int64_t)rows[i].max);
	arena_fini(&a);
	return err;
}

static enum err
change_one(struct db *db, struct limit_holder holder, enum limit_metric metric,
    int64_t max, struct error *e)
{
	struct str name = str_from(limit_metric_names[metric]);

	if (max < 0)
		return db_exec(db, STMT_LIMIT_DELETE,
		    DB_IN(db_id(holder.tier_id), db_id(holder.customer_id),
			db_id(holder.api_key_id), db_str(name)),
		    NULL, e);
	return db_exec(db, STMT_LIMIT_PUT,
	    DB_IN(db_id(holder.tier_id), db_id(holder.customer_id),
		db_id(holder.api_key_id), db_str(name), db_u64((uint64_t)max)),
	    NULL, e);
}

enum err
store_limit_set(struct db *db, struct limit_holder holder,
    const struct limit_set *set, struct error *e)
{
	struct limit_set was;
	enum err err = load(db, holder, &was, e);

	for (unsigned m = 0; m < LIMIT__METRICS && !err; m++)
		if (m != LIMIT_KEY_MODEL_REQUESTS_MINUTE &&
		    m != LIMIT_KEY_MODEL_REQUESTS_HOUR &&
		    limit_set_get(set, m) != limit_set_get(&was, m))
			err = change_one(db, holder, m, limit_set_get(set, m),
			    e);
	return err;
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
