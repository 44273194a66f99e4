/* SPDX-License-Identifier: MIT */
#include "domain/resource.h"

#include <string.h>

#include "domain/hostmap.h"
#include "store/customer.h"
#include "store/db.h"
#include "store/generation.h"

/* One change, as its transaction sees it. */
struct work {
	const struct resource *r;
	struct manager m; /* a copy: db is the transaction's */
	uint64_t id;
	const char *verb;
	resource_fn *change; /* then check and update */
	const struct resource_act *act;
	void *arg;
	struct arena *a;
	void *row; /* what is there now */
};

static enum err
not_there(const struct resource *r, enum err err, struct error *e)
{
	if (err != ERR_NOT_FOUND)
		return err;
	return error_public(e, err, "id", "There is no such %s.",
	    r->record->title);
}

static enum err
name_taken(const struct resource *r, enum err err, struct error *e)
{
	if (err != ERR_CONFLICT || e->public_text[0])
		return err;
	return error_public(e, err, "name",
	    "There is a %s of that name already.", r->record->title);
}

static uint64_t
customer_of(const struct resource *r, const void *row)
{
	uint64_t id;

	if (r->customer_off == SIZE_MAX)
		return 0;
	memcpy(&id, (const char *)row + r->customer_off, sizeof(id));
	return id;
}

static bool
is_archived(const struct resource *r, const void *row)
{
	int64_t at_ms;

	memcpy(&at_ms, (const char *)row + r->archived_off, sizeof(at_ms));
	return at_ms != 0;
}

static enum err
archive(const struct resource *r, const struct manager *m, struct arena *a,
    const void *row, void *arg, struct error *e)
{
	(void)arg;
	return r->archive(r, m, a, row, e);
}

/* before NULL: it was made. */
static enum err
write_audit(const struct work *w, const void *before, struct error *e)
{
	struct audit row = w->m.audit;
	struct str changes = record_changes(w->r->record, before, w->row, w->a);
	struct str action = arena_printf(w->a, "%s.%s", w->r->record->noun,
	    w->verb);

	if (!changes.p || !action.p)
		return error_arena(e, w->a);
	if (record_is_unchanged(changes) && !(w->act && w->act->is_unseen))
		return OK; /* nothing was done */
	row.action = action;
	row.object = str_from(w->r->record->object);
	row.object_id = w->id;
	row.customer_id = customer_of(w->r, w->row);
	row.is_success = true;
	row.detail = store_audit_detail(&row, changes, w->a);
	return row.detail.p ? store_audit_insert(w->m.db, &row, e)
			    : error_arena(e, w->a);
}

static unsigned
slot_of(const struct work *w)
{
	switch (w->r->slot) {
	case RESOURCE_SLOT_CATALOGUE:
		break;
	case RESOURCE_SLOT_CUSTOMER:
		return generation_customer_slot(customer_of(w->r, w->row));
	case RESOURCE_SLOT_OWN:
		return generation_key_slot(w->id);
	}
	return GENERATION_CATALOGUE;
}

/* After the commit; elsewhere the pollers find out. */
static void
tell_caches(const struct work *w)
{
	if (!w->m.map)
		return;
	hostmap_slot_bump(w->m.map, slot_of(w));
}

static enum err
run(struct work *w, db_txn_fn *fn, struct error *e)
{
	enum err err = db_txn(w->m.db, fn, w, e);

	/* Uncertain means that it may have happened. */
	if (!err || err == ERR_DB_UNCERTAIN)
		tell_caches(w);
	return name_taken(w->r, err, e);
}

static enum err
load(const struct work *w, struct error *e)
{
	memset(w->row, 0, w->r->record->row_bytes);
	return not_there(w->r,
	    w->r->load(w->r, w->m.db, w->m.tenant, w->id, w->a, w->row, e), e);
}

/* Locked, and what the client thinks that it is. */
static enum err
load_locked(const struct work *w, void **ret_before, struct error *e)
{
	char etag[RECORD_ETAG_BYTES];
	size_t n = w->r->record->row_bytes;
	enum err err = not_there(w->r,
	    w->r->lock(w->r, w->m.db, w->m.tenant, w->id, e), e);

	if (!err)
		err = load(w, e);
	if (err)
		return err;
	record_etag(w->r->record, w->row, w->a, etag);
	*ret_before = arena_alloc(w->a, n);
	if (!*ret_before)
		return error_arena(e, w->a);
	memcpy(*ret_before, w->row, n);
	return record_match(w->m.if_match, etag, e);
}

enum err
resource_load(const struct resource *r, const struct manager *m, uint64_t id,
    struct arena *a, void *ret_row, struct error *e)
{
	struct work w = { .r = r, .m = *m, .id = id, .a = a, .row = ret_row };

	return load(&w, e);
}

