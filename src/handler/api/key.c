/* SPDX-License-Identifier: MIT */
/* POST /api/keys and /api/keys/{id}/toggle. */
#include "domain/key_manage.h"

#include "domain/catalogue.h"
#include "ext/json.h"
#include "handler/api/api.h"
#include "handler/api/key_read.h"
#include "handler/api/resource.h"
#include "store/customer.h"

#define JSON_DEPTH 4

/* What the body asks for. */
struct key_request {
	struct app *app;
	struct arena *a;
	struct key_row row;
	struct str customer_email; /* p == NULL: customer_id is given */
	struct limit_set in_force; /* once it is made */
};

/* ---- reading ---- */

static enum err
read_customer(const struct json *body, struct key_request *k, struct error *e)
{
	uint64_t own_id = k->app->who->customer_id;
	bool has_id = json_has(body, "customer_id");

	/* A customer's key makes keys of its customer. */
	if (own_id && !has_id && !json_has(body, "customer_email")) {
		k->row.k.customer_id = own_id;
		return OK;
	}
	if (has_id == json_has(body, "customer_email"))
		return error_public(e, ERR_BAD_PARAM, "customer_email",
		    "Give customer_email or customer_id, and not both.");
	if (has_id)
		return json_get_u64(body, "customer_id", 1, INT64_MAX,
		    &k->row.k.customer_id, e);
	return json_get_str(body, "customer_email", 1, CUSTOMER_EMAIL_BYTES,
	    &k->customer_email, e);
}

static enum err
read_others(const struct json *body, void *row, void *arg, struct error *e)
{
	struct key_request *k = arg;
	enum err rc = read_customer(body, k, e);

	return rc ? rc : key_read_models(k->a, k->app->catalogue, body, row, e);
}

static enum err
read_body(const struct request *rq, const struct manager *m,
    struct key_request *k, struct error *e)
{
	static const char *const others[] = { "customer_email", "customer_id",
		"allowed_models" };
	struct resource_body body;
	enum err rc = resource_body_parse(rq, m, RECORD_NEW, &body, e);

	if (rc)
		return rc;
	body.input.is_operator = true; /* the grant says who sets a tier */
	body.input.others = others;
	body.input.n_others = ARRAY_LEN(others);
	body.read_others = read_others;
	body.arg = k;
	return resource_body_read(&key_resource, rq->arena, &k->row, &body, e);
}

/* ---- creating ---- */

static enum err
find_customer(struct db *db, struct key_request *k, struct error *e)
{
	uint64_t own_id = k->app->who->customer_id;
	bool by_email = k->customer_email.p != NULL;
	struct customer c = { 0 };
	enum err rc =
	    by_email
		? store_customer_by_email(db, k->customer_email, k->a, &c, e)
		: store_customer_by_id(db, k->row.k.customer_id, k->a, &c, e);

	/* Somebody else's customer does not exist, as far as keys can see. */
	if (!rc && own_id && own_id != c.customer_id)
		rc = ERR_NOT_FOUND;
	if (rc == ERR_NOT_FOUND)
		return error_public(e, rc,
		    by_email ? "customer_email" : "customer_id",
		    "There is no such customer.");
	if (!rc && (!c.is_active || c.archived_at_ms))
		return error_public(e, ERR_CONFLICT, NULL,
		    "That customer is %s.",
		    c.archived_at_ms ? "closed" : "suspended");
	k->row.k.customer_id = c.customer_id;
	return rc;
}

/* What is in force for the key that was made, all layers together. */
static enum err
find_limits(struct db *db, struct key_request *k, struct error *e)
{
	const struct limit_set defaults = default_limits(k->app);
	const struct key *key = &k->row.k;
	struct key_limits *found = NULL;
	size_t n = 0;
	enum err rc = store_key_limits(db, key->customer_id, key->api_key_id, 1,
	    k->a, &found, &n, e);

	if (!rc && n == 0)
		rc = error_set(e, ERR_CORRUPT, "the new key is not there");
	if (!rc)
		key_limits_resolve(found->layers, &defaults, &k->in_force);
	return rc;
}

