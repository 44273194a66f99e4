/* SPDX-License-Identifier: MIT */
#include "handler/key_make.h"

#include "base/clock.h"
#include "domain/tier.h"
#include "ext/json.h"
#include "handler/key_read.h"
#include "store/label.h"
#include "store/user.h"

#define JSON_DEPTH 4

/* ---- reading ---- */

static enum err
read_customer(const struct app *app, const struct json *body,
    struct key_make *k, struct error *e)
{
	bool has_id = json_has(body, "customer_id");

	/* A customer's key makes keys of its customer. */
	if (app->who->customer_id && !has_id &&
	    !json_has(body, "customer_email")) {
		k->key.customer_id = app->who->customer_id;
		return OK;
	}
	if (has_id == json_has(body, "customer_email"))
		return error_public(e, ERR_BAD_PARAM, "customer_email",
		    "Give customer_email or customer_id, and not both.");
	if (has_id)
		return json_get_u64(body, "customer_id", 1, INT64_MAX,
		    &k->key.customer_id, e);
	return json_get_str(body, "customer_email", 1, CUSTOMER_EMAIL_BYTES,
	    &k->customer_email, e);
}

static enum err
read_expiry(const struct json *body, int64_t now_ms, struct key_new *k,
    struct error *e)
{
	struct str text;
	enum err rc;

	if (!json_has(body, "expires_at"))
		return OK;
	rc = json_get_str(body, "expires_at", 1, 40, &text, e);
	if (rc)
		return rc;
	if (!clock_parse(text, &k->expires_at_ms) || k->expires_at_ms <= now_ms)
		return error_public(e, ERR_BAD_PARAM, "expires_at",
		    "expires_at must be a future time such as "
		    "2030-01-31T00:00:00Z.");
	return OK;
}

static enum err
read_rate(const struct json *body, enum limit_metric metric,
    struct limit_set *ret, struct error *e)
{
	const char *name = key_limit_member(metric);
	uint64_t rate;
	enum err rc;

	if (!json_has(body, name))
		return OK;
	if (limit_set_states(ret, metric))
		return error_public(e, ERR_BAD_PARAM, name,
		    "%s is %s: give one of them.", name,
		    limit_metric_names[metric]);
	rc = json_get_u64(body, name, 1, LIMIT_RATE_MAX, &rate, e);
	if (!rc)
		limit_set_put(ret, metric, (int64_t)rate);
	return rc;
}

static enum err
read_limits(const struct json *body, struct limit_set *ret, struct error *e)
{
	enum err rc = OK;

	if (json_has(body, "rate_limits"))
		rc = record_limits_read(body, "rate_limits", ret, e);
	if (!rc)
		rc = read_rate(body, LIMIT_KEY_MODEL_REQUESTS_MINUTE, ret, e);
	return rc ? rc : read_rate(body, LIMIT_KEY_MODEL_REQUESTS_HOUR, ret, e);
}

static enum err
read_id(const struct json *body, const char *name, uint64_t *ret,
    struct error *e)
{
	return json_has(body, name)
		   ? json_get_u64(body, name, 1, INT64_MAX, ret, e)
		   : OK;
}

/* A list of scope names. */
static enum err
read_scopes(const struct json *body, uint64_t *ret, struct error *e)
{
	const struct json *list;
	struct str name;
	enum err rc = json_get_array(body, "scopes", KEY_SCOPE__N, &list, e);

	*ret = 0;
	for (size_t i = 0; !rc && i < json_array_len(list); i++) {
		size_t bit = 0;

		rc = json_as_str(json_array_at(list, i), "scopes", 1, 32, &name,
		    e);
		while (!rc && bit < KEY_SCOPE__N &&
		       !str_eq(name, str_from(key_scope_names[bit])))
			bit++;
		if (!rc && bit == KEY_SCOPE__N)
			rc = error_public(e, ERR_BAD_PARAM, "scopes",
			    "scopes may hold infer, usage:read, usage:write, "
			    "keys:read, keys:write, manage.");
		if (!rc)
			*ret |= UINT64_C(1) << bit;
	}
	return rc;
}

