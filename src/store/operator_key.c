/* SPDX-License-Identifier: MIT */
#include "store/operator_key.h"

#include "store/store_priv.h"

static const struct db_field operator_key_fields[] = {
	DB_FIELD(struct operator_key, operator_key_id, U64),
	DB_FIELD(struct operator_key, public_id, STR),
	DB_FIELD(struct operator_key, name, STR),
	DB_FIELD(struct operator_key, is_active, BOOL),
	DB_FIELD(struct operator_key, expires_at_ms, TIME),
	DB_FIELD(struct operator_key, revoked_at_ms, TIME),
	DB_FIELD(struct operator_key, last_used_at_ms, TIME),
	DB_FIELD(struct operator_key, created_at_ms, TIME),
};
static const struct db_map operator_key_map = DB_MAP(struct operator_key,
    operator_key_fields);

enum err
store_operator_key_insert(struct db *db, const struct operator_key_new *k,
    uint64_t *ret_operator_key_id, struct error *e)
{
	return db_insert(db, STMT_OPERATOR_KEY_INSERT,
	    DB_IN(db_str(k->public_id), db_b32(k->digest), db_u64(k->pepper_id),
		db_str(k->name), db_time(k->expires_at_ms)),
	    ret_operator_key_id, e);
}

enum err
store_operator_key_by_digest(struct db *db,
    const uint8_t digest[KEY_DIGEST_BYTES], struct arena *a,
    struct operator_key *ret, struct error *e)
{
	return db_one(db, STMT_OPERATOR_KEY_BY_DIGEST, DB_IN(db_b32(digest)), a,
	    &operator_key_map, ret, e);
}

enum err
store_operator_key_by_id(struct db *db, uint64_t operator_key_id,
    struct arena *a, struct operator_key *ret, struct error *e)
{
	return db_one(db, STMT_OPERATOR_KEY_BY_ID,
	    DB_IN(db_u64(operator_key_id)), a, &operator_key_map, ret, e);
}

enum err
store_operator_key_lock(struct db *db, uint64_t operator_key_id,
    struct error *e)
{
	return store_lock(db, STMT_OPERATOR_KEY_LOCK,
	    DB_IN(db_u64(operator_key_id)), e);
}

enum err
store_operator_key_list(struct db *db, struct arena *a,
    struct operator_key **ret, size_t *ret_n, struct error *e)
{
	return db_all(db, STMT_OPERATOR_KEY_LIST, DB_IN_NONE, a,
	    &operator_key_map, ret, ret_n, e);
}

enum err
store_operator_key_revoke(struct db *db, uint64_t operator_key_id,
    struct error *e)
{
	struct change change = { .id = STMT_OPERATOR_KEY_REVOKE,
		.in = DB_IN(db_u64(operator_key_id)),
		.slot = generation_key_slot(operator_key_id) };

	return store_change(db, &change, e);
}

enum err
store_operator_key_touch(struct db *db, uint64_t operator_key_id,
    struct error *e)
{
	return db_exec(db, STMT_OPERATOR_KEY_TOUCH,
	    DB_IN(db_u64(operator_key_id)), NULL, e);
}
