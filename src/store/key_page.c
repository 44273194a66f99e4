/* SPDX-License-Identifier: MIT */
/* Keys in lists: what is looked for, and how far one page looks. */
#include "store/key_priv.h"
#include "store/store_priv.h"

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
		    a, &store_key_id_map, ret_last, e);
	else
		err = db_one(db, STMT_KEY_REACH,
		    DB_IN(DB_TWICE(db_id(tenant)),
			DB_TWICE(db_id(f->customer_id)),
			DB_TWICE(db_id(f->project_id)),
			DB_TWICE(db_id(f->user_id)), db_u64(after_id),
			db_u64(KEY_SEARCH_MAX - 1)),
		    a, &store_key_id_map, ret_last, e);
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
		    a, &store_key_map, ret, ret_n, e);
	else
		err = db_all(db, STMT_KEY_PAGE,
		    DB_IN(FILTER_VALUES(tenant, f), db_u64(after_id),
			DB_TWICE(db_id(last_id)), db_u64(limit)),
		    a, &store_key_map, ret, ret_n, e);
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
	    &store_key_map, ret, ret_n, e);
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
	    a, &store_key_id_map, ret_ids, ret_n, e);
}

enum err
store_key_expiring(struct db *db, uint64_t within_s, uint64_t limit,
    struct arena *a, struct key **ret, size_t *ret_n, struct error *e)
{
	return db_all(db, STMT_KEY_EXPIRING,
	    DB_IN(db_u64(within_s), db_u64(limit)), a, &store_key_map, ret,
	    ret_n, e);
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
