/* SPDX-License-Identifier: MIT */
/* Keys that come, change and go. */
#include "store/key.h"

#include "store/limit.h"
#include "store/store_priv.h"

struct key_model {
	uint64_t api_key_id;
	uint64_t model_id;
};
static const struct db_field key_model_fields[] = {
	DB_FIELD(struct key_model, api_key_id, U64),
	DB_FIELD(struct key_model, model_id, U64),
};
static const struct db_map key_model_map = DB_MAP(struct key_model,
    key_model_fields);

static enum err
insert_models(struct db *db, uint64_t api_key_id, const uint64_t *model_ids,
    size_t n, struct error *e)
{
	enum err err = OK;

	for (size_t i = 0; err == OK && i < n; i++) {
		struct key_model row = { api_key_id, model_ids[i] };

		err = db_bulk(db, STMT_KEY_MODEL_INSERT, &key_model_map, &row,
		    1, e);
	}
	return err;
}

struct insert_arg {
	const struct key_new *k;
	uint64_t api_key_id;
};

static enum err
insert_txn(struct db *db, void *arg, struct error *e)
{
	struct insert_arg *i = arg;
	const struct key_new *k = i->k;
	uint64_t user_id = k->user_id;
	enum err err = OK;

	if (user_id == 0)
		err = store_user_owner_id(db, k->customer_id, &user_id, e);
	if (err != OK)
		return err;
	err = db_insert(db, STMT_KEY_INSERT,
	    DB_IN(db_u64(k->customer_id), db_u64(user_id), db_id(k->project_id),
		db_str(k->public_id), db_b32(k->digest), db_u64(k->pepper_id),
		db_str(k->name), db_u64(k->scopes), db_bool(k->all_models),
		db_str(k->allowed_ips), db_id(k->rate_limit_tier),
		DB_LIMIT_COLUMNS(&k->limits), db_time(k->expires_at_ms),
		db_bool(k->is_idempotent)),
	    &i->api_key_id, e);
	if (err == OK)
		err = store_limit_set(db,
		    (struct limit_holder){ .api_key_id = i->api_key_id },
		    &k->limits, e);
	if (err != OK)
		return err;
	return insert_models(db, i->api_key_id, k->model_ids, k->n_models, e);
}

enum err
store_key_insert(struct db *db, const struct key_new *k,
    uint64_t *ret_api_key_id, struct error *e)
{
	struct insert_arg arg = { .k = k };
	enum err err = db_atomic(db, insert_txn, &arg, e);

	if (err == OK)
		*ret_api_key_id = arg.api_key_id;
	return err;
}

/* A key as its row is locked for a change. */
struct key_lock {
	bool is_active;
	bool is_revoked;
	bool is_expired;
};
static const struct db_field lock_fields[] = {
	DB_FIELD(struct key_lock, is_active, BOOL),
	DB_FIELD(struct key_lock, is_revoked, BOOL),
	DB_FIELD(struct key_lock, is_expired, BOOL),
};
static const struct db_map lock_map = DB_MAP(struct key_lock, lock_fields);

/* Lock the key's row and look at it. */
static enum err
lock_key(struct db *db, uint64_t customer_id, uint64_t api_key_id,
    struct key_lock *ret, struct error *e)
{
	struct arena a;
	enum err err;

	arena_init(&a, KIB(4));
	err = db_one(db, STMT_KEY_LOCK,
	    DB_IN(db_u64(api_key_id), DB_TWICE(db_id(customer_id))), &a,
	    &lock_map, ret, e);
	arena_fini(&a);
	return err;
}

struct toggle_arg {
	uint64_t customer_id;
	uint64_t api_key_id;
	int want;
	bool is_active;
};

static enum err
toggle_txn(struct db *db, void *arg, struct error *e)
{
	struct toggle_arg *t = arg;
	struct key_lock lock;
	enum err err = lock_key(db, t->customer_id, t->api_key_id, &lock, e);

	if (err != OK)
		return err;
	if (lock.is_revoked || lock.is_expired)
		return error_set(e, ERR_CONFLICT, "the key is %s",
		    lock.is_revoked ? "revoked" : "expired");
	t->is_active = t->want < 0 ? !lock.is_active : t->want != 0;
	return store_change(db,
	    &(struct change){ .id = STMT_KEY_SET_ACTIVE,
		.in = DB_IN(db_bool(t->is_active), db_u64(t->api_key_id),
		    DB_TWICE(db_id(t->customer_id))),
		.slot = generation_key_slot(t->api_key_id) },
	    e);
}

