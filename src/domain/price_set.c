/* SPDX-License-Identifier: MIT */
#include "domain/price_set.h"

#include "base/json_out.h"
#include "domain/hostmap.h"
#include "domain/price_list.h"
#include "domain/resource.h"
#include "store/generation.h"

/* A version is never changed: there is no before. */
static enum err
describe(const struct audit *who, const struct price *p, struct arena *a,
    struct str *ret, struct error *e)
{
	const struct manager m = { .audit = *who };
	struct str changes = { NULL, 0 };
	struct json_out j;
	struct buf b;
	enum err err;

	buf_init(&b, a, KIB(2));
	json_out_init(&j, &b);
	json_out_object(&j);
	json_out_key(&j, "after");
	json_out_object(&j);
	json_out_member_u64(&j, "model_id", p->model_id);
	json_out_member_time(&j, "effective_from", p->effective_from_ms);
	for (size_t x = 0; x < TOK_CONTEXT__MAX; x++)
		for (size_t c = 0; c < TOK_CLASS__MAX; c++)
			json_out_member_usd(&j, price_classes[c].names[x],
			    p->tok_pusd[x][c]);
	json_out_member_usd(&j, "request", p->request_pusd);
	json_out_object_end(&j);
	json_out_object_end(&j);
	err = buf_finish(&b, &changes, e);
	if (err)
		return err;
	*ret = manager_detail(&m, changes, a);
	return ret->p ? OK : error_arena(e, a);
}

enum err
price_add(struct db *db, const struct audit *who, const char *action,
    const struct price *p, struct arena *a, struct price *ret, struct error *e)
{
	struct audit audit = *who;
	struct price stored;
	uint64_t id;
	enum err err = store_price_insert(db, p, &id, e);

	if (err == ERR_BAD_PARAM) /* its model is the one reference */
		return error_public(e, ERR_NOT_FOUND, "model_id",
		    "There is no such model.");
	if (err == ERR_CONFLICT)
		return error_public(e, err, "effective_from",
		    "The model has a price from that very instant.");
	if (!err)
		err = store_price_by_id(db, id, a, &stored, e);
	if (!err)
		err = describe(who, &stored, a, &audit.detail, e);
	if (err)
		return err;
	audit.action = str_from(action);
	audit.object = S("price_version");
	audit.object_id = id;
	audit.is_success = true;
	*ret = stored;
	return store_audit_insert(db, &audit, e);
}

struct set_arg {
	const struct audit *who;
	const struct price *p;
	struct price stored;
	struct arena *a;
};

static enum err
set_txn(struct db *db, void *arg, struct error *e)
{
	struct set_arg *s = arg;

	return price_add(db, s->who, "price.set", s->p, s->a, &s->stored, e);
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
