/* SPDX-License-Identifier: MIT */
#include "store/key_priv.h"
#include "store/store_priv.h"

const char *const key_scope_names[KEY_SCOPE__N] = { "infer", "usage:read",
	"usage:write", "keys:read", "keys:write", "manage" };

const char *const key_state_names[KEY_STATE__N] = { "active", "inactive",
	"expired", "revoked" };

enum key_state
key_state(const struct key *k, int64_t now_ms)
{
	if (k->revoked_at_ms)
		return KEY_REVOKED;
	if (k->expires_at_ms && k->expires_at_ms <= now_ms)
		return KEY_EXPIRED;
	return k->is_active ? KEY_ACTIVE : KEY_INACTIVE;
}

static const struct db_field key_fields[] = {
	DB_FIELD(struct key, api_key_id, U64),
	DB_FIELD(struct key, customer_id, U64),
	DB_FIELD(struct key, user_id, U64),
	DB_FIELD(struct key, project_id, ID),
	DB_FIELD(struct key, public_id, STR),
	DB_FIELD(struct key, name, STR),
	DB_FIELD(struct key, scopes, U64),
	DB_FIELD(struct key, is_active, BOOL),
	DB_FIELD(struct key, all_models, BOOL),
	DB_FIELD(struct key, allowed_ips, STR),
	DB_FIELD(struct key, rate_limit_tier, ID),
	DB_FIELD(struct key, tier_name, STR),
	DB_FIELD(struct key, limits, LIMITS),
	DB_FIELD(struct key, expires_at_ms, TIME),
	DB_FIELD(struct key, revoked_at_ms, TIME),
	DB_FIELD(struct key, previous_public_id, STR),
	DB_FIELD(struct key, previous_expires_at_ms, TIME),
	DB_FIELD(struct key, last_used_at_ms, TIME),
	DB_FIELD(struct key, created_at_ms, TIME),
	DB_FIELD(struct key, models, STR),
	DB_FIELD(struct key, is_idempotent, BOOL),
};
const struct db_map store_key_map = DB_MAP(struct key, key_fields);

static const struct db_field id_fields[] = { { .type = DB_U64 } };
const struct db_map store_key_id_map = DB_MAP(uint64_t, id_fields);

enum err
store_key_by_id(struct db *db, uint64_t customer_id, uint64_t api_key_id,
    struct arena *a, struct key *ret, struct error *e)
{
	return db_one(db, STMT_KEY_BY_ID,
	    DB_IN(db_u64(api_key_id), DB_TWICE(db_id(customer_id))), a,
	    &store_key_map, ret, e);
}

enum err
store_key_by_public_id(struct db *db, struct str public_id, struct arena *a,
    struct key *ret, struct error *e)
{
	return db_one(db, STMT_KEY_BY_PUBLIC_ID, DB_IN(db_str(public_id)), a,
	    &store_key_map, ret, e);
}

enum err
store_key_models(struct db *db, uint64_t api_key_id, struct arena *a,
    uint64_t **ret_model_ids, size_t *ret_n, struct error *e)
{
	return db_all(db, STMT_KEY_MODELS, DB_IN(db_u64(api_key_id)), a,
	    &store_key_id_map, ret_model_ids, ret_n, e);
}

void
store_key_some(const uint64_t *ids, size_t n, struct db_val in[KEY_SOME_MAX])
{
	ASSERT(n >= 1 && n <= KEY_SOME_MAX);
	for (size_t i = 0; i < KEY_SOME_MAX; i++)
		in[i] = db_u64(ids[i < n ? i : n - 1]);
}
