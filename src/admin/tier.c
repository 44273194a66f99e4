/* SPDX-License-Identifier: MIT */
/* tollgate tier add, list, set: limits that keys and users share by name */
#include "domain/tier.h"

#include "admin/lookup.h"

const struct admin_option admin_tier_add_options[] = {
	{ "name", "NAME", "Name of the tier.", true },
	{ "per-minute", "N", "Requests a minute of each key and model.",
	    false },
	{ "per-hour", "N", "The same per hour.", false },
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_tier_set_options[] = {
	{ "per-minute", "N",
	    "Requests a minute of each key and model, or none "
	    "to say nothing.",
	    false },
	{ "per-hour", "N", "The same per hour.", false },
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_tier_archive_options[] = {
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_tier_list_options[] = {
	ADMIN_OPTIONS_END,
};

static void
tier_rec(struct admin *ad, const struct tier *t)
{
	admin_rec(ad);
	admin_u64(ad, "id", t->tier_id);
	admin_str(ad, "name", t->name);
	admin_count(ad, "rate_limit_per_minute", t->rate_limit_per_minute);
	admin_count(ad, "rate_limit_per_hour", t->rate_limit_per_hour);
}

static enum err
read_rates(struct admin *ad, struct tier *t, struct error *e)
{
	enum err err = admin_opt_count(ad, "per-minute",
	    &t->rate_limit_per_minute, e);

	return err ? err
		   : admin_opt_count(ad, "per-hour", &t->rate_limit_per_hour,
			 e);
}

enum err
admin_tier_add(struct admin *ad, struct error *e)
{
	struct tier t = {
		.name = admin_opt(ad, "name"),
		.rate_limit_per_minute = -1,
		.rate_limit_per_hour = -1,
	};
	struct db *db;
	enum err err = read_rates(ad, &t, e);

	if (!err)
		err = admin_db(ad, &db, e);
	if (!err)
		err = store_tier_insert(db, &t, &t.tier_id, e);
	if (err == ERR_CONFLICT)
		return error_set(e, err, "there is a tier of that name");
	if (err)
		return err;
	tier_rec(ad, &t);
	admin_catalogue_changed(ad);
	return admin_audit(ad, "tier.add", "tier", t.tier_id, 0, e);
}

enum err
admin_tier_set(struct admin *ad, struct error *e)
{
	struct str name = admin_arg(ad, 0);
	struct tier t;
	struct db *db;
	enum err err = admin_db(ad, &db, e);

	if (!err)
		err = store_tier_by_name(db, name, admin_arena(ad), &t, e);
	if (err == ERR_NOT_FOUND)
		return error_set(e, err, "no such tier: %" PRI_STR,
		    STR_ARG(name));
	if (!err)
		err = read_rates(ad, &t, e);
	if (!err)
		err = store_tier_update(db, &t, e);
	if (err)
		return err;
	tier_rec(ad, &t);
	admin_catalogue_changed(ad);
	return admin_audit(ad, "tier.set", "tier", t.tier_id, 0, e);
}

enum err
admin_tier_list(struct admin *ad, struct error *e)
{
	struct tier *tiers = NULL;
	struct db *db;
	size_t n = 0;
	enum err err = admin_db(ad, &db, e);

	if (!err)
		err = store_tier_list(db, admin_arena(ad), &tiers, &n, e);
	admin_list(ad);
	for (size_t i = 0; i < n && !err; i++)
		tier_rec(ad, &tiers[i]);
	return err;
}

enum err
admin_tier_archive(struct admin *ad, struct error *e)
{
	struct manager m;
	struct tier t;
	uint64_t id;
	enum err err = lookup_tier(ad, admin_arg(ad, 0), &id, e);

	if (!err)
		err = admin_manager(ad, &m, e);
	if (!err)
		err = resource_archive(&tier_resource, &m, id, admin_arena(ad),
		    &t, e);
	if (!err)
		admin_record(ad, tier_resource.record, &t);
	return err;
}
