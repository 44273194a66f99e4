/* SPDX-License-Identifier: MIT */
/* tollgate tier add, list, show, set, assign, archive: limits that keys, users and
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
	{ "name", "NAME", "Only the one of that name.", false },
	{ "archived", NULL, "Archived ones, too.", false },
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_tier_show_options[] = {
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
	admin_time(ad, "archived_at", t->archived_at_ms);
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

/* filter: the struct admin. */
static enum err
list_page(struct admin *ad, struct db *db, const void *filter,
    struct admin_page *p, struct error *e)
{
	struct tier *tiers = NULL;
	enum err err = store_tier_page(db, admin_opt(filter, "name"),
	    admin_has(filter, "archived"), p->after, p->limit, admin_arena(ad),
	    &tiers, &p->n, e);

	for (size_t i = 0; i < p->n && !err; i++) {
		tier_rec(ad, &tiers[i]);
		admin_page_end(p, tiers[i].tier_id);
	}
	return err;
}

enum err
admin_tier_list(struct admin *ad, struct error *e)
{
	return admin_list_all(ad, list_page, ad, e);
}

enum err
admin_tier_show(struct admin *ad, struct error *e)
{
	struct str name_or_id = admin_arg(ad, 0);
	struct tier t;
	uint64_t id;
	enum err err = lookup_tier(ad, name_or_id, &id, e);

	/* By number also one that is archived and whose name is another's. */
	if (err == ERR_NOT_FOUND && str_to_u64(name_or_id, 1, UINT32_MAX, &id))
		err = OK;
	return err ? err : admin_show(ad, &tier_resource, id, &t, e);
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

struct role_change {
	uint64_t role; /* its bit */
	bool has;
};

/* arg: a struct role_change. */
static enum err
change_roles(const struct resource *r, struct arena *a, void *row, void *arg,
    struct error *e)
{
	const struct role_change *c = arg;
	struct tier *t = row;

	(void)r;
	(void)a;
	(void)e;
	t->roles = c->has ? t->roles | c->role : t->roles & ~c->role;
	return OK;
}

/* The tier that a role has; 0: none. */
static enum err
tier_of_role(struct admin *ad, const struct manager *m, uint64_t role,
    uint64_t *ret, struct error *e)
{
	struct tier *tiers = NULL;
	size_t n = 0;
	enum err err = store_tier_list(m->db, admin_arena(ad), &tiers, &n, e);

	*ret = 0;
	for (size_t i = 0; i < n && !err; i++)
		if (tiers[i].roles & role)
			*ret = tiers[i].tier_id;
	return err;
}

static enum err
assign_to_role(struct admin *ad, const struct manager *m, struct str name,
    struct error *e)
{
	struct role_change c = { .has = !str_eq(name, S("none")) };
	uint64_t tier_id = 0;
	unsigned role = 0;
	struct tier t;
	enum err err = admin_opt_enum(ad, "role", user_role_names, USER__N,
	    &role, e);

	c.role = UINT64_C(1) << role;
	if (!err)
		err = c.has ? lookup_tier(ad, name, &tier_id, e)
			    : tier_of_role(ad, m, c.role, &tier_id, e);
	if (!err && tier_id)
		err = resource_change(&tier_resource, m, tier_id, change_roles,
		    &c, admin_arena(ad), &t, e);
	if (!err)
		admin_str(ad, "role", str_from(user_role_names[role]));
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
