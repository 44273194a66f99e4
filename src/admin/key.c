/* SPDX-License-Identifier: MIT */
/* tollgate key add, toggle, revoke */
#include "domain/key_manage.h"

#include "admin/key_read.h"
#include "admin/limits.h"
#include "admin/lookup.h"
#include "base/clock.h"

#define MODELS_MAX 1000

const struct admin_option admin_key_add_options[] = {
	{ "customer", "ID|EMAIL", "Whose key it is.", true },
	{ "name", "NAME", "What it is for.", true },
	{ "models", "LIST",
	    "Names or numbers, with commas (all models, also "
	    "later ones).",
	    false },
	{ "scopes", "LIST",
	    "Of infer, usage:read, usage:write, keys:read, "
	    "keys:write, manage (infer).",
	    false },
	{ "tier", "NAME", "Tier whose limits it has.", false },
	{ "per-minute", "N",
	    "Requests a minute for each model, before its "
	    "tier's; 0: no limit.",
	    false },
	{ "per-hour", "N", "The same per hour.", false },
	LIMITS_OPTION,
	{ "expires", "TIME", "When it ends (never).", false },
	{ "user", "EMAIL", "User whom its usage belongs to (the owner).",
	    false },
	{ "project", "ID", "Project that it is sorted by.", false },
	{ "ips", "LIST", "Addresses and ranges it works from (all).", false },
	{ "idempotency", NULL, "Its inference heeds Idempotency-Key.", false },
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_key_toggle_options[] = {
	{ "on", NULL, "Switch on, whatever it was.", false },
	{ "off", NULL, "Switch off, whatever it was.", false },
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_key_revoke_options[] = {
	ADMIN_OPTIONS_END,
};

enum err
key_read_scopes(struct admin *ad, uint64_t *ret, struct error *e)
{
	struct str rest = admin_opt(ad, "scopes"), name;

	if (rest.p)
		*ret = 0;
	while (rest.p && str_split(&rest, ',', &name)) {
		size_t bit = 0;

		while (bit < KEY_SCOPE__N &&
		       !str_eq(str_trim(name), str_from(key_scope_names[bit])))
			bit++;
		if (bit == KEY_SCOPE__N)
			return admin_usage(e, "no such scope: %" PRI_STR,
			    STR_ARG(name));
		*ret |= UINT64_C(1) << bit;
	}
	return OK;
}

enum err
key_read_models(struct admin *ad, const uint64_t **ret_ids, size_t *ret_n,
    struct error *e)
{
	struct str rest = admin_opt(ad, "models"), name;
	uint64_t *ids = arena_array(admin_arena(ad), uint64_t, MODELS_MAX);
	size_t n = 0;

	if (!ids)
		return error_arena(e, admin_arena(ad));
	while (str_split(&rest, ',', &name)) {
		struct model m;
		enum err err;

		if (n == MODELS_MAX)
			return admin_usage(e, "too many models");
		err = lookup_model(ad, str_trim(name), &m, e);
		if (err)
			return err;
		ids[n++] = m.model_id;
	}
	*ret_ids = ids;
	*ret_n = key_models_sort(ids, n);
	return OK;
}

/* Whose it is. */
static enum err
read_owner(struct admin *ad, struct key *k, struct error *e)
{
	struct customer c = { 0 };
	struct user u = { 0 };
	enum err err = lookup_customer(ad, admin_opt(ad, "customer"), &c, e);

	if (!err && admin_has(ad, "user"))
		err = lookup_user(ad, admin_opt(ad, "user"), &u, e);
	k->customer_id = c.customer_id;
	k->user_id = u.user_id;
	return err ? err
		   : admin_opt_u64(ad, "project", 1, UINT32_MAX, &k->project_id,
			 e);
}

/* The resource checks it. */
static enum err
read_key(struct admin *ad, struct key_row *row, struct error *e)
{
	struct key *k = &row->k;
	enum err err;

	*k = (struct key){
		.name = admin_opt(ad, "name"),
		.scopes = KEY_SCOPE_INFER,
		.all_models = !admin_has(ad, "models"),
		.allowed_ips = admin_opt(ad, "ips"),
		.tier_name = admin_opt(ad, "tier"),
		.is_idempotent = admin_has(ad, "idempotency"),
	};
	err = limits_read(ad, &k->limits, e);
	if (!err)
		err = admin_opt_time(ad, "expires", &k->expires_at_ms, e);
	if (!err && admin_has(ad, "expires") &&
	    k->expires_at_ms <= clock_now_ms())
		err = admin_usage(e, "--expires must be in the future");
	if (!err)
		err = key_read_scopes(ad, &k->scopes, e);
	if (!err)
		err = read_owner(ad, k, e);
	row->sets_models = true;
	return err || k->all_models
		   ? err
		   : key_read_models(ad, &row->model_ids, &row->n_models, e);
}

enum err
admin_key_add(struct admin *ad, struct error *e)
{
	char text[KEY_TEXT_BYTES] = "";
	struct key_manager km = { .text = text };
	struct key_row row = { 0 };
	struct manager m;
	enum err err = read_key(ad, &row, e);

	if (!err)
		err = key_manager_of(ad, &km, &m, e);
	if (!err)
		err = resource_create(&key_resource, &m, admin_arena(ad), &row,
		    e);
	if (err)
		return err;
	admin_rec(ad);
	admin_u64(ad, "id", row.k.api_key_id);
	admin_u64(ad, "customer_id", row.k.customer_id);
	admin_str(ad, "name", row.k.name);
	admin_str(ad, "key", str_from(text));
	admin_time(ad, "expires_at", row.k.expires_at_ms);
	admin_note(ad, "\nThe key is shown this once: pass it on now.");
	secret_wipe(text, sizeof(text));
	return OK;
}

static void
switch_rec(struct admin *ad, const struct key_row *row)
{
	admin_rec(ad);
	admin_u64(ad, "id", row->k.api_key_id);
	admin_bool(ad, "is_active", row->k.is_active);
}

enum err
admin_key_toggle(struct admin *ad, struct error *e)
{
	int want = admin_has(ad, "on") ? 1 : admin_has(ad, "off") ? 0 : -1;
	struct key_manager km = { 0 };
	struct key_row row;
	struct manager m;
	struct key k;
	enum err err;

	if (admin_has(ad, "on") && admin_has(ad, "off"))
		return admin_usage(e, "--on and --off exclude another");
	err = lookup_key(ad, admin_arg(ad, 0), &k, e);
	if (!err)
		err = key_manager_of(ad, &km, &m, e);
	if (!err)
		err = key_switch(&m, k.api_key_id, want, admin_arena(ad), &row,
		    e);
	if (!err)
		switch_rec(ad, &row);
	return err;
}

enum err
admin_key_revoke(struct admin *ad, struct error *e)
{
	struct key_manager km = { 0 };
	struct key_row row;
	struct manager m;
	struct key k;
	enum err err = lookup_key(ad, admin_arg(ad, 0), &k, e);

	if (!err)
		err = key_manager_of(ad, &km, &m, e);
	if (!err)
		err = resource_archive(&key_resource, &m, k.api_key_id,
		    admin_arena(ad), &row, e);
	if (!err)
		switch_rec(ad, &row);
	return err;
}
