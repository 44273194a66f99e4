/* SPDX-License-Identifier: MIT */
/*
 * POST /generate: {text, model_id, max_length} -> {response, tokens_used,
 * cost}. It becomes a completion (local models), a chat completion, or what
 * else the model's provider is asked, and goes the way of all inference.
 */
#include "base/json_out.h"
#include "domain/admission.h"
#include "domain/catalogue.h"
#include "ext/json.h"
#include "handler/api/api.h"
#include "handler/inference.h"
#include "handler/prompt.h"

#define MAX_LENGTH_DEFAULT 100
/* Where the model does not state its context length. A local model counts the
 * prompt in it, as Hugging Face's generate() does; external ones don't. */
#define MAX_LENGTH_MAX     UINT64_C(1000000)
#define MODEL_DEFAULT      UINT64_C(1)
#define JSON_DEPTH         4

struct generate {
	struct str text;
	struct str model_name; /* p == NULL: model_id is given */
	uint64_t model_id;
	uint64_t max_length;
};

/* A number or a name. */
static enum err
read_model(const struct json *body, struct generate *g, struct error *e)
{
	g->model_id = MODEL_DEFAULT;
	if (!json_has(body, "model_id"))
		return OK;
	if (json_kind(json_member(body, "model_id")) == JSON_STRING)
		return json_get_str(body, "model_id", 1, OPENAI_MODEL_MAX_BYTES,
		    &g->model_name, e);
	return json_get_u64(body, "model_id", 1, INT64_MAX, &g->model_id, e);
}

static enum err
read_body(const struct request *rq, struct generate *g, struct error *e)
{
	static const char *const names[] = { "text", "model_id", "max_length" };
	const struct json *body;
	struct body strict; /* refuses the names that every wire refuses */
	enum err rc = body_scan(rq->arena, rq->body, &strict, e);

	if (!rc)
		rc = json_parse_object(rq->arena, rq->body, JSON_DEPTH, &body,
		    e);
	if (!rc)
		rc = json_only(body, names, ARRAY_LEN(names), e);
	if (!rc)
		rc = json_get_str(body, "text", 1, SIZE_MAX, &g->text, e);
	if (!rc)
		rc = read_model(body, g, e);
	g->max_length = MAX_LENGTH_DEFAULT;
	if (!rc && json_has(body, "max_length"))
		rc = json_get_u64(body, "max_length", 1, MAX_LENGTH_MAX,
		    &g->max_length, e);
	return rc;
}

static enum err
check_length(const struct generate *g, const struct catalogue_model *model,
    struct error *e)
{
	int64_t context = model->row.context_length;

	if (context > 0 && g->max_length > (uint64_t)context)
		return error_public(e, ERR_BAD_PARAM, "max_length",
		    "max_length must be from 1 to %lld, the model's context "
		    "length.",
		    (long long)context);
	return OK;
}

/* An error of another wire format as OpenAI's object, which is ours. */
static enum err
respond_error(struct response *rs, const struct forward_answer *answer,
    struct error *e)
{
	const struct prompt_error said = prompt_error_of(rs->arena, answer);
	struct json_out j;

	response_json_begin(rs, &j);
	json_out_object(&j);
	json_out_key(&j, "error");
	json_out_object(&j);
	json_out_member_str(&j, "message", said.message);
	json_out_member_str(&j, "type", said.type);
	json_out_member_null(&j, "param");
	json_out_member_null(&j, "code");
	json_out_object_end(&j);
	json_out_object_end(&j);
	return response_json(rs, answer->status, &j, e);
}

static enum err
respond(void *arg, const struct meter *m, struct response *rs,
    const struct forward_answer *answer, struct error *e)
{
	enum wire_op op = answer->parsed.op;
	struct str text;
	struct json_out j;
	enum err rc;

	(void)arg;
	if (answer->status != 200 &&
	    (op == WIRE_MESSAGE || op == WIRE_GENERATE))
		return respond_error(rs, answer, e);
	if (answer->status != 200)
		return forward_as_is(NULL, m, rs, answer, e);
	rc = openai_answer_text(rs->arena, &answer->parsed, &text, e);
	if (rc)
		return rc;
	response_json_begin(rs, &j);
	json_out_object(&j);
	json_out_member_str(&j, "response", text);
	json_out_member_u64(&j, "tokens_used",
	    tokens_in(&m->used) + tokens_out(&m->used));
	json_out_member_usd(&j, "cost", m->cost.charged_pusd);
	json_out_object_end(&j);
	return response_json(rs, 200, &j, e);
}

enum err
api_generate(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct generate g = { 0 };
	struct prompt prompt = { .is_limit_of_all = true };
	struct body body;
	struct openai_request request;
	struct forward_params p = {
		.body = &body,
		.request = &request,
		.render = respond,
	};
	struct str text;
	enum err rc = read_body(rq, &g, e);

	if (!rc)
		rc = admission_model(app, g.model_name, g.model_id, &p.model,
		    e);
	if (!rc)
		rc = check_length(&g, p.model, e);
	if (rc)
		return rc;
	prompt.text = g.text;
	prompt.limit_tok = g.max_length;
	p.op = prompt_op(p.model, WIRE_COMPLETION);
	rc = prompt_write(rq->arena, &prompt, p.model, p.op, &text, e);
	if (!rc)
		rc = body_scan(rq->arena, text, &body, e);
	if (!rc)
		rc = openai_request_read(rq->arena, p.op, &body, &request, e);
	if (!rc)
		rc = inference_run(app, rq, rs, &p, p.model->row.name, e);
	return rc;
}
