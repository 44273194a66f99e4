/* SPDX-License-Identifier: MIT */
#include "domain/meter.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "domain/catalogue.h"
#include "domain/principal.h"
#include "journal/writer.h"

/* A stream's progress is journaled this often: what a crash may hide. */
#define PROGRESS_INTERVAL_US INT64_C(900000)

static struct journal_rate
rate_of(const struct price *p, bool is_long)
{
	const int64_t *tok_pusd = p->tok_pusd[is_long ? TOK_LONG : TOK_NORMAL];

	return (struct journal_rate){
		.in_pusd = tok_pusd[TOK_IN],
		.out_pusd = tok_pusd[TOK_OUT],
		.request_pusd = p->request_pusd,
	};
}

static bool
is_long_context(const struct catalogue_model *model, uint64_t prompt_tok)
{
	int64_t threshold = model->row.long_context_threshold_tok;

	return threshold >= 0 && prompt_tok > (uint64_t)threshold;
}

static struct journal_open
open_record(const struct meter_params *p)
{
	const struct principal *who = p->who;
	bool is_long = is_long_context(p->model, p->prompt_tok);
	struct journal_rate rate = rate_of(p->price, is_long);
	struct journal_open r;

	_Static_assert(JOURNAL_BUDGETS_MAX == BUDGET_PER_KEY, "all of a key");
	r = (struct journal_open){
		.request_id = p->request_id,
		.start_ms = p->start_ms,
		.customer_id = who->customer_id,
		.project_id = who->project_id,
		.user_id = p->user_id ? p->user_id : who->user_id,
		.api_key_id = who->api_key_id,
		.model_id = p->model->row.model_id,
		.provider_id = p->deployment->row.provider_id,
		.deployment_id = p->deployment->row.deployment_id,
		.agent_id = p->agent_id,
		.connector_id = p->connector_id,
		.price_version_id = p->price->price_version_id,
		.markup_ppm = (uint32_t)who->markup_ppm,
		.prompt_tok = p->prompt_tok,
		.is_stream = p->is_stream,
		.is_long = is_long,
		.price = rate,
		.provider_price = rate,
		.model_requested = p->model_requested,
		.provider_used = p->deployment->provider->row.name,
		.hold_pusd = p->hold_pusd,
	};
	if (p->hold_pusd)
		r.n_budgets = principal_hard_budgets(who, r.budget_id);
	return r;
}

enum err
meter_open(struct meter *m, const struct meter_params *p, struct error *e)
{
	struct journal_open record = open_record(p);
	uint32_t slot;
	enum err rc;

	ASSERT(m->state == METER_IDLE);
	rc = journal_write_open(p->journal, &record, &slot, e);
	if (rc)
		return rc;
	*m = (struct meter){
		.state = METER_OPEN,
		.journal = p->journal,
		.slot = slot,
		.request_id = p->request_id,
		.start_us = p->start_us,
		.model = p->model,
		.deployment = p->deployment,
		.price = p->price,
		.markup_ppm = p->who->markup_ppm,
		.prompt_tok = p->prompt_tok,
	};
	return OK;
}

int64_t
meter_first_ms(const struct meter *m)
{
	return m->first_us ? (m->first_us - m->start_us) / 1000 : -1;
}

/* What every settle says, whatever the outcome. */
static struct journal_settle
settle_record(const struct meter *m)
{
	return (struct journal_settle){
		.request_id = m->request_id,
		.latency_ms = (clock_mono_us() - m->start_us) / 1000,
		.ttft_ms = meter_first_ms(m),
		.attempts = m->attempts,
		.provider_id = m->deployment->row.provider_id,
		.deployment_id = m->deployment->row.deployment_id,
		.provider_used = m->deployment->provider->row.name,
	};
}

enum err
meter_refuse(struct meter *m, enum err reason, struct error *e)
{
	struct journal_settle record;

	ASSERT(m->state == METER_OPEN);
	record = settle_record(m);
	record.refuse_reason = str_from(err_info(reason)->api_code);
	m->used = (struct tokens){ 0 };
	m->cost = (struct cost){ 0, 0 };
	m->state = METER_SETTLED;
	return journal_write_settle(m->journal, m->slot, &record, e);
}

static void
count(struct journal *j, const struct principal *who, uint64_t model_id,
    struct str reason)
{
	struct journal_refuse record = {
		.time_ms = clock_now_ms(),
		.customer_id = who->customer_id,
		.api_key_id = who->api_key_id,
		.model_id = model_id,
		.reason = reason,
	};
	struct error e;

