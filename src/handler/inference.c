/* SPDX-License-Identifier: MIT */
#include "handler/inference.h"

#include "domain/admission.h"
#include "domain/attribution.h"
#include "domain/catalogue.h"
#include "domain/idempotency.h"
#include "domain/principal.h"
#include "handler/idempotency.h"

static const struct {
	const char *limit, *remaining, *reset;
} limit_headers[LIMIT__UNITS] = {
	[LIMIT_REQUESTS] = { "x-ratelimit-limit-requests",
	    "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests" },
	[LIMIT_TOKENS] = { "x-ratelimit-limit-tokens",
	    "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens" },
};

/* "12s" as OpenAI writes it, rounded up. */
static void
set_reset_header(struct response *rs, const char *name, int64_t reset_ms)
{
	char text[24];
	struct buf b;

	buf_init_fixed(&b, text, sizeof(text));
	buf_add_u64(&b, limit_seconds(reset_ms));
	buf_add_char(&b, 's');
	response_header(rs, name, buf_str(&b));
}

static void
set_limit_headers(struct response *rs, const struct limit_take *take,
    enum err rc)
{
	for (unsigned u = 0; u < LIMIT__UNITS; u++) {
		const struct limit_view *v = &take->view[u];

		if (!v->is_limited)
			continue;
		response_header_u64(rs, limit_headers[u].limit, v->limit);
		response_header_u64(rs, limit_headers[u].remaining,
		    v->remaining);
		set_reset_header(rs, limit_headers[u].reset, v->reset_ms);
	}
	if (take->is_shadowed)
		response_header(rs, "x-tollgate-limit-shadow",
		    str_from(limit_metric_names[take->refuser]));
	if (rc == ERR_RATE_LIMITED) {
		response_header_u64(rs, "retry-after",
		    limit_seconds(take->retry_ms));
		response_header_u64(rs, "retry-after-ms",
		    (uint64_t)take->retry_ms);
	}
}

/* Our own model server completes and chats; what else local servers may be
 * asked it does not know. */
static enum err
check_own_server(const struct catalogue_deployment *d, enum wire_op op,
    struct error *e)
{
	if (d->row.model_path.n == 0 ||
	    (op != WIRE_RESPONSE && op != WIRE_MESSAGE && op != WIRE_COUNT))
		return OK;
	return error_public(e, ERR_UNSUPPORTED_PARAM, "model",
	    "This model does not serve this kind of request.");
}

/* What every deployment's provider must be able to take. */
static enum err
check_body(const struct forward_params *p, struct error *e)
{
	for (size_t i = 0; i < p->model->n_deployments; i++) {
		const struct catalogue_deployment *d =
		    &p->model->deployments[i];
		enum err rc = provider_check_body(d->provider->row.kind, p->op,
		    p->body, p->model->row.allowed_members, e);

		if (!rc)
			rc = check_own_server(d, p->op, e);
		if (rc)
			return rc;
	}
	return OK;
}

/* The model's limit of each answer's output; 0: none. The client's own stays
 * unless it is larger. */
static uint64_t
output_limit(const struct catalogue_model *model,
    const struct openai_request *request)
{
	int64_t limit = model->row.max_output_tok;

	if (!request->has_limit && model->row.default_max_output_tok >= 0)
		limit = model->row.default_max_output_tok;
	return limit > 0 ? (uint64_t)limit : 0;
}

/* The same where a limit of tokens must be kept, so that there always is
 * one. What the client leaves open becomes no more than the limit can hold. */
static uint64_t
bounded_output(const struct app *app, const struct forward_params *p,
    uint64_t prompt_tok, uint64_t cap_tok)
{
	const struct openai_request *request = p->request;
	int64_t context = p->model->row.context_length;
	uint64_t limit = p->limit_tok, n = request->n, left;

	if (request->has_limit)
		return limit && limit < request->limit_tok ? limit
							   : request->limit_tok;
	if (limit == 0)
		limit = conf_u64(app->conf, CONF_LIMITS_OUTPUT_TOK);
	if (context > 0 && (uint64_t)context > prompt_tok &&
	    limit > (uint64_t)context - prompt_tok)
		limit = (uint64_t)context - prompt_tok;
	left = cap_tok > prompt_tok ? (cap_tok - prompt_tok) / n : 0;
	return left > 0 && left < limit ? left : limit;
}

