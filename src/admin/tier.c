/* SPDX-License-Identifier: MIT */
/* tollgate tier add, list, set, assign, archive: limits that keys, users and
 * roles share by name */
#include "domain/tier.h"

#include "admin/limits.h"
#include "admin/lookup.h"

const struct admin_option admin_tier_add_options[] = {
	{ "name", "NAME", "Name of the tier.", true },
	{ "per-minute", "N", "Requests a minute of each key and model.",
	    false },
	{ "per-hour", "N", "The same per hour.", false },
	LIMITS_OPTION,
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_tier_set_options[] = {
	{ "per-minute", "N",
	    "Requests a minute of each key and model, or none "
	    "to say nothing.",
	    false },
	{ "per-hour", "N", "The same per hour.", false },
	LIMITS_OPTION,
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_tier_archive_options[] = {
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_tier_list_options[] = {
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_tier_assign_options[] = {
	{ "user", "EMAIL", "A user, whose keys get it.", false },
	{ "role", "ROLE",
	    "A role: keys of all users that have it and no tier get it.",
	    false },
	ADMIN_OPTIONS_END,
};

static enum err
tier_rec(struct admin *ad, const struct tier *t, struct error *e)
{
	admin_rec(ad);
	admin_u64(ad, "id", t->tier_id);
	admin_str(ad, "name", t->name);
	admin_count(ad, "rate_limit_per_minute", t->rate_limit_per_minute);
	admin_count(ad, "rate_limit_per_hour", t->rate_limit_per_hour);
	return limits_show(ad, (struct limit_holder){ .tier_id = t->tier_id },
	    e);
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
	struct limits_option limits;
	struct db *db;
	enum err err = read_rates(ad, &t, e);

	if (!err)
		err = limits_read(ad, &limits, e);
	if (!err)
		err = admin_db(ad, &db, e);
	if (!err)
		err = store_tier_insert(db, &t, &t.tier_id, e);
	if (err == ERR_CONFLICT)
		return error_set(e, err, "there is a tier of that name");
	if (!err)
		err = limits_write(ad,
		    (struct limit_holder){ .tier_id = t.tier_id }, &limits, e);
	if (!err)
		err = tier_rec(ad, &t, e);
	if (err)
		return err;
	admin_catalogue_changed(ad);
	return admin_audit(ad, "tier.add", "tier", t.tier_id, 0, e);
}

enum err
admin_tier_set(struct admin *ad, struct error *e)
{
	struct str name = admin_arg(ad, 0);
	struct limits_option limits;
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
		err = limits_read(ad, &limits, e);
	if (!err)
		err = store_tier_update(db, &t, e);
	if (!err)
		err = limits_write(ad,
		    (struct limit_holder){ .tier_id = t.tier_id }, &limits, e);
	if (!err)
		err = tier_rec(ad, &t, e);
	if (err)
		return err;
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
		err = tier_rec(ad, &tiers[i], e);
	return err;
}

static enum err
assign_to_user(struct admin *ad, uint64_t tier_id, struct error *e)
{
	struct user u;
	struct db *db;
	enum err err = admin_db(ad, &db, e);

	if (!err)
		err = lookup_user(ad, admin_opt(ad, "user"), &u, e);
	if (!err)
		err = store_user_set_tier(db, &u, tier_id, e);
	if (err)
		return err;
	admin_customer_changed(ad, u.customer_id);
	admin_str(ad, "user", u.email);
	return admin_audit(ad, "tier.assign", "user", u.user_id, u.customer_id,
	    e);
}

static enum err
assign_to_role(struct admin *ad, uint64_t tier_id, struct error *e)
{
	unsigned role;
	struct db *db;
	enum err err = admin_opt_enum(ad, "role", user_role_names, USER__N,
	    &role, e);

	if (!err)
		err = admin_db(ad, &db, e);
	if (!err)
		err = store_role_tier_set(db, str_from(user_role_names[role]),
		    tier_id, e);
	if (err)
		return err;
	admin_catalogue_changed(ad);
	admin_str(ad, "role", str_from(user_role_names[role]));
	return admin_audit(ad, "tier.assign", "role", role, 0, e);
}

enum err
admin_tier_assign(struct admin *ad, struct error *e)
{
	struct str name = admin_arg(ad, 0);
	uint64_t tier_id = 0;
	enum err err = OK;

	if (admin_has(ad, "user") == admin_has(ad, "role"))
		return admin_usage(e, "--user or --role says to whom");
	if (!str_eq(name, S("none")))
		err = lookup_tier(ad, name, &tier_id, e);
	if (err)
		return err;
	admin_rec(ad);
	admin_str(ad, "tier", name);
	return admin_has(ad, "user") ? assign_to_user(ad, tier_id, e)
				     : assign_to_role(ad, tier_id, e);
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