static enum err
read_ips(struct arena *a, const struct json *body, struct str *ret,
    struct error *e)
{
	const struct json *list;
	struct str item;
	struct buf b;
	enum err rc = json_get_array(body, "allowed_ips", KEY_IPS_MAX, &list,
	    e);

	buf_init(&b, a, KIB(8));
	for (size_t i = 0; !rc && i < json_array_len(list); i++) {
		rc = json_as_str(json_array_at(list, i), "allowed_ips", 1,
		    CIDR_TEXT_BYTES + 4, &item, e);
		if (!rc && str_find(item, ',') < item.n)
			rc = error_public(e, ERR_BAD_PARAM, "allowed_ips",
			    "allowed_ips holds a text with a comma.");
		if (i)
			buf_add_char(&b, ',');
		if (!rc)
			buf_add(&b, item);
	}
	if (rc)
		return rc;
	*ret = b.n ? buf_str(&b) : S("");
	return key_ips_check(*ret, e);
}

/* No key grants more than it has; operators grant anything. */
static enum err
check_grant(const struct app *app, struct key_make *k, struct error *e)
{
	struct limit_set defaults;
	enum err rc;

	if (!principal_is_operator(app->who) && k->tier_name.p)
		return error_public(e, ERR_FORBIDDEN, "rate_limit_tier",
		    "Only operators set tiers.");
	if (!k->budget.is_given)
		key_budget_default(app->who, &k->budget);
	rc = key_budget_check(app->who, 0, NULL,
	    k->budget.has_terms ? &k->budget.terms : NULL, e);
	defaults = default_limits(app);
	return rc ? rc : key_grant(app->who, &defaults, &k->key, e);
}

enum err
key_make_read(struct app *app, struct arena *a, struct str text, int64_t now_ms,
    struct key_make *k, struct error *e)
{
	static const char *const names[] = { "customer_email", "customer_id",
		"name", "allowed_models", "expires_at", "rate_limit",
		"rate_limit_per_hour", "rate_limits", "rate_limit_tier",
		"project_id", "user_id", "scopes", "allowed_ips", "idempotency",
		"budget" };
	const struct json *body;
	enum err rc = json_parse_object(a, text, JSON_DEPTH, &body, e);

	*k = (struct key_make){ .key.scopes = KEY_SCOPE_INFER };
	if (!rc)
		rc = json_only(body, names, ARRAY_LEN(names), e);
	if (!rc)
		rc = read_customer(app, body, k, e);
	if (!rc)
		rc = json_get_str(body, "name", 1, KEY_NAME_BYTES, &k->key.name,
		    e);
	if (!rc)
		rc = key_read_models(a, app->catalogue, body, &k->key, e);
	if (!rc)
		rc = read_expiry(body, now_ms, &k->key, e);
	if (!rc)
		rc = read_limits(body, &k->key.limits, e);
	if (!rc && json_has(body, "rate_limit_tier"))
		rc = json_get_str(body, "rate_limit_tier", 1, 64, &k->tier_name,
		    e);
	if (!rc)
		rc = read_id(body, "project_id", &k->key.project_id, e);
	if (!rc)
		rc = read_id(body, "user_id", &k->key.user_id, e);
	if (!rc && json_has(body, "scopes"))
		rc = read_scopes(body, &k->key.scopes, e);
	if (!rc && json_has(body, "allowed_ips"))
		rc = read_ips(a, body, &k->key.allowed_ips, e);
	if (!rc && json_has(body, "idempotency"))
		rc = json_get_bool(body, "idempotency", &k->key.is_idempotent,
		    e);
	if (!rc && (json_has(body, "budget") || json_has_null(body, "budget")))
		rc = budget_member_read(body, "budget", a, &k->budget, e);
	return rc ? rc : check_grant(app, k, e);
}

/* ---- creating ---- */

