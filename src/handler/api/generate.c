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
#include "handler/api/inference.h"

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

/* What a kind's models are asked where no URL says it. A base with OpenAI's
 * version in it is no text-generation-inference's own. */
static enum wire_op
usual_op(enum provider_kind kind, struct str base_url)
{
	switch (kind) {
	case PROVIDER_LOCAL:
		return WIRE_COMPLETION;
	case PROVIDER_ANTHROPIC:
		return WIRE_MESSAGE;
	case PROVIDER_HUGGINGFACE:
		return str_ends(base_url, S("/v1")) ||
			       str_ends(base_url, S("/v1/"))
			   ? WIRE_CHAT
			   : WIRE_GENERATE;
	case PROVIDER_OPENAI:
	case PROVIDER__N:
		break;
	}
	return WIRE_CHAT;
}

/* Local models continue a text; external ones are asked as their URL says,
 * and chat where it says nothing. */
static enum wire_op
op_of(const struct catalogue_model *model)
{
	const struct catalogue_deployment *first = &model->deployments[0];
	const struct provider *provider = &first->provider->row;
	enum wire_op op = first->row.api_url.p
			      ? provider_exact_op(provider->kind,
				    first->row.api_url)
			      : provider_url_op(provider->base_url);

	if (op != WIRE_OP__MAX && op != WIRE_EMBEDDING && op != WIRE_COUNT)
		return op;
	return usual_op(provider->kind, provider->base_url);
}

/* Whether every place of the model may know max_length: our model server
 * does. Other local ones pass over it, so max_tokens goes along: it never says
 * more than max_length does. */
static bool
knows_max_length(const struct catalogue_model *model, enum wire_op op)
{
	for (size_t i = 0; i < model->n_deployments; i++)
		if (model->deployments[i].provider->row.kind != PROVIDER_LOCAL)
			return false;
	return op == WIRE_COMPLETION;
}

static void
write_messages(struct json_out *j, struct str text)
{
	json_out_key(j, "messages");
	json_out_array(j);
	json_out_object(j);
	json_out_member_str(j, "role", S("user"));
	json_out_member_str(j, "content", text);
	json_out_object_end(j);
	json_out_array_end(j);
}

/* The request that a client of that wire format would have sent. */
static void
write_members(struct json_out *j, const struct generate *g,
    const struct catalogue_model *model, enum wire_op op)
{
	if (op == WIRE_GENERATE) {
		json_out_member_str(j, "inputs", g->text);
		json_out_key(j, "parameters");
		json_out_object(j);
		json_out_member_u64(j, "max_new_tokens", g->max_length);
		json_out_object_end(j);
		return;
	}
	json_out_member_str(j, "model", model->row.name);
	json_out_member_u64(j,
	    op == WIRE_RESPONSE ? "max_output_tokens" : "max_tokens",
	    g->max_length);
	if (knows_max_length(model, op))
		json_out_member_u64(j, "max_length", g->max_length);
	if (op == WIRE_COMPLETION)
		json_out_member_str(j, "prompt", g->text);
	else if (op == WIRE_RESPONSE)
		json_out_member_str(j, "input", g->text);
	else
		write_messages(j, g->text);
}

static enum err
write_request(struct arena *a, const struct generate *g,
    const struct catalogue_model *model, enum wire_op op, struct str *ret,
    struct error *e)
{
	struct buf b;
	struct json_out j;

	buf_init(&b, a, SIZE_MAX / 2);
	json_out_init(&j, &b);
	json_out_object(&j);
	write_members(&j, g, model, op);
	json_out_object_end(&j);
	return buf_finish(&b, ret, e);
}

/* A text of the provider's error; empty: it has none of that name. */
static struct str
error_text(struct arena *a, struct str object, struct str name)
{
	struct json_member m;

	if (!json_walk_find(object, name, &m) || m.kind != JSON_STRING)
		return S("");
	return json_unescape(a, m.value);
}

/* An error of another wire format as OpenAI's object, which is ours. */
static enum err
respond_error(struct response *rs, const struct forward_answer *answer,
    struct error *e)
{
	struct str json = answer->parsed.json, message, type;
	struct arena *a = rs->arena;
	struct json_member error;
	struct json_out j;

	if (json_walk_find(json, S("error"), &error) &&
	    error.kind == JSON_OBJECT) {
		message = error_text(a, error.value, S("message"));
		type = error_text(a, error.value, S("type"));
	} else {
		message = error_text(a, json, S("error"));
		type = error_text(a, json, S("error_type"));
	}
	response_json_begin(rs, &j);
	json_out_object(&j);
	json_out_key(&j, "error");
	json_out_object(&j);
	json_out_member_str(&j, "message", message);
	json_out_member_str(&j, "type", type);
	json_out_member_null(&j, "param");
	json_out_member_null(&j, "code");
	json_out_object_end(&j);
	json_out_object_end(&j);
	return response_json(rs, answer->status, &j, e);
}

static enum err
respond(const struct meter *m, struct response *rs,
    const struct forward_answer *answer, struct error *e)
{
	enum wire_op op = answer->parsed.op;
	struct str text;
	struct json_out j;
	enum err rc;

	if (answer->status != 200 &&
	    (op == WIRE_MESSAGE || op == WIRE_GENERATE))
		return respond_error(rs, answer, e);
	if (answer->status != 200)
		return forward_as_is(m, rs, answer, e);
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
	p.op = op_of(p.model);
	rc = write_request(rq->arena, &g, p.model, p.op, &text, e);
	if (!rc)
		rc = body_scan(rq->arena, text, &body, e);
	if (!rc)
		rc = openai_request_read(rq->arena, p.op, &body, &request, e);
	if (!rc)
		rc = inference_run(app, rq, rs, &p, p.model->row.name, e);
	return rc;
}