static enum err
create(const struct request *rq, struct key_request *k,
    char ret_text[KEY_TEXT_BYTES], struct error *e)
{
	struct key_manager km = key_manager_of(k->app);
	struct manager m;
	enum err rc = manager_begin(k->app, rq, &m, e);

	if (rc)
		return rc;
	km.text = ret_text;
	m.extra = &km;
	rc = read_body(rq, &m, k, e);
	if (!rc)
		rc = find_customer(m.db, k, e);
	if (!rc)
		rc = resource_create(&key_resource, &m, k->a, &k->row, e);
	if (!rc)
		rc = find_limits(m.db, k, e);
	manager_end(k->app, &m);
	return rc;
}

/* Those that it may use now; without a list, all that are enabled. */
static void
write_models(struct json_out *j, const struct catalogue *c,
    const struct key_row *row)
{
	struct str list = row->models, id;

	json_out_key(j, "allowed_models");
	json_out_array(j);
	for (size_t i = 0; row->k.all_models && i < c->n_models; i++)
		if (c->models[i].row.is_enabled)
			json_out_u64(j, c->models[i].row.model_id);
	while (list.n && str_split(&list, ',', &id))
		json_out_raw(j, id);
	json_out_array_end(j);
}

static enum err
respond(struct response *rs, const struct key_request *k, const char *text,
    struct error *e)
{
	const struct key *key = &k->row.k;
	struct json_out j;
	int64_t rate;

	response_header(rs, "cache-control", S("no-store"));
	response_json_begin(rs, &j);
	json_out_object(&j);
	json_out_member_u64(&j, "id", key->api_key_id);
	json_out_member_str(&j, "key", str_from(text));
	json_out_member_str(&j, "name", key->name);
	/* None in force is 0. */
	rate = limit_set_get(&k->in_force, LIMIT_KEY_MODEL_REQUESTS_MINUTE);
	json_out_member_u64(&j, "rate_limit", rate > 0 ? (uint64_t)rate : 0);
	write_models(&j, k->app->catalogue, &k->row);
	json_out_member_u64(&j, "customer_id", key->customer_id);
	json_out_key(&j, "expires_at");
	if (key->expires_at_ms)
		json_out_time(&j, key->expires_at_ms);
	else
		json_out_null(&j);
	json_out_key(&j, "budget");
	if (k->row.budget.shown.p)
		json_out_raw(&j, k->row.budget.shown);
	else
		json_out_null(&j);
	json_out_object_end(&j);
	return response_json(rs, 201, &j, e);
}

enum err
api_key_create(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct key_request k = { .app = app,
		.a = rq->arena,
		.row.k.scopes = KEY_SCOPE_INFER };
	char text[KEY_TEXT_BYTES] = "";
	enum err rc = create(rq, &k, text, e);

	if (!rc)
		rc = respond(rs, &k, text, e);
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
toggle(struct app *app, const struct request *rq, uint64_t id, int want,
    bool *ret_is_active, struct error *e)
{
	struct key_manager km = key_manager_of(app);
	struct key_row row;
	struct manager m;
	enum err rc = manager_begin(app, rq, &m, e);

	if (rc)
		return rc;
	m.extra = &km;
	rc = key_switch(&m, id, want, rq->arena, &row, e);
	manager_end(app, &m);
	if (!rc)
		*ret_is_active = row.k.is_active;
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
		rc = toggle(app, rq, id, want, &is_active, e);
	if (rc)
		return rc;
	response_json_begin(rs, &j);
	json_out_object(&j);
	json_out_member_u64(&j, "id", id);
	json_out_member_bool(&j, "is_active", is_active);
	json_out_object_end(&j);
	return response_json(rs, 200, &j, e);
}
