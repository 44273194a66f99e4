/* SPDX-License-Identifier: MIT */
/* POST /api/keys and /api/keys/{id}/toggle. */
#include "domain/catalogue.h"
#include "ext/json.h"
#include "handler/api/api.h"
#include "handler/key_make.h"
#include "handler/key_read.h"

#define JSON_DEPTH 4

/* ---- creating ---- */

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
respond(struct response *rs, const struct key_make *k, const char *text,
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
	char text[KEY_TEXT_BYTES] = "";
	struct key_make k;
	struct manager m;
	enum err rc = manager_begin(app, rq, &m, e);

	if (rc)
		return rc;
	rc = key_make_read(app, &m, rq->arena, rq->body, &k, e);
	if (!rc)
		rc = key_make(&m, &k, (struct str){ NULL, 0 }, text, e);
	manager_end(app, &m);
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
