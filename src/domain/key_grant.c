/* SPDX-License-Identifier: MIT */
/* What may be handed on to a key: never more than who asks has. */
#include "base/str.h"
#include "domain/key.h"

static enum err
refuse(struct error *e, const char *param)
{
	return error_public(e, ERR_FORBIDDEN, param,
	    "A key cannot grant more than it has.");
}

static enum err
grant_models(const struct principal *who, struct key_new *k, struct error *e)
{
	if (who->all_models)
		return OK;
	if (k->all_models) {
		k->all_models = false;
		k->model_ids = who->model_ids;
		k->n_models = who->n_models;
	}
	for (size_t i = 0; i < k->n_models; i++)
		if (!principal_may_use_model(who, k->model_ids[i]))
			return refuse(e, "allowed_models");
	return OK;
}

/* Whether number lets more pass than in_force, which enforces nothing when it
 * is 0 or not stated. For LIMIT_SLIDING 1 is the stricter one. */
static bool
is_more(enum limit_metric metric, int64_t number, int64_t in_force)
{
	if (in_force <= 0)
		return false;
	return number == 0 || (metric != LIMIT_SLIDING && number > in_force);
}

/*
 * A number that is not stated becomes the granting key's, as that may be
 * lower than what the layers behind a key's own say.
 */
static enum err
grant_limits(const struct principal *who, const struct limit_set *defaults,
    struct key_new *k, struct error *e)
{
	for (unsigned m = 0; m < LIMIT__METRICS; m++) {
		int64_t own = limit_set_get(&who->limits, m);
		int64_t number = limit_set_get(&k->limits, m);

		if (number == LIMIT_UNSTATED && own > 0)
			limit_set_put(&k->limits, m, own);
		if (number != LIMIT_UNSTATED &&
		    is_more(m, number,
			own == LIMIT_UNSTATED ? limit_set_get(defaults, m)
					      : own))
			return refuse(e, key_limit_member(m));
	}
	return OK;
}

static enum err
grant_expiry(const struct principal *who, struct key_new *k, struct error *e)
{
	if (who->expires_at_ms == 0)
		return OK;
	if (k->expires_at_ms == 0)
		k->expires_at_ms = who->expires_at_ms;
	return k->expires_at_ms > who->expires_at_ms ? refuse(e, "expires_at")
						     : OK;
}

/* Whether every range of list lies in one of the key's own. */
static bool
ips_lie_within(const struct principal *who, struct str list)
{
	struct str item;

	while (list.n && str_split(&list, ',', &item)) {
		struct cidr range;
		bool lies = false;

		if (!cidr_parse(item, &range))
			return false;
		for (size_t i = 0; i < who->allowed_ips.n; i++) {
			const struct cidr *own = &who->allowed_ips.v[i];

			lies = lies || (range.n_bits >= own->n_bits &&
					   cidr_contains(own, &range.addr));
		}
		if (!lies)
			return false;
	}
	return true;
}

static enum err
grant_ips(const struct principal *who, struct key_new *k, struct error *e)
{
	if (who->allowed_ips.n == 0)
		return OK;
	if (!k->allowed_ips.p)
		k->allowed_ips = who->allowed_ips_text;
	return ips_lie_within(who, k->allowed_ips) ? OK
						   : refuse(e, "allowed_ips");
}

/* An owner's key acts for all users of the customer, and for all projects;
 * others for their own. */
static enum err
grant_binding(const struct principal *who, struct key_new *k, struct error *e)
{
	if (k->user_id == 0)
		k->user_id = who->user_id;
	if (k->user_id != who->user_id && !principal_is_owner(who))
		return refuse(e, "user_id");
	if (who->project_id && k->project_id == 0)
		k->project_id = who->project_id;
	if (who->project_id && k->project_id != who->project_id)
		return refuse(e, "project_id");
	return OK;
}

static enum err
refuse_session(struct error *e, const char *param)
{
	return error_public(e, ERR_FORBIDDEN, param,
	    "Your role doesn't allow that.");
}

/* Nobody infers by a session, but its keys may. Limits are looked at when the
 * key is there, by key_limits_check(). */
static enum err
grant_by_session(const struct principal *who, struct key_new *k,
    struct error *e)
{
	if (k->scopes & ~(who->scopes | KEY_SCOPE_INFER))
		return refuse_session(e, "scopes");
	if (k->rate_limit_tier)
		return refuse_session(e, "rate_limit_tier");
	if (k->user_id == 0)
		k->user_id = who->user_id;
	if (k->user_id != who->user_id && !principal_is_owner(who))
		return refuse_session(e, "user_id");
	return OK;
}

enum err
key_limits_check(const struct limit_set *before,
    const struct limit_set layers[KEY_LIMITS__N],
    const struct limit_set *defaults, struct error *e)
{
	const struct limit_set *own = &layers[KEY_LIMITS_OWN];
	struct limit_set behind = *defaults;

	for (unsigned i = KEY_LIMITS__N; i-- > KEY_LIMITS_OWN + 1;) {
		struct limit_set nearer = layers[i];

		limit_set_inherit(&nearer, &behind);
		behind = nearer;
	}
	for (unsigned m = 0; m < LIMIT__METRICS; m++) {
		int64_t number = limit_set_get(own, m);
		int64_t most = limit_set_get(&behind, m);

		if (number == LIMIT_UNSTATED || !is_more(m, number, most) ||
		    (before && limit_set_get(before, m) == number))
			continue;
		return error_public(e, ERR_FORBIDDEN, limit_metric_names[m],
		    "%s may be %lld at most: more is given by operators.",
		    limit_metric_names[m], (long long)most);
	}
	return OK;
}

enum err
key_grant(const struct principal *who, const struct limit_set *defaults,
    struct key_new *k, struct error *e)
{
	enum err err;

	if (who->kind == PRINCIPAL_SESSION && !principal_is_operator(who))
		return grant_by_session(who, k, e);
	if (who->kind != PRINCIPAL_KEY)
		return OK;
	if (!principal_has_scopes(who, k->scopes))
		return refuse(e, "scopes");
	if (k->rate_limit_tier)
		return refuse(e, "rate_limit_tier");
	err = grant_binding(who, k, e);
	if (!err)
		err = grant_models(who, k, e);
	if (!err)
		err = grant_ips(who, k, e);
	if (!err)
		err = grant_expiry(who, k, e);
	return err ? err : grant_limits(who, defaults, k, e);
}
