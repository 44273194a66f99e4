/* SPDX-License-Identifier: MIT */
/* tollgate audit list */
#include "store/audit.h"

#include "admin/lookup.h"

#define LIST_ROWS 100 /* unless more are asked for */

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

/* filter: a struct audit_filter. */
static enum err
list_page(struct admin *ad, struct db *db, const void *filter,
    struct admin_page *p, struct error *e)
{
	struct newest_end end = { 0, 0 };
	struct audit *rows = NULL;
	enum err err = store_audit_page(db, 0, filter, p->after, p->limit,
	    AUDIT_SEARCH_MAX, admin_arena(ad), &rows, &p->n, &end, e);

	for (size_t i = 0; i < p->n && !err; i++)
		audit_rec(ad, &rows[i]);
	p->next = end.next_id;
	return err;
}

enum err
admin_audit_list(struct admin *ad, struct error *e)
{
	struct audit_filter f = { 0 };
	uint64_t limit = LIST_ROWS;
	enum err err = read_filter(ad, &f, e);

	if (!err)
		err = admin_opt_u64(ad, "limit", 1, INT64_MAX, &limit, e);
	return err ? err : admin_list_first(ad, list_page, &f, limit, e);
}
