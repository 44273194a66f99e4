/* SPDX-License-Identifier: MIT */
#include "store/user.h"

#include "store/session.h"
#include "store/store_priv.h"
#include "store/user_link.h"

const char *const user_role_names[USER__N] = { "viewer", "developer", "billing",
	"owner", "operator" };

static const struct db_field user_fields[] = {
	DB_FIELD(struct user, user_id, U64),
	DB_FIELD(struct user, customer_id, ID),
	DB_FIELD(struct user, name, STR),
	DB_FIELD(struct user, email, STR),
	DB_FIELD_ENUM(struct user, role, user_role_names),
	DB_FIELD(struct user, password_hash, STR),
	DB_FIELD(struct user, rate_limit_tier, ID),
	DB_FIELD(struct user, tier_name, STR),
	DB_FIELD(struct user, time_zone, STR),
	DB_FIELD(struct user, is_active, BOOL),
	DB_FIELD(struct user, sign_in_failures, U64),
	DB_FIELD(struct user, sign_in_failed_at_ms, TIME),
	DB_FIELD(struct user, last_sign_in_at_ms, TIME),
	DB_FIELD(struct user, created_at_ms, TIME),
	DB_FIELD(struct user, archived_at_ms, TIME),
	DB_FIELD(struct user, customer_is_active, BOOL),
};
static const struct db_map user_map = DB_MAP(struct user, user_fields);

struct owner_row {
	uint64_t user_id;
};
static const struct db_field owner_fields[] = {
	DB_FIELD(struct owner_row, user_id, U64),
};
static const struct db_map owner_map = DB_MAP(struct owner_row, owner_fields);

enum err
store_user_insert(struct db *db, const struct user *u, uint64_t *ret_user_id,
    struct error *e)
{
	return db_insert(db, STMT_USER_INSERT,
	    DB_IN(db_id(u->customer_id), db_str(u->name), db_str(u->email),
		db_str(str_from(user_role_names[u->role])),
		db_str(u->password_hash), db_id(u->rate_limit_tier)),
	    ret_user_id, e);
}

enum err
store_user_by_id(struct db *db, uint64_t tenant, uint64_t user_id,
    struct arena *a, struct user *ret, struct error *e)
{
	return db_one(db, STMT_USER_BY_ID,
	    DB_IN(db_u64(user_id), DB_TWICE(db_id(tenant))), a, &user_map, ret,
	    e);
}

enum err
store_user_by_email(struct db *db, struct str email, struct arena *a,
    struct user *ret, struct error *e)
{
	return db_one(db, STMT_USER_BY_EMAIL, DB_IN(db_str(email)), a,
	    &user_map, ret, e);
}

enum err
store_user_owner_id(struct db *db, uint64_t customer_id, uint64_t *ret_user_id,
    struct error *e)
{
	struct owner_row row;
	struct arena a;
	enum err err;

	arena_init(&a, KIB(4));
	err = db_one(db, STMT_USER_OWNER, DB_IN(db_u64(customer_id)), &a,
	    &owner_map, &row, e);
	if (err == OK)
		*ret_user_id = row.user_id;
	arena_fini(&a);
	return err;
}

/* A change of one user that must exist. */
static enum err
change_user(struct db *db, enum stmt id, struct db_in in, struct error *e)
{
	uint64_t n;
	enum err err = db_exec(db, id, in, &n, e);

	if (err == OK && n == 0)
		return error_set(e, ERR_NOT_FOUND, "no such user");
	return err;
}

struct user_change {
	enum stmt id;
	struct db_in in;
	uint64_t user_id;
	bool ends_sessions;
	bool bumps; /* its customer's keys are cached with it */
	uint64_t customer_id;
};

static enum err
user_change_txn(struct db *db, void *arg, struct error *e)
{
	const struct user_change *c = arg;
	enum err err = change_user(db, c->id, c->in, e);

	if (!err && c->bumps)
		err = store_generation_bump(db,
		    generation_customer_slot(c->customer_id), e);
	if (err != OK || !c->ends_sessions)
		return err;
	err = store_session_delete_of_user(db, c->user_id, e);
	return err ? err : store_user_link_delete_of_user(db, c->user_id, e);
}

