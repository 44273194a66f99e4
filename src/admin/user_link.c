/* SPDX-License-Identifier: MIT */
/* tollgate user invite, reset, factor-remove */
#include "domain/user_link.h"

#include "admin/admin_priv.h"
#include "admin/lookup.h"
#include "domain/resource.h"
#include "store/second_factor.h"

const struct admin_option admin_user_invite_options[] = {
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_user_reset_options[] = {
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_user_factor_remove_options[] = {
	ADMIN_OPTIONS_END,
};

struct making {
	struct user_link_maker maker;
	enum user_link_kind kind;
	int64_t now_ms;
	char token[SESSION_TEXT_BYTES];
};

/* arg: the struct making. */
static enum err
make(const struct resource *r, const struct manager *m, struct arena *a,
    const void *row, void *arg, struct error *e)
{
	struct making *k = arg;
	const struct user *u = row;

	(void)r;
	(void)a;
	if (u->archived_at_ms || !u->is_active)
		return error_set(e, ERR_CONFLICT,
		    "that user is archived, or may not sign in");
	return user_link_make(m->db, &k->maker, u->user_id, k->kind, k->now_ms,
	    k->token, e);
}

static void
link_rec(struct admin *ad, const struct user *u, const struct making *k)
{
	admin_rec(ad);
	admin_u64(ad, "id", u->user_id);
	admin_str(ad, "email", u->email);
	admin_str(ad, "kind", str_from(user_link_kind_names[k->kind]));
	admin_str(ad, "link",
	    user_link_url(ad->conf, str_from(k->token), &ad->secrets));
	admin_time(ad, "expires_at",
	    k->now_ms + (int64_t)k->maker.valid_s[k->kind] * 1000);
	admin_bool(ad, "is_mailed", k->maker.is_mailed);
	admin_note(ad, "\nThe link is shown this once; it works once.%s",
	    conf_text(ad->conf, CONF_PUBLIC_URL)[0]
		? ""
		: " public_url is not set: put the address of the dashboard "
		  "before it.");
}

static enum err
make_link(struct admin *ad, enum user_link_kind kind, struct error *e)
{
	static const struct resource_act act = { "link", make, true };
	struct making k = { .kind = kind };
	const struct crypto_keys *keys;
	struct manager m;
	struct user u;
	enum err err = lookup_user(ad, admin_arg(ad, 0), &u, e);

	if (!err)
		err = admin_keys(ad, &keys, e);
	if (!err)
		err = admin_manager(ad, &m, e);
	if (err)
		return err;
	k.now_ms = m.now_ms;
	user_link_maker_init(&k.maker, ad->conf, keys->pepper, keys->seal);
	err = resource_act(&user_resource, &m, u.user_id, &act, &k, &ad->arena,
	    &u, e);
	if (!err)
		link_rec(ad, &u, &k);
	secret_wipe(&k, sizeof(k));
	return err;
}

enum err
admin_user_invite(struct admin *ad, struct error *e)
{
	return make_link(ad, USER_LINK_INVITATION, e);
}

enum err
admin_user_reset(struct admin *ad, struct error *e)
{
	return make_link(ad, USER_LINK_RESET, e);
}

static enum err
take_away(const struct resource *r, const struct manager *m, struct arena *a,
    const void *row, void *arg, struct error *e)
{
	const struct user *u = row;
	bool *had = arg;
	enum err err = store_factor_delete(m->db, u->user_id, e);

	(void)r;
	(void)a;
	*had = !err;
	if (err == ERR_NOT_FOUND) {
		error_clear(e);
		return OK; /* that it has none is what was asked for */
	}
	return err ? err : store_session_delete_of_user(m->db, u->user_id, e);
}

enum err
admin_user_factor_remove(struct admin *ad, struct error *e)
{
	static const struct resource_act act = { "factor_remove", take_away,
		true };
	struct manager m;
	struct user u;
	bool had = false;
	enum err err = lookup_user(ad, admin_arg(ad, 0), &u, e);

	if (!err)
		err = admin_manager(ad, &m, e);
	if (!err)
		err = resource_act(&user_resource, &m, u.user_id, &act, &had,
		    &ad->arena, &u, e);
	if (err)
		return err;
	admin_rec(ad);
	admin_u64(ad, "id", u.user_id);
	admin_str(ad, "email", u.email);
	admin_bool(ad, "had_factor", had);
	return OK;
}