static enum err
find_customer(struct app *app, struct db *db, struct arena *a,
    struct key_make *k, struct error *e)
{
	const struct principal *who = app->who;
	bool by_email = k->customer_email.p != NULL;
	enum err rc = by_email ? store_customer_by_email(db, k->customer_email,
				     a, &k->customer, e)
			       : store_customer_by_id(db, k->key.customer_id, a,
				     &k->customer, e);

	/* Somebody else's customer does not exist, as far as keys can see. */
	if (!rc && who->customer_id &&
	    who->customer_id != k->customer.customer_id)
		rc = ERR_NOT_FOUND;
	if (rc == ERR_NOT_FOUND)
		return error_public(e, rc,
		    by_email ? "customer_email" : "customer_id",
		    "There is no such customer.");
	if (!rc && (!k->customer.is_active || k->customer.archived_at_ms))
		return error_public(e, ERR_CONFLICT, NULL,
		    "That customer is %s.",
		    k->customer.archived_at_ms ? "closed" : "suspended");
	k->key.customer_id = k->customer.customer_id;
	return rc;
}

/* Whom the key meters to: a user of that customer, or its owner. */
static enum err
find_user(struct db *db, struct arena *a, struct key_make *k, struct error *e)
{
	struct user user = { 0 };
	enum err rc = OK;

	if (!k->key.user_id)
		rc = store_user_owner_id(db, k->key.customer_id,
		    &k->key.user_id, e);
	if (rc == ERR_NOT_FOUND)
		return error_public(e, ERR_CONFLICT, NULL,
		    "That customer has no active owner; give a user_id.");
	if (rc)
		return rc;
	rc = store_user_by_id(db, k->key.customer_id, k->key.user_id, a, &user,
	    e);
	if (rc == ERR_NOT_FOUND || (!rc && user.archived_at_ms))
		return error_public(e, ERR_BAD_PARAM, "user_id",
		    "The customer has no such user.");
	return rc;
}

static enum err
check_project(struct db *db, const struct key_make *k, struct error *e)
{
	enum err rc;

	if (!k->key.project_id)
		return OK;
	rc = store_label_check(db, LABEL_PROJECT, k->key.customer_id,
	    k->key.project_id, e);
	return rc == ERR_NOT_FOUND
		   ? error_public(e, ERR_BAD_PARAM, "project_id",
			 "The customer has no such project.")
		   : rc;
}

static enum err
find_all(struct app *app, struct db *db, struct arena *a, struct key_make *k,
    struct error *e)
{
	enum err rc = find_customer(app, db, a, k, e);

	if (!rc)
		rc = find_user(db, a, k, e);
	if (!rc)
		rc = check_project(db, k, e);
	return rc ? rc
		  : tier_find(db, k->tier_name, a, &k->key.rate_limit_tier, e);
}

/* What is in force for the key that was made, all layers together. */
static enum err
find_limits(struct app *app, struct db *db, struct arena *a, uint64_t id,
    struct key_make *k, struct error *e)
{
	const struct limit_set defaults = default_limits(app);
	struct key_limits *found = NULL;
	size_t n = 0;
	enum err rc = store_key_limits(db, k->key.customer_id, id, 1, a, &found,
	    &n, e);

	if (!rc && n == 0)
		rc = error_set(e, ERR_CORRUPT, "the new key is not there");
	if (!rc)
		key_limits_resolve(found->layers, &defaults, &k->in_force);
	return rc;
}

enum err
key_make(struct app *app, struct manager *m, struct arena *a,
    struct key_make *k, char ret_text[KEY_TEXT_BYTES], uint64_t *ret_id,
    struct error *e)
{
	struct key_manager km = key_manager_of(app);
	struct key_row row = { .budget = k->budget };
	enum err rc;

	km.key = &k->key;
	km.text = ret_text;
	m->extra = &km;
	rc = find_all(app, m->db, a, k, e);
	if (!rc)
		rc = resource_create(&key_resource, m, a, &row, e);
	if (!rc)
		rc = find_limits(app, m->db, a, row.k.api_key_id, k, e);
	m->extra = NULL;
	*ret_id = row.k.api_key_id;
	k->budget = row.budget;
	return rc;
}
