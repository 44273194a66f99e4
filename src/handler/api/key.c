/* SPDX-License-Identifier: MIT */
/* POST /api/keys and /api/keys/{id}/toggle. */
#include "domain/key.h"

#include <stdlib.h>

#include "base/clock.h"
#include "domain/catalogue.h"
#include "domain/limit.h"
#include "ext/json.h"
#include "handler/api/api.h"
#include "store/customer.h"
#include "store/db_pool.h"
#include "store/key.h"
#include "store/project.h"
#include "store/tier.h"
#include "store/user.h"

#define JSON_DEPTH 4
#define DB_WAIT_MS 2000
#define MODELS_MAX 1000
#define RATE_MAX   UINT64_C(1000000000)

/* What the body asks for. */
struct key_request {
	struct key_new key;
	struct str customer_email; /* p == NULL: key.customer_id is given */
	struct str tier_name;
	struct customer customer;
	struct tier tier;
	struct tier user_tier; /* of whom the key meters to */
};

/* ---- reading ---- */

static enum err
read_customer(const struct json *body, struct key_request *k, struct error *e)
{
	bool has_id = json_has(body, "customer_id");

	if (has_id == json_has(body, "customer_email"))
		return error_public(e, ERR_BAD_PARAM, "customer_email",
		    "Give customer_email or customer_id, and not both.");
	if (has_id)
		return json_get_u64(body, "customer_id", 1, INT64_MAX,
		    &k->key.customer_id, e);
	return json_get_str(body, "customer_email", 1, CUSTOMER_EMAIL_BYTES,
	    &k->customer_email, e);
}

