/* SPDX-License-Identifier: MIT */
#include "domain/key_manage.h"

#include <stdlib.h>

#include "base/cidr.h"
#include "base/clock.h"
#include "domain/tier.h"
#include "store/label.h"

#define AT(m) offsetof(struct key_row, m)
/* clang-format off */
static const struct record_member members[] = {
	{ .name = "id", .kind = RECORD_ID, .off = AT(k.api_key_id) },
	{ .name = "customer_id", .kind = RECORD_ID, .off = AT(k.customer_id) },
	{ .name = "user_id", .kind = RECORD_ID, .off = AT(k.user_id),
	  .flags = RECORD_NEW | RECORD_SET, .min = 1, .max = UINT32_MAX },
	{ .name = "project_id", .kind = RECORD_ID, .off = AT(k.project_id),
	  .flags = RECORD_NEW | RECORD_SET | RECORD_NULL, .min = 1, .max = UINT32_MAX },
	{ .name = "public_id", .kind = RECORD_TEXT, .off = AT(k.public_id) },
	{ .name = "name", .kind = RECORD_TEXT, .off = AT(k.name),
	  .flags = RECORD_NEW | RECORD_NEEDED | RECORD_SET, .min = 1, .max = KEY_NAME_BYTES },
	{ .name = "state", .kind = RECORD_ENUM, .off = AT(state), .flags = RECORD_LIVE,
	  .names = key_state_names, .n_names = KEY_STATE__N },
	{ .name = "is_active", .kind = RECORD_BOOL, .off = AT(k.is_active), .flags = RECORD_SET },
	{ .name = "scopes", .kind = RECORD_BITS, .off = AT(k.scopes),
	  .flags = RECORD_NEW | RECORD_SET, .names = key_scope_names, .n_names = KEY_SCOPE__N },
	{ .name = "allowed_models", .kind = RECORD_IDS, .off = AT(models) },
	{ .name = "allowed_ips", .kind = RECORD_TEXTS, .off = AT(k.allowed_ips),
	  .flags = RECORD_NEW | RECORD_SET | RECORD_NULL, .max = KEY_IPS_MAX },
	{ .name = "rate_limits", .kind = RECORD_LIMITS, .off = AT(k.limits),
	  .flags = RECORD_NEW | RECORD_SET | RECORD_NULL },
	{ .name = "rate_limit", .kind = RECORD_LIMIT, .off = AT(k.limits),
	  .metric = LIMIT_KEY_MODEL_REQUESTS_MINUTE,
	  .flags = RECORD_NEW | RECORD_SET | RECORD_NULL, .min = 1, .max = LIMIT_RATE_MAX },
	{ .name = "rate_limit_per_hour", .kind = RECORD_LIMIT, .off = AT(k.limits),
	  .metric = LIMIT_KEY_MODEL_REQUESTS_HOUR,
	  .flags = RECORD_NEW | RECORD_SET | RECORD_NULL, .min = 1, .max = LIMIT_RATE_MAX },
	{ .name = "rate_limit_tier", .kind = RECORD_TEXT, .off = AT(k.tier_name),
	  .flags = RECORD_NEW | RECORD_SET | RECORD_NULL | RECORD_OPERATOR, .min = 1, .max = 64 },
	{ .name = "idempotency", .kind = RECORD_BOOL, .off = AT(k.is_idempotent),
	  .flags = RECORD_NEW | RECORD_SET },
	{ .name = "expires_at", .kind = RECORD_TIME, .off = AT(k.expires_at_ms),
	  .flags = RECORD_NEW | RECORD_SET | RECORD_NULL },
	{ .name = "revoked_at", .kind = RECORD_TIME, .off = AT(k.revoked_at_ms) },
	{ .name = "previous_public_id", .kind = RECORD_TEXT, .off = AT(k.previous_public_id) },
	{ .name = "previous_expires_at", .kind = RECORD_TIME, .off = AT(k.previous_expires_at_ms) },
	{ .name = "last_used_at", .kind = RECORD_TIME, .off = AT(k.last_used_at_ms), .flags = RECORD_LIVE },
	{ .name = "created_at", .kind = RECORD_TIME, .off = AT(k.created_at_ms) },
	BUDGET_MEMBERS(struct key_row, budget, 0),
};
/* clang-format on */

static const struct record_type record = { "key", "api_key", "key", members,
	ARRAY_LEN(members), sizeof(struct key_row) };

