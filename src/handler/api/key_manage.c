/* SPDX-License-Identifier: MIT */
/* /api/keys beside making and switching one: list, show, change, rotate,
 * revoke. */
#include "domain/key_manage.h"

#include "handler/api/api.h"
#include "handler/api/resource.h"
#include "handler/key_change.h"
#include "handler/key_read.h"

#define NAME_BYTES_TIER 64

/* ---- looking ---- */

static const struct param_spec params[] = { LIST_PARAMS,
	FILTER_ID("customer_id"), FILTER_ID("project_id"), FILTER_ID("user_id"),
	FILTER_TEXT("name", KEY_NAME_BYTES), FILTER_TEXT("prefix", 14),
	FILTER_TEXT("tier", NAME_BYTES_TIER), FILTER_TEXT("model", 128),
	FILTER_ENUM("state", "active|inactive|expired|revoked"),
	FILTER_TIME("last_used_from"), FILTER_TIME("last_used_to"),
	FILTER_TIME("expires_before"), FILTER_TIME("created_from"),
	FILTER_TIME("created_to") };

static enum err
search(const struct manager *m, const struct param_value *v, uint64_t after,
    uint64_t limit, struct arena *a, void **ret_rows, size_t *ret_n,
    uint64_t *ret_next, struct error *e)
{
	const struct catalogue *c = m->extra;
	struct key_filter f = {
		.customer_id = v[0].u64,
		.project_id = v[1].u64,
		.user_id = v[2].u64,
		.name = v[3].text,
		.tier = v[5].text,
		.state = v[7].is_set ? v[7].u64 + 1 : 0,
		.last_used_from_ms = v[8].time_ms,
		.last_used_to_ms = v[9].time_ms,
		.expires_to_ms = v[10].time_ms,
		.created_from_ms = v[11].time_ms,
		.created_to_ms = v[12].time_ms,
	};
	struct key *keys = NULL;
	struct key_row *rows = NULL;
	enum err err = v[4].is_set ? key_read_prefix(v[4].text, &f.prefix, e)
				   : OK;

	if (!err && v[6].is_set)
		err = key_read_model_text(c, v[6].text, "model", &f.model_id,
		    e);
	if (!err)
		err = store_key_page(m->db, m->tenant, &f, after, limit, a,
		    &keys, ret_n, ret_next, e);
	if (err)
		return err;
	err = key_rows(m->db, m->tenant, keys, *ret_n, m->now_ms, a, &rows, e);
	*ret_rows = rows;
	return err;
}

static const struct listing listing = { .params = params,
	.n_params = ARRAY_LEN(params),
	.search = search,
	.id_off = offsetof(struct key_row, k.api_key_id) };

enum err
api_key_list(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	return resource_list(app, rq, rs, key_resource.record, &listing, e);
}

enum err
api_key_show(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	return resource_show(app, rq, rs, &key_resource, e);
}

/* ---- changing ---- */

enum err
api_key_change(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct manager m;
	struct key_row row;
	uint64_t id;
	enum err err = resource_id(&key_resource, rq, &id, e);

	if (!err)
		err = manager_begin(app, rq, &m, e);
	if (err)
		return err;
	err = key_change(app, &m, id, rq->body, rq->arena, &row, e);
	manager_end(app, &m);
	return err ? err
		   : resource_respond(&key_resource, &m, &row, rs, 200, e);
}

enum err
api_key_revoke(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	return resource_delete(app, rq, rs, &key_resource, e);
}

/* ---- rotating ---- */

static enum err
respond_rotated(const struct key_row *row, const char *text,
    struct response *rs, struct error *e)
{
	struct json_out j;

	response_header(rs, "cache-control", S("no-store"));
	response_json_begin(rs, &j);
	json_out_object(&j);
	json_out_member_u64(&j, "id", row->k.api_key_id);
	json_out_member_str(&j, "key", str_from(text));
	json_out_member_str(&j, "name", row->k.name);
	json_out_member_str(&j, "public_id", row->k.public_id);
	json_out_key(&j, "previous_expires_at");
	if (row->k.previous_expires_at_ms)
		json_out_time(&j, row->k.previous_expires_at_ms);
	else
		json_out_null(&j);
	json_out_object_end(&j);
	return response_json(rs, 200, &j, e);
}

