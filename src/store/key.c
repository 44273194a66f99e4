/* SPDX-License-Identifier: MIT */
#include "store/key.h"

#include "store/limit.h"
#include "store/store_priv.h"
#include "store/user.h"

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
static const struct db_map key_map = DB_MAP(struct key, key_fields);

#define LAYER_FIELDS(S)                                 \
 DB_FIELD(S, layers[KEY_LIMITS_OWN], LIMITS),           \
     DB_FIELD(S, layers[KEY_LIMITS_TIER], LIMITS),      \
     DB_FIELD(S, layers[KEY_LIMITS_USER_TIER], LIMITS), \
     DB_FIELD(S, layers[KEY_LIMITS_ROLE_TIER], LIMITS), \
     DB_FIELD(S, layers[KEY_LIMITS_CUSTOMER], LIMITS)
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
	LAYER_FIELDS(struct key_auth),
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

static const struct db_field limits_fields[] = {
	DB_FIELD(struct key_limits, api_key_id, U64),
	LAYER_FIELDS(struct key_limits),
};
static const struct db_map limits_map = DB_MAP(struct key_limits,
    limits_fields);

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

/* Rows of one number, read as an array of uint64_t. */
static const struct db_field id_fields[] = { { .type = DB_U64 } };
static const struct db_map id_map = DB_MAP(uint64_t, id_fields);

static const struct db_field use_fields[] = {
	DB_FIELD(struct key_use, api_key_id, U64),
	DB_FIELD(struct key_use, last_used_at_ms, TIME),
};
static const struct db_map use_map = DB_MAP(struct key_use, use_fields);

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

enum err
store_key_models(struct db *db, uint64_t api_key_id, struct arena *a,
    uint64_t **ret_model_ids, size_t *ret_n, struct error *e)
{
	return db_all(db, STMT_KEY_MODELS, DB_IN(db_u64(api_key_id)), a,
	    &id_map, ret_model_ids, ret_n, e);
}

enum err
store_key_limits(struct db *db, uint64_t customer_id, uint64_t api_key_id,
    uint64_t limit, struct arena *a, struct key_limits **ret, size_t *ret_n,
    struct error *e)
{
	if (api_key_id)
		return db_all(db, STMT_KEY_LIMITS_ONE,
		    DB_IN(db_u64(api_key_id), db_u64(customer_id)), a,
		    &limits_map, ret, ret_n, e);
	return db_all(db, STMT_KEY_LIMITS,
	    DB_IN(db_u64(customer_id), db_u64(limit)), a, &limits_map, ret,
	    ret_n, e);
}

/* A statement has a fixed number of parameters: the last is repeated. */
static void
some_ids(const uint64_t *ids, size_t n, struct db_val in[KEY_SOME_MAX])
{
	ASSERT(n >= 1 && n <= KEY_SOME_MAX);
	for (size_t i = 0; i < KEY_SOME_MAX; i++)
		in[i] = db_u64(ids[i < n ? i : n - 1]);
}

enum err
store_key_limits_some(struct db *db, uint64_t customer_id, const uint64_t *ids,
    size_t n, struct arena *a, struct key_limits **ret, size_t *ret_n,
    struct error *e)
{
	struct db_val in[1 + KEY_SOME_MAX] = { db_u64(customer_id) };

	some_ids(ids, n, in + 1);
	return db_all(db, STMT_KEY_LIMITS_SOME,
	    (struct db_in){ in, ARRAY_LEN(in) }, a, &limits_map, ret, ret_n, e);
}

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
store_key_by_id(struct db *db, uint64_t customer_id, uint64_t api_key_id,
    struct arena *a, struct key *ret, struct error *e)
{
	return db_one(db, STMT_KEY_BY_ID,
	    DB_IN(db_u64(api_key_id), DB_TWICE(db_id(customer_id))), a,
	    &key_map, ret, e);
}

