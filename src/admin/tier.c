/* SPDX-License-Identifier: MIT */
/* tollgate tier add, list, set, assign, archive: limits that keys, users and
 * roles share by name */
#include "domain/tier.h"

#include "admin/limits.h"
#include "admin/lookup.h"
#include "domain/user.h"
#include "store/limit.h"

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

static void
tier_rec(struct admin *ad, const struct tier *t)
{
	admin_rec(ad);
	admin_u64(ad, "id", t->tier_id);
	admin_str(ad, "name", t->name);
	limits_show(ad, &t->limits);
}

enum err
admin_tier_add(struct admin *ad, struct error *e)
{
	struct tier t = { .name = admin_opt(ad, "name") };
	struct manager m;
	enum err err = limits_read(ad, &t.limits, e);

	if (!err)
		err = admin_manager(ad, &m, e);
	if (!err)
		err = resource_create(&tier_resource, &m, admin_arena(ad), &t,
		    e);
	if (!err)
		tier_rec(ad, &t);
	return err;
}

/* arg: the struct admin. */
static enum err
change_limits(const struct resource *r, struct arena *a, void *row, void *arg,
    struct error *e)
{
	struct tier *t = row;

	(void)r;
	(void)a;
	return limits_read(arg, &t->limits, e);
}

enum err
admin_tier_set(struct admin *ad, struct error *e)
{
	struct manager m;
	struct tier t;
	uint64_t id;
	enum err err = lookup_tier(ad, admin_arg(ad, 0), &id, e);

	if (!err)
		err = admin_manager(ad, &m, e);
	if (!err)
		err = resource_change(&tier_resource, &m, id, change_limits, ad,
		    admin_arena(ad), &t, e);
	if (!err)
		tier_rec(ad, &t);
	return err;
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

/* arg: the tier's name, or "none". */
static enum err
change_tier(const struct resource *r, struct arena *a, void *row, void *arg,
    struct error *e)
{
	const struct str *name = arg;
	struct user *u = row;

	(void)r;
	(void)a;
	(void)e;
	u->tier_name = str_eq(*name, S("none")) ? (struct str){ NULL, 0 }
						: *name;
	return OK;
}

static enum err
assign_to_user(struct admin *ad, const struct manager *m, struct str name,
    struct error *e)
{
	struct user u;
	enum err err = lookup_user(ad, admin_opt(ad, "user"), &u, e);

	if (!err)
		err = resource_change(&user_resource, m, u.user_id, change_tier,
		    &name, admin_arena(ad), &u, e);
	if (!err)
		admin_str(ad, "user", u.email);
	return err;
}

struct assignment {
	struct audit audit;
	unsigned role;
	uint64_t tier_id;
};

static enum err
assign_txn(struct db *db, void *arg, struct error *e)
{
	const struct assignment *as = arg;
	enum err err = store_role_tier_set(db,
	    str_from(user_role_names[as->role]), as->tier_id, e);

	return err ? err : store_audit_insert(db, &as->audit, e);
}

static enum err
assign_to_role(struct admin *ad, const struct manager *m, struct str name,
    struct error *e)
{
	struct assignment as = { .audit = m->audit };
	enum err err = admin_opt_enum(ad, "role", user_role_names, USER__N,
	    &as.role, e);

	if (!err && !str_eq(name, S("none")))
		err = lookup_tier(ad, name, &as.tier_id, e);
	if (err)
		return err;
	as.audit.action = S("tier.assign");
	as.audit.object = S("role");
	as.audit.object_id = as.role;
	as.audit.is_success = true;
	err = db_txn(m->db, assign_txn, &as, e);
	admin_catalogue_changed(ad);
	admin_str(ad, "role", str_from(user_role_names[as.role]));
	return err;
}

enum err
admin_tier_assign(struct admin *ad, struct error *e)
{
	struct str name = admin_arg(ad, 0);
	struct manager m;
	enum err err;

	if (admin_has(ad, "user") == admin_has(ad, "role"))
		return admin_usage(e, "--user or --role says to whom");
	err = admin_manager(ad, &m, e);
	if (err)
		return err;
	admin_rec(ad);
	admin_str(ad, "tier", name);
	return admin_has(ad, "user") ? assign_to_user(ad, &m, name, e)
				     : assign_to_role(ad, &m, name, e);
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