enum err
store_user_set_password(struct db *db, uint64_t user_id,
    struct str password_hash, struct error *e)
{
	struct user_change c = { .id = STMT_USER_SET_PASSWORD,
		.in = DB_IN(db_str(password_hash), db_u64(user_id)),
		.user_id = user_id,
		.ends_sessions = true };

	return db_atomic(db, user_change_txn, &c, e);
}

enum err
store_user_set_tier(struct db *db, const struct user *u, uint64_t tier_id,
    struct error *e)
{
	/* Keys are cached with their users' limits. */
	struct change change = { .id = STMT_USER_SET_TIER,
		.in = DB_IN(db_id(tier_id), db_u64(u->user_id)),
		.slot = generation_customer_slot(u->customer_id),
		.may_miss = true };

	return store_change(db, &change, e);
}

enum err
store_user_set_profile(struct db *db, uint64_t user_id, struct str name,
    struct str time_zone, struct error *e)
{
	return db_exec(db, STMT_USER_SET_PROFILE,
	    DB_IN(db_str(name), db_str(time_zone), db_u64(user_id)), NULL, e);
}

enum err
store_user_signed_in(struct db *db, uint64_t user_id, struct error *e)
{
	return change_user(db, STMT_USER_SIGNED_IN, DB_IN(db_u64(user_id)), e);
}

enum err
store_user_sign_in_failed(struct db *db, uint64_t user_id, struct error *e)
{
	return change_user(db, STMT_USER_SIGN_IN_FAILED, DB_IN(db_u64(user_id)),
	    e);
}

enum err
store_user_page(struct db *db, uint64_t tenant, const struct user_filter *f,
    uint64_t after_id, uint64_t limit, struct arena *a, struct user **ret,
    size_t *ret_n, struct error *e)
{
	return db_all(db, STMT_USER_PAGE,
	    DB_IN(DB_TWICE(db_id(tenant)), DB_TWICE(db_id(f->customer_id)),
		DB_TWICE(db_str(f->role)), DB_TWICE(db_str(f->email)),
		db_bool(f->with_archived), db_u64(after_id), db_u64(limit)),
	    a, &user_map, ret, ret_n, e);
}

enum err
store_user_lock(struct db *db, uint64_t tenant, uint64_t user_id,
    struct error *e)
{
	return store_lock(db, STMT_USER_LOCK,
	    DB_IN(db_u64(user_id), DB_TWICE(db_id(tenant))), e);
}

enum err
store_user_has_other_owner(struct db *db, uint64_t customer_id,
    uint64_t user_id, bool *ret, struct error *e)
{
	enum err err = store_lock(db, STMT_USER_OTHER_OWNER,
	    DB_IN(db_u64(customer_id), db_u64(user_id)), e);

	if (err && err != ERR_NOT_FOUND)
		return err;
	*ret = err == OK;
	error_clear(e);
	return OK;
}

static enum err
update_txn(struct db *db, void *arg, struct error *e)
{
	const struct user *u = arg;
	struct str role = str_from(user_role_names[u->role]);
	struct user_change c = { .id = STMT_USER_UPDATE,
		.in = DB_IN(db_str(u->name), db_str(role),
		    db_id(u->rate_limit_tier), db_bool(u->is_active),
		    db_u64(u->user_id), db_id(u->customer_id)),
		.bumps = true,
		.customer_id = u->customer_id };
	/* Before the row, which says what was. */
	enum err err = db_exec(db, STMT_SESSION_DELETE_CHANGED,
	    DB_IN(db_u64(u->user_id), db_str(role), db_bool(u->is_active)),
	    NULL, e);

	return err ? err : user_change_txn(db, &c, e);
}

enum err
store_user_update(struct db *db, const struct user *u, struct error *e)
{
	struct user arg = *u;

	return db_atomic(db, update_txn, &arg, e);
}

enum err
store_user_archive(struct db *db, const struct user *u, struct error *e)
{
	struct user_change c = { .id = STMT_USER_ARCHIVE,
		.in = DB_IN(db_u64(u->user_id), db_id(u->customer_id)),
		.user_id = u->user_id,
		.ends_sessions = true,
		.bumps = true,
		.customer_id = u->customer_id };

	return db_atomic(db, user_change_txn, &c, e);
}
