/* SPDX-License-Identifier: MIT */
/* Rows as the API shows them, and who changes them by command. */
#include "base/clock.h"
#include "domain/resource.h"

#include "admin/admin_priv.h"

enum err
admin_manager(struct admin *ad, struct manager *ret, struct error *e)
{
	*ret = (struct manager){
		.map = admin_map(ad),
		.now_ms = clock_now_ms(),
		.audit = { .actor = AUDIT_COMMAND,
		    .detail = admin_account(ad) },
	};
	return admin_db(ad, &ret->db, e);
}

static void
record_member(struct admin *ad, const struct record_member *m, const void *row)
{
	struct str json;

	if (m->kind == RECORD_GROUP) {
		for (unsigned i = 0; i < m->n_members; i++)
			record_member(ad, &m->members[i], row);
		return;
	}
	json = record_value(m, row, &ad->arena);
	/* A string without its quotes, unless there is something to unescape,
	 * which a terminal should not do. */
	if (json.n >= 2 && json.p[0] == '"')
		admin_str(ad, m->name, record_text(m, row, &ad->arena));
	else if (str_eq(json, S("null")))
		admin_number(ad, m->name, NULL);
	else
		admin_number(ad, m->name, arena_cstr(&ad->arena, json));
}

void
admin_record(struct admin *ad, const struct record_type *t, const void *row)
{
	admin_rec(ad);
	for (size_t i = 0; i < t->n_members; i++)
		record_member(ad, &t->members[i], row);
}

/* ---- changes, for the audit log ---- */

static enum err
load_row(struct admin *ad, const struct resource *r, uint64_t id, void **ret,
    struct error *e)
{
	struct manager m;
	enum err err = admin_manager(ad, &m, e);

	*ret = arena_alloc(&ad->arena, r->record->row_bytes);
	if (!err && !*ret)
		return error_arena(e, &ad->arena);
	return err ? err : resource_load(r, &m, id, &ad->arena, *ret, e);
}

enum err
admin_watch(struct admin *ad, const struct resource *r, uint64_t id,
    struct admin_watch *ret, struct error *e)
{
	*ret = (struct admin_watch){ .r = r };
	return id ? load_row(ad, r, id, &ret->before, e) : OK;
}

enum err
admin_audit_change(struct admin *ad, const struct admin_watch *w,
    const char *verb, uint64_t id, uint64_t customer_id, struct error *e)
{
	struct str account = admin_account(ad), changes;
	struct audit a = {
		.actor = AUDIT_COMMAND,
		.customer_id = customer_id,
		.object = str_from(w->r->record->object),
		.object_id = id,
		.is_success = true,
	};
	void *after;
	struct db *db;
	enum err err = load_row(ad, w->r, id, &after, e);

	if (!err)
		err = admin_db(ad, &db, e);
	if (err)
		return error_prefix(e, "done, but not in the audit log");
	changes = record_changes(w->r->record, w->before, after, &ad->arena);
	a.action = arena_printf(&ad->arena, "%s.%s", w->r->record->noun, verb);
	/* {"account":…} and {"before":…} as one object. */
	if (account.p && changes.p)
		a.detail = arena_printf(&ad->arena, "%.*s,%" PRI_STR,
		    (int)account.n - 1, account.p,
		    STR_ARG(str_skip(changes, 1)));
	if (!a.action.p || !a.detail.p)
		return error_arena(e, &ad->arena);
	err = store_audit_insert(db, &a, e);
	return err ? error_prefix(e, "done, but not in the audit log") : OK;
}
