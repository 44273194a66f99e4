/* SPDX-License-Identifier: MIT */
#include "handler/key_make.h"

#include "ext/json.h"
#include "handler/key_read.h"
#include "store/customer.h"

#define JSON_DEPTH 4

/* ---- reading ---- */

static enum err
read_customer(const struct json *body, struct key_make *k, struct error *e)
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
read_others(const struct json *body, struct key_make *k, struct error *e)
{
	enum err rc = read_customer(body, k, e);

	return rc ? rc
		  : key_read_models(k->a, k->app->catalogue, body, &k->row, e);
}

enum err
key_make_read(struct app *app, const struct manager *m, struct arena *a,
    struct str body, struct key_make *k, struct error *e)
{
	static const char *const others[] = { "customer_email", "customer_id",
		"allowed_models" };
	const struct record_input input = {
		.flag = RECORD_NEW,
		.is_operator = true, /* the grant says who sets a tier */
		.others = others,
		.n_others = ARRAY_LEN(others),
		.now_ms = m->now_ms,
	};
	const struct json *json;
	enum err rc = json_parse_object(a, body, JSON_DEPTH, &json, e);

	*k = (struct key_make){ .app = app,
		.a = a,
		.row.k.scopes = KEY_SCOPE_INFER };
	if (!rc)
		rc = record_read(key_resource.record, json, &input, a, &k->row,
		    e);
	return rc ? rc : read_others(json, k, e);
}

/* ---- creating ---- */

static enum err
find_customer(struct db *db, struct key_make *k, struct error *e)
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
find_limits(struct db *db, struct key_make *k, struct error *e)
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

enum err
key_make(struct manager *m, struct key_make *k, struct str wanted_public_id,
    char ret_text[KEY_TEXT_BYTES], struct error *e)
{
	struct key_manager km = key_manager_of(k->app);
	enum err rc;

	km.text = ret_text;
	km.wanted_public_id = wanted_public_id;
	m->extra = &km;
	rc = find_customer(m->db, k, e);
	if (!rc)
		rc = resource_create(&key_resource, m, k->a, &k->row, e);
	if (!rc)
		rc = find_limits(m->db, k, e);
	m->extra = NULL;
	return rc;
}