void
key_row_fill(const struct key *k, int64_t now_ms, struct key_row *ret)
{
	*ret = (struct key_row){ .k = *k, .state = key_state(k, now_ms) };
	/* An hour's precision would do; a minute is what is promised. */
	ret->k.last_used_at_ms -= ret->k.last_used_at_ms % 60000;
	if (!k->all_models)
		ret->models = k->models.p ? k->models : S("");
}

static enum err
lock(const struct resource *r, struct db *db, uint64_t tenant, uint64_t id,
    struct error *e)
{
	(void)r;
	return store_key_lock(db, tenant, id, e);
}

static enum err
load(const struct resource *r, struct db *db, uint64_t tenant, uint64_t id,
    struct arena *a, void *row, struct error *e)
{
	struct key k;
	enum err err = store_key_by_id(db, tenant, id, a, &k, e);

	(void)r;
	if (err)
		return err;
	key_row_fill(&k, clock_now_ms(), row);
	return budget_member_load(db, BUDGET_KEY, id, clock_now_ms(), a,
	    &((struct key_row *)row)->budget, e);
}

enum err
key_rows(struct db *db, uint64_t tenant, const struct key *keys, size_t n,
    int64_t now_ms, struct arena *a, struct key_row **ret, struct error *e)
{
	struct key_row *v = arena_array(a, struct key_row, n);
	const struct budget_rows rows = { v, n, sizeof(*v), AT(k.api_key_id),
		AT(budget) };

	if (!v)
		return error_arena(e, a);
	for (size_t i = 0; i < n; i++)
		key_row_fill(&keys[i], now_ms, &v[i]);
	*ret = v;
	return budget_members_load(db, BUDGET_KEY, tenant, now_ms, &rows, a, e);
}

static enum err
store_budget(const struct manager *m, uint64_t customer_id, uint64_t id,
    const struct key_row *row, struct arena *a, struct error *e)
{
	const struct budget_holder h = { .scope = BUDGET_KEY,
		.customer_id = customer_id,
		.api_key_id = id };

	return budget_member_store(m->db, &h, &row->budget, m->now_ms, a, e);
}

enum err
key_ips_check(struct str list, struct error *e)
{
	struct cidr range;
	struct str item;
	size_t n = 0;

	if (list.p && list.n == 0)
		return error_public(e, ERR_BAD_PARAM, "allowed_ips",
		    "allowed_ips must name an address, or be null.");
	for (; list.n && str_split(&list, ',', &item); n++)
		if (!cidr_parse(item, &range))
			return error_public(e, ERR_BAD_PARAM, "allowed_ips",
			    "allowed_ips holds what is no address and no "
			    "range such as 192.0.2.0/24 or 2001:db8::/32.");
	if (n > KEY_IPS_MAX)
		return error_public(e, ERR_BAD_PARAM, "allowed_ips",
		    "allowed_ips holds more than %d addresses and ranges.",
		    KEY_IPS_MAX);
	return OK;
}

static int
by_id(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

size_t
key_models_sort(uint64_t *ids, size_t n)
{
	size_t kept = 0;

	qsort(ids, n, sizeof(*ids), by_id);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || ids[kept - 1] != ids[i])
			ids[kept++] = ids[i];
	return kept;
}

/* ---- what a key may do to another ---- */

static enum err
has_less(struct error *e, const char *param)
{
	return error_public(e, ERR_FORBIDDEN, param,
	    "A key cannot grant more than it has.");
}

/* The key's models in numbers, from its text. */
static enum err
models_of(const struct key_row *row, struct arena *a, struct key_new *k,
    struct error *e)
{
	struct str list = row->models, item;
	uint64_t *ids;

	k->all_models = row->k.all_models;
	if (row->sets_models) {
		k->model_ids = row->model_ids;
		k->n_models = row->n_models;
		return OK;
	}
	if (k->all_models || list.n == 0)
		return OK;
	ids = arena_array(a, uint64_t, list.n / 2 + 1);
	if (!ids)
		return error_arena(e, a);
	while (list.n && str_split(&list, ',', &item))
		if (!str_to_u64(item, 1, UINT32_MAX, &ids[k->n_models++]))
			return error_set(e, ERR_CORRUPT, "a list of models");
	k->model_ids = ids;
	return OK;
}

/*
 * The limits that row would have, its tiers' and customer's with them; 0 where
 * there is none. Of an owner only those that change: what it leaves as it is,
 * somebody else gave.
 */
