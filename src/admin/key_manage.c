/* SPDX-License-Identifier: MIT */
/* tollgate key list, show, set, rotate, revoke-all */
#include "domain/key_manage.h"

#include "admin/key_read.h"
#include "admin/limits.h"
#include "admin/lookup.h"
#include "base/clock.h"

#define EXPIRING_S 604800 /* a week */
#define SECOND_MS  1000

const struct admin_option admin_key_list_options[] = {
	{ "customer", "ID|EMAIL", "Whose keys (everybody's).", false },
	{ "project", "ID", "Of that project.", false },
	{ "user", "EMAIL", "Of that user.", false },
	{ "name", "NAME", "Of that name.", false },
	{ "prefix", "TEXT", "Whose public id begins so.", false },
	{ "tier", "NAME", "Of that tier.", false },
	{ "model", "NAME|ID", "That may use the model.", false },
	{ "state", "STATE", "active, inactive, expired or revoked.", false },
	{ "used-from", "TIME", "Used at or after.", false },
	{ "used-before", "TIME", "Not used since; never used ones, too.",
	    false },
	{ "expires-before", "TIME", "That expire before.", false },
	{ "created-from", "TIME", "Made at or after.", false },
	{ "created-before", "TIME", "Made before.", false },
	{ "expiring", NULL, "Active ones that expire within a week.", false },
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_key_show_options[] = {
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_key_set_options[] = {
	{ "name", "NAME", "What it is for.", false },
	{ "ips", "LIST", "Addresses and ranges it works from, or none.",
	    false },
	{ "expires", "TIME", "When it ends, or none.", false },
	{ "tier", "NAME", "Tier whose limits it has, or none.", false },
	{ "per-minute", "N", "Requests a minute for each model, or none.",
	    false },
	{ "per-hour", "N", "The same per hour.", false },
	{ "idempotency", "on|off",
	    "Whether its inference heeds the header Idempotency-Key.", false },
	LIMITS_OPTION,
	{ "models", "LIST",
	    "Names or numbers, with commas, or none for all models, also "
	    "later ones.",
	    false },
	{ "scopes", "LIST",
	    "Of infer, usage:read, usage:write, keys:read, keys:write, manage.",
	    false },
	{ "user", "EMAIL", "User whom its usage belongs to.", false },
	{ "project", "ID", "Project that it is sorted by, or none.", false },
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_key_rotate_options[] = {
	{ "grace", "SECONDS", "How long the old secret stays valid (0).",
	    false },
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_key_revoke_all_options[] = {
	{ "customer", "ID|EMAIL", "All keys of a customer.", false },
	{ "project", "ID", "Of a project.", false },
	{ "user", "EMAIL", "Of a user.", false },
	{ "keys", "LIST", "These: numbers, with commas.", false },
	ADMIN_OPTIONS_END,
};

/* ---- looking ---- */

/* --customer, --project, --user. */
static enum err
read_owners(struct admin *ad, struct key_filter *f, struct error *e)
{
	struct customer c = { 0 };
	struct user u = { 0 };
	enum err err = OK;

	if (admin_has(ad, "customer"))
		err = lookup_customer(ad, admin_opt(ad, "customer"), &c, e);
	if (!err && admin_has(ad, "user"))
		err = lookup_user(ad, admin_opt(ad, "user"), &u, e);
	if (!err)
		err = admin_opt_u64(ad, "project", 1, UINT32_MAX,
		    &f->project_id, e);
	f->customer_id = c.customer_id;
	f->user_id = u.user_id;
	return err;
}

static enum err
read_state(struct admin *ad, struct key_filter *f, struct error *e)
{
	unsigned state = 0;
	enum err err = admin_opt_enum(ad, "state", key_state_names,
	    KEY_STATE__N, &state, e);

	if (!err && admin_has(ad, "state"))
		f->state = state + 1;
	if (admin_has(ad, "expiring")) {
		f->state = KEY_ACTIVE + 1;
		f->expires_to_ms = clock_now_ms() +
				   (int64_t)EXPIRING_S * SECOND_MS;
	}
	return err;
}

static enum err
read_filter(struct admin *ad, struct key_filter *f, struct error *e)
{
	const struct {
		const char *option;
		int64_t *to;
	} times[] = { { "used-from", &f->last_used_from_ms },
		{ "used-before", &f->last_used_to_ms },
		{ "expires-before", &f->expires_to_ms },
		{ "created-from", &f->created_from_ms },
		{ "created-before", &f->created_to_ms } };
	struct model m = { 0 };
	enum err err = read_owners(ad, f, e);

	f->name = admin_opt(ad, "name");
	f->tier = admin_opt(ad, "tier");
	f->prefix = admin_opt(ad, "prefix");
	if (f->prefix.p && str_starts(f->prefix, S("tg_")))
		f->prefix = str_skip(f->prefix, 3);
	for (size_t i = 0; i < f->prefix.n; i++)
		if (f->prefix.p[i] == '%' || f->prefix.p[i] == '_')
			return admin_usage(e, "--prefix is of a public id");
	for (size_t i = 0; i < ARRAY_LEN(times) && !err; i++)
		err = admin_opt_time(ad, times[i].option, times[i].to, e);
	if (!err && admin_has(ad, "model"))
		err = lookup_model(ad, admin_opt(ad, "model"), &m, e);
	f->model_id = m.model_id;
	return err ? err : read_state(ad, f, e);
}

static void
list_rec(struct admin *ad, const struct key *k)
{
	admin_rec(ad);
	admin_u64(ad, "id", k->api_key_id);
	admin_u64(ad, "customer_id", k->customer_id);
	admin_str(ad, "name", k->name);
	admin_str(ad, "public_id", k->public_id);
	admin_str(ad, "state",
	    str_from(key_state_names[key_state(k, clock_now_ms())]));
	admin_bool(ad, "is_active", k->is_active && !k->revoked_at_ms);
	admin_bool(ad, "all_models", k->all_models);
	limits_show(ad, &k->limits);
	admin_str(ad, "rate_limit_tier", k->tier_name);
	admin_time(ad, "created_at", k->created_at_ms);
	admin_time(ad, "expires_at", k->expires_at_ms);
	admin_time(ad, "revoked_at", k->revoked_at_ms);
	admin_time(ad, "last_used_at", k->last_used_at_ms);
}

/* filter: a struct key_filter. */
static enum err
list_page(struct admin *ad, struct db *db, const void *filter,
    struct admin_page *p, struct error *e)
{
	struct key *keys = NULL;
	enum err err = store_key_page(db, 0, filter, p->after, p->limit,
	    admin_arena(ad), &keys, &p->n, &p->next, e);

	for (size_t i = 0; i < p->n && !err; i++)
		list_rec(ad, &keys[i]);
	return err;
}

enum err
admin_key_list(struct admin *ad, struct error *e)
{
	struct key_filter f = { 0 };
	enum err err = read_filter(ad, &f, e);

	return err ? err : admin_list_all(ad, list_page, &f, e);
}

enum err
admin_key_show(struct admin *ad, struct error *e)
{
	struct key_row row;
	struct key k;
	enum err err = lookup_key(ad, admin_arg(ad, 0), &k, e);

	return err ? err : admin_show(ad, &key_resource, k.api_key_id, &row, e);
}

/* ---- changing ---- */

enum err
key_manager_of(struct admin *ad, struct key_manager *km, struct manager *ret,
    struct error *e)
{
	enum err err = admin_key_ops(ad, &km->ops, e);

	if (!err)
		err = admin_manager(ad, ret, e);
	ret->extra = km;
	return err;
}

static bool
is_none(struct str s)
{
	return str_eq(s, S("none"));
}

static struct str
text_or_none(struct str s)
{
	return is_none(s) ? (struct str){ NULL, 0 } : s;
}

static enum err
change_models(struct admin *ad, struct key_row *k, struct error *e)
{
	if (!admin_has(ad, "models"))
		return OK;
	k->sets_models = true;
	k->k.all_models = is_none(admin_opt(ad, "models"));
	return k->k.all_models
		   ? OK
		   : key_read_models(ad, &k->model_ids, &k->n_models, e);
}

/* Whom and what it belongs to; the resource checks that they are the
 * customer's. */
static enum err
change_binding(struct admin *ad, struct key_row *k, struct error *e)
{
	struct user u;
	enum err err = OK;

	if (admin_has(ad, "user")) {
		err = lookup_user(ad, admin_opt(ad, "user"), &u, e);
		if (err)
			return err;
		k->k.user_id = u.user_id;
	}
	if (!admin_has(ad, "project"))
		return OK;
	k->k.project_id = 0;
	return is_none(admin_opt(ad, "project"))
		   ? OK
		   : admin_opt_u64(ad, "project", 1, UINT32_MAX,
			 &k->k.project_id, e);
}

static enum err
change_expiry(struct admin *ad, struct key_row *k, struct error *e)
{
	struct str expires = admin_opt(ad, "expires");

	if (!expires.p || !is_none(expires))
		return admin_opt_time(ad, "expires", &k->k.expires_at_ms, e);
	k->k.expires_at_ms = 0;
	return OK;
}

/* arg: the struct admin. */
static enum err
change(const struct resource *r, struct arena *a, void *row, void *arg,
    struct error *e)
{
	struct admin *ad = arg;
	struct key_row *k = row;
	static const char *const off_on[] = { "off", "on" };
	unsigned is_on = k->k.is_idempotent;
	enum err err = limits_read(ad, &k->k.limits, e);

	(void)r;
	(void)a;
	if (!err)
		err = admin_opt_enum(ad, "idempotency", off_on, 2, &is_on, e);
	k->k.is_idempotent = is_on != 0;
	if (admin_has(ad, "name"))
		k->k.name = admin_opt(ad, "name");
	if (admin_has(ad, "tier"))
		k->k.tier_name = text_or_none(admin_opt(ad, "tier"));
	if (admin_has(ad, "ips"))
		k->k.allowed_ips = text_or_none(admin_opt(ad, "ips"));
	if (!err)
		err = key_read_scopes(ad, &k->k.scopes, e);
	if (!err)
		err = change_models(ad, k, e);
	if (!err)
		err = change_binding(ad, k, e);
	return err ? err : change_expiry(ad, k, e);
}

enum err
admin_key_set(struct admin *ad, struct error *e)
{
	struct key_manager km = { 0 };
	struct key_row row;
	struct manager m;
	struct key k;
	enum err err = lookup_key(ad, admin_arg(ad, 0), &k, e);

	if (!err)
		err = key_manager_of(ad, &km, &m, e);
	if (!err)
		err = resource_change(&key_resource, &m, k.api_key_id, change,
		    ad, admin_arena(ad), &row, e);
	if (!err)
		admin_record(ad, key_resource.record, &row);
	return err;
}

enum err
admin_key_rotate(struct admin *ad, struct error *e)
{
	struct key_manager km = { 0 };
	char text[KEY_TEXT_BYTES] = "";
	uint64_t grace_s = 0;
	struct key_row row;
	struct manager m;
	struct key k;
	enum err err = admin_opt_u64(ad, "grace", 0, KEY_GRACE_MAX_S, &grace_s,
	    e);

	if (!err)
		err = lookup_key(ad, admin_arg(ad, 0), &k, e);
	if (!err)
		err = key_manager_of(ad, &km, &m, e);
	if (!err)
		err = key_rotate(&m, k.api_key_id, grace_s, text,
		    admin_arena(ad), &row, e);
	if (err)
		return err;
	admin_rec(ad);
	admin_u64(ad, "id", row.k.api_key_id);
	admin_str(ad, "name", row.k.name);
	admin_str(ad, "key", str_from(text));
	admin_time(ad, "previous_expires_at", row.k.previous_expires_at_ms);
	admin_note(ad, "\nThe key is shown this once: pass it on now.");
	secret_wipe(text, sizeof(text));
	return OK;
}

/* --keys: *ret_ids NULL without it. */
static enum err
read_keys(struct admin *ad, const uint64_t **ret_ids, size_t *ret_n,
    struct error *e)
{
	struct str rest = admin_opt(ad, "keys"), text;
	uint64_t *ids;
	size_t n = 0;

	if (!rest.p)
		return OK;
	ids = arena_array(admin_arena(ad), uint64_t, KEY_REVOKE_MAX);
	if (!ids)
		return error_arena(e, admin_arena(ad));
	while (str_split(&rest, ',', &text)) {
		if (n == KEY_REVOKE_MAX)
			return admin_usage(e, "--keys: more than %d",
			    KEY_REVOKE_MAX);
		if (!str_to_u64(text, 1, UINT32_MAX, &ids[n++]))
			return admin_usage(e,
			    "--keys must be numbers of keys, with commas");
	}
	*ret_ids = ids;
	*ret_n = n;
	return OK;
}

/* Call after call, until there are no more. */
static enum err
revoke_all(struct admin *ad, const struct manager *m,
    const struct key_revocation *what, size_t *n, struct error *e)
{
	struct key_revoked done = { .has_more = true };
	enum err err = OK;

	while (!err && done.has_more) {
		struct arena_mark mark = arena_mark(admin_arena(ad));

		err = key_revoke_many(m, what, admin_arena(ad), &done, e);
		*n += err ? 0 : done.n;
		arena_rewind(admin_arena(ad), mark);
	}
	return err && *n ? error_prefix(e, "%zu keys are revoked, then", *n)
			 : err;
}

enum err
admin_key_revoke_all(struct admin *ad, struct error *e)
{
	struct key_revocation what = { 0 };
	struct key_manager km = { 0 };
	struct manager m;
	size_t n = 0;
	enum err err = read_owners(ad, &what.filter, e);
	bool has_owner = what.filter.customer_id || what.filter.project_id ||
			 what.filter.user_id;

	if (!err)
		err = read_keys(ad, &what.ids, &what.n_ids, e);
	if (!err && has_owner == (what.ids != NULL))
		return admin_usage(e, "say whose: --customer, --project, "
				      "--user; or which: --keys");
	if (!err)
		err = key_manager_of(ad, &km, &m, e);
	if (!err)
		err = revoke_all(ad, &m, &what, &n, e);
	if (err)
		return err;
	admin_rec(ad);
	admin_u64(ad, "revoked", n);
	return OK;
}
