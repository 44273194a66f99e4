/* SPDX-License-Identifier: MIT */
/* Many keys revoked at once. */
#include "domain/hostmap.h"
#include "domain/key_manage.h"
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

static enum err
revoke_one(struct revocation *v, uint64_t id, struct error *e)
{
	struct audit row = v->m.audit;
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
	row.action = S("key.revoke");
	row.object = S("api_key");
	row.object_id = id;
	row.customer_id = k.customer_id;
	row.is_success = true;
	err = store_key_revoke(v->m.db, v->m.tenant, id, e);
	return err ? err : store_audit_insert(v->m.db, &row, e);
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
	for (size_t i = 0; i < v->n && !err; i++)
		err = revoke_one(v, v->ids[i], e);
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
