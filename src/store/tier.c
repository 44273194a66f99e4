/* SPDX-License-Identifier: MIT */
#include "store/tier.h"

#include "store/limit.h"
#include "store/store_priv.h"
#include "store/user.h"

static const struct db_field tier_fields[] = {
	DB_FIELD(struct tier, tier_id, U64),
	DB_FIELD(struct tier, name, STR),
	DB_FIELD(struct tier, limits, LIMITS),
	DB_FIELD(struct tier, roles, U64),
	DB_FIELD(struct tier, archived_at_ms, TIME),
};
static const struct db_map tier_map = DB_MAP(struct tier, tier_fields);

static uint64_t
tier_of(const struct role_tier *rows, size_t n, struct str role)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(rows[i].role, role))
			return rows[i].tier_id;
	return 0;
}

static enum err
set_roles(struct db *db, uint64_t tier_id, uint64_t roles, struct error *e)
{
	struct role_tier *rows = NULL;
	struct arena a;
	size_t n = 0;
	enum err err;

	arena_init(&a, KIB(8));
	err = store_role_tier_list(db, &a, &rows, &n, e);
	for (unsigned i = 0; i < USER__N && !err; i++) {
		struct str role = str_from(user_role_names[i]);
		bool has = tier_of(rows, n, role) == tier_id;
		bool is_wanted = (roles & UINT64_C(1) << i) != 0;

		if (has != is_wanted)
			err = store_role_tier_set(db, role,
			    is_wanted ? tier_id : 0, e);
	}
	arena_fini(&a);
	return err;
}

/* What lies in other tables. */
static enum err
set_rest(struct db *db, uint64_t tier_id, const struct tier *t, struct error *e)
{
	enum err err = store_limit_set(db,
	    (struct limit_holder){ .tier_id = tier_id }, &t->limits, e);

	return err ? err : set_roles(db, tier_id, t->roles, e);
}

struct insert_arg {
	const struct tier *t;
	uint64_t tier_id;
};

static enum err
insert_txn(struct db *db, void *arg, struct error *e)
{
	struct insert_arg *i = arg;
	const struct tier *t = i->t;
	enum err err = store_catalogue_insert(db, STMT_TIER_INSERT,
	    DB_IN(db_str(t->name), DB_LIMIT_COLUMNS(&t->limits)), &i->tier_id,
	    e);

	return err ? err : set_rest(db, i->tier_id, t, e);
}

enum err
store_tier_insert(struct db *db, const struct tier *t, uint64_t *ret_tier_id,
    struct error *e)
{
	struct insert_arg arg = { .t = t };
	enum err err = db_atomic(db, insert_txn, &arg, e);

	if (!err)
		*ret_tier_id = arg.tier_id;
	return err;
}

static enum err
update_txn(struct db *db, void *arg, struct error *e)
{
	const struct tier *t = arg;
	struct change change = { .id = STMT_TIER_UPDATE,
		.in = DB_IN(DB_LIMIT_COLUMNS(&t->limits), db_u64(t->tier_id)),
		.slot = GENERATION_CATALOGUE };
	enum err err = store_change(db, &change, e);

	return err ? err : set_rest(db, t->tier_id, t, e);
}

enum err
store_tier_update(struct db *db, const struct tier *t, struct error *e)
{
	struct tier arg = *t;

	return db_atomic(db, update_txn, &arg, e);
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

enum err
store_tier_by_id(struct db *db, uint64_t tier_id, struct arena *a,
    struct tier *ret, struct error *e)
{
	return db_one(db, STMT_TIER_BY_ID, DB_IN(db_u64(tier_id)), a, &tier_map,
	    ret, e);
}

enum err
store_tier_page(struct db *db, struct str name, bool with_archived,
    uint64_t after_id, uint64_t limit, struct arena *a, struct tier **ret,
    size_t *ret_n, struct error *e)
{
	return db_all(db, STMT_TIER_PAGE,
	    DB_IN(DB_TWICE(db_str(name)), db_bool(with_archived),
		db_u64(after_id), db_u64(limit)),
	    a, &tier_map, ret, ret_n, e);
}

enum err
store_tier_lock(struct db *db, uint64_t tier_id, struct error *e)
{
	return store_lock(db, STMT_TIER_LOCK, DB_IN(db_u64(tier_id)), e);
}

enum err
store_tier_archive(struct db *db, uint64_t tier_id, struct error *e)
{
	struct change change = { .id = STMT_TIER_ARCHIVE,
		.in = DB_IN(db_u64(tier_id)),
		.slot = GENERATION_CATALOGUE };

	return store_change(db, &change, e);
}
