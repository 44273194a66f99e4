/* SPDX-License-Identifier: MIT */
/* tollgate audit list */
#include "store/audit.h"

#include "admin/lookup.h"

#define LIST_DEFAULT 100
#define LIST_MAX     10000

const struct admin_option admin_audit_list_options[] = {
	{ "customer", "ID|EMAIL", "What concerns that customer.", false },
	{ "action", "ACTION", "Such as key.revoke.", false },
	{ "object", "KIND", "Such as api_key.", false },
	{ "id", "N", "The object's number.", false },
	{ "actor", "KIND",
	    "Done by system, command, user, api_key, operator_key or anonymous.",
	    false },
	{ "failed", NULL, "Only what did not succeed.", false },
	{ "succeeded", NULL, "Only what did.", false },
	{ "from", "TIME", "At or after.", false },
	{ "before", "TIME", "Before.", false },
	{ "limit", "N", "The newest so many (100).", false },
	ADMIN_OPTIONS_END,
};

static void
audit_rec(struct admin *ad, const struct audit *a)
{
	admin_rec(ad);
	admin_u64(ad, "id", a->audit_id);
	admin_time(ad, "created_at", a->created_at_ms);
	admin_str(ad, "actor", str_from(audit_actor_names[a->actor]));
	admin_count(ad, "actor_id", a->actor_id ? (int64_t)a->actor_id : -1);
	admin_count(ad, "customer_id",
	    a->customer_id ? (int64_t)a->customer_id : -1);
	admin_str(ad, "action", a->action);
	admin_str(ad, "object", a->object);
	admin_count(ad, "object_id", a->object_id ? (int64_t)a->object_id : -1);
	admin_bool(ad, "is_success", a->is_success);
	admin_str(ad, "client_address", a->client_address);
	admin_str(ad, "request_id", a->request_id);
	admin_number(ad, "detail",
	    a->detail.p ? arena_cstr(admin_arena(ad), a->detail) : NULL);
}

static enum err
read_filter(struct admin *ad, struct audit_filter *f, struct error *e)
{
	struct customer c = { 0 };
	unsigned actor = 0;
	enum err err = admin_has(ad, "customer")
			   ? lookup_customer(ad, admin_opt(ad, "customer"), &c,
				 e)
			   : OK;

	f->customer_id = c.customer_id;
	f->action = admin_opt(ad, "action");
	f->object = admin_opt(ad, "object");
	f->actor = admin_opt(ad, "actor");
	f->is_success = admin_has(ad, "failed")      ? 0
			: admin_has(ad, "succeeded") ? 1
						     : -1;
	if (!err && admin_has(ad, "failed") && admin_has(ad, "succeeded"))
		return admin_usage(e,
		    "--failed and --succeeded exclude another");
	if (!err)
		err = admin_opt_enum(ad, "actor", audit_actor_names, AUDIT__N,
		    &actor, e);
	if (!err)
		err = admin_opt_u64(ad, "id", 1, INT64_MAX, &f->object_id, e);
	if (!err)
		err = admin_opt_time(ad, "from", &f->from_ms, e);
	return err ? err : admin_opt_time(ad, "before", &f->to_ms, e);
}

enum err
admin_audit_list(struct admin *ad, struct error *e)
{
	struct audit_filter f = { 0 };
	struct newest_end end;
	struct audit *rows = NULL;
	uint64_t limit = LIST_DEFAULT;
	struct db *db;
	size_t n = 0;
	enum err err = read_filter(ad, &f, e);

	if (!err)
		err = admin_opt_u64(ad, "limit", 1, LIST_MAX, &limit, e);
	if (!err)
		err = admin_db(ad, &db, e);
	if (!err)
		err = store_audit_page(db, 0, &f, 0, limit, 0, admin_arena(ad),
		    &rows, &n, &end, e);
	admin_list(ad);
	for (size_t i = 0; i < n && !err; i++)
		audit_rec(ad, &rows[i]);
	return err;
}