enum err
store_key_by_public_id(struct db *db, struct str public_id, struct arena *a,
    struct key *ret, struct error *e)
{
	return db_one(db, STMT_KEY_BY_PUBLIC_ID, DB_IN(db_str(public_id)), a,
	    &key_map, ret, e);
}

/* Whether the time of creation is what leads to few keys. */
static bool
is_by_creation(uint64_t tenant, const struct key_filter *f)
{
	return !tenant && !f->customer_id && !f->project_id && !f->user_id &&
	       !f->name.p && !f->prefix.p &&
	       (f->created_from_ms || f->created_to_ms);
}

#define FILTER_VALUES(tenant, f)                                            \
 DB_TWICE(db_id(tenant)), DB_TWICE(db_id((f)->customer_id)),                \
     DB_TWICE(db_id((f)->project_id)), DB_TWICE(db_id((f)->user_id)),       \
     DB_TWICE(db_str((f)->name)), DB_TWICE(db_str((f)->prefix)),            \
     DB_TWICE(db_str((f)->tier)), DB_TWICE(db_id((f)->model_id)),           \
     db_id((f)->state), DB_TWICE(db_id((f)->state)),                        \
     DB_TWICE(db_id((f)->state)), db_u64((f)->scopes), db_u64((f)->scopes), \
     DB_TWICE(db_time((f)->last_used_from_ms)),                             \
     DB_TWICE(db_time((f)->last_used_to_ms)),                               \
     DB_TWICE(db_time((f)->expires_to_ms)),                                 \
     DB_TWICE(db_time((f)->created_from_ms)),                               \
     DB_TWICE(db_time((f)->created_to_ms))

/* So many characters of a public id are few keys'. */
#define PREFIX_LONG 4

/* Whether what leads to the keys may lead to others: not if nothing is asked
 * for but whose they are, or one thing alone that has an index. */
static bool
is_searched(uint64_t tenant, const struct key_filter *f)
{
	/* One index leads to a customer's, a project's or a user's. */
	unsigned n_of = f->project_id && f->user_id ? 2
			: tenant || f->customer_id || f->project_id ||
				f->user_id
			    ? 1
			    : 0;
	bool is_created = f->created_from_ms || f->created_to_ms;

	if (f->prefix.n >= PREFIX_LONG)
		return false;
	if (f->prefix.p || f->tier.p || f->model_id || f->state || f->scopes ||
	    f->last_used_from_ms || f->last_used_to_ms || f->expires_to_ms)
		return true;
	return n_of + is_created + (f->name.p != NULL) > 1;
}

/* The last key that may be looked at; 0: all may. */
static enum err
bound(struct db *db, uint64_t tenant, const struct key_filter *f,
    uint64_t after_id, struct arena *a, uint64_t *ret_last, struct error *e)
{
	enum err err;

	*ret_last = 0;
	if (!is_searched(tenant, f))
		return OK;
	if (is_by_creation(tenant, f))
		err = db_one(db, STMT_KEY_REACH_CREATED,
		    DB_IN(DB_TWICE(db_time(f->created_from_ms)),
			DB_TWICE(db_time(f->created_to_ms)), db_u64(after_id),
			db_u64(after_id), db_u64(after_id),
			db_u64(KEY_SEARCH_MAX - 1)),
		    a, &id_map, ret_last, e);
	else
		err = db_one(db, STMT_KEY_REACH,
		    DB_IN(DB_TWICE(db_id(tenant)),
			DB_TWICE(db_id(f->customer_id)),
			DB_TWICE(db_id(f->project_id)),
			DB_TWICE(db_id(f->user_id)), db_u64(after_id),
			db_u64(KEY_SEARCH_MAX - 1)),
		    a, &id_map, ret_last, e);
	if (err != ERR_NOT_FOUND)
		return err;
	error_clear(e);
	return OK;
}

