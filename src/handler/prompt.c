/* SPDX-License-Identifier: MIT */
#include "handler/prompt.h"

#include "base/json_out.h"
#include "domain/catalogue.h"

/* What a kind's models are asked where no URL says it. A base with OpenAI's
 * version in it is no text-generation-inference's own. */
static enum wire_op
usual_op(enum provider_kind kind, struct str base_url, enum wire_op of_local)
{
	switch (kind) {
	case PROVIDER_LOCAL:
		return of_local;
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

enum wire_op
prompt_op(const struct catalogue_model *model, enum wire_op of_local)
{
	const struct catalogue_deployment *first = &model->deployments[0];
	const struct provider *provider = &first->provider->row;
	enum wire_op op = first->row.api_url.p
			      ? provider_exact_op(provider->kind,
				    first->row.api_url)
			      : provider_url_op(provider->base_url);

	if (op != WIRE_OP__MAX && op != WIRE_EMBEDDING && op != WIRE_COUNT)
		return op;
	return usual_op(provider->kind, provider->base_url, of_local);
}

bool
prompt_has_stream(enum wire_op op)
{
	return op != WIRE_GENERATE;
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
write_message(struct json_out *j, const char *role, struct str text)
{
	json_out_object(j);
	json_out_member_str(j, "role", str_from(role));
	json_out_member_str(j, "content", text);
	json_out_object_end(j);
}

/* Anthropic's messages have what the model is told to be beside them. */
static void
write_messages(struct json_out *j, const struct prompt *p, enum wire_op op)
{
	if (p->system.n && op == WIRE_MESSAGE)
		json_out_member_str(j, "system", p->system);
	json_out_key(j, "messages");
	json_out_array(j);
	if (p->system.n && op != WIRE_MESSAGE)
		write_message(j, "system", p->system);
	write_message(j, "user", p->text);
	json_out_array_end(j);
}

/* Formats that know one text only get both in it. */
static struct str
whole_text(struct arena *a, const struct prompt *p)
{
	if (!p->system.n)
		return p->text;
	return arena_printf(a, "%" PRI_STR "\n\n%" PRI_STR, STR_ARG(p->system),
	    STR_ARG(p->text));
}

static void
write_temperature(struct json_out *j, const struct prompt *p)
{
	if (!p->temperature.n)
		return;
	json_out_key(j, "temperature");
	json_out_raw(j, p->temperature);
}

static void
write_generate(struct json_out *j, struct arena *a, const struct prompt *p)
{
	json_out_member_str(j, "inputs", whole_text(a, p));
	json_out_key(j, "parameters");
	json_out_object(j);
	if (p->limit_tok)
		json_out_member_u64(j, "max_new_tokens", p->limit_tok);
	write_temperature(j, p);
	json_out_object_end(j);
}

static void
write_limit(struct json_out *j, const struct prompt *p,
    const struct catalogue_model *model, enum wire_op op)
{
	if (!p->limit_tok)
		return;
	json_out_member_u64(j,
	    op == WIRE_RESPONSE ? "max_output_tokens" : "max_tokens",
	    p->limit_tok);
	if (p->is_limit_of_all && knows_max_length(model, op))
		json_out_member_u64(j, "max_length", p->limit_tok);
}

static void
write_members(struct json_out *j, struct arena *a, const struct prompt *p,
    const struct catalogue_model *model, enum wire_op op)
{
	json_out_member_str(j, "model", model->row.name);
	write_limit(j, p, model, op);
	write_temperature(j, p);
	if (p->is_stream && prompt_has_stream(op))
		json_out_member_bool(j, "stream", true);
	if (op == WIRE_RESPONSE && p->system.n)
		json_out_member_str(j, "instructions", p->system);
	if (op == WIRE_COMPLETION)
		json_out_member_str(j, "prompt", whole_text(a, p));
	else if (op == WIRE_RESPONSE)
		json_out_member_str(j, "input", p->text);
	else
		write_messages(j, p, op);
}

enum err
prompt_write(struct arena *a, const struct prompt *p,
    const struct catalogue_model *model, enum wire_op op, struct str *ret,
    struct error *e)
{
	struct buf b;
	struct json_out j;

	buf_init(&b, a, SIZE_MAX / 2);
	json_out_init(&j, &b);
	json_out_object(&j);
	if (op == WIRE_GENERATE)
		write_generate(&j, a, p);
	else
		write_members(&j, a, p, model, op);
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

struct prompt_error
prompt_error_of(struct arena *a, const struct forward_answer *answer)
{
	struct str json = answer->parsed.json;
	struct json_member error;

	if (json_walk_find(json, S("error"), &error) &&
	    error.kind == JSON_OBJECT)
		return (struct prompt_error){
			.message = error_text(a, error.value, S("message")),
			.type = error_text(a, error.value, S("type")),
		};
	return (struct prompt_error){
		.message = error_text(a, json, S("error")),
		.type = error_text(a, json, S("error_type")),
	};
}