static enum err
limits_asked(const struct manager *m, struct arena *a,
    const struct key_row *before, const struct key_row *row,
    struct limit_set *ret, struct error *e)
{
	const struct key_manager *km = m->extra;
	bool is_owner = principal_is_owner(m->who);
	struct key_limits *found = NULL;
	struct limit_set would;
	size_t n = 0;
	enum err err = store_key_limits(m->db, row->k.customer_id,
	    row->k.api_key_id, 1, a, &found, &n, e);

	if (err || n == 0)
		return err ? err : error_set(e, ERR_NOT_FOUND, "no such key");
	found->layers[KEY_LIMITS_OWN] = row->k.limits;
	key_limits_resolve(found->layers, &km->default_limits, &would);
	for (unsigned i = 0; i < LIMIT__METRICS; i++)
		if (!is_owner || limit_set_get(&before->k.limits, i) !=
				     limit_set_get(&row->k.limits, i))
			limit_set_put(ret, i,
			    limit_set_states(&would, i) ? would.max[i] : 0);
	return OK;
}

/* Who is signed in states no limit of a key beyond what holds without. */
static enum err
check_limits(const struct manager *m, struct arena *a, uint64_t customer_id,
    uint64_t id, const struct limit_set *before, const struct limit_set *own,
    struct error *e)
{
	const struct key_manager *km = m->extra;
	struct key_limits *found = NULL;
	size_t n = 0;
	enum err err = store_key_limits(m->db, customer_id, id, 1, a, &found,
	    &n, e);

	if (err || n == 0)
		return err ? err : error_set(e, ERR_NOT_FOUND, "no such key");
	found->layers[KEY_LIMITS_OWN] = *own;
	return key_limits_check(before, found->layers, &km->default_limits, e);
}

/* The caller's key would have to be able to make this one. Its tier is what
 * an operator gave it, and its limits count for it. */
static enum err
covers(const struct manager *m, struct arena *a, const struct key_row *before,
    const struct key_row *row, struct error *e)
{
	const struct key_manager *km = m->extra;
	struct key_new asked = {
		.user_id = row->k.user_id,
		.project_id = row->k.project_id,
		.scopes = row->k.scopes,
		.allowed_ips = row->k.allowed_ips,
		.expires_at_ms = row->k.expires_at_ms,
	};
	struct key_new given;
	enum err err = models_of(row, a, &asked, e);

	if (!err)
		err = limits_asked(m, a, before, row, &asked.limits, e);
	given = asked;
	if (!err && m->who->kind == PRINCIPAL_SESSION)
		err = check_limits(m, a, row->k.customer_id, row->k.api_key_id,
		    &before->k.limits, &row->k.limits, e);
	if (!err)
		err = key_grant(m->who, &km->default_limits, &given, e);
	if (err)
		return err;
	/* What was narrowed down to fit was too wide. */
	if (given.all_models != asked.all_models)
		return has_less(e, "allowed_models");
	if (given.expires_at_ms != asked.expires_at_ms)
		return has_less(e, "expires_at");
	if (given.project_id != asked.project_id)
		return has_less(e, "project_id");
	if (given.allowed_ips.p != asked.allowed_ips.p)
		return has_less(e, "allowed_ips");
	return OK;
}

static const struct budget_terms *
terms_of(const struct budget_member *m)
{
	return m->has_terms ? &m->terms : NULL;
}

static enum err
check_grant(const struct manager *m, struct arena *a,
    const struct key_row *before, const struct key_row *row, struct error *e)
{
	const struct budget_terms *has = terms_of(&before->budget);
	enum err err;

	if (!m->who || principal_is_operator(m->who))
		return OK;
	if (!principal_is_owner(m->who) || row->budget.is_given) {
		err = key_budget_check(m->who, row->k.api_key_id, has,
		    terms_of(&row->budget), e);
		if (err)
			return err;
	}
	err = covers(m, a, before, before, e);
	return err || row == before ? err : covers(m, a, before, row, e);
}

/* ---- rules of a change ---- */

static enum err
check_user(const struct manager *m, struct arena *a, const struct key_row *row,
    struct error *e)
{
	struct user u = { 0 };
	enum err err = store_user_by_id(m->db, row->k.customer_id,
	    row->k.user_id, a, &u, e);

	if (err == ERR_NOT_FOUND || (!err && u.archived_at_ms))
		return error_public(e, ERR_BAD_PARAM, "user_id",
		    "The customer has no such user.");
	return err;
}

