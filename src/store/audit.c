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

/* ---- pages ---- */

/* Whether the index leads to nothing else: one thing is asked for. */
static bool
is_exact(uint64_t tenant, const struct audit_filter *f)
{
	bool is_of_thing = f->object.p && f->object_id;
	int n = (tenant != 0) +
		(f->customer_id != 0 && f->customer_id != tenant) +
		(f->action.p != NULL) + is_of_thing;

	if (f->actor.p || f->is_success >= 0)
		return false;
	if (!is_of_thing && (f->object.p || f->object_id))
		return false;
	return n <= 1;
}

/* Led by what is narrowest: a thing is one customer's, if anybody's. */
static struct newest
list_of(uint64_t tenant, const struct audit_filter *f, enum stmt *ret_page)
{
	uint64_t customer_id = tenant ? tenant : f->customer_id;
	struct newest l = { .tenant = tenant,
		.reach = STMT_AUDIT_REACH_ALL,
		.is_exact = is_exact(tenant, f),
		.from_ms = f->from_ms,
		.to_ms = f->to_ms };

	*ret_page = STMT_AUDIT_PAGE_ALL;
	if (f->object.p && f->object_id) {
		*ret_page = STMT_AUDIT_PAGE_OBJECT;
		l.reach = STMT_AUDIT_REACH_OBJECT;
		l.lead[l.n_lead++] = db_str(f->object);
		l.lead[l.n_lead++] = db_u64(f->object_id);
	} else if (customer_id) {
		*ret_page = STMT_AUDIT_PAGE_CUSTOMER;
		l.reach = STMT_AUDIT_REACH_CUSTOMER;
		l.lead[l.n_lead++] = db_u64(customer_id);
	} else if (f->action.p) {
		*ret_page = STMT_AUDIT_PAGE_ACTION;
		l.reach = STMT_AUDIT_REACH_ACTION;
		l.lead[l.n_lead++] = db_str(f->action);
	}
	return l;
}

enum err
store_audit_page(struct db *db, uint64_t tenant, const struct audit_filter *f,
    uint64_t before_id, uint64_t limit, uint64_t look_max, struct arena *arena,
    struct audit **ret, size_t *ret_n, struct newest_end *ret_end,
    struct error *e)
{
	const struct db_val filters[] = { DB_TWICE(db_id(tenant)),
		DB_TWICE(db_id(f->customer_id)), DB_TWICE(db_str(f->actor)),
		DB_TWICE(db_str(f->action)), DB_TWICE(db_str(f->object)),
		DB_TWICE(db_id(f->object_id)), DB_TWICE(db_opt(f->is_success)),
		db_u64(limit) };
	struct db_val hides = db_id(tenant);
	struct newest_in in = { .n = 0 };
	struct newest_end reach;
	enum stmt page;
	struct newest l = list_of(tenant, f, &page);
	enum err err;

	l.before_id = before_id;
	l.look_max = look_max;
	err = store_newest_reach(db, &l, arena, &reach, e);
	if (err)
		return err;
	store_newest_add(&in, &hides, 1);
	store_newest_add(&in, &hides, 1);
	store_newest_add_span(&in, &l, &reach.next_id);
	store_newest_add(&in, filters, ARRAY_LEN(filters));
	err = db_all(db, page, (struct db_in){ in.v, in.n }, arena, &audit_map,
	    ret, ret_n, e);
	if (!err)
		*ret_end = store_newest_end(reach,
		    limit > 0 && *ret_n == limit ? (*ret)[limit - 1].audit_id
						 : 0);
	return err;
}
