/* SPDX-License-Identifier: MIT */
/* /api/models: operators add, list, show, change and archive models. */
#include "base/secret.h"
#include "domain/model.h"
#include "domain/principal.h"
#include "handler/api/api.h"
#include "handler/api/model_read.h"
#include "handler/api/model_write.h"
#include "handler/api/resource.h"
#include "store/db_pool.h"

#define DB_WAIT_MS 2000

static struct audit
actor(const struct app *app, const struct request *rq)
{
	return (struct audit){
		.actor = AUDIT_OPERATOR_KEY,
		.actor_id = app->who->operator_key_id,
		.client_address = rq->client_addr,
		.request_id = str_from(rq->id_text),
	};
}

static struct model_ops
ops_of(const struct app *app, const struct request *rq, const struct audit *who)
{
	return (struct model_ops){
		.if_match = request_header(rq, "if-match"),
		.map = app->shared->hostmap,
		.seal = app->shared->seal,
		.conf = app->conf,
		.who = who,
	};
}

static enum err
read_id(const struct request *rq, uint64_t *ret, struct error *e)
{
	if (str_to_u64(rq->path_param[0], 1, UINT32_MAX, ret))
		return OK;
	return error_public(e, ERR_NOT_FOUND, "id", "There is no such model.");
}

/* The model as the database has it now. */
static enum err
respond(struct app *app, struct response *rs, int status, uint64_t model_id,
    struct error *e)
{
	char etag[RECORD_ETAG_BYTES];
	struct model_view v;
	struct json_out j;
	enum err err = model_view_load(app, rs->arena, model_id, &v, e);

	if (err)
		return err;
	model_etag(v.model, v.deployment, rs->arena, etag);
	response_header(rs, "etag", str_from(etag));
	response_header(rs, "cache-control", S("no-store"));
	response_json_begin(rs, &j);
	model_write(&j, app, &v);
	return response_json(rs, status, &j, e);
}

static enum err
create(struct app *app, const struct request *rq, struct model_new *n,
    struct error *e)
{
	struct audit who = actor(app, rq);
	struct model_ops ops = ops_of(app, rq, &who);
	enum err err = db_pool_take(app->shared->db, DB_WAIT_MS, &ops.db, e);

	if (err)
		return err;
	err = model_create(&ops, rq->arena, n, e);
	db_pool_give(app->shared->db, ops.db);
	return err;
}

enum err
api_model_create(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct model_new n = { 0 };
	struct price price;
	enum err err = model_read_new(rq, &n, &price, e);

	if (!err)
		err = create(app, rq, &n, e);
	/* The tree's copy; the body itself is wiped as the route says. */
	if (n.api_key.n)
		secret_wipe((void *)(uintptr_t)n.api_key.p, n.api_key.n);
	return err ? err : respond(app, rs, 201, n.model.model_id, e);
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
	struct json_out j;
	size_t n = 0, n_shown = 0;
	uint64_t last_id = 0, next_after = 0;
	enum err err = param_parse(rq->arena, params, Q__N, rq->query, q, e);

	if (!err)
		err = list_page_read(rq, params, q, Q__N, &page, e);
	if (!err)
		err = model_view_list(app, rq->arena, q[Q_ARCHIVED].u64 != 0,
		    &views, &n, e);
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
		model_write(&j, app, &views[i]);
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
	uint64_t id;
	enum err err = read_id(rq, &id, e);

	return err ? err : respond(app, rs, 200, id, e);
}

/* What a PATCH says. */
struct patch {
	struct arena *a;
	const struct json *body;
	uint64_t provider_id; /* 0: as it is */
};

static enum err
find_provider(const struct model_ops *ops, struct arena *a, struct patch *p,
    struct error *e)
{
	struct provider provider;
	struct str name;
	enum err err;

	if (!json_has(p->body, "provider"))
		return OK;
	err = json_get_str(p->body, "provider", 1, PROVIDER_NAME_BYTES, &name,
	    e);
	if (!err)
		err = store_provider_by_name(ops->db, name, a, &provider, e);
	if (err == ERR_NOT_FOUND)
		return error_public(e, ERR_BAD_PARAM, "provider",
		    "There is no provider of that name.");
	if (!err)
		p->provider_id = provider.provider_id;
	return err;
}

/* An address belongs to its provider, so it does not move along. */
static enum err
change(struct model_change *c, void *arg, struct error *e)
{
	const struct patch *p = arg;
	struct deployment *d = &c->deployment;
	enum err err;

	if (p->provider_id && p->provider_id != d->provider_id) {
		d->provider_id = p->provider_id;
		d->api_url = (struct str){ NULL, 0 };
	}
	err = model_read_place(p->body, d, e);
	return err ? err : model_read_settings(p->a, p->body, &c->model, e);
}

enum err
api_model_change(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct audit who = actor(app, rq);
	struct model_ops ops = ops_of(app, rq, &who);
	struct patch p = { .a = rq->arena };
	struct model_change c;
	uint64_t id;
	enum err err = read_id(rq, &id, e);

	if (!err)
		err = model_read_patch(rq, &p.body, e);
	if (!err)
		err = db_pool_take(app->shared->db, DB_WAIT_MS, &ops.db, e);
	if (err)
		return err;
	err = find_provider(&ops, rq->arena, &p, e);
	if (!err)
		err = model_update(&ops, rq->arena, id, change, &p, &c, e);
	db_pool_give(app->shared->db, ops.db);
	return err ? err : respond(app, rs, 200, id, e);
}

enum err
api_model_archive(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	struct audit who = actor(app, rq);
	struct model_ops ops = ops_of(app, rq, &who);
	uint64_t id;
	enum err err = read_id(rq, &id, e);

	if (!err)
		err = db_pool_take(app->shared->db, DB_WAIT_MS, &ops.db, e);
	if (err)
		return err;
	err = model_archive(&ops, rq->arena, id, e);
	db_pool_give(app->shared->db, ops.db);
	return err ? err : respond(app, rs, 200, id, e);
}
