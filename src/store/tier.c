/* SPDX-License-Identifier: MIT */
#include "store/tier.h"

#include "store/store_priv.h"

static const struct db_field tier_fields[] = {
	DB_FIELD(struct tier, tier_id, U64),
	DB_FIELD(struct tier, name, STR),
	DB_FIELD(struct tier, rate_limit_per_minute, OPT),
	DB_FIELD(struct tier, rate_limit_per_hour, OPT),
};
static const struct db_map tier_map = DB_MAP(struct tier, tier_fields);

enum err
store_tier_insert(struct db *db, const struct tier *t, uint64_t *ret_tier_id,
    struct error *e)
{
	return store_catalogue_insert(db, STMT_TIER_INSERT,
	    DB_IN(db_str(t->name), db_opt(t->rate_limit_per_minute),
		db_opt(t->rate_limit_per_hour)),
	    ret_tier_id, e);
}

enum err
store_tier_update(struct db *db, const struct tier *t, struct error *e)
{
	struct change change = { .id = STMT_TIER_UPDATE,
		.in = DB_IN(db_opt(t->rate_limit_per_minute),
		    db_opt(t->rate_limit_per_hour), db_u64(t->tier_id)),
		.slot = GENERATION_CATALOGUE };

	return store_change(db, &change, e);
}

enum err
store_tier_by_name(struct db *db, struct str name, struct arena *a,
    struct tier *ret, struct error *e)
{
	return db_one(db, STMT_TIER_BY_NAME, DB_IN(db_str(name)), a, &tier_map,
	    ret, e);
}

enum err
store_tier_list(struct db *db, struct arena *a, struct tier **ret,
    size_t *ret_n, struct error *e)
{
	return db_all(db, STMT_TIER_LIST, DB_IN_NONE, a, &tier_map, ret, ret_n,
	    e);
}
