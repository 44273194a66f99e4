/* SPDX-License-Identifier: MIT */
/* /api/prices: operators list versions of prices and set new ones. */
#include "domain/price.h"
#include "base/clock.h"
#include "domain/price_set.h"
#include "domain/principal.h"
#include "handler/api/api.h"
#include "handler/api/resource.h"
#include "handler/price_body.h"
#include "store/db_pool.h"
#include "store/model.h"

#define DB_WAIT_MS 2000

enum {
	Q_MODEL_ID = 2,
	Q__N
};
static const struct param_spec query_spec[Q__N] = { LIST_PARAMS,
	FILTER_ID("model_id") };

static void
write_version(struct json_out *j, const struct price *p)
{
	json_out_member_u64(j, "id", p->price_version_id);
	json_out_member_u64(j, "model_id", p->model_id);
	json_out_member_time(j, "effective_from", p->effective_from_ms);
	price_body_write(j, p);
	if (p->note.p)
		json_out_member_str(j, "note", p->note);
	else
		json_out_member_null(j, "note");
}

static void
write_listed(struct json_out *j, const struct price *p,
    const struct price *in_force)
{
	json_out_object(j);
	write_version(j, p);
	json_out_member_bool(j, "is_in_force", p == in_force);
	json_out_object_end(j);
}

/* A model's versions, the newest first; of all models those in force and
 * what is to come. */
static enum err
load(struct app *app, struct arena *a, uint64_t model_id, struct price **ret,
    size_t *ret_n, struct error *e)
{
	struct model m;
	struct db *db;
	enum err err = db_pool_take(app->shared->db, DB_WAIT_MS, &db, e);

	if (err)
		return err;
	if (model_id == 0)
		err = store_price_current(db, a, ret, ret_n, e);
	else
		err = store_model_by_id(db, model_id, a, &m, e);
	if (err == ERR_NOT_FOUND)
		err = error_public(e, err, "model_id",
		    "There is no such model.");
	if (!err && model_id != 0)
		err = store_price_list(db, model_id, a, ret, ret_n, e);
	db_pool_give(app->shared->db, db);
	return err;
}

/* Where the list goes on: both ids are of 32 bits. */
static uint64_t
place_of(const struct price *p)
{
	return p->model_id << 32 | p->price_version_id;
}

/* How many were shown. Of a model whose last version shown is not in the list
 * any more, since another came into force, there is no more to show. */
static size_t
n_before(const struct price *p, size_t n, uint64_t after)
{
	size_t i = 0;

	while (i < n && after && p[i].model_id < after >> 32)
		i++;
	for (size_t k = i; k < n && after && p[k].model_id == after >> 32; k++)
		if (place_of(&p[k]) == after)
			return k + 1;
	while (i < n && after && p[i].model_id == after >> 32)
		i++;
	return i;
}

static void
write_all(struct json_out *j, const struct price *p, size_t n, size_t from,
    size_t to)
{
	int64_t now_ms = clock_now_ms();

	for (size_t i = 0, end; i < n; i = end) {
		const struct price *in_force;

		end = i + price_same_model(&p[i], n - i);
		in_force = price_at(&p[i], end - i, now_ms);
		for (size_t k = i; k < end; k++)
			if (k >= from && k < to)
				write_listed(j, &p[k], in_force);
	}
}

enum err
api_price_list(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct param_value query[Q__N];
	struct price *prices = NULL;
	struct list_page page;
	struct json_out j;
	size_t n = 0, from, to;
	enum err err = param_parse(rq->arena, query_spec, Q__N, rq->query,
	    query, e);

	if (!err)
		err = list_page_read(rq, query_spec, query, Q__N, &page, e);
	if (!err)
		err = load(app, rq->arena, query[Q_MODEL_ID].u64, &prices, &n,
		    e);
	if (err)
		return err;
	from = n_before(prices, n, page.after);
	to = n - from > page.limit ? from + (size_t)page.limit : n;
	list_begin(rs, &j);
	write_all(&j, prices, n, from, to);
	json_out_array_end(&j);
	list_page_end(&page, to < n ? place_of(&prices[to - 1]) : 0, &j);
	json_out_object_end(&j);
	return response_json(rs, 200, &j, e);
}

static enum err
set(struct app *app, const struct request *rq, struct price *p, struct error *e)
{
	const struct audit who = {
		.actor = AUDIT_OPERATOR_KEY,
		.actor_id = app->who->operator_key_id,
		.client_address = rq->client_addr,
		.request_id = str_from(rq->id_text),
	};
	struct db *db;
	enum err err = db_pool_take(app->shared->db, DB_WAIT_MS, &db, e);

	if (err)
		return err;
	err = price_set(db, app->shared->hostmap, &who, p, rq->arena, e);
	db_pool_give(app->shared->db, db);
	return err;
}

enum err
api_price_create(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct price p;
	struct json_out j;
	enum err err = price_body_version(rq->body, rq->arena, &p, e);

	if (!err)
		err = set(app, rq, &p, e);
	if (err)
		return err;
	response_json_begin(rs, &j);
	json_out_object(&j);
	write_version(&j, &p);
	json_out_object_end(&j);
	return response_json(rs, 201, &j, e);
}
