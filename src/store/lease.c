/* SPDX-License-Identifier: MIT */
#include "store/lease.h"

struct kept_row {
	bool is_kept;
};
static const struct db_field kept_fields[] = {
	DB_FIELD(struct kept_row, is_kept, BOOL),
};
static const struct db_map kept_map = DB_MAP(struct kept_row, kept_fields);

struct take_arg {
	struct lease *l;
	uint64_t ttl_ms;
};

static enum err
take_txn(struct db *db, void *arg, struct error *e)
{
	const struct take_arg *t = arg;
	uint64_t n;
	enum err err = db_exec(db, STMT_LEASE_TAKE,
	    DB_IN(db_b16(t->l->holder), db_u64(t->ttl_ms), db_str(t->l->name)),
	    &n, e);

	if (err != OK)
		return err;
	if (n != 1)
		return error_set(e, ERR_CONFLICT,
		    "lease %" PRI_STR " is held by another process",
		    STR_ARG(t->l->name));
	return db_number(db, STMT_LEASE_FENCE,
	    DB_IN(db_str(t->l->name), db_b16(t->l->holder)), &t->l->fence, e);
}

enum err
store_lease_take(struct db *db, struct lease *l, uint64_t ttl_ms,
    struct error *e)
{
	struct take_arg arg = { l, ttl_ms };
	enum err err = db_exec(db, STMT_LEASE_MAKE,
	    DB_IN(db_str(l->name), db_b16(l->holder)), NULL, e);

	if (err != OK)
		return err;
	return db_atomic(db, take_txn, &arg, e);
}

enum err
store_lease_is_kept(struct db *db, struct str name, bool *ret, struct error *e)
{
	struct kept_row row;
	struct arena a;
	enum err err;

	arena_init(&a, KIB(4));
	err = db_one(db, STMT_LEASE_IS_KEPT, DB_IN(db_str(name)), &a, &kept_map,
	    &row, e);
	*ret = err == OK && row.is_kept;
	arena_fini(&a);
	if (err != ERR_NOT_FOUND)
		return err;
	error_clear(e);
	return OK;
}

enum err
store_lease_renew(struct db *db, const struct lease *l, uint64_t ttl_ms,
    struct error *e)
{
	uint64_t n;
	enum err err = db_exec(db, STMT_LEASE_RENEW,
	    DB_IN(db_u64(ttl_ms), db_str(l->name), db_b16(l->holder),
		db_u64(l->fence)),
	    &n, e);

	if (err == OK && n != 1)
		return error_set(e, ERR_CONFLICT, "lease %" PRI_STR " was lost",
		    STR_ARG(l->name));
	return err;
}

enum err
store_lease_release(struct db *db, const struct lease *l, struct error *e)
{
	return db_exec(db, STMT_LEASE_RELEASE,
	    DB_IN(db_str(l->name), db_b16(l->holder), db_u64(l->fence)), NULL,
	    e);
}

enum err
store_lease_check(struct db *db, const struct lease *l, struct error *e)
{
	uint64_t fence;
	enum err err = db_number(db, STMT_LEASE_CHECK,
	    DB_IN(db_str(l->name), db_b16(l->holder), db_u64(l->fence)), &fence,
	    e);

	if (err == ERR_NOT_FOUND)
		return error_set(e, ERR_CONFLICT, "lease %" PRI_STR " was lost",
		    STR_ARG(l->name));
	return err;
}
