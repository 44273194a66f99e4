/* SPDX-License-Identifier: MIT */
/* The routes that speak a provider's wire format: what their clients send and
 * get passes through. */
#include "domain/admission.h"
#include "handler/api/api.h"
#include "handler/inference.h"

/* The wire formats that pass through: the body is the client's own. */
static enum err
pass_through(struct app *app, const struct request *rq, struct response *rs,
    enum wire_op op, struct error *e)
{
	struct body body;
	struct openai_request request;
	struct forward_params p = {
		.op = op,
		.body = &body,
		.request = &request,
		.render = forward_as_is,
	};
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