/* The prompt, as exactly as it can be told here. */
static void
count_prompt(const struct catalogue_deployment *first, struct forward_params *p,
    struct admission_params *admission)
{
	const struct tokenizer *t = first->tokenizer;

	if (!t)
		return;
	p->prompt = (struct forward_prompt){
		.is_done = true,
		.t = t,
		.count = first->row.model_path.n > 0
			     ? openai_count_local(p->op, p->body, t)
			     : openai_count_prompt(p->op, p->body, t),
	};
	admission->prompt_tok = p->prompt.count.tok;
}

/* What the request may cost. A prompt that is only estimated may have a token
 * for each of its bytes. */
static void
hold_cost(struct forward_params *p, struct admission_params *admission)
{
	uint64_t bytes = p->body->text.n;

	admission->may_cost = true;
	admission->n = p->request->n;
	admission->prompt_max_tok = admission->prompt_tok;
	if (!(p->prompt.is_done && p->prompt.count.is_counted) &&
	    admission->prompt_max_tok < bytes)
		admission->prompt_max_tok = bytes;
	if (p->op != WIRE_EMBEDDING)
		admission->out_tok = p->limit_tok;
}

/*
 * How many tokens the request may use. Counting takes its time, so nobody
 * does it in whose limits no tokens are counted and whom no budget bounds.
 */
static void
hold_tokens(const struct app *app, struct forward_params *p,
    struct admission_params *admission)
{
	uint64_t cap_tok = limit_token_cap(app->shared->limiter, app->who);
	bool has_budget = admission_has_budget(app->who);

	p->limit_tok = output_limit(p->model, p->request);
	/* What only asks for a count uses no tokens. */
	if ((cap_tok == UINT64_MAX && !has_budget) || p->op == WIRE_COUNT)
		return;
	count_prompt(&p->model->deployments[0], p, admission);
	admission->hold_tok = admission->prompt_tok;
	if (p->op != WIRE_EMBEDDING) {
		p->limit_tok = bounded_output(app, p, admission->prompt_tok,
		    cap_tok);
		admission->hold_tok += p->limit_tok * p->request->n;
	}
	if (has_budget)
		hold_cost(p, admission);
}

/*
 * One id that a header names. Unknown ones, those of another customer and
 * archived ones are refused alike.
 */
static enum err
read_attribution(struct app *app, const struct request *rq, const char *header,
    enum attribution_kind kind, uint64_t *ret, struct error *e)
{
	struct str text = request_header(rq, header);
	enum err rc = ERR_NOT_FOUND;

	*ret = 0;
	if (!text.p)
		return OK;
	if (str_to_u64(text, 1, UINT32_MAX, ret))
		rc = attribution_check(app->shared->attributions, kind,
		    app->who->customer_id, *ret, e);
	if (rc != ERR_NOT_FOUND)
		return rc;
	return error_public(e, ERR_BAD_PARAM, header,
	    "%s names nothing of this customer.", header);
}

static enum err
read_attributions(struct app *app, const struct request *rq,
    struct admission_params *p, struct error *e)
{
	enum err rc = read_attribution(app, rq, "x-tollgate-user-id",
	    ATTRIBUTION_USER, &p->user_id, e);

	if (!rc)
		rc = read_attribution(app, rq, "x-tollgate-agent-id",
		    ATTRIBUTION_AGENT, &p->agent_id, e);
	if (!rc)
		rc = read_attribution(app, rq, "x-tollgate-connector-id",
		    ATTRIBUTION_CONNECTOR, &p->connector_id, e);
	return rc;
}

/* ---- Idempotency-Key ---- */

/* Whoever waits for a request that runs had better not ask at once. */
#define BUSY_RETRY_S 2

