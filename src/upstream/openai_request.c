/* SPDX-License-Identifier: MIT */
#include "upstream/openai.h"

#include "upstream/openai_count.h"
#include "upstream/openai_text.h"
#include "upstream/wire.h"

#define USER_MAX_BYTES 4096

static const char *const input_members[] = {
	[WIRE_CHAT] = "messages",
	[WIRE_COMPLETION] = "prompt",
	[WIRE_EMBEDDING] = "input",
	[WIRE_RESPONSE] = "input",
	[WIRE_MESSAGE] = "messages",
	[WIRE_COUNT] = "messages",
	[WIRE_GENERATE] = "inputs",
};

static bool
has_messages(enum wire_op op)
{
	return op == WIRE_CHAT || op == WIRE_MESSAGE || op == WIRE_COUNT;
}

struct str
openai_input_name(enum wire_op op)
{
	return str_from(input_members[op]);
}

static enum err
check_input(enum wire_op op, const struct body *b, struct error *e)
{
	const char *name = input_members[op];
	const struct json_member *m;
	struct json_member first;
	struct json_walk w;
	enum err err = body_need(b, name, e);

	if (err)
		return err;
	m = body_value(b, str_from(name));
	if (m->kind == JSON_STRING && !has_messages(op))
		return OK;
	if (m->kind != JSON_ARRAY)
		return error_public(e, ERR_BAD_PARAM, name, "'%s' must be %s.",
		    name,
		    has_messages(op) ? "an array" : "a string or an array");
	json_walk_init(&w, m->value);
	if (!json_walk_next(&w, &first))
		return error_public(e, ERR_BAD_PARAM, name,
		    "'%s' must not be empty.", name);
	return OK;
}

static enum err
read_model(struct arena *a, const struct body *b, struct str *ret,
    struct error *e)
{
	enum err err = body_need(b, "model", e);

	if (err)
		return err;
	err = body_opt_str(b, a, "model", OPENAI_MODEL_MAX_BYTES, ret, e);
	if (err)
		return err;
	if (ret->n == 0)
		return error_public(e, ERR_BAD_PARAM, "model",
		    "'model' must not be empty.");
	return OK;
}

static enum err
read_stream(struct arena *a, enum wire_op op, const struct body *b,
    struct openai_request *rq, struct error *e)
{
	const struct json_member *m = body_value(b, S("stream_options"));
	enum err err = body_opt_bool(b, "stream", &rq->is_stream, e);
	struct body options;

	if (err)
		return err;
	if (rq->is_stream && op == WIRE_EMBEDDING)
		return error_public(e, ERR_BAD_PARAM, "stream",
		    "Embeddings cannot be streamed.");
	if (rq->is_stream && op == WIRE_COUNT)
		return error_public(e, ERR_BAD_PARAM, "stream",
		    "A count cannot be streamed.");
	if (!m)
		return OK;
	if (!rq->is_stream)
		return error_public(e, ERR_BAD_PARAM, "stream_options",
		    "'stream_options' is only allowed with 'stream'.");
	if (m->kind != JSON_OBJECT)
		return error_public(e, ERR_BAD_PARAM, "stream_options",
		    "'stream_options' must be an object.");
	err = body_scan(a, m->value, &options, e);
	if (err)
		return err;
	return body_opt_bool(&options, "include_usage", &rq->wants_usage, e);
}

static enum err
read_limit(const struct body *b, const char *name, uint64_t min,
    struct openai_request *rq, struct error *e)
{
	uint64_t tok = UINT64_MAX;
	enum err err = body_opt_u64(b, name, min, OPENAI_LIMIT_TOK_MAX, &tok,
	    e);

	if (err || tok == UINT64_MAX)
		return err;
	if (!rq->has_limit || tok < rq->limit_tok)
		rq->limit_tok = tok;
	rq->has_limit = true;
	return OK;
}

/* A completion request may hold many prompts; each is answered n times. */
static uint64_t
count_prompts(const struct body *b)
{
	const struct json_member *m = body_value(b, S("prompt"));
	struct json_member item;
	struct json_walk w;
	uint64_t n = 0;

	if (!m || m->kind != JSON_ARRAY)
		return 1;
	json_walk_init(&w, m->value);
	while (json_walk_next(&w, &item)) {
		if (item.kind == JSON_NUMBER) /* one prompt of token ids */
			return 1;
		n++;
	}
	return n ? n : 1;
}

static enum err
read_n(enum wire_op op, const struct body *b, struct openai_request *rq,
    struct error *e)
{
	uint64_t best_of = 1;
	enum err err;

