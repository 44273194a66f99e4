/* SPDX-License-Identifier: MIT */
#include "admin/lookup.h"

#include "store/tier.h"

static enum err
not_found(enum err err, const char *what, struct str name, struct error *e)
{
	if (err == ERR_NOT_FOUND)
		return error_set(e, ERR_NOT_FOUND, "no such %s: %" PRI_STR,
		    what, STR_ARG(name));
	return err;
}

enum err
lookup_customer(struct admin *ad, struct str id_or_email, struct customer *ret,
    struct error *e)
{
	struct arena *a = admin_arena(ad);
	struct db *db;
	uint64_t id;
	enum err err = admin_db(ad, &db, e);

	if (err)
		return err;
	if (str_to_u64(id_or_email, 1, UINT32_MAX, &id))
		err = store_customer_by_id(db, id, a, ret, e);
	else
		err = store_customer_by_email(db, id_or_email, a, ret, e);
	return not_found(err, "customer", id_or_email, e);
}

enum err
lookup_key(struct admin *ad, struct str id_or_public_id, struct key *ret,
    struct error *e)
{
	struct arena *a = admin_arena(ad);
	struct db *db;
	uint64_t id;
	enum err err = admin_db(ad, &db, e);

	if (err)
		return err;
	/* A public id may be all digits, but then it has ten. */
	if (id_or_public_id.n == KEY_PUBLIC_ID_BYTES)
		err = store_key_by_public_id(db, id_or_public_id, a, ret, e);
	else if (str_to_u64(id_or_public_id, 1, UINT32_MAX, &id))
		err = store_key_by_id(db, 0, id, a, ret, e);
	else
		err = ERR_NOT_FOUND;
	return not_found(err, "key", id_or_public_id, e);
}

enum err
lookup_model(struct admin *ad, struct str name_or_id, struct model *ret,
    struct error *e)
{
	struct arena *a = admin_arena(ad);
	struct db *db;
	uint64_t id;
	enum err err = admin_db(ad, &db, e);

	if (err)
		return err;
	err = store_model_by_name(db, name_or_id, a, ret, e);
	if (err == ERR_NOT_FOUND && str_to_u64(name_or_id, 1, UINT32_MAX, &id))
		err = store_model_by_id(db, id, a, ret, e);
	return not_found(err, "model", name_or_id, e);
}

enum err
lookup_provider(struct admin *ad, struct str name, struct provider *ret,
    struct error *e)
{
	struct db *db;
	enum err err = admin_db(ad, &db, e);

	if (!err)
		err = store_provider_by_name(db, name, admin_arena(ad), ret, e);
	return not_found(err, "provider", name, e);
}

enum err
lookup_user(struct admin *ad, struct str email, struct user *ret,
    struct error *e)
{
	struct db *db;
	enum err err = admin_db(ad, &db, e);

	if (!err)
		err = store_user_by_email(db, email, admin_arena(ad), ret, e);
	return not_found(err, "user", email, e);
}

enum err
lookup_tier(struct admin *ad, struct str name, uint64_t *ret_tier_id,
    struct error *e)
{
	struct tier t;
	struct db *db;
	enum err err = admin_db(ad, &db, e);

	if (!err)
		err = store_tier_by_name(db, name, admin_arena(ad), &t, e);
	if (!err)
		*ret_tier_id = t.tier_id;
	return not_found(err, "tier", name, e);
}