enum err
store_key_page(struct db *db, uint64_t tenant, const struct key_filter *f,
    uint64_t after_id, uint64_t limit, struct arena *a, struct key **ret,
    size_t *ret_n, uint64_t *ret_next, struct error *e)
{
	uint64_t last_id;
	enum err err = bound(db, tenant, f, after_id, a, &last_id, e);

	if (err)
		return err;
	if (is_by_creation(tenant, f))
		err = db_all(db, STMT_KEY_PAGE_CREATED,
		    DB_IN(FILTER_VALUES(tenant, f), db_u64(after_id),
			db_u64(after_id), db_u64(after_id),
			DB_TWICE(db_id(last_id)), DB_TWICE(db_id(last_id)),
			db_u64(limit)),
		    a, &key_map, ret, ret_n, e);
	else
		err = db_all(db, STMT_KEY_PAGE,
		    DB_IN(FILTER_VALUES(tenant, f), db_u64(after_id),
			DB_TWICE(db_id(last_id)), db_u64(limit)),
		    a, &key_map, ret, ret_n, e);
	if (!err)
		*ret_next = limit > 0 && *ret_n == limit
				? (*ret)[limit - 1].api_key_id
				: last_id;
	return err;
}

enum err
store_key_first(struct db *db, uint64_t tenant, const struct key_filter *f,
    uint64_t limit, struct arena *a, struct key **ret, size_t *ret_n,
    uint64_t *ret_next, struct error *e)
{
	uint64_t after_id = 0;
	enum err err;

	do {
		err = store_key_page(db, tenant, f, after_id, limit, a, ret,
		    ret_n, &after_id, e);
	} while (!err && *ret_n == 0 && after_id);
	*ret_next = after_id;
	return err;
}

enum err
store_key_ending(struct db *db, uint64_t customer_id, int64_t to_ms,
    uint64_t limit, struct arena *a, struct key **ret, size_t *ret_n,
    struct error *e)
{
	return db_all(db, STMT_KEY_ENDING,
	    DB_IN(db_u64(customer_id), db_time(to_ms), db_u64(limit)), a,
	    &key_map, ret, ret_n, e);
}

enum err
store_key_unrevoked(struct db *db, uint64_t tenant, const struct key_filter *f,
    uint64_t limit, struct arena *a, uint64_t **ret_ids, size_t *ret_n,
    struct error *e)
{
	return db_all(db, STMT_KEY_UNREVOKED,
	    DB_IN(DB_TWICE(db_id(tenant)), DB_TWICE(db_id(f->customer_id)),
		DB_TWICE(db_id(f->project_id)), DB_TWICE(db_id(f->user_id)),
		db_u64(limit)),
	    a, &id_map, ret_ids, ret_n, e);
}

enum err
store_key_expiring(struct db *db, uint64_t within_s, uint64_t limit,
    struct arena *a, struct key **ret, size_t *ret_n, struct error *e)
{
	return db_all(db, STMT_KEY_EXPIRING,
	    DB_IN(db_u64(within_s), db_u64(limit)), a, &key_map, ret, ret_n, e);
}

enum err
store_key_noticed(struct db *db, uint64_t api_key_id, bool *ret_first,
    struct error *e)
{
	uint64_t n = 0;
	enum err err = db_exec(db, STMT_KEY_NOTICED, DB_IN(db_u64(api_key_id)),
	    &n, e);

	*ret_first = n > 0;
	return err;
}

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
store_key_touch(struct db *db, const struct key_use *uses, size_t n,
    struct error *e)
{
	return db_bulk(db, STMT_KEY_TOUCH, &use_map, uses, n, e);
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
	    &id_map, ret, e);
	arena_fini(&a);
	return err;
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

	some_ids(ids, n, in + 2);
	return db_all(db, STMT_KEY_COSTS_SOME,
	    (struct db_in){ in, ARRAY_LEN(in) }, a, &cost_map, ret, ret_n, e);
}
