/* SPDX-License-Identifier: MIT */
#include "domain/price_set.h"

#include "domain/hostmap.h"
#include "store/generation.h"

struct set_arg {
	const struct audit *who;
	struct price *p;
	struct price stored;
	struct arena *a;
};

static enum err
set_txn(struct db *db, void *arg, struct error *e)
{
	struct set_arg *s = arg;
	struct audit audit = *s->who;
	uint64_t id;
	enum err err = store_price_insert(db, s->p, &id, e);

	if (err == ERR_BAD_PARAM) /* its model is the one reference */
		return error_public(e, ERR_NOT_FOUND, "model_id",
		    "There is no such model.");
	if (err == ERR_CONFLICT)
		return error_public(e, err, "effective_from",
		    "The model has a price from that very instant.");
	if (!err)
		err = store_price_by_id(db, id, s->a, &s->stored, e);
	if (err)
		return err;
	audit.action = S("price.set");
	audit.object = S("price_version");
	audit.object_id = id;
	audit.is_success = true;
	return store_audit_insert(db, &audit, e);
}

enum err
price_set(struct db *db, struct hostmap *map, const struct audit *who,
    struct price *p, struct arena *a, struct error *e)
{
	struct set_arg arg = { .who = who, .p = p, .a = a };
	enum err err = db_txn(db, set_txn, &arg, e);

	if (err)
		return err;
	*p = arg.stored;
	if (map)
		hostmap_slot_bump(map, GENERATION_CATALOGUE);
	return OK;
}