enum err
api_key_rotate(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct key_manager km = key_manager_of(app);
	char text[KEY_TEXT_BYTES] = "";
	struct key_row row;
	struct manager m;
	uint64_t id, grace_s;
	enum err err = resource_id(&key_resource, rq, &id, e);

	if (!err)
		err = resource_read_grace(rq, KEY_GRACE_MAX_S, &grace_s, e);
	if (!err)
		err = manager_begin(app, rq, &m, e);
	if (err)
		return err;
	m.extra = &km;
	err = key_rotate(&m, id, grace_s, text, rq->arena, &row, e);
	manager_end(app, &m);
	if (!err)
		err = respond_rotated(&row, text, rs, e);
	secret_wipe(text, sizeof(text));
	return err;
}

/* ---- revoking many ---- */

static enum err
read_ids(const struct json *body, struct arena *a, struct key_revocation *ret,
    struct error *e)
{
	const struct json *list;
	uint64_t *ids;
	enum err err = json_get_array(body, "ids", KEY_REVOKE_MAX, &list, e);

	if (err)
		return err;
	ret->n_ids = json_array_len(list);
	ids = arena_array(a, uint64_t, ret->n_ids + 1);
	if (!ids)
		return error_arena(e, a);
	for (size_t i = 0; i < ret->n_ids && !err; i++)
		err = json_as_u64(json_array_at(list, i), "ids", 1, UINT32_MAX,
		    &ids[i], e);
	ret->ids = ids;
	return err;
}

static enum err
read_filter(const struct json *body, const char *name, uint64_t *ret,
    struct error *e)
{
	return json_has(body, name)
		   ? json_get_u64(body, name, 1, UINT32_MAX, ret, e)
		   : OK;
}

static enum err
read_revocation(const struct request *rq, struct key_revocation *ret,
    struct error *e)
{
	static const char *const names[] = { "ids", "customer_id", "project_id",
		"user_id" };
	const struct json *body;
	enum err err = json_parse_object(rq->arena, rq->body, 3, &body, e);
	size_t n_given = 0;

	*ret = (struct key_revocation){ 0 };
	if (!err)
		err = json_only(body, names, ARRAY_LEN(names), e);
	if (err)
		return err;
	for (size_t i = 1; i < ARRAY_LEN(names); i++)
		n_given += json_has(body, names[i]);
	if (json_has(body, "ids") == (n_given > 0))
		return error_public(e, ERR_BAD_PARAM, "ids",
		    "Give ids, or some of customer_id, project_id, user_id.");
	if (n_given == 0)
		return read_ids(body, rq->arena, ret, e);
	err = read_filter(body, "customer_id", &ret->filter.customer_id, e);
	if (!err)
		err = read_filter(body, "project_id", &ret->filter.project_id,
		    e);
	if (!err)
		err = read_filter(body, "user_id", &ret->filter.user_id, e);
	return err;
}

enum err
api_key_revoke_many(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	struct key_revocation what;
	struct manager m;
	struct key_revoked done;
	struct json_out j;
	enum err err = read_revocation(rq, &what, e);

	if (!err)
		err = manager_begin(app, rq, &m, e);
	if (err)
		return err;
	if (what.filter.customer_id)
		err = resource_check_customer(&m, what.filter.customer_id, e);
	if (!err)
		err = key_revoke_many(&m, &what, rq->arena, &done, e);
	manager_end(app, &m);
	if (err)
		return err;
	response_json_begin(rs, &j);
	json_out_object(&j);
	json_out_member_u64(&j, "revoked", done.n);
	json_out_member_bool(&j, "has_more", done.has_more);
	json_out_object_end(&j);
	return response_json(rs, 200, &j, e);
}
