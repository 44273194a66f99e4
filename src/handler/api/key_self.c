/* SPDX-License-Identifier: MIT */
/* GET /v1/key: what the key that asks is and may. */
#include "domain/key_manage.h"

#include "domain/budget_period.h"
#include "domain/catalogue.h"
#include "handler/api/api.h"
#include "handler/key_read.h"
#include "store/db_pool.h"

#define DB_WAIT_MS 2000

/* What holds for it, whoever states it. */
static void
write_limits(struct json_out *j, const struct app *app)
{
	const struct limit_set defaults = default_limits(app);
	struct limit_set set = app->who->limits;

	limit_set_inherit(&set, &defaults);
	json_out_key(j, "effective_rate_limits");
	json_out_object(j);
	for (unsigned m = 0; m < LIMIT__METRICS; m++)
		if (limit_set_get(&set, m) > 0)
			json_out_member_u64(j, limit_metric_names[m],
			    (uint64_t)set.max[m]);
	json_out_object_end(j);
}

/* What remains of them. */
static void
ask_left(const struct app *app, const struct request *rq,
    struct limit_left_of *of, size_t n)
{
	struct limit_ask ask = { .who = app->who, .now_ms = rq->start_ms };

	if (rq->has_client_ip)
		ask.client = limit_client_of(rq->client_ip.b);
	limit_left(app->shared->limiter, &ask, of, n);
}

static void
write_limits_left(struct json_out *j, const struct limit_left_of *of)
{
	json_out_key(j, "rate_limits_left");
	json_out_array(j);
	for (unsigned i = 0; i < of->n; i++) {
		const struct limit_left *left = &of->v[i];

		json_out_object(j);
		json_out_member_str(j, "metric",
		    str_from(limit_metric_names[left->metric]));
		json_out_member_u64(j, "limit", left->limit);
		if (left->is_known)
			json_out_member_u64(j, "remaining", left->remaining);
		else
			json_out_member_null(j, "remaining");
		json_out_member_time(j, "resets_at", left->ends_at_ms);
		json_out_object_end(j);
	}
	json_out_array_end(j);
}

static bool
may_use(const struct app *app, const struct catalogue_model *m)
{
	return catalogue_model_is_served(m) &&
	       principal_may_use_model(app->who, m->row.model_id);
}

/* Those that it may use now, by name too: what its holder writes. */
static void
write_models(struct json_out *j, const struct app *app,
    const struct request *rq)
{
	struct limit_left_of left[LIMIT_LEFT_MODELS];
	const struct catalogue_model *models[LIMIT_LEFT_MODELS];
	const struct catalogue *c = app->catalogue;

	json_out_member_bool(j, "all_models", app->who->all_models);
	json_out_key(j, "models");
	json_out_array(j);
	for (size_t i = 0; i < c->n_models;) {
		size_t n = 0;

		for (; i < c->n_models && n < ARRAY_LEN(models); i++) {
			if (!may_use(app, &c->models[i]))
				continue;
			left[n].model_id = c->models[i].row.model_id;
			models[n++] = &c->models[i];
		}
		ask_left(app, rq, left, n);
		for (size_t k = 0; k < n; k++) {
			json_out_object(j);
			json_out_member_u64(j, "id", models[k]->row.model_id);
			json_out_member_str(j, "name", models[k]->row.name);
			write_limits_left(j, &left[k]);
			json_out_object_end(j);
		}
	}
	json_out_array_end(j);
}

/* What the database says. */
struct self {
	struct key k;
	struct budget_member budget; /* the key's own */
	struct budget *budgets;      /* all that its usage counts for */
	size_t n_budgets;
	struct key_spend spend;
};

static enum err
load_all(struct app *app, struct db *db, int64_t now_ms, struct arena *a,
    struct self *ret, struct error *e)
{
	const struct principal *who = app->who;
	const struct budget_starts now = budget_starts_of(now_ms);
	enum err err = store_key_by_id(db, who->customer_id, who->api_key_id, a,
	    &ret->k, e);

	if (!err)
		err = budget_member_load(db, BUDGET_KEY, who->api_key_id,
		    now_ms, a, &ret->budget, e);
	if (!err)
		err = store_budget_for_key(db, who->customer_id,
		    who->project_id, who->api_key_id, &now, a, &ret->budgets,
		    &ret->n_budgets, e);
	return err ? err
		   : store_key_spend(db, who->customer_id, who->api_key_id,
			 now.start_ms[BUDGET_DAY], now.start_ms[BUDGET_MONTH],
			 a, &ret->spend, e);
}

static void
write_spend(struct json_out *j, const struct self *s, int64_t now_ms)
{
	json_out_key(j, "spend");
	json_out_object(j);
	json_out_member_usd(j, "today_usd", s->spend.day_pusd);
	json_out_member_usd(j, "month_usd", s->spend.month_pusd);
	json_out_object_end(j);
	json_out_key(j, "budgets");
	json_out_array(j);
	for (size_t i = 0; i < s->n_budgets; i++) {
		json_out_object(j);
		json_out_member_str(j, "scope",
		    str_from(budget_scope_names[s->budgets[i].scope]));
		budget_write(&s->budgets[i], now_ms, j);
		json_out_object_end(j);
	}
	json_out_array_end(j);
}

static enum err
load(struct app *app, int64_t now_ms, struct arena *a, struct self *ret,
    struct error *e)
{
	struct db *db;
	enum err err = db_pool_take(app->shared->db, DB_WAIT_MS, &db, e);

	if (err)
		return err;
	err = load_all(app, db, now_ms, a, ret, e);
	db_pool_give(app->shared->db, db);
	return err;
}

enum err
api_key_self(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct limit_left_of shared = { .model_id = 0 };
	struct self self = { 0 };
	struct key_row row;
	struct json_out j;
	enum err err = load(app, rq->start_ms, rq->arena, &self, e);

	if (err)
		return err;
	key_row_fill(&self.k, rq->start_ms, &row);
	row.budget = self.budget;
	response_header(rs, "cache-control", S("no-store"));
	response_json_begin(rs, &j);
	json_out_object(&j);
	record_write(key_resource.record, &row, false, &j);
	json_out_member_str(&j, "role",
	    str_from(user_role_names[app->who->role]));
	json_out_member_bool(&j, "is_previous",
	    !str_eq(self.k.public_id, str_from(app->who->public_id)));
	write_limits(&j, app);
	ask_left(app, rq, &shared, 1);
	write_limits_left(&j, &shared);
	write_spend(&j, &self, rq->start_ms);
	write_models(&j, app, rq);
	json_out_object_end(&j);
	return response_json(rs, 200, &j, e);
}