/* The claim that a request makes, if its key heeds the header. A stream's
 * client would think itself safe, so it is told that it is not. */
static enum err
read_claim(const struct app *app, const struct request *rq,
    const struct forward_params *p, struct idempotency *ret, bool *ret_is_given,
    struct error *e)
{
	enum err rc;

	*ret_is_given = false;
	if (!app->who->is_idempotent || p->op == WIRE_COUNT)
		return OK;
	rc = idempotency_read(app->who, rq, "infer", ret, ret_is_given, e);
	if (!rc && *ret_is_given && p->request->is_stream)
		return error_public(e, ERR_BAD_PARAM, "idempotency-key",
		    "A streamed request cannot have an Idempotency-Key.");
	return rc;
}

/* What another request with the same key was answered. */
static enum err
replay(struct app *app, struct response *rs, const struct idempotency *claim,
    uint64_t model_id, bool *ret_is_answered, struct error *e)
{
	struct idempotency then;
	enum err rc = idempotency_find(app, claim, rs->arena, &then, e);

	*ret_is_answered = rc == OK;
	if (rc == ERR_NOT_FOUND)
		return OK;
	if (rc == ERR_IDEMPOTENCY_BUSY)
		response_header_u64(rs, "retry-after", BUSY_RETRY_S);
	if (rc)
		return admission_refused(app, model_id, rc);
	idempotency_mark(rs, &then);
	rs->status = (int)then.status;
	response_header(rs, "content-type", S("application/json"));
	response_body(rs, then.answer);
	return response_check(rs, e);
}

/* An admitted request goes out only with its claim taken. */
static enum err
take_claim(struct app *app, struct response *rs,
    const struct idempotency *claim, struct error *e)
{
	enum err rc = idempotency_take(app, claim, rs->arena, e);

	if (rc == ERR_IDEMPOTENCY_BUSY)
		response_header_u64(rs, "retry-after", BUSY_RETRY_S);
	return rc ? admission_refuse(app, rc) : OK;
}

/* Answers are kept, errors are not: what failed may be tried again. */
static void
end_claim(struct app *app, const struct response *rs,
    const struct idempotency *claim, enum err rc)
{
	struct idempotency now = *claim;

	if (rc || rs->status != 200) {
		idempotency_release(app, claim);
		return;
	}
	now.status = 200;
	now.answer = response_body_get(rs);
	now.cost_pusd = app->meter.cost.charged_pusd;
	idempotency_keep(app, &now);
}

/* ---- the way of all inference ---- */

enum err
inference_run(struct app *app, const struct request *rq, struct response *rs,
    const struct forward_params *params, struct str model_requested,
    struct error *e)
{
	struct forward_params p = *params;
	struct admission_params admission = {
		.request_id = rq->id,
		.start_ms = rq->start_ms,
		.start_us = rq->start_mono_us,
		.model = p.model,
		.model_requested = model_requested,
		.prompt_tok = p.request->prompt_tok,
		.is_stream = p.request->is_stream,
	};
	struct idempotency claim;
	bool is_answered = false;
	uint64_t out_tok;
	enum err rc = check_body(&p, e);

	if (!rc)
		rc = read_attributions(app, rq, &admission, e);
	if (!rc)
		rc = read_claim(app, rq, &p, &claim, &p.is_kept, e);
	if (!rc && p.is_kept)
		rc = replay(app, rs, &claim, p.model->row.model_id,
		    &is_answered, e);
	if (rc || is_answered)
		return rc;
	if (rq->has_client_ip)
		admission.client = limit_client_of(rq->client_ip.b);
	hold_tokens(app, &p, &admission);
	rc = admission_enter(app, &admission, &out_tok, e);
	set_limit_headers(rs, &app->take, rc);
	if (!rc && p.is_kept)
		rc = take_claim(app, rs, &claim, e);
	if (rc)
		return rc;
	if (out_tok < admission.out_tok)
		p.limit_tok = out_tok;
	rc = forward_run(app, rq, rs, &p, e);
	if (p.is_kept)
		end_claim(app, rs, &claim, rc);
	return rc;
}