static enum err
check_project(const struct manager *m, const struct key_row *row,
    struct error *e)
{
	enum err err = row->k.project_id
			   ? store_label_check(m->db, LABEL_PROJECT,
				 row->k.customer_id, row->k.project_id, e)
			   : OK;

	return err == ERR_NOT_FOUND
		   ? error_public(e, ERR_BAD_PARAM, "project_id",
			 "The customer has no such project.")
		   : err;
}

static enum err
check_change(const struct manager *m, struct arena *a,
    const struct key_row *before, struct key_row *row, struct error *e)
{
	enum err err = OK;

	if (before->k.revoked_at_ms)
		return error_public(e, ERR_CONFLICT, NULL,
		    "That key is revoked.");
	if (row->k.user_id != before->k.user_id)
		err = check_user(m, a, row, e);
	if (!err && row->k.project_id != before->k.project_id)
		err = check_project(m, row, e);
	if (!err && !str_eq(row->k.tier_name, before->k.tier_name)) {
		row->k.rate_limit_tier = 0;
		err = tier_find(m->db, row->k.tier_name, a,
		    &row->k.rate_limit_tier, e);
	}
	if (!err)
		err = key_ips_check(row->k.allowed_ips, e);
	return err ? err : check_grant(m, a, before, row, e);
}

/* Whom it meters to: a user of its customer, or the owner. */
static enum err
find_user(const struct manager *m, struct arena *a, struct key_row *row,
    struct error *e)
{
	enum err err = row->k.user_id
			   ? OK
			   : store_user_owner_id(m->db, row->k.customer_id,
				 &row->k.user_id, e);

	if (err == ERR_NOT_FOUND)
		return error_public(e, ERR_CONFLICT, NULL,
		    "That customer has no active owner; give a user_id.");
	return err ? err : check_user(m, a, row, e);
}

/* What it leaves open is the caller's key's own. */
static enum err
grant_new(const struct manager *m, struct arena *a, struct key_row *row,
    struct error *e)
{
	const struct key_manager *km = m->extra;
	const struct principal *who = m->who;
	struct key_new k = { .user_id = row->k.user_id,
		.project_id = row->k.project_id,
		.scopes = row->k.scopes,
		.allowed_ips = row->k.allowed_ips,
		.limits = row->k.limits,
		.expires_at_ms = row->k.expires_at_ms };
	enum err err;

	if (!who || principal_is_operator(who))
		return OK;
	if (row->k.tier_name.p)
		return error_public(e, ERR_FORBIDDEN, "rate_limit_tier",
		    "Only operators set tiers.");
	if (!row->budget.is_given)
		key_budget_default(who, &row->budget);
	err = key_budget_check(who, 0, NULL, terms_of(&row->budget), e);
	if (!err)
		err = models_of(row, a, &k, e);
	if (!err)
		err = key_grant(who, &km->default_limits, &k, e);
	if (err)
		return err;
	row->k.user_id = k.user_id;
	row->k.project_id = k.project_id;
	row->k.allowed_ips = k.allowed_ips;
	row->k.limits = k.limits;
	row->k.expires_at_ms = k.expires_at_ms;
	row->k.all_models = k.all_models;
	row->model_ids = k.model_ids;
	row->n_models = k.n_models;
	return OK;
}

static enum err
check_new(const struct manager *m, struct arena *a, struct key_row *row,
    struct error *e)
{
	enum err err = key_ips_check(row->k.allowed_ips, e);

	if (!err)
		err = grant_new(m, a, row, e);
	if (!err)
		err = find_user(m, a, row, e);
	if (!err)
		err = check_project(m, row, e);
	return err ? err
		   : tier_find(m->db, row->k.tier_name, a,
			 &row->k.rate_limit_tier, e);
}

static enum err
check(const struct resource *r, const struct manager *m, struct arena *a,
    const void *before, void *row, struct error *e)
{
	(void)r;
	return before ? check_change(m, a, before, row, e)
		      : check_new(m, a, row, e);
}

