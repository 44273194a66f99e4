/* SPDX-License-Identifier: MIT */
/* Rows as the API shows them, and who changes them by command. */
#include "base/clock.h"
#include "domain/resource.h"

#include "admin/admin_priv.h"
#include "admin/limits.h"

#define PAGE_ROWS 1000

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

	if (m->kind == RECORD_LIMITS) {
		const char *set = (const char *)row + m->off;

		admin_str(ad, "limits",
		    limits_others_text(ad, (const void *)set));
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
		if (!(t->members[i].flags & RECORD_UNSHOWN))
			record_member(ad, &t->members[i], row);
}

enum err
admin_show(struct admin *ad, const struct resource *r, uint64_t id, void *row,
    struct error *e)
{
	struct manager m;
	enum err err = admin_manager(ad, &m, e);

	if (!err)
		err = resource_load(r, &m, id, admin_arena(ad), row, e);
	if (!err)
		admin_record(ad, r->record, row);
	return err;
}

enum err
admin_list_first(struct admin *ad, admin_page_fn *page, const void *filter,
    uint64_t limit, struct error *e)
{
	struct admin_page p = { .next = 0 };
	struct db *db;
	enum err err = admin_db(ad, &db, e);

	admin_list(ad);
	do {
		struct arena_mark mark = arena_mark(&ad->arena);

		p = (struct admin_page){
			.limit = limit < PAGE_ROWS ? limit : PAGE_ROWS,
			.after = p.next,
		};
		err = err ? err : page(ad, db, filter, &p, e);
		limit -= err ? 0 : p.n;
		if (!err && p.next && limit > 0)
			err = admin_list_flush(ad, mark, e);
	} while (!err && p.next && limit > 0);
	return err;
}

enum err
admin_list_all(struct admin *ad, admin_page_fn *page, const void *filter,
    struct error *e)
{
	return admin_list_first(ad, page, filter, UINT64_MAX, e);
}