static enum err
create_txn(struct db *db, void *arg, struct error *e)
{
	struct work *w = arg;
	const struct resource *r = w->r;
	/* A retry begins with what was asked for. */
	void *row = arena_alloc(w->a, r->record->row_bytes);
	enum err err;

	if (!row)
		return error_arena(e, w->a);
	memcpy(row, w->arg, r->record->row_bytes);
	w->m.db = db;
	err = record_check(r->record, NULL, row, w->m.now_ms, w->a, e);
	if (!err && r->check)
		err = r->check(r, &w->m, w->a, NULL, row, e);
	if (!err)
		err = r->insert(r, &w->m, w->a, row, &w->id, e);
	if (!err)
		err = load(w, e);
	return err ? err : write_audit(w, NULL, e);
}

enum err
resource_create(const struct resource *r, const struct manager *m,
    struct arena *a, void *row, struct error *e)
{
	struct work w = { .r = r, .m = *m, .verb = "add", .a = a, .row = row };

	w.arg = arena_alloc(a, r->record->row_bytes);
	if (!w.arg)
		return error_arena(e, a);
	memcpy(w.arg, row, r->record->row_bytes);
	return run(&w, create_txn, e);
}

static enum err
change_txn(struct db *db, void *arg, struct error *e)
{
	struct work *w = arg;
	const struct resource *r = w->r;
	void *before;
	enum err err;

	w->m.db = db;
	err = load_locked(w, &before, e);
	if (!err && is_archived(r, before))
		return error_public(e, ERR_CONFLICT, NULL,
		    "That %s is archived.", r->record->title);
	if (!err)
		err = w->change(r, w->a, w->row, w->arg, e);
	if (!err)
		err = record_check(r->record, before, w->row, w->m.now_ms, w->a,
		    e);
	if (!err && r->check)
		err = r->check(r, &w->m, w->a, before, w->row, e);
	if (!err)
		err = r->update(r, &w->m, w->a, w->row, e);
	if (!err)
		err = load(w, e);
	return err ? err : write_audit(w, before, e);
}

enum err
resource_change(const struct resource *r, const struct manager *m, uint64_t id,
    resource_fn *fn, void *arg, struct arena *a, void *ret_row, struct error *e)
{
	struct work w = { .r = r,
		.m = *m,
		.id = id,
		.verb = "set",
		.change = fn,
		.arg = arg,
		.a = a,
		.row = ret_row };

	return run(&w, change_txn, e);
}

static enum err
act_txn(struct db *db, void *arg, struct error *e)
{
	struct work *w = arg;
	void *before;
	enum err err;

	w->m.db = db;
	err = load_locked(w, &before, e);
	if (!err && w->act->fn == archive && is_archived(w->r, before))
		return OK; /* long since */
	if (!err)
		err = w->act->fn(w->r, &w->m, w->a, before, w->arg, e);
	if (!err)
		err = load(w, e);
	return err ? err : write_audit(w, before, e);
}

enum err
resource_act(const struct resource *r, const struct manager *m, uint64_t id,
    const struct resource_act *act, void *arg, struct arena *a, void *ret_row,
    struct error *e)
{
	struct work w = { .r = r,
		.m = *m,
		.id = id,
		.verb = act->verb,
		.act = act,
		.arg = arg,
		.a = a,
		.row = ret_row };

	return run(&w, act_txn, e);
}

enum err
resource_archive(const struct resource *r, const struct manager *m, uint64_t id,
    struct arena *a, void *ret_row, struct error *e)
{
	const struct resource_act act = { r->end_verb, archive, false };

	return resource_act(r, m, id, &act, NULL, a, ret_row, e);
}

enum err
resource_check_customer(const struct manager *m, uint64_t customer_id,
    struct error *e)
{
	if (m->tenant == 0 || m->tenant == customer_id)
		return OK;
	return error_public(e, ERR_NOT_FOUND, "customer_id",
	    "There is no such customer.");
}

enum err
resource_find_customer(const struct manager *m, struct arena *a,
    uint64_t customer_id, struct customer *ret, struct error *e)
{
	enum err err;

	if (customer_id == 0)
		return error_public(e, ERR_BAD_PARAM, "customer_id",
		    "'customer_id' is needed.");
	err = resource_check_customer(m, customer_id, e);
	if (err)
		return err;
	err = store_customer_by_id(m->db, customer_id, a, ret, e);
	return err == ERR_NOT_FOUND ? error_public(e, err, "customer_id",
					  "There is no such customer.")
				    : err;
}

enum err
resource_need_customer(const struct manager *m, struct arena *a,
    uint64_t customer_id, struct error *e)
{
	struct customer c;
	enum err err = resource_find_customer(m, a, customer_id, &c, e);

	if (!err && c.archived_at_ms)
		return error_public(e, ERR_CONFLICT, "customer_id",
		    "That customer is closed.");
	return err;
}