static enum err
insert(const struct resource *r, const struct manager *m, struct arena *a,
    void *row, uint64_t *ret_id, struct error *e)
{
	const struct key_manager *km = m->extra;
	const struct key_row *k = row;
	struct key_ops ops = km->ops;
	struct key_new new = {
		.customer_id = k->k.customer_id,
		.user_id = k->k.user_id,
		.project_id = k->k.project_id,
		.name = k->k.name,
		.scopes = k->k.scopes,
		.all_models = k->k.all_models,
		.model_ids = k->model_ids,
		.n_models = k->n_models,
		.allowed_ips = k->k.allowed_ips,
		.rate_limit_tier = k->k.rate_limit_tier,
		.limits = k->k.limits,
		.expires_at_ms = k->k.expires_at_ms,
		.is_idempotent = k->k.is_idempotent,
		.wanted_public_id = km->wanted_public_id,
	};
	enum err err;

	(void)r;
	ops.db = m->db;
	err = key_create(&ops, &new, km->text, ret_id, e);
	if (!err && m->who && m->who->kind == PRINCIPAL_SESSION &&
	    !principal_is_operator(m->who))
		err = check_limits(m, a, new.customer_id, *ret_id, NULL,
		    &new.limits, e);
	return err ? err : store_budget(m, new.customer_id, *ret_id, k, a, e);
}

static enum err
update(const struct resource *r, const struct manager *m, struct arena *a,
    void *row, struct error *e)
{
	const struct key_row *k = row;
	const struct key_update u = { &k->k, k->sets_models, k->model_ids,
		k->n_models };

	enum err err = store_key_update(m->db, &u, e);

	(void)r;
	return err ? err
		   : store_budget(m, k->k.customer_id, k->k.api_key_id, k, a,
			 e);
}

static enum err
revoke(const struct resource *r, const struct manager *m, struct arena *a,
    const void *row, struct error *e)
{
	const struct key_row *k = row;

	(void)r;
	(void)a;
	return store_key_revoke(m->db, m->tenant, k->k.api_key_id, e);
}

const struct resource key_resource = {
	.record = &record,
	.customer_off = AT(k.customer_id),
	.archived_off = AT(k.revoked_at_ms),
	.end_verb = "revoke",
	.slot = RESOURCE_SLOT_OWN,
	.lock = lock,
	.load = load,
	.check = check,
	.insert = insert,
	.update = update,
	.archive = revoke,
};

/* ---- rotating, switching, revoking many ---- */

struct rotation {
	uint64_t grace_s;
	char *text;
};

static enum err
rotate(const struct resource *r, const struct manager *m, struct arena *a,
    const void *row, void *arg, struct error *e)
{
	const struct key_manager *km = m->extra;
	const struct rotation *rot = arg;
	const struct key_row *k = row;
	struct key_rotation change = {
		.api_key_id = k->k.api_key_id,
		.customer_id = k->k.customer_id,
		.grace_s = rot->grace_s,
		.pepper_id = km->ops.pepper_id,
	};
	enum key_state state = key_state(&k->k, m->now_ms);
	enum err err;

	(void)r;
	if (state == KEY_REVOKED || state == KEY_EXPIRED)
		return error_public(e, ERR_CONFLICT, NULL,
		    "That key is revoked or expired.");
	err = check_grant(m, a, k, k, e);
	if (err)
		return err;
	key_draw(&km->ops, (struct str){ NULL, 0 }, rot->text,
	    &change.public_id, change.digest);
	return store_key_rotate(m->db, &change, e);
}

enum err
key_rotate(const struct manager *m, uint64_t api_key_id, uint64_t grace_s,
    char ret_text[KEY_TEXT_BYTES], struct arena *a, struct key_row *ret,
    struct error *e)
{
	static const struct resource_act act = { "rotate", rotate, false };
	struct rotation arg = { grace_s, ret_text };

	return resource_act(&key_resource, m, api_key_id, &act, &arg, a, ret,
	    e);
}

static enum err
flip(const struct resource *r, const struct manager *m, struct arena *a,
    const void *row, void *arg, struct error *e)
{
	const struct key_row *k = row;
	const int *want = arg;
	bool turns_on = *want < 0 ? !k->k.is_active : *want;
	bool is_active;
	enum err err = turns_on ? check_grant(m, a, k, k, e) : OK;

	(void)r;
	if (err)
		return err;
	err = store_key_toggle(m->db, m->tenant, k->k.api_key_id, *want,
	    &is_active, e);
	return err == ERR_CONFLICT ? error_public(e, err, NULL,
					 "That key is revoked or expired.")
				   : err;
}

enum err
key_switch(const struct manager *m, uint64_t api_key_id, int want,
    struct arena *a, struct key_row *ret, struct error *e)
{
	static const struct resource_act act = { "toggle", flip, false };

	return resource_act(&key_resource, m, api_key_id, &act, &want, a, ret,
	    e);
}