	if (journal_write_refuse(j, &record, &e))
		log_error("refusal_not_counted", &e);
}

void
meter_count_refusal(struct journal *j, const struct principal *who,
    uint64_t model_id, enum err reason)
{
	count(j, who, model_id, str_from(err_info(reason)->api_code));
}

void
meter_count_shadow(struct journal *j, const struct principal *who,
    uint64_t model_id)
{
	count(j, who, model_id, S("limit_shadow"));
}

bool
meter_is_progress_due(const struct meter *m)
{
	return !m->has_output ||
	       clock_mono_us() - m->progress_us >= PROGRESS_INTERVAL_US;
}

enum err
meter_progress(struct meter *m, const struct meter_delivered *d,
    struct error *e)
{
	struct journal_progress record = {
		.request_id = m->request_id,
		.delivered_tok = d->out_tok,
		.has_output = true,
		.is_counted = d->is_counted,
		.prompt_tok = d->is_counted ? d->prompt_tok : 0,
	};
	int64_t now_us = clock_mono_us();
	enum err rc;

	m->delivered = *d;
	rc = journal_write_progress(m->journal, m->slot, &record, e);
	if (rc)
		return rc;
	if (!m->has_output)
		m->first_us = now_us;
	m->has_output = true;
	m->progress_us = now_us;
	return OK;
}

enum err
meter_price(struct meter *m, const struct meter_result *r, struct error *e)
{
	struct tokens used = r->used;
	struct cost cost;
	enum err rc;

	ASSERT(m->state == METER_OPEN);
	tokens_apply_threshold(&used, m->model->row.long_context_threshold_tok);
	rc = price_charge(m->price, &used, m->markup_ppm, &cost, e);
	if (rc)
		return rc;
	m->used = used;
	m->cost = cost;
	m->status = r->status;
	m->source = r->source;
	return OK;
}

/* More came than was asked for, or the prompt had more tokens than it can
 * have by our reckoning. It is owed all the same, and shown as such. */
static void
note_excess(const struct meter *m, struct journal_settle *record)
{
	struct log_rec r;

	record->flags |= JOURNAL_FLAG_OVER_LIMIT;
	if (record->error_code.n == 0)
		record->error_code = S("hold_exceeded");
	log_begin(&r, LOG_LEVEL_WARN, "hold_exceeded");
	log_str(&r, "model", m->model->row.name);
	log_usd(&r, "hold", m->hold_pusd);
	log_usd(&r, "cost", m->cost.charged_pusd);
	log_end(&r);
}

enum err
meter_settle(struct meter *m, const struct meter_result *r, struct error *e)
{
	struct journal_settle record;
	enum err rc = meter_price(m, r, e);

	if (rc)
		return rc;
	record = settle_record(m);
	m->latency_ms = record.latency_ms;
	memcpy(record.tok, m->used.tok, sizeof(record.tok));
	record.cost_pusd = m->cost.charged_pusd;
	record.provider_cost_pusd = m->cost.provider_pusd;
	record.status = r->status;
	record.source = r->source;
	record.error_code = r->error_code;
	record.price_version_id = m->price->price_version_id;
	record.hold_pusd = m->hold_pusd;
	if (m->is_held && m->cost.charged_pusd > m->hold_pusd)
		note_excess(m, &record);
	m->state = METER_SETTLED;
	return journal_write_settle(m->journal, m->slot, &record, e);
}

void
meter_finish(struct meter *m)
{
	struct meter_result rest = {
		.status = USAGE_UPSTREAM_ERROR,
		.source = USAGE_FROM_ESTIMATE,
		.error_code = str_from(err_info(ERR_INTERNAL)->api_code),
	};
	struct error e;

	if (m->state == METER_OPEN) {
		if (m->has_output) {
			const struct meter_delivered *d = &m->delivered;

			rest.used.tok[TOK_NORMAL][TOK_IN] = d->prompt_tok;
			rest.used.tok[TOK_NORMAL][TOK_OUT] = d->out_tok;
			rest.source = d->is_counted ? USAGE_FROM_COUNT
						    : USAGE_FROM_ESTIMATE;
		}
		log_event(LOG_LEVEL_ERROR, "meter_left_open",
		    "a request ended without being settled");
		if (meter_settle(m, &rest, &e))
			log_error("settle_failed", &e);
	}
	*m = (struct meter){ 0 };
}
