/* SPDX-License-Identifier: MIT */
/* tollgate key add, toggle, revoke */
#include "domain/key_manage.h"

#include <stdlib.h>

#include "admin/limits.h"
#include "admin/lookup.h"
#include "base/clock.h"
#include "store/label.h"

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

static const char *const scope_names[] = { "infer", "usage:read", "usage:write",
	"keys:read", "keys:write", "manage" };

static enum err
read_scopes(struct admin *ad, uint64_t *ret, struct error *e)
{
	struct str rest = admin_opt(ad, "scopes"), name;

	*ret = rest.p ? 0 : KEY_SCOPE_INFER;
	while (rest.p && str_split(&rest, ',', &name)) {
		size_t bit = 0;

		while (bit < ARRAY_LEN(scope_names) &&
		       !str_eq(str_trim(name), str_from(scope_names[bit])))
			bit++;
		if (bit == ARRAY_LEN(scope_names))
			return admin_usage(e, "no such scope: %" PRI_STR,
			    STR_ARG(name));
		*ret |= UINT64_C(1) << bit;
	}
	return OK;
}

static int
by_id(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static enum err
read_models(struct admin *ad, struct key_new *k, struct error *e)
{
	struct str rest = admin_opt(ad, "models"), name;
	uint64_t *ids;
	size_t n = 0, kept = 0;

	k->all_models = !rest.p;
	if (k->all_models)
		return OK;
	ids = arena_array(admin_arena(ad), uint64_t, MODELS_MAX);
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
	qsort(ids, n, sizeof(*ids), by_id);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || ids[kept - 1] != ids[i])
			ids[kept++] = ids[i];
	k->model_ids = ids;
	k->n_models = kept;
	return OK;
}

static enum err
read_owner(struct admin *ad, struct key_new *k, struct error *e)
{
	struct customer c;
	struct user u;
	enum err err = lookup_customer(ad, admin_opt(ad, "customer"), &c, e);

	if (err)
		return err;
	k->customer_id = c.customer_id;
	if (!admin_has(ad, "user"))
		return OK;
	err = lookup_user(ad, admin_opt(ad, "user"), &u, e);
	if (!err && u.customer_id != c.customer_id)
		return error_set(e, ERR_NOT_FOUND,
		    "the customer has no such user");
	k->user_id = u.user_id;
	return err;
}

static enum err
read_limits(struct admin *ad, struct key_new *k, struct error *e)
{
	struct limits_option o;
	enum err err = limits_read(ad, &o, e);

	for (size_t i = 0; !err && i < o.n; i++)
		limit_set_put(&k->limits, o.changes[i].metric,
		    o.changes[i].max);
	return err;
}

static enum err
read_binding(struct admin *ad, struct key_new *k, struct error *e)
{
	struct db *db;
	enum err err = admin_opt_u64(ad, "project", 1, UINT32_MAX,
	    &k->project_id, e);

	k->allowed_ips = admin_opt(ad, "ips");
	if (!err)
		err = key_ips_check(k->allowed_ips, e);
	if (!err)
		err = admin_db(ad, &db, e);
	if (!err && k->project_id)
		err = store_label_check(db, LABEL_PROJECT, k->customer_id,
		    k->project_id, e);
	return err == ERR_NOT_FOUND
		   ? error_set(e, err, "the customer has no such project")
		   : err;
}

static enum err
read_key(struct admin *ad, struct key_new *k, struct error *e)
{
	enum err err = admin_opt_count(ad, "per-minute",
	    &k->rate_limit_per_minute, e);

	if (!err)
		err = admin_opt_count(ad, "per-hour", &k->rate_limit_per_hour,
		    e);
	if (!err)
		err = read_limits(ad, k, e);
	if (!err)
		err = admin_opt_time(ad, "expires", &k->expires_at_ms, e);
	if (!err && admin_has(ad, "expires") &&
	    k->expires_at_ms <= clock_now_ms())
		err = admin_usage(e, "--expires must be in the future");
	if (!err)
		err = read_scopes(ad, &k->scopes, e);
	if (!err)
		err = read_owner(ad, k, e);
	if (!err && admin_has(ad, "tier"))
		err = lookup_tier(ad, admin_opt(ad, "tier"),
		    &k->rate_limit_tier, e);
	if (!err)
		err = read_binding(ad, k, e);
	return err ? err : read_models(ad, k, e);
}

enum err
admin_key_add(struct admin *ad, struct error *e)
{
	struct key_new k = {
		.name = admin_opt(ad, "name"),
		.rate_limit_per_minute = -1,
		.rate_limit_per_hour = -1,
	};
	struct admin_watch watch = { .r = &key_resource };
	char text[KEY_TEXT_BYTES];
	struct key_ops ops;
	uint64_t id;
	enum err err = read_key(ad, &k, e);

	if (!err && (k.name.n == 0 || k.name.n > KEY_NAME_BYTES))
		err = admin_usage(e, "--name must have 1 to %d bytes",
		    KEY_NAME_BYTES);
	if (!err)
		err = admin_key_ops(ad, &ops, e);
	if (!err)
		err = key_create(&ops, &k, text, &id, e);
	if (err)
		return err;
	admin_rec(ad);
	admin_u64(ad, "id", id);
	admin_u64(ad, "customer_id", k.customer_id);
	admin_str(ad, "name", k.name);
	admin_str(ad, "key", str_from(text));
	admin_time(ad, "expires_at", k.expires_at_ms);
	admin_note(ad, "\nThe key is shown this once: pass it on now.");
	secret_wipe(text, sizeof(text));
	return admin_audit_change(ad, &watch, "add", id, k.customer_id, e);
}

enum err
admin_key_toggle(struct admin *ad, struct error *e)
{
	int want = admin_has(ad, "on") ? 1 : admin_has(ad, "off") ? 0 : -1;
	struct admin_watch watch;
	struct key_ops ops;
	struct key k;
	bool is_active;
	enum err err;

	if (admin_has(ad, "on") && admin_has(ad, "off"))
		return admin_usage(e, "--on and --off exclude another");
	err = lookup_key(ad, admin_arg(ad, 0), &k, e);
	if (!err)
		err = admin_watch(ad, &key_resource, k.api_key_id, &watch, e);
	if (!err)
		err = admin_key_ops(ad, &ops, e);
	if (!err)
		err = key_toggle(&ops, k.customer_id, k.api_key_id, want,
		    &is_active, e);
	if (err == ERR_CONFLICT)
		return error_set(e, err, "the key is revoked or has expired");
	if (err)
		return err;
	admin_rec(ad);
	admin_u64(ad, "id", k.api_key_id);
	admin_bool(ad, "is_active", is_active);
	return admin_audit_change(ad, &watch, "toggle", k.api_key_id,
	    k.customer_id, e);
}

enum err
admin_key_revoke(struct admin *ad, struct error *e)
{
	struct admin_watch watch;
	struct key_ops ops;
	struct key k;
	enum err err = lookup_key(ad, admin_arg(ad, 0), &k, e);

	if (!err)
		err = admin_watch(ad, &key_resource, k.api_key_id, &watch, e);
	if (!err)
		err = admin_key_ops(ad, &ops, e);
	if (!err)
		err = key_revoke(&ops, k.customer_id, k.api_key_id, e);
	if (err)
		return err;
	admin_rec(ad);
	admin_u64(ad, "id", k.api_key_id);
	admin_bool(ad, "is_active", false);
	return admin_audit_change(ad, &watch, "revoke", k.api_key_id,
	    k.customer_id, e);
}
