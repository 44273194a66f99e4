/* SPDX-License-Identifier: MIT */
/* Keys by the digests of their secrets, and the digests themselves. */
#include "store/key_priv.h"
#include "store/store_priv.h"

static const struct db_field auth_fields[] = {
	DB_FIELD(struct key_auth, api_key_id, U64),
	DB_FIELD(struct key_auth, customer_id, U64),
	DB_FIELD(struct key_auth, user_id, U64),
	DB_FIELD(struct key_auth, project_id, ID),
	DB_FIELD(struct key_auth, public_id, STR),
	DB_FIELD(struct key_auth, name, STR),
	DB_FIELD(struct key_auth, scopes, U64),
	DB_FIELD(struct key_auth, all_models, BOOL),
	DB_FIELD(struct key_auth, expires_at_ms, TIME),
	DB_FIELD(struct key_auth, customer_markup_ppm, PPM),
	DB_FIELD_ENUM(struct key_auth, user_role, user_role_names),
	DB_FIELD(struct key_auth, allowed_ips, STR),
	DB_FIELD(struct key_auth, is_idempotent, BOOL),
	KEY_LAYER_FIELDS(struct key_auth),
};
static const struct db_map auth_map = DB_MAP(struct key_auth, auth_fields);

/* What a digest leads to. */
struct key_found {
	uint64_t api_key_id;
	uint64_t customer_id;
	bool is_usable;
	bool is_previous;
};
static const struct db_field found_fields[] = {
	DB_FIELD(struct key_found, api_key_id, U64),
	DB_FIELD(struct key_found, customer_id, U64),
	DB_FIELD(struct key_found, is_usable, BOOL),
	DB_FIELD(struct key_found, is_previous, BOOL),
};
static const struct db_map found_map = DB_MAP(struct key_found, found_fields);

static enum err
key_auth(struct db *db, enum stmt id, const uint8_t digest[KEY_DIGEST_BYTES],
    struct arena *a, struct key_auth *ret, struct error *e)
{
	struct key_auth k = { 0 };
	enum err err = db_one(db, id, DB_IN(db_b32(digest)), a, &auth_map, &k,
	    e);

	if (err == OK && !k.all_models)
		err = store_key_models(db, k.api_key_id, a, &k.model_ids,
		    &k.n_models, e);
	if (err == OK)
		*ret = k;
	return err;
}

enum err
store_key_by_digest(struct db *db, const uint8_t digest[KEY_DIGEST_BYTES],
    struct arena *a, struct key_auth *ret, struct error *e)
{
	struct key_found k;
	enum err err = db_one(db, STMT_KEY_FIND,
	    DB_IN(DB_TWICE(db_b32(digest))), a, &found_map, &k, e);

	if (err)
		return err;
	if (k.is_usable)
		return key_auth(db,
		    k.is_previous ? STMT_KEY_BY_PREVIOUS : STMT_KEY_BY_DIGEST,
		    digest, a, ret, e);
	*ret = (struct key_auth){
		.api_key_id = k.api_key_id,
		.customer_id = k.customer_id,
		.is_refused = true,
	};
	return OK;
}

struct key_digest {
	uint8_t bytes[KEY_DIGEST_BYTES];
};
static const struct db_field digest_fields[] = {
	DB_FIELD(struct key_digest, bytes, B32),
};
static const struct db_map digest_map = DB_MAP(struct key_digest,
    digest_fields);

enum err
store_key_digest(struct db *db, uint64_t customer_id, uint64_t api_key_id,
    struct arena *a, uint8_t ret[KEY_DIGEST_BYTES], struct error *e)
{
	struct key_digest d;
	enum err err = db_one(db, STMT_KEY_DIGEST,
	    DB_IN(db_u64(api_key_id), db_u64(customer_id)), a, &digest_map, &d,
	    e);

	if (!err)
		memcpy(ret, d.bytes, KEY_DIGEST_BYTES);
	return err;
}

enum err
store_key_rehash(struct db *db, bool is_operator,
    const uint8_t was[KEY_DIGEST_BYTES], const uint8_t is[KEY_DIGEST_BYTES],
    uint64_t pepper_id, struct error *e)
{
	struct db_in in = DB_IN(db_b32(is), db_u64(pepper_id), db_b32(was),
	    db_u64(pepper_id));
	uint64_t n = 0;
	enum err err;

	if (is_operator)
		return db_exec(db, STMT_OPERATOR_KEY_REHASH, in, &n, e);
	err = db_exec(db, STMT_KEY_REHASH, in, &n, e);
	if (!err && n == 0)
		err = db_exec(db, STMT_KEY_REHASH_PREVIOUS, in, &n, e);
	return err;
}

enum err
store_key_count_other(struct db *db, uint64_t pepper_id, uint64_t *ret,
    struct error *e)
{
	struct arena a;
	enum err err;

	arena_init(&a, KIB(4));
	err = db_one(db, STMT_KEY_COUNT_OTHER,
	    DB_IN(db_u64(pepper_id), db_u64(pepper_id), db_u64(pepper_id)), &a,
	    &store_key_id_map, ret, e);
	arena_fini(&a);
	return err;
}