	rq->n = 1;
	if (op != WIRE_CHAT && op != WIRE_COMPLETION)
		return OK;
	err = body_opt_u64(b, "n", 1, OPENAI_N_MAX, &rq->n, e);
	if (err || op == WIRE_CHAT)
		return err;
	err = body_opt_u64(b, "best_of", 1, OPENAI_N_MAX, &best_of, e);
	if (err)
		return err;
	if (best_of > rq->n)
		rq->n = best_of;
	rq->n *= count_prompts(b);
	return OK;
}

static enum err
read_limits(enum wire_op op, const struct body *b, struct openai_request *rq,
    struct error *e)
{
	enum err err = OK;

	switch (op) {
	case WIRE_CHAT:
		err = read_limit(b, "max_completion_tokens", 1, rq, e);
		return err ? err : read_limit(b, "max_tokens", 1, rq, e);
	case WIRE_COMPLETION:
		return read_limit(b, "max_tokens", 1, rq, e);
	case WIRE_RESPONSE:
		return read_limit(b, "max_output_tokens", 1, rq, e);
	case WIRE_MESSAGE: /* 0 only fills the provider's cache */
		return read_limit(b, "max_tokens", 0, rq, e);
	case WIRE_COUNT: /* makes nothing */
		rq->has_limit = true;
		return OK;
	case WIRE_GENERATE:
		rq->limit_tok = generate_request_limit(b);
		rq->has_limit = rq->limit_tok > 0;
		return OK;
	case WIRE_EMBEDDING:
	case WIRE_OP__MAX:
		break;
	}
	return OK;
}

enum err
openai_request_read(struct arena *a, enum wire_op op, const struct body *b,
    struct openai_request *ret, struct error *e)
{
	struct openai_request rq = { 0 };
	enum err err = OK;

	if (op != WIRE_GENERATE)
		err = read_model(a, b, &rq.model, e);
	if (err)
		return err;
	err = check_input(op, b, e);
	if (err)
		return err;
	err = read_stream(a, op, b, &rq, e);
	if (err)
		return err;
	err = body_opt_str(b, a, "user", USER_MAX_BYTES, &rq.user, e);
	if (err)
		return err;
	err = read_n(op, b, &rq, e);
	if (err)
		return err;
	err = read_limits(op, b, &rq, e);
	if (err)
		return err;
	/* Counting is free: it holds nothing. */
	rq.prompt_tok = op == WIRE_COUNT ? 0
					 : openai_count_prompt(op, b, NULL).tok;
	*ret = rq;
	return OK;
}

/* Lower the client's own limit of that name; false when it gave none. */
static bool
lower_limit(struct splice *s, struct str name, uint64_t limit_tok)
{
	const struct json_member *m = body_value(s->body, name);
	uint64_t given;

	if (!m)
		return false;
	if (!str_to_u64(m->value, 0, limit_tok, &given))
		splice_set_u64(s, name, limit_tok);
	return true;
}

static void
change_limit(struct splice *s, enum wire_op op,
    const struct openai_change *change)
{
	const struct provider_info *info = provider_info(change->kind);
	const char *member = info ? info->limit_member[op] : NULL;
	bool is_given;

	if (change->limit_tok == 0 || !member)
		return;
	is_given = lower_limit(s, str_from(member), change->limit_tok);
	/* A chat's has two names, whichever its provider prefers. */
	if (op == WIRE_CHAT)
		is_given |= lower_limit(s,
		    str_eq(str_from(member), S("max_tokens"))
			? S("max_completion_tokens")
			: S("max_tokens"),
		    change->limit_tok);
	if (!is_given)
		splice_set_u64(s, str_from(member), change->limit_tok);
}

/* Absent and null are the same to OpenAI. */
static void
add_default(struct splice *s, struct str name, struct str value)
{
	if (value.n && !body_value(s->body, name))
		splice_set_raw(s, name, value);
}

/* Absent means false, but for responses. */
static void
change_store(struct splice *s, enum wire_op op)
{
	const struct json_member *store = body_value(s->body, S("store"));

	if (store ? !str_eq(store->value, S("false")) : op == WIRE_RESPONSE)
		splice_set_bool(s, S("store"), false);
}

void
openai_request_change(struct splice *s, enum wire_op op,
    const struct openai_request *rq, const struct openai_change *change)
{
	bool has_chunks = op == WIRE_CHAT || op == WIRE_COMPLETION;

	if (op == WIRE_GENERATE) {
		generate_request_change(s, change);
		return;
	}
	if (!str_eq(rq->model, change->model))
		splice_set_str(s, S("model"), change->model);
	change_limit(s, op, change);
	if (change->force_usage && rq->is_stream && !rq->wants_usage &&
	    has_chunks)
		splice_set_inner(s, S("stream_options"), S("include_usage"),
		    S("true"));
	if (op != WIRE_EMBEDDING && op != WIRE_COUNT) {
		add_default(s, S("temperature"), change->temperature);
		add_default(s, S("top_p"), change->top_p);
	}
	change_store(s, op);
}
