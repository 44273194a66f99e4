/* SPDX-License-Identifier: MIT */
/* What a key may do to another, and who is signed in to a key: only what it
 * could have made itself. */
#include "domain/key_manage_priv.h"

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

enum err
key_cover_limits(const struct manager *m, struct arena *a, uint64_t customer_id,
    uint64_t api_key_id, const struct limit_set *before,
    const struct limit_set *own, struct error *e)
{
	const struct key_manager *km = m->extra;
	struct key_limits *found = NULL;
	size_t n = 0;
	enum err err = store_key_limits(m->db, customer_id, api_key_id, 1, a,
	    &found, &n, e);

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
		err = key_cover_limits(m, a, row->k.customer_id,
		    row->k.api_key_id, &before->k.limits, &row->k.limits, e);
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

enum err
key_cover_change(const struct manager *m, struct arena *a,
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

enum err
key_cover_new(const struct manager *m, struct arena *a, struct key_row *row,
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
