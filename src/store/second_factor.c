/* SPDX-License-Identifier: MIT */
#include "store/second_factor.h"

#include "store/store_priv.h"

static const struct db_field factor_fields[] = {
	DB_FIELD(struct second_factor, sealed, BYTES),
	DB_FIELD(struct second_factor, used_step, U64),
	DB_FIELD(struct second_factor, is_confirmed, BOOL),
	DB_FIELD(struct second_factor, n_recovery_codes, U64),
};
static const struct db_map factor_map = DB_MAP(struct second_factor,
    factor_fields);

static const struct db_field user_fields[] = {
	DB_FIELD(struct factor_user, user_id, U64),
};
static const struct db_map user_map = DB_MAP(struct factor_user, user_fields);

/* A change that must meet a row. */
static enum err
must_change(struct db *db, enum stmt id, struct db_in in, enum err otherwise,
    struct error *e)
{
	uint64_t n;
	enum err err = db_exec(db, id, in, &n, e);

	if (!err && n == 0)
		return error_set(e, otherwise, "no such row");
	return err;
}

enum err
store_factor_by_user(struct db *db, uint64_t user_id, struct arena *a,
    struct second_factor *ret, struct error *e)
{
	return db_one(db, STMT_FACTOR_BY_USER, DB_IN(db_u64(user_id)), a,
	    &factor_map, ret, e);
}

enum err
store_factor_lock(struct db *db, uint64_t user_id, struct error *e)
{
	return store_lock(db, STMT_FACTOR_LOCK, DB_IN(db_u64(user_id)), e);
}

enum err
store_factor_put(struct db *db, uint64_t user_id, struct str sealed,
    uint64_t seal_key_id, struct error *e)
{
	return db_exec(db, STMT_FACTOR_PUT,
	    DB_IN(db_u64(user_id), db_bytes(sealed), db_u64(seal_key_id)), NULL,
	    e);
}

enum err
store_factor_take_step(struct db *db, uint64_t user_id, uint64_t step,
    struct error *e)
{
	return must_change(db, STMT_FACTOR_TAKE_STEP,
	    DB_IN(db_u64(step), db_u64(user_id), db_u64(step)), ERR_CONFLICT,
	    e);
}

enum err
store_factor_confirm(struct db *db, uint64_t user_id, struct error *e)
{
	return must_change(db, STMT_FACTOR_CONFIRM, DB_IN(db_u64(user_id)),
	    ERR_CONFLICT, e);
}

enum err
store_factor_reseal(struct db *db, uint64_t user_id, struct str sealed,
    uint64_t seal_key_id, struct error *e)
{
	return db_exec(db, STMT_FACTOR_RESEAL,
	    DB_IN(db_bytes(sealed), db_u64(seal_key_id), db_u64(user_id)), NULL,
	    e);
}

static enum err
delete_txn(struct db *db, void *arg, struct error *e)
{
	const uint64_t *user_id = arg;
	struct db_in in = DB_IN(db_u64(*user_id));
	enum err err = must_change(db, STMT_FACTOR_DELETE, in, ERR_NOT_FOUND,
	    e);

	return err ? err : db_exec(db, STMT_RECOVERY_DELETE, in, NULL, e);
}

enum err
store_factor_delete(struct db *db, uint64_t user_id, struct error *e)
{
	return db_atomic(db, delete_txn, &user_id, e);
}

enum err
store_factor_users(struct db *db, uint64_t after_id, uint64_t limit,
    struct arena *a, struct factor_user **ret, size_t *ret_n, struct error *e)
{
	return db_all(db, STMT_FACTOR_USERS,
	    DB_IN(db_u64(after_id), db_u64(limit)), a, &user_map, ret, ret_n,
	    e);
}

enum err
store_recovery_insert(struct db *db, uint64_t user_id,
    const uint8_t digest[RECOVERY_DIGEST_BYTES], struct error *e)
{
	return db_exec(db, STMT_RECOVERY_INSERT,
	    DB_IN(db_u64(user_id), db_b32(digest)), NULL, e);
}

enum err
store_recovery_take(struct db *db, uint64_t user_id,
    const uint8_t digest[RECOVERY_DIGEST_BYTES], struct error *e)
{
	return must_change(db, STMT_RECOVERY_TAKE,
	    DB_IN(db_u64(user_id), db_b32(digest)), ERR_NOT_FOUND, e);
}
