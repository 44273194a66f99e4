/* SPDX-License-Identifier: MIT */
/* tollgate user add, list, show, set, archive, password */
#include "domain/user.h"

#include "admin/admin_priv.h"
#include "admin/lookup.h"
#include "base/rng.h"
#include "domain/customer.h"

#define DRAWN_CHARS 20 /* of 57: 116 bits */

const struct admin_option admin_user_add_options[] = {
	{ "customer", "ID|EMAIL", "Whose user it is; not for operators.",
	    false },
	{ "email", "ADDRESS", "E-mail to sign in with.", true },
	{ "role", "ROLE", "owner, billing, developer, viewer, or operator.",
	    true },
	{ "name", "NAME", "Name (the e-mail).", false },
	{ "tier", "NAME", "Tier whose limits its keys have.", false },
	{ "password", "SECRET",
	    "At least 15 characters; - reads it; without, one is drawn and "
	    "printed.",
	    false },
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_user_set_options[] = {
	{ "name", "NAME", "Name.", false },
	{ "role", "ROLE", "owner, billing, developer or viewer.", false },
	{ "tier", "NAME", "Tier whose limits its keys have, or none.", false },
	{ "activate", NULL, "May sign in, and its keys work.", false },
	{ "deactivate", NULL, "Neither.", false },
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_user_archive_options[] = {
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_user_list_options[] = {
	{ "customer", "ID|EMAIL", "Whose users (everybody).", false },
	{ "role", "ROLE", "owner, billing, developer, viewer or operator.",
	    false },
	{ "email", "ADDRESS", "Of that e-mail.", false },
	{ "archived", NULL, "Archived ones, too.", false },
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_user_show_options[] = {
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_user_password_options[] = {
	{ "password", "SECRET",
	    "At least 15 characters; - reads it; without, one is drawn and "
	    "printed.",
	    false },
	ADMIN_OPTIONS_END,
};

static void
user_rec(struct admin *ad, const struct user *u)
{
	admin_rec(ad);
	admin_u64(ad, "id", u->user_id);
	admin_count(ad, "customer_id",
	    u->customer_id ? (int64_t)u->customer_id : -1);
	admin_str(ad, "email", u->email);
	admin_str(ad, "name", u->name);
	admin_str(ad, "role", str_from(user_role_names[u->role]));
	admin_str(ad, "rate_limit_tier", u->tier_name);
	admin_bool(ad, "is_active", u->is_active && !u->archived_at_ms);
	admin_bool(ad, "has_password", u->password_hash.p != NULL);
	admin_time(ad, "created_at", u->created_at_ms);
	admin_time(ad, "last_sign_in_at", u->last_sign_in_at_ms);
	admin_time(ad, "archived_at", u->archived_at_ms);
}

/* No letters and digits that look alike. */
static struct str
password_draw(struct arena *a)
{
	static const char letters[] =
	    "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
	char *p = arena_array(a, char, DRAWN_CHARS + 1);

	for (size_t i = 0; i < DRAWN_CHARS && p; i++)
		p[i] = letters[rng_below(sizeof(letters) - 1)];
	return str_make(p, p ? DRAWN_CHARS : 0);
}

/* The given password, or a new one; *ret_is_drawn says which. */
static enum err
password_choose(struct admin *ad, struct str email, struct str *ret,
    bool *ret_is_drawn, struct error *e)
{
	*ret = admin_opt(ad, "password");
	*ret_is_drawn = !ret->p;
	if (*ret_is_drawn)
		*ret = password_draw(&ad->secrets);
	return ret->p ? user_password_check(*ret, email, e)
		      : error_arena(e, &ad->secrets);
}

static enum err
password_hash(struct admin *ad, struct str password, struct str *ret,
    struct error *e)
{
	struct secret secret = { (const uint8_t *)password.p, password.n };
	char hash[CRYPTO_PASSWORD_BYTES];
	struct crypto_hasher *hasher;
	enum err err = crypto_hasher_new(1, &hasher, e);

	if (err)
		return err;
	err = crypto_password_hash(hasher, secret, hash, e);
	crypto_hasher_free(hasher);
	if (err)
		return err;
	*ret = arena_strdup(&ad->arena, str_from(hash));
	return ret->p ? OK : error_arena(e, &ad->arena);
}

/* arg: the hash. */
static enum err
password_store(const struct resource *r, const struct manager *m,
    struct arena *a, const void *row, void *arg, struct error *e)
{
	const struct user *u = row;

	(void)r;
	(void)a;
	return store_user_set_password(m->db, u->user_id,
	    *(const struct str *)arg, e);
}

static const struct resource_act set_password = { "password", password_store,
	true };

static void
password_tell(struct admin *ad, struct str password, bool is_drawn)
{
	if (!is_drawn)
		return;
	admin_str(ad, "password", password);
	admin_note(ad, "\nThe password is shown this once: pass it on now.");
}

/* A customer's owner is made with it, so "add" may find it there and only
 * gives it its password. */
static enum err
user_add(struct admin *ad, struct user *u, struct error *e)
{
	const struct user want = *u;
	struct str hash = want.password_hash;
	struct manager m;
	enum err err = admin_manager(ad, &m, e);

	if (err)
		return err;
	err = store_user_by_email(m.db, want.email, &ad->arena, u, e);
	if (err == ERR_NOT_FOUND || (!err && u->archived_at_ms)) {
		*u = want;
		return resource_create(&user_resource, &m, &ad->arena, u, e);
	}
	if (!err && u->customer_id != want.customer_id)
		return error_set(e, ERR_CONFLICT,
		    "another customer has a user with that e-mail");
	if (!err && u->role != want.role)
		return error_set(e, ERR_CONFLICT,
		    "there is a user with that e-mail whose role is %s",
		    user_role_names[u->role]);
	if (!err && want.tier_name.p)
		return error_set(e, ERR_CONFLICT,
		    "there is that user: `tollgate user set %" PRI_STR
		    " --tier` gives it a tier",
		    STR_ARG(want.email));
	return err ? err
		   : resource_act(&user_resource, &m, u->user_id, &set_password,
			 &hash, &ad->arena, u, e);
}

static enum err
read_user(struct admin *ad, struct user *u, struct error *e)
{
	struct str customer = admin_opt(ad, "customer");
	unsigned role = USER_DEVELOPER;
	struct customer c;
	enum err err = admin_opt_enum(ad, "role", user_role_names, USER__N,
	    &role, e);

	if (err)
		return err;
	u->role = (enum user_role)role;
	u->email = admin_opt(ad, "email");
	u->name = admin_has(ad, "name") ? admin_opt(ad, "name") : u->email;
	u->tier_name = admin_opt(ad, "tier");
	u->is_active = true;
	if (!email_is_valid(u->email))
		return admin_usage(e, "--email must be an address such as "
				      "ada@example.com");
	if ((u->role == USER_OPERATOR) == (customer.p != NULL))
		return admin_usage(e,
		    "operators belong to no customer, all others to one: "
		    "--customer");
	if (!customer.p)
		return OK;
	err = lookup_customer(ad, customer, &c, e);
	if (!err)
		u->customer_id = c.customer_id;
	return err;
}

enum err
admin_user_add(struct admin *ad, struct error *e)
{
	struct user u = { 0 };
	struct str password;
	bool is_drawn;
	enum err err = read_user(ad, &u, e);

	if (!err)
		err = password_choose(ad, u.email, &password, &is_drawn, e);
	if (!err)
		err = password_hash(ad, password, &u.password_hash, e);
	if (!err)
		err = user_add(ad, &u, e);
	if (err)
		return err;
	user_rec(ad, &u);
	password_tell(ad, password, is_drawn);
	return OK;
}

/* filter: a struct user_filter. */
static enum err
list_page(struct admin *ad, struct db *db, const void *filter,
    struct admin_page *p, struct error *e)
{
	struct user *users = NULL;
	enum err err = store_user_page(db, 0, filter, p->after, p->limit,
	    admin_arena(ad), &users, &p->n, e);

	for (size_t i = 0; i < p->n && !err; i++) {
		user_rec(ad, &users[i]);
		admin_page_end(p, users[i].user_id);
	}
	return err;
}

enum err
admin_user_list(struct admin *ad, struct error *e)
{
	struct user_filter f = { .role = admin_opt(ad, "role"),
		.email = admin_opt(ad, "email"),
		.with_archived = admin_has(ad, "archived") };
	struct customer c = { 0 };
	unsigned role = 0;
	enum err err = admin_opt_enum(ad, "role", user_role_names, USER__N,
	    &role, e);

	if (!err && admin_has(ad, "customer"))
		err = lookup_customer(ad, admin_opt(ad, "customer"), &c, e);
	f.customer_id = c.customer_id;
	return err ? err : admin_list_all(ad, list_page, &f, e);
}

enum err
admin_user_show(struct admin *ad, struct error *e)
{
	enum err err = OK;
	struct user u;

	/* By number also one that is archived and whose e-mail is another's. */
	if (!str_to_u64(admin_arg(ad, 0), 1, UINT32_MAX, &u.user_id))
		err = lookup_user(ad, admin_arg(ad, 0), &u, e);
	return err ? err : admin_show(ad, &user_resource, u.user_id, &u, e);
}

enum err
admin_user_password(struct admin *ad, struct error *e)
{
	struct str password, hash;
	struct manager m;
	struct user u;
	bool is_drawn;
	enum err err = password_choose(ad, admin_arg(ad, 0), &password,
	    &is_drawn, e);

	if (!err)
		err = lookup_user(ad, admin_arg(ad, 0), &u, e);
	if (!err)
		err = password_hash(ad, password, &hash, e);
	if (!err)
		err = admin_manager(ad, &m, e);
	if (!err)
		err = resource_act(&user_resource, &m, u.user_id, &set_password,
		    &hash, &ad->arena, &u, e);
	if (err)
		return err;
	user_rec(ad, &u);
	password_tell(ad, password, is_drawn);
	return OK;
}

/* arg: the struct admin. */
static enum err
change_user(const struct resource *r, struct arena *a, void *row, void *arg,
    struct error *e)
{
	struct admin *ad = arg;
	struct user *u = row;
	struct str tier = admin_opt(ad, "tier");
	unsigned role = u->role;
	enum err err = admin_opt_enum(ad, "role", user_role_names, USER__N,
	    &role, e);

	(void)r;
	(void)a;
	u->role = (enum user_role)role;
	if (admin_has(ad, "name"))
		u->name = admin_opt(ad, "name");
	if (tier.p)
		u->tier_name = str_eq(tier, S("none")) ? (struct str){ NULL, 0 }
						       : tier;
	if (admin_has(ad, "activate") || admin_has(ad, "deactivate"))
		u->is_active = admin_has(ad, "activate");
	return err;
}

enum err
admin_user_set(struct admin *ad, struct error *e)
{
	struct manager m;
	struct user u;
	enum err err = lookup_user(ad, admin_arg(ad, 0), &u, e);

	if (!err && admin_has(ad, "activate") && admin_has(ad, "deactivate"))
		return admin_usage(e,
		    "--activate and --deactivate exclude another");
	if (!err)
		err = admin_manager(ad, &m, e);
	if (!err)
		err = resource_change(&user_resource, &m, u.user_id,
		    change_user, ad, &ad->arena, &u, e);
	if (!err)
		admin_record(ad, user_resource.record, &u);
	return err;
}

enum err
admin_user_archive(struct admin *ad, struct error *e)
{
	struct manager m;
	struct user u;
	enum err err = lookup_user(ad, admin_arg(ad, 0), &u, e);

	if (!err)
		err = admin_manager(ad, &m, e);
	if (!err)
		err = resource_archive(&user_resource, &m, u.user_id,
		    &ad->arena, &u, e);
	if (!err)
		admin_record(ad, user_resource.record, &u);
	return err;
}
