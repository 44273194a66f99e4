/* SPDX-License-Identifier: MIT */
#include "domain/admission.h"

#include "base/clock.h"
#include "base/log.h"
#include "domain/app.h"
#include "domain/budget_book.h"
#include "domain/budget_quote.h"
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

bool
admission_has_budget(const struct principal *who)
{
	uint32_t ids[BUDGET_PER_KEY];

	return principal_hard_budgets(who, ids) > 0;
}

/* What it may cost; false: nothing, or nobody bounds it. */
static bool
quote(const struct app *app, const struct admission_params *p,
    const struct price *price, struct budget_quote *ret)
{
	uint64_t markup_ppm = app->who->markup_ppm;

	if (!p->may_cost || budget_price_is_free(price, markup_ppm))
		return false;
	*ret = budget_quote_of(price, markup_ppm,
	    p->model->row.long_context_threshold_tok, p->prompt_max_tok, p->n);
	return true;
}

static enum err
open_meter(struct app *app, const struct admission_params *p, struct error *e)
{
	struct budget_quote q;
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
	if (quote(app, p, params.price, &q))
		params.hold_pusd = budget_quote_pusd(&q, p->out_tok);
	return meter_open(&app->meter, &params, e);
}

/* In its budgets it holds what it wants, or, as they near their end, what is
 * left, and then its output is bounded by that. */
static enum err
hold(struct app *app, const struct admission_params *p, uint64_t *ret_out_tok,
    struct error *e)
{
	struct meter *m = &app->meter;
	uint64_t least_tok = p->out_tok < BUDGET_OUT_MIN_TOK
				 ? p->out_tok
				 : BUDGET_OUT_MIN_TOK;
	struct budget_ask ask = { .who = app->who, .start_ms = p->start_ms };
	struct budget_quote q;
	enum err rc;

	if (!quote(app, p, m->price, &q))
		return OK;
	ask.min_pusd = budget_quote_pusd(&q, least_tok);
	ask.want_pusd = budget_quote_pusd(&q, p->out_tok);
	rc = budget_hold_take(app->shared->budgets, &ask, &app->hold, e);
	if (rc)
		return rc;
	m->is_held = app->hold.n > 0;
	m->hold_pusd = app->hold.held_pusd;
	*ret_out_tok = budget_quote_affords(&q, app->hold.held_pusd,
	    p->out_tok);
	return OK;
}

enum err
admission_enter(struct app *app, const struct admission_params *p,
    uint64_t *ret_out_tok, struct error *e)
{
	struct limit_ask ask = {
		.who = app->who,
		.model_id = p->model->row.model_id,
		.client = p->client,
		.tok = p->hold_tok,
	};
	struct error on_refusal;
	enum err rc = open_meter(app, p, e);

	*ret_out_tok = p->out_tok;
	if (rc) {
		limit_take_clear(&app->take);
		return rc;
	}
	/* Now, not when the request began: slow uploads would let requests of
	 * several windows be admitted in one. */
	ask.now_ms = clock_now_ms();
	rc = limit_take(app->shared->limiter, &ask, &app->take, e);
	if (!rc && p->may_cost) {
		rc = hold(app, p, ret_out_tok, e);
		if (rc)
			limit_give_back(app->shared->limiter, &app->take);
	}
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
	budget_hold_settle(&app->hold, 0);
	limit_give_back(app->shared->limiter, &app->take);
	return code;
}

void
admission_leave(struct app *app, enum err code, const struct meter *metered)
{
	struct limiter *l = app->shared->limiter;
	const struct limit_take *t = &app->take;
	int64_t owed_pusd = app->hold.held_pusd; /* where nobody knows */

	if (metered->state == METER_SETTLED &&
	    metered->cost.charged_pusd < owed_pusd)
		owed_pusd = metered->cost.charged_pusd;
	budget_hold_settle(&app->hold, owed_pusd);
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
