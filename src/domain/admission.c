/* SPDX-License-Identifier: MIT */
#include "domain/admission.h"

#include "base/clock.h"
#include "base/log.h"
#include "domain/app.h"
#include "domain/catalogue.h"
#include "domain/principal.h"

enum err
admission_refused(struct app *app, uint64_t model_id, enum err code)
{
	meter_count_refusal(app->shared->journal, app->who, model_id, code);
	return code;
}

enum err
admission_model(struct app *app, struct str name, uint64_t model_id,
    const struct catalogue_model **ret, struct error *e)
{
	const struct catalogue_model *model =
	    name.p ? catalogue_model_by_name(app->catalogue, name)
		   : catalogue_model_by_id(app->catalogue, model_id);
	const char *param = name.p ? "model" : "model_id";

	if (!model)
		return error_public(e, ERR_MODEL_NOT_FOUND, param,
		    "There is no model of that name.");
	model_id = model->row.model_id;
	if (!principal_may_use_model(app->who, model_id))
		return admission_refused(app, model_id,
		    error_public(e, ERR_MODEL_FORBIDDEN, param,
			"This key may not use that model."));
	if (!model->row.is_enabled || model->n_deployments == 0)
		return admission_refused(app, model_id,
		    error_set(e, ERR_MODEL_DOWN, "model %llu is %s",
			(unsigned long long)model_id,
			model->row.is_enabled ? "without a deployment"
					      : "switched off"));
	*ret = model;
	return OK;
}

static enum err
open_meter(struct app *app, const struct admission_params *p, struct error *e)
{
	struct meter_params params = {
		.journal = app->shared->journal,
		.who = app->who,
		.request_id = p->request_id,
		.start_ms = p->start_ms,
		.start_us = p->start_us,
		.model = p->model,
		.deployment = &p->model->deployments[0],
		.price = catalogue_price_at(p->model, p->start_ms),
		.model_requested = p->model_requested,
		.prompt_tok = p->prompt_tok,
		.user_id = p->user_id,
		.agent_id = p->agent_id,
		.connector_id = p->connector_id,
		.is_stream = p->is_stream,
	};

	if (!params.price)
		return admission_refused(app, p->model->row.model_id,
		    error_set(e, ERR_NOT_PRICED, "model %llu has no price",
			(unsigned long long)p->model->row.model_id));
	return meter_open(&app->meter, &params, e);
}

enum err
admission_enter(struct app *app, const struct admission_params *p,
    struct error *e)
{
	struct limit_ask ask = {
		.who = app->who,
		.model_id = p->model->row.model_id,
		.client = p->client,
		.tok = p->hold_tok,
	};
	struct error on_refusal;
	enum err rc = open_meter(app, p, e);

	if (rc) {
		limit_take_clear(&app->take);
		return rc;
	}
	/* Now, not when the request began: slow uploads would let requests of
	 * several windows be admitted in one. */
	ask.now_ms = clock_now_ms();
	rc = limit_take(app->shared->limiter, &ask, &app->take, e);
	if (rc && meter_refuse(&app->meter, rc, &on_refusal))
		log_error("refusal_not_counted", &on_refusal);
	if (app->take.is_shadowed)
		meter_count_shadow(app->shared->journal, app->who,
		    ask.model_id);
	return rc;
}

enum err
admission_refuse(struct app *app, enum err code)
{
	struct error e;

	if (meter_refuse(&app->meter, code, &e))
		log_error("refusal_not_counted", &e);
	limit_give_back(app->shared->limiter, &app->take);
	return code;
}

void
admission_leave(struct app *app, enum err code, const struct meter *metered)
{
	struct limiter *l = app->shared->limiter;
	const struct limit_take *t = &app->take;

	if (!t->is_granted)
		return;
	if (code && err_info(code)->http_status < 499)
		limit_give_back(l, &app->take);
	else if (metered->state == METER_SETTLED)
		limit_finish(l, &app->take,
		    tokens_in(&metered->used) + tokens_out(&metered->used));
	else
		limit_finish(l, &app->take, t->tok); /* nobody knows */
	app->take.is_granted = false;
}