enum err
store_key_toggle(struct db *db, uint64_t customer_id, uint64_t api_key_id,
    int want, bool *ret_is_active, struct error *e)
{
	struct toggle_arg arg = { customer_id, api_key_id, want, false };
	enum err err = db_atomic(db, toggle_txn, &arg, e);

	if (err == OK)
		*ret_is_active = arg.is_active;
	return err;
}

static enum err
revoke_txn(struct db *db, void *arg, struct error *e)
{
	const struct toggle_arg *t = arg;
	struct key_lock lock;
	enum err err = lock_key(db, t->customer_id, t->api_key_id, &lock, e);

	if (err != OK)
		return err;
	return store_change(db,
	    &(struct change){ .id = STMT_KEY_REVOKE,
		.in = DB_IN(db_u64(t->api_key_id),
		    DB_TWICE(db_id(t->customer_id))),
		.slot = generation_key_slot(t->api_key_id) },
	    e);
}

enum err
store_key_revoke(struct db *db, uint64_t customer_id, uint64_t api_key_id,
    struct error *e)
{
	struct toggle_arg arg = { customer_id, api_key_id, 0, false };

	return db_atomic(db, revoke_txn, &arg, e);
}

enum err
store_key_lock(struct db *db, uint64_t tenant, uint64_t api_key_id,
    struct error *e)
{
	struct key_lock lock;

	return lock_key(db, tenant, api_key_id, &lock, e);
}

static enum err
update_txn(struct db *db, void *arg, struct error *e)
{
	const struct key_update *u = arg;
	const struct key *k = u->key;
	enum err err = store_change(db,
	    &(struct change){ .id = STMT_KEY_UPDATE,
		.in = DB_IN(db_str(k->name), db_id(k->project_id),
		    db_u64(k->user_id), db_u64(k->scopes),
		    db_bool(k->all_models), db_str(k->allowed_ips),
		    db_id(k->rate_limit_tier), DB_LIMIT_COLUMNS(&k->limits),
		    db_bool(k->is_active), db_bool(k->is_idempotent),
		    DB_TWICE(db_time(k->expires_at_ms)), db_u64(k->api_key_id),
		    db_u64(k->customer_id)),
		.slot = generation_key_slot(k->api_key_id) },
	    e);

	if (!err)
		err = store_limit_set(db,
		    (struct limit_holder){ .api_key_id = k->api_key_id },
		    &k->limits, e);
	if (err || !u->sets_models)
		return err;
	err = db_exec(db, STMT_KEY_MODEL_DELETE, DB_IN(db_u64(k->api_key_id)),
	    NULL, e);
	return err ? err
		   : insert_models(db, k->api_key_id, u->model_ids, u->n_models,
			 e);
}

enum err
store_key_update(struct db *db, const struct key_update *u, struct error *e)
{
	struct key_update arg = *u;

	return db_atomic(db, update_txn, &arg, e);
}

enum err
store_key_rotate(struct db *db, const struct key_rotation *r, struct error *e)
{
	struct db_in now = DB_IN(db_str(r->public_id), db_b32(r->digest),
	    db_u64(r->pepper_id), db_u64(r->api_key_id),
	    db_u64(r->customer_id));
	struct db_in later = DB_IN(db_u64(r->grace_s), db_str(r->public_id),
	    db_b32(r->digest), db_u64(r->pepper_id), db_u64(r->api_key_id),
	    db_u64(r->customer_id));

	return store_change(db,
	    &(struct change){ .id = r->grace_s ? STMT_KEY_ROTATE
					       : STMT_KEY_ROTATE_NOW,
		.in = r->grace_s ? later : now,
		.slot = generation_key_slot(r->api_key_id) },
	    e);
}
