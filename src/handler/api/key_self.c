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

/* What remains of them; of model_id's own, or of those for all models. */
static void
write_limits_left(struct json_out *j, const struct app *app,
    const struct request *rq, uint64_t model_id)
{
	struct limit_ask ask = {
		.who = app->who,
		.model_id = model_id,
		.now_ms = rq->start_ms,
	};
	struct limit_left left[LIMIT__COUNTED];
	unsigned n;

	if (rq->has_client_ip)
		ask.client = limit_client_of(rq->client_ip.b);
	n = limit_left(app->shared->limiter, &ask, left);
	json_out_key(j, "rate_limits_left");
	json_out_array(j);
	for (unsigned i = 0; i < n; i++) {
		json_out_object(j);
		json_out_member_str(j, "metric",
		    str_from(limit_metric_names[left[i].metric]));
		json_out_member_u64(j, "limit", left[i].limit);
		if (left[i].is_known)
			json_out_member_u64(j, "remaining", left[i].remaining);
		else
			json_out_member_null(j, "remaining");
		json_out_member_time(j, "resets_at", left[i].ends_at_ms);
		json_out_object_end(j);
	}
	json_out_array_end(j);
}

/* Those that it may use now, by name too: what its holder writes. */
static void
write_models(struct json_out *j, const struct app *app,
    const struct request *rq)
{
	const struct catalogue *c = app->catalogue;

	json_out_member_bool(j, "all_models", app->who->all_models);
	json_out_key(j, "models");
	json_out_array(j);
	for (size_t i = 0; i < c->n_models; i++) {
		const struct catalogue_model *m = &c->models[i];

		if (!m->row.is_enabled || m->n_deployments == 0 ||
		    !principal_may_use_model(app->who, m->row.model_id))
			continue;
		json_out_object(j);
		json_out_member_u64(j, "id", m->row.model_id);
		json_out_member_str(j, "name", m->row.name);
		write_limits_left(j, app, rq, m->row.model_id);
		json_out_object_end(j);
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
	write_limits_left(&j, app, rq, 0);
	write_spend(&j, &self, rq->start_ms);
	write_models(&j, app, rq);
	json_out_object_end(&j);
	return response_json(rs, 200, &j, e);
}