static int
by_id(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Numbers or names of models that exist; each is kept once. */
static enum err
read_model(const struct catalogue *c, const struct json *v, uint64_t *ret,
    struct error *e)
{
	const struct catalogue_model *model;
	struct str name;
	enum err rc;

	if (json_kind(v) == JSON_STRING) {
		rc = json_as_str(v, "allowed_models", 1, 128, &name, e);
		if (rc)
			return rc;
		model = catalogue_model_by_name(c, name);
	} else {
		rc = json_as_u64(v, "allowed_models", 1, INT64_MAX, ret, e);
		if (rc)
			return rc;
		model = catalogue_model_by_id(c, *ret);
	}
	if (!model)
		return error_public(e, ERR_BAD_PARAM, "allowed_models",
		    "allowed_models names a model that does not exist.");
	*ret = model->row.model_id;
	return OK;
}

static enum err
read_models(struct arena *a, const struct catalogue *c, const struct json *body,
    struct key_new *k, struct error *e)
{
	const struct json *list;
	uint64_t *ids;
	size_t n, kept = 0;
	enum err rc;

	k->all_models = !json_has(body, "allowed_models");
	if (k->all_models)
		return OK;
	rc = json_get_array(body, "allowed_models", MODELS_MAX, &list, e);
	if (rc)
		return rc;
	n = json_array_len(list);
	ids = arena_array(a, uint64_t, n);
	if (!ids)
		return error_arena(e, a);
	for (size_t i = 0; i < n; i++) {
		rc = read_model(c, json_array_at(list, i), &ids[i], e);
		if (rc)
			return rc;
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
read_rate(const struct json *body, const char *name, int64_t *ret,
    struct error *e)
{
	uint64_t rate;
	enum err rc;

	*ret = -1;
	if (!json_has(body, name))
		return OK;
	rc = json_get_u64(body, name, 1, RATE_MAX, &rate, e);
	if (!rc)
		*ret = (int64_t)rate;
	return rc;
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
	static const char *const names[] = { "infer", "usage:read",
		"usage:write", "keys:read", "keys:write", "manage" };
	const struct json *list;
	struct str name;
	enum err rc = json_get_array(body, "scopes", ARRAY_LEN(names), &list,
	    e);

	*ret = 0;
	for (size_t i = 0; !rc && i < json_array_len(list); i++) {
		size_t bit = 0;

		rc = json_as_str(json_array_at(list, i), "scopes", 1, 32, &name,
		    e);
		while (!rc && bit < ARRAY_LEN(names) &&
		       !str_eq(name, str_from(names[bit])))
			bit++;
		if (!rc && bit == ARRAY_LEN(names))
			rc = error_public(e, ERR_BAD_PARAM, "scopes",
			    "scopes may hold infer, usage:read, usage:write, "
			    "keys:read, keys:write, manage.");
		if (!rc)
			*ret |= UINT64_C(1) << bit;
	}
	return rc;
}

static struct limit_rates
default_rates(const struct app *app)
{
	return (struct limit_rates){
		.requests = {
			[LIMIT_MINUTE] =
			    (int64_t)conf_u64(app->conf, CONF_LIMITS_RPM),
			[LIMIT_HOUR] =
			    (int64_t)conf_u64(app->conf, CONF_LIMITS_RPH),
		},
	};
}

/* No key grants more than it has; operators grant anything. */
static enum err
check_grant(const struct app *app, struct key_request *k, struct error *e)
{
	if (app->who->kind == PRINCIPAL_KEY && k->tier_name.p)
		return error_public(e, ERR_FORBIDDEN, "rate_limit_tier",
		    "A key cannot set a tier.");
	return key_grant(app->who, default_rates(app), &k->key, e);
}

static enum err
read_body(struct app *app, const struct request *rq, struct key_request *k,
    struct error *e)
{
	static const char *const names[] = { "customer_email", "customer_id",
		"name", "allowed_models", "expires_at", "rate_limit",
		"rate_limit_per_hour", "rate_limit_tier", "project_id",
		"user_id", "scopes" };
	const struct json *body;
	enum err rc = json_parse_object(rq->arena, rq->body, JSON_DEPTH, &body,
	    e);

	if (!rc)
		rc = json_only(body, names, ARRAY_LEN(names), e);
	if (!rc)
		rc = read_customer(body, k, e);
	if (!rc)
		rc = json_get_str(body, "name", 1, KEY_NAME_BYTES, &k->key.name,
		    e);
	if (!rc)
		rc = read_models(rq->arena, app->catalogue, body, &k->key, e);
	if (!rc)
		rc = read_expiry(body, rq->start_ms, &k->key, e);
	if (!rc)
		rc = read_rate(body, "rate_limit",
		    &k->key.rate_limit_per_minute, e);
	if (!rc)
		rc = read_rate(body, "rate_limit_per_hour",
		    &k->key.rate_limit_per_hour, e);
	if (!rc && json_has(body, "rate_limit_tier"))
		rc = json_get_str(body, "rate_limit_tier", 1, 64, &k->tier_name,
		    e);
	if (!rc)
		rc = read_id(body, "project_id", &k->key.project_id, e);
	if (!rc)
		rc = read_id(body, "user_id", &k->key.user_id, e);
	if (!rc && json_has(body, "scopes"))
		rc = read_scopes(body, &k->key.scopes, e);
	return rc ? rc : check_grant(app, k, e);
}

/* ---- creating ---- */

static enum err
find_customer(struct app *app, struct db *db, struct arena *a,
    struct key_request *k, struct error *e)
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
		    "That customer is closed.");
	k->key.customer_id = k->customer.customer_id;
	return rc;
}

static const struct tier no_tier = { 0, { "", 0 }, LIMIT_UNSTATED,
	LIMIT_UNSTATED };

static enum err
find_tier(struct db *db, struct arena *a, struct key_request *k,
    struct error *e)
{
	enum err rc;

	k->tier = no_tier;
	if (!k->tier_name.p)
		return OK;
	rc = store_tier_by_name(db, k->tier_name, a, &k->tier, e);
	if (rc == ERR_NOT_FOUND)
		return error_public(e, ERR_BAD_PARAM, "rate_limit_tier",
		    "There is no rate limit tier of that name.");
	k->key.rate_limit_tier = k->tier.tier_id;
	return rc;
}

static enum err
find_user_tier(struct db *db, struct arena *a, uint64_t tier_id,
    struct tier *ret, struct error *e)
{
	struct tier *tiers = NULL;
	size_t n = 0;
	enum err rc = OK;

	*ret = no_tier;
	if (tier_id)
		rc = store_tier_list(db, a, &tiers, &n, e);
	for (size_t i = 0; !rc && i < n; i++)
		if (tiers[i].tier_id == tier_id)
			*ret = tiers[i];
	return rc;
}

/* Whom the key meters to: a user of that customer, or its owner. */
static enum err
find_user(struct db *db, struct arena *a, struct key_request *k,
    struct error *e)
{
	struct user user = { 0 };
	enum err rc = OK;

	if (!k->key.user_id)
		rc = store_user_owner_id(db, k->key.customer_id,
		    &k->key.user_id, e);
	if (rc)
		return rc;
	rc = store_user_by_id(db, k->key.user_id, a, &user, e);
	if (rc == ERR_NOT_FOUND ||
	    (!rc && user.customer_id != k->key.customer_id))
		return error_public(e, ERR_BAD_PARAM, "user_id",
		    "The customer has no such user.");
	return rc ? rc
		  : find_user_tier(db, a, user.rate_limit_tier, &k->user_tier,
			e);
}

static enum err
check_project(struct db *db, const struct key_request *k, struct error *e)
{
	enum err rc;

	if (!k->key.project_id)
		return OK;
	rc = store_project_check(db, k->key.customer_id, k->key.project_id, e);
	return rc == ERR_NOT_FOUND
		   ? error_public(e, ERR_BAD_PARAM, "project_id",
			 "The customer has no such project.")
		   : rc;
}

static enum err
create(struct app *app, struct arena *a, struct key_request *k,
    char ret_text[KEY_TEXT_BYTES], uint64_t *ret_id, struct error *e)
{
	struct key_ops ops = {
		.map = app->shared->hostmap,
		.pepper = app->shared->pepper,
		.pepper_id = conf_u64(app->conf, CONF_AUTH_PEPPER_ID),
	};
	enum err rc = db_pool_take(app->shared->db, DB_WAIT_MS, &ops.db, e);

	if (rc)
		return rc;
	rc = find_customer(app, ops.db, a, k, e);
	if (!rc)
		rc = find_user(ops.db, a, k, e);
	if (!rc)
		rc = check_project(ops.db, k, e);
	if (!rc)
		rc = find_tier(ops.db, a, k, e);
	if (!rc)
		rc = key_create(&ops, &k->key, ret_text, ret_id, e);
	db_pool_give(app->shared->db, ops.db);
	return rc;
}

/* The requests per minute that this key gets for each model. */
static uint64_t
effective_rate(const struct app *app, const struct key_request *k)
{
	const struct limit_rates layers[] = {
		{ { k->key.rate_limit_per_minute,
		    k->key.rate_limit_per_hour } },
		{ { k->tier.rate_limit_per_minute,
		    k->tier.rate_limit_per_hour } },
		{ { k->user_tier.rate_limit_per_minute,
		    k->user_tier.rate_limit_per_hour } },
		{ { k->customer.rate_limit_per_minute,
		    k->customer.rate_limit_per_hour } },
		default_rates(app),
	};

	return (uint64_t)limit_resolve(layers, ARRAY_LEN(layers))
	    .requests[LIMIT_MINUTE];
}

static void
write_models(struct json_out *j, const struct app *app, const struct key_new *k)
{
	const struct catalogue *c = app->catalogue;

	json_out_key(j, "allowed_models");
	json_out_array(j);
	for (size_t i = 0; k->all_models && i < c->n_models; i++)
		if (c->models[i].row.is_enabled)
			json_out_u64(j, c->models[i].row.model_id);
	for (size_t i = 0; i < k->n_models; i++)
		json_out_u64(j, k->model_ids[i]);
	json_out_array_end(j);
}

static enum err
respond(struct app *app, struct response *rs, const struct key_request *k,
    const char *text, uint64_t id, struct error *e)
{
	struct json_out j;

	response_header(rs, "cache-control", S("no-store"));
	response_json_begin(rs, &j);
	json_out_object(&j);
	json_out_member_u64(&j, "id", id);
	json_out_member_str(&j, "key", str_from(text));
	json_out_member_str(&j, "name", k->key.name);
	json_out_member_u64(&j, "rate_limit", effective_rate(app, k));
	write_models(&j, app, &k->key);
	json_out_member_u64(&j, "customer_id", k->key.customer_id);
	json_out_key(&j, "expires_at");
	if (k->key.expires_at_ms)
		json_out_time(&j, k->key.expires_at_ms);
	else
		json_out_null(&j);
	json_out_object_end(&j);
	return response_json(rs, 201, &j, e);
}

enum err
api_key_create(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct key_request k = { .key.scopes = KEY_SCOPE_INFER };
	char text[KEY_TEXT_BYTES];
	uint64_t id;
	enum err rc = read_body(app, rq, &k, e);

	if (!rc)
		rc = create(app, rq->arena, &k, text, &id, e);
	if (!rc)
		rc = respond(app, rs, &k, text, id, e);
	secret_wipe(text, sizeof(text));
	return rc;
}

/* ---- toggling ---- */

/* An optional body {"is_active": …}; nothing inverts. */
static enum err
read_wanted(const struct request *rq, int *ret_want, struct error *e)
{
	static const char *const names[] = { "is_active" };
	const struct json *body;
	bool is_active;
	enum err rc;

	*ret_want = -1;
	if (rq->body.n == 0)
		return OK;
	rc = json_parse_object(rq->arena, rq->body, JSON_DEPTH, &body, e);
	if (!rc)
		rc = json_only(body, names, ARRAY_LEN(names), e);
	if (rc || !json_has(body, "is_active"))
		return rc;
	rc = json_get_bool(body, "is_active", &is_active, e);
	if (!rc)
		*ret_want = is_active;
	return rc;
}

static enum err
toggle(struct app *app, uint64_t id, int want, bool *ret_is_active,
    struct error *e)
{
	struct key_ops ops = {
		.map = app->shared->hostmap,
		.pepper = app->shared->pepper,
	};
	enum err rc = db_pool_take(app->shared->db, DB_WAIT_MS, &ops.db, e);

	if (rc)
		return rc;
	rc = key_toggle(&ops, app->who->customer_id, id, want, ret_is_active,
	    e);
	db_pool_give(app->shared->db, ops.db);
	if (rc == ERR_CONFLICT)
		return error_public(e, rc, NULL,
		    "That key is revoked or expired.");
	if (rc == ERR_NOT_FOUND)
		return error_public(e, rc, "id", "There is no such key.");
	return rc;
}

enum err
api_key_toggle(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct json_out j;
	uint64_t id;
	bool is_active;
	int want;
	enum err rc;

	if (!str_to_u64(rq->path_param[0], 1, INT64_MAX, &id))
		return error_public(e, ERR_NOT_FOUND, "id",
		    "There is no such key.");
	rc = read_wanted(rq, &want, e);
	if (!rc)
		rc = toggle(app, id, want, &is_active, e);
	if (rc)
		return rc;
	response_json_begin(rs, &j);
	json_out_object(&j);
	json_out_member_u64(&j, "id", id);
	json_out_member_bool(&j, "is_active", is_active);
	json_out_object_end(&j);
	return response_json(rs, 200, &j, e);
}
