/* SPDX-License-Identifier: MIT */
#include "store/audit.h"

#include "store/store_priv.h"

const char *const audit_actor_names[AUDIT__N] = { "system", "command", "user",
	"api_key", "operator_key", "anonymous" };

static const struct db_field audit_fields[] = {
	DB_FIELD(struct audit, audit_id, U64),
	DB_FIELD_ENUM(struct audit, actor, audit_actor_names),
	DB_FIELD(struct audit, actor_id, ID),
	DB_FIELD(struct audit, customer_id, ID),
	DB_FIELD(struct audit, action, STR),
	DB_FIELD(struct audit, object, STR),
	DB_FIELD(struct audit, object_id, ID),
	DB_FIELD(struct audit, is_success, BOOL),
	DB_FIELD(struct audit, client_address, STR),
	DB_FIELD(struct audit, request_id, STR),
	DB_FIELD(struct audit, detail, STR),
	DB_FIELD(struct audit, created_at_ms, TIME),
};
static const struct db_map audit_map = DB_MAP(struct audit, audit_fields);

struct str
store_audit_detail(const struct audit *a, struct str changes,
    struct arena *arena)
{
	struct str own = a->detail;

	return own.p ? arena_printf(arena, "%.*s,%" PRI_STR, (int)own.n - 1,
			   own.p, STR_ARG(str_skip(changes, 1)))
		     : changes;
}

enum err
store_audit_insert(struct db *db, const struct audit *a, struct error *e)
{
	return db_exec(db, STMT_AUDIT_INSERT,
	    DB_IN(db_str(str_from(audit_actor_names[a->actor])),
		db_id(a->actor_id), db_id(a->customer_id), db_str(a->action),
		db_str(a->object), db_id(a->object_id), db_bool(a->is_success),
		db_str(a->client_address), db_str(a->request_id),
		db_str(a->detail)),
	    NULL, e);
}

enum err
store_audit_page(struct db *db, uint64_t tenant, const struct audit_filter *f,
    uint64_t before_id, uint64_t limit, struct arena *arena, struct audit **ret,
    size_t *ret_n, struct error *e)
{
	return db_all(db, STMT_AUDIT_PAGE,
	    DB_IN(DB_TWICE(db_id(tenant)), DB_TWICE(db_id(tenant)),
		DB_TWICE(db_id(f->customer_id)), DB_TWICE(db_str(f->actor)),
		DB_TWICE(db_str(f->action)), DB_TWICE(db_str(f->object)),
		DB_TWICE(db_id(f->object_id)), DB_TWICE(db_opt(f->is_success)),
		DB_TWICE(db_time(f->from_ms)), DB_TWICE(db_time(f->to_ms)),
		DB_TWICE(db_id(before_id)), db_u64(f->floor_id), db_u64(limit)),
	    arena, &audit_map, ret, ret_n, e);
}

enum err
store_audit_floor(struct db *db, uint64_t tenant, uint64_t before_id,
    uint64_t n_rows, uint64_t *ret_id, int64_t *ret_ms, struct error *e)
{
	static const struct db_field fields[] = {
		DB_FIELD(struct audit, audit_id, U64),
		DB_FIELD(struct audit, created_at_ms, TIME),
	};
	static const struct db_map map = DB_MAP(struct audit, fields);
	struct db_val before = db_u64(before_id ? before_id : INT64_MAX);
	struct db_val offset = db_u64(n_rows - 1);
	struct audit row = { 0 };
	struct arena a;
	enum err err;

	arena_init(&a, KIB(4));
	err = tenant ? db_one(db, STMT_AUDIT_FLOOR,
			   DB_IN(db_u64(tenant), before, offset), &a, &map,
			   &row, e)
		     : db_one(db, STMT_AUDIT_FLOOR_ALL, DB_IN(before, offset),
			   &a, &map, &row, e);
	arena_fini(&a);
	if (err && err != ERR_NOT_FOUND)
		return err;
	error_clear(e);
	*ret_id = row.audit_id;
	*ret_ms = row.created_at_ms;
	return OK;
}
