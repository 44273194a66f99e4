/* SPDX-License-Identifier: MIT */
#include "handler/api/inference.h"

#include "domain/admission.h"
#include "domain/catalogue.h"
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
		    p->body, S(""), e);

		if (!rc)
			rc = check_own_server(d, p->op, e);
		if (rc)
			return rc;
	}
	return OK;
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

enum err
api_response_create(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	return pass_through(app, rq, rs, WIRE_RESPONSE, e);
}

/* Anthropic's clients look for the request's id under another name than
 * OpenAI's do. */
static enum err
begin_anthropic(const struct request *rq, struct response *rs, struct error *e)
{
	struct forward_version version;

	response_header(rs, "request-id", str_from(rq->id_text));
	if (forward_version_of(rq, &version))
		return OK;
	return error_public(e, ERR_BAD_PARAM, "anthropic-version",
	    "This version of Anthropic's wire format is not spoken here.");
}

enum err
api_message_create(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	enum err rc = begin_anthropic(rq, rs, e);

	return rc ? rc : pass_through(app, rq, rs, WIRE_MESSAGE, e);
}

enum err
api_message_count(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	enum err rc = begin_anthropic(rq, rs, e);

	return rc ? rc : pass_through(app, rq, rs, WIRE_COUNT, e);
}
