/* SPDX-License-Identifier: MIT */
/* Users, as they are managed: who has which role in a customer. */
#include "domain/customer.h"
#include "domain/tier.h"
#include "domain/user.h"

#define AT(m) offsetof(struct user, m)
/* clang-format off */
static const struct record_member members[] = {
	{ .name = "id", .kind = RECORD_ID, .off = AT(user_id) },
	{ .name = "customer_id", .kind = RECORD_ID, .off = AT(customer_id),
	  .flags = RECORD_NEW | RECORD_NULL, .min = 1, .max = UINT32_MAX },
	{ .name = "name", .kind = RECORD_TEXT, .off = AT(name),
	  .flags = RECORD_NEW | RECORD_NEEDED | RECORD_SET, .min = 1, .max = CUSTOMER_NAME_BYTES },
	{ .name = "email", .kind = RECORD_TEXT, .off = AT(email),
	  .flags = RECORD_NEW | RECORD_NEEDED, .min = 1, .max = CUSTOMER_EMAIL_BYTES },
	{ .name = "role", .kind = RECORD_ENUM, .off = AT(role),
	  .flags = RECORD_NEW | RECORD_NEEDED | RECORD_SET, .names = user_role_names, .n_names = USER__N },
	{ .name = "rate_limit_tier", .kind = RECORD_TEXT, .off = AT(tier_name),
	  .flags = RECORD_NEW | RECORD_SET | RECORD_NULL | RECORD_OPERATOR, .min = 1, .max = 64 },
	{ .name = "is_active", .kind = RECORD_BOOL, .off = AT(is_active), .flags = RECORD_SET },
	{ .name = "last_sign_in_at", .kind = RECORD_TIME, .off = AT(last_sign_in_at_ms), .flags = RECORD_LIVE },
	{ .name = "created_at", .kind = RECORD_TIME, .off = AT(created_at_ms) },
	{ .name = "archived_at", .kind = RECORD_TIME, .off = AT(archived_at_ms) },
};
/* clang-format on */

static const struct record_type record = { "user", "user", "user", members,
	ARRAY_LEN(members), sizeof(struct user) };

static enum err
lock(const struct resource *r, struct db *db, uint64_t tenant, uint64_t id,
    struct error *e)
{
	(void)r;
	return store_user_lock(db, tenant, id, e);
}

static enum err
load(const struct resource *r, struct db *db, uint64_t tenant, uint64_t id,
    struct arena *a, void *row, struct error *e)
{
	struct user *u = row;
	enum err err = store_user_by_id(db, id, a, u, e);

	(void)r;
	if (!err && tenant && u->customer_id != tenant)
		return error_set(e, ERR_NOT_FOUND, "another customer's user");
	return err;
}

/* Keys without a user meter to the owner: a customer always has one. */
static enum err
keep_owner(const struct manager *m, const struct user *u, struct error *e)
{
	bool has_other = false;
	enum err err = store_user_has_other_owner(m->db, u->customer_id,
	    u->user_id, &has_other, e);

	if (!err && !has_other)
		return error_public(e, ERR_CONFLICT, "role",
		    "That is the customer's only owner.");
	return err;
}

static bool
is_owner(const struct user *u)
{
	return u->role == USER_OWNER && u->is_active && !u->archived_at_ms;
}

static enum err
check_new(const struct manager *m, struct arena *a, const struct user *u,
    struct error *e)
{
	if (!email_is_valid(u->email))
		return error_public(e, ERR_BAD_PARAM, "email",
		    "email must be an address such as name@example.com.");
	if (u->role == USER_OPERATOR && u->customer_id == 0)
		return OK;
	return resource_need_customer(m, a, u->customer_id, e);
}

static enum err
check(const struct resource *r, const struct manager *m, struct arena *a,
    const void *before, void *row, struct error *e)
{
	const struct user *was = before;
	struct user *u = row;
	enum err err;

	(void)r;
	if ((u->role == USER_OPERATOR) != (u->customer_id == 0) &&
	    (u->role == USER_OPERATOR || before))
		return error_public(e, ERR_BAD_PARAM, "role",
		    "Operators belong to no customer, and nobody else is "
		    "without one.");
	err = before ? OK : check_new(m, a, u, e);
	if (!err && was && is_owner(was) && !is_owner(u))
		err = keep_owner(m, u, e);
	/* It may keep one that was archived since. */
	if (err || (was && str_eq(u->tier_name, was->tier_name)))
		return err;
	return tier_find(m->db, u->tier_name, a, &u->rate_limit_tier, e);
}

static enum err
insert(const struct resource *r, const struct manager *m, struct arena *a,
    void *row, uint64_t *ret_id, struct error *e)
{
	enum err err = store_user_insert(m->db, row, ret_id, e);

	(void)r;
	(void)a;
	return err == ERR_CONFLICT
		   ? error_public(e, err, "email",
			 "There is a user with that e-mail already.")
		   : err;
}

static enum err
update(const struct resource *r, const struct manager *m, struct arena *a,
    void *row, struct error *e)
{
	(void)r;
	(void)a;
	return store_user_update(m->db, row, e);
}

static enum err
archive(const struct resource *r, const struct manager *m, struct arena *a,
    const void *row, struct error *e)
{
	const struct user *u = row;
	enum err err = is_owner(u) ? keep_owner(m, u, e) : OK;

	(void)r;
	(void)a;
	return err ? err : store_user_archive(m->db, u, e);
}

const struct resource user_resource = {
	.record = &record,
	.customer_off = AT(customer_id),
	.archived_off = AT(archived_at_ms),
	.end_verb = "archive",
	.slot = RESOURCE_SLOT_CUSTOMER,
	.lock = lock,
	.load = load,
	.check = check,
	.insert = insert,
	.update = update,
	.archive = archive,
};
