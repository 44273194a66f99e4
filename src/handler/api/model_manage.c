/* SPDX-License-Identifier: MIT */
/* /api/models: operators add, list, show, change and archive models. */
#include "domain/model.h"
#include "handler/api/api.h"
#include "handler/api/resource.h"
#include "handler/model_edit.h"
#include "handler/model_write.h"

static enum err
read_id(const struct request *rq, uint64_t *ret, struct error *e)
{
	if (str_to_u64(rq->path_param[0], 1, UINT32_MAX, ret))
		return OK;
	return error_public(e, ERR_NOT_FOUND, "id", "There is no such model.");
}

/* The model as the database has it now. */
static enum err
respond(const struct app *app, const struct manager *m, struct response *rs,
    int status, uint64_t model_id, struct error *e)
{
	char etag[RECORD_ETAG_BYTES];
	struct model_view v;
	struct json_out j;
	enum err err = model_view_load(m->db, rs->arena, model_id, &v, e);

	if (err)
		return err;
	model_etag(v.model, v.deployment, rs->arena, etag);
	response_header(rs, "etag", str_from(etag));
	response_header(rs, "cache-control", S("no-store"));
	response_json_begin(rs, &j);
	model_write(&j, app, &v, rs->arena);
	return response_json(rs, status, &j, e);
}

enum err
api_model_create(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct manager m;
	uint64_t id;
	enum err err = manager_begin(app, rq, &m, e);

	if (err)
		return err;
	err = model_edit_make(app, &m, rq->body, rq->arena, &id, e);
	if (!err)
		err = respond(app, &m, rs, 201, id, e);
	manager_end(app, &m);
	return err;
}

static const struct param_spec params[] = { LIST_PARAMS,
	FILTER_TEXT("name", MODEL_NAME_BYTES),
	FILTER_TEXT("provider", PROVIDER_NAME_BYTES), FILTER_BOOL("is_enabled"),
	FILTER_BOOL("archived") };
enum {
	Q_NAME = 2,
	Q_PROVIDER,
	Q_IS_ENABLED,
	Q_ARCHIVED,
	Q__N
};

static bool
is_listed(const struct model_view *v, const struct param_value *q)
{
	if (q[Q_NAME].is_set && !str_eq(v->model->name, q[Q_NAME].text))
		return false;
	if (q[Q_PROVIDER].is_set &&
	    (!v->provider || !str_eq(v->provider->name, q[Q_PROVIDER].text)))
		return false;
	return !q[Q_IS_ENABLED].is_set ||
	       v->model->is_enabled == (q[Q_IS_ENABLED].u64 != 0);
}

enum err
api_model_list_all(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	struct param_value q[Q__N];
	struct list_page page;
	struct model_view *views;
	struct manager m;
	struct json_out j;
	size_t n = 0, n_shown = 0;
	uint64_t last_id = 0, next_after = 0;
	enum err err = param_parse(rq->arena, params, Q__N, rq->query, q, e);

	if (!err)
		err = list_page_read(rq, params, q, Q__N, &page, e);
	if (!err)
		err = manager_begin(app, rq, &m, e);
	if (err)
		return err;
	err = model_view_list(m.db, rq->arena, q[Q_ARCHIVED].u64 != 0, &views,
	    &n, e);
	manager_end(app, &m);
	if (err)
		return err;
	list_begin(rs, &j);
	for (size_t i = 0; i < n && !next_after; i++) {
		if (views[i].model->model_id <= page.after ||
		    !is_listed(&views[i], q))
			continue;
		if (n_shown++ == page.limit) {
			next_after = last_id;
			continue;
		}
		last_id = views[i].model->model_id;
		model_write(&j, app, &views[i], rq->arena);
	}
	json_out_array_end(&j);
	list_page_end(&page, next_after, &j);
	json_out_object_end(&j);
	return response_json(rs, 200, &j, e);
}

enum err
api_model_show(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct manager m;
	uint64_t id;
	enum err err = read_id(rq, &id, e);

	if (!err)
		err = manager_begin(app, rq, &m, e);
	if (err)
		return err;
	err = respond(app, &m, rs, 200, id, e);
	manager_end(app, &m);
	return err;
}

enum err
api_model_change(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct manager m;
	uint64_t id;
	enum err err = read_id(rq, &id, e);

	if (!err)
		err = manager_begin(app, rq, &m, e);
	if (err)
		return err;
	err = model_edit_change(app, &m, id, rq->body, rq->arena, e);
	if (!err)
		err = respond(app, &m, rs, 200, id, e);
	manager_end(app, &m);
	return err;
}

enum err
api_model_archive(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	struct manager m;
	uint64_t id;
	enum err err = read_id(rq, &id, e);

	if (!err)
		err = manager_begin(app, rq, &m, e);
	if (err)
		return err;
	err = model_edit_end(app, &m, id, rq->arena, e);
	if (!err)
		err = respond(app, &m, rs, 200, id, e);
	manager_end(app, &m);
	return err;
}
