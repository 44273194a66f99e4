/* SPDX-License-Identifier: MIT */
#include "domain/key_manage_priv.h"

#include "base/clock.h"

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

static enum err
check(const struct resource *r, const struct manager *m, struct arena *a,
    const void *before, void *row, struct error *e)
{
	(void)r;
	return before ? key_check_change(m, a, before, row, e)
		      : key_check_new(m, a, row, e);
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
		err = key_cover_limits(m, a, new.customer_id, *ret_id, NULL,
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
