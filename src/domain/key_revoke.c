/* SPDX-License-Identifier: MIT */
/* Many keys revoked at once. */
#include "domain/hostmap.h"
#include "domain/key_manage.h"
#include "domain/resource.h"
#include "store/generation.h"

struct revocation {
	struct manager m;
	const struct key_revocation *what;
	struct arena *a;
	const uint64_t *ids;
	size_t n;
	struct key_revoked done;
};

static enum err
find_ids(struct revocation *v, struct error *e)
{
	uint64_t *ids = NULL;
	size_t n = 0;
	enum err err = store_key_unrevoked(v->m.db, v->m.tenant,
	    &v->what->filter, KEY_REVOKE_MAX + 1, v->a, &ids, &n, e);

	if (err)
		return err;
	v->done.has_more = n > KEY_REVOKE_MAX;
	v->ids = ids;
	v->n = v->done.has_more ? KEY_REVOKE_MAX : n;
	return OK;
}

/* As revoking one key does. @before  the key as it was */
static enum err
write_audit(const struct revocation *v, const struct key *before,
    struct error *e)
{
	struct audit row = v->m.audit;
	struct key_row from, to;
	struct str changes;
	struct key after;
	enum err err = store_key_by_id(v->m.db, v->m.tenant, before->api_key_id,
	    v->a, &after, e);

	if (err)
		return err;
	key_row_fill(before, v->m.now_ms, &from);
	key_row_fill(&after, v->m.now_ms, &to);
	changes = record_changes(key_resource.record, &from, &to, v->a);
	if (!changes.p)
		return error_arena(e, v->a);
	row.action = S("key.revoke");
	row.object = str_from(key_resource.record->object);
	row.object_id = before->api_key_id;
	row.customer_id = before->customer_id;
	row.is_success = true;
	row.detail = store_audit_detail(&row, changes, v->a);
	return row.detail.p ? store_audit_insert(v->m.db, &row, e)
			    : error_arena(e, v->a);
}

static enum err
revoke_one(struct revocation *v, uint64_t id, struct error *e)
{
	struct key k;
	enum err err = store_key_lock(v->m.db, v->m.tenant, id, e);

	if (!err)
		err = store_key_by_id(v->m.db, v->m.tenant, id, v->a, &k, e);
	if (err == ERR_NOT_FOUND)
		return error_public(e, err, "ids",
		    "There is no key %llu; none was revoked.",
		    (unsigned long long)id);
	if (err || k.revoked_at_ms)
		return err;
	v->done.n++;
	err = store_key_revoke(v->m.db, v->m.tenant, id, e);
	return err ? err : write_audit(v, &k, e);
}

static enum err
revoke_txn(struct db *db, void *arg, struct error *e)
{
	struct revocation *v = arg;
	enum err err = OK;

	v->m.db = db;
	v->done = (struct key_revoked){ 0 };
	v->ids = v->what->ids;
	v->n = v->what->n_ids;
	if (!v->ids)
		err = find_ids(v, e);
	for (size_t i = 0; i < v->n && !err; i++) {
		struct arena_mark mark = arena_mark(v->a);

		err = revoke_one(v, v->ids[i], e);
		arena_rewind(v->a, mark);
	}
	return err;
}

enum err
key_revoke_many(const struct manager *m, const struct key_revocation *what,
    struct arena *a, struct key_revoked *ret, struct error *e)
{
	struct revocation v = { .m = *m, .what = what, .a = a };
	enum err err;

	if (what->n_ids > KEY_REVOKE_MAX)
		return error_public(e, ERR_BAD_PARAM, "ids",
		    "More than %d keys at once.", KEY_REVOKE_MAX);
	err = db_txn(m->db, revoke_txn, &v, e);
	/* Uncertain means that it may have happened. */
	for (size_t i = 0; m->map && i < v.n; i++)
		if (!err || err == ERR_DB_UNCERTAIN)
			hostmap_slot_bump(m->map,
			    generation_key_slot(v.ids[i]));
	if (!err)
		*ret = v.done;
	return err;
}
