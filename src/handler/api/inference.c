/* SPDX-License-Identifier: MIT */
#include "handler/api/inference.h"

#include "domain/admission.h"
#include "domain/attribution.h"
#include "domain/catalogue.h"
#include "domain/principal.h"
#include "handler/api/api.h"

/* "12s" as OpenAI writes it, rounded up. */
static void
set_reset_header(struct response *rs, const struct limit_take *take)
{
	char text[24];
	struct buf b;

	buf_init_fixed(&b, text, sizeof(text));
	buf_add_u64(&b, limit_retry_after_s(take));
	buf_add_char(&b, 's');
	response_header(rs, "x-ratelimit-reset-requests", buf_str(&b));
}

static void
set_limit_headers(struct response *rs, const struct limit_take *take,
    enum err rc)
{
	if (take->is_limited) {
		response_header_u64(rs, "x-ratelimit-limit-requests",
		    take->limit);
		response_header_u64(rs, "x-ratelimit-remaining-requests",
		    take->remaining);
		set_reset_header(rs, take);
	}
	if (rc == ERR_RATE_LIMITED) {
		response_header_u64(rs, "retry-after",
		    limit_retry_after_s(take));
		response_header_u64(rs, "retry-after-ms",
		    (uint64_t)take->reset_ms);
	}
}

/* What every deployment's provider must be able to take. */
static enum err
check_body(const struct forward_params *p, struct error *e)
{
	for (size_t i = 0; i < p->model->n_deployments; i++) {
		enum err rc = provider_check_body(p->model->deployments[i]
						      .provider->row.kind,
		    p->op, p->body, S(""), e);

		if (rc)
			return rc;
	}
	return OK;
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

enum err
inference_run(struct app *app, const struct request *rq, struct response *rs,
    const struct forward_params *p, struct str model_requested, struct error *e)
{
	struct admission_params admission = {
		.request_id = rq->id,
		.start_ms = rq->start_ms,
		.start_us = rq->start_mono_us,
		.model = p->model,
		.model_requested = model_requested,
		.prompt_tok = p->request->prompt_tok,
		.is_stream = p->request->is_stream,
	};
	struct limit_take take;
	enum err rc = check_body(p, e);

	if (!rc)
		rc = read_attributions(app, rq, &admission, e);
	if (rc)
		return rc;
	rc = admission_enter(app, &admission, &take, e);
	set_limit_headers(rs, &take, rc);
	if (rc)
		return rc;
	return forward_run(app, rq, rs, p, e);
}

/* The wire formats that pass through: the body is the client's own. */
static enum err
pass_through(struct app *app, const struct request *rq, struct response *rs,
    enum wire_op op, struct error *e)
{
	struct body body;
	struct openai_request request;
	struct forward_params p = { op, &body, &request, NULL, forward_as_is };
	enum err rc = body_scan(rq->arena, rq->body, &body, e);

	if (!rc)
		rc = openai_request_read(rq->arena, op, &body, &request, e);
	if (!rc)
		rc = admission_model(app, request.model, 0, &p.model, e);
	if (!rc)
		rc = inference_run(app, rq, rs, &p, request.model, e);
	return rc;
}

enum err
api_chat_create(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	return pass_through(app, rq, rs, WIRE_CHAT, e);
}

enum err
api_completion_create(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	return pass_through(app, rq, rs, WIRE_COMPLETION, e);
}

enum err
api_embedding_create(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	return pass_through(app, rq, rs, WIRE_EMBEDDING, e);
}
