/* SPDX-License-Identifier: MIT */
#include "gpt2d/completion.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_scan.h"
#include "base/rng.h"
#include "gpt2/model.h"
#include "gpt2/scheduler.h"
#include "gpt2d/chat.h"

#define DEPTH_MAX         8
#define MEMBERS_MAX       64
#define NUMBER_BYTES      64
#define TEXT_LOGPROBS_MAX 5
#define PENALTY_MAX       10.0 /* of repetition; beyond it nothing repeats */

struct reader {
	struct arena *a;
	const struct completion_offer *offer;
	struct completion *c;
	struct str model;
	bool has_prompt, has_seed, has_max_tokens;
	bool has_stream_options;
	bool wants_logprobs; /* of a chat */
	uint32_t best_of;
};

/* Reads one member, whose value isn't null, into r->c. */
typedef enum err read_fn(struct reader *r, const char *name,
    const struct json_member *m, struct error *e);

/* ---- values ---- */

static enum err
unsupported(const char *name, struct error *e)
{
	return error_public(e, ERR_UNSUPPORTED_PARAM, name,
	    "'%s' is not supported here.", name);
}

static enum err
read_u32(const char *name, const struct json_member *m, uint32_t min,
    uint32_t max, uint32_t *ret, struct error *e)
{
	uint64_t v;

	if (m->kind != JSON_NUMBER || !str_to_u64(m->value, min, max, &v))
		return error_public(e, ERR_BAD_PARAM, name,
		    "'%s' must be a whole number from %u to %u.", name,
		    (unsigned)min, (unsigned)max);
	*ret = (uint32_t)v;
	return OK;
}

static enum err
read_number(const char *name, const struct json_member *m, double min,
    double max, float *ret, struct error *e)
{
	char text[NUMBER_BYTES];
	double v;

	if (m->kind == JSON_NUMBER && m->value.n < sizeof(text)) {
		memcpy(text, m->value.p, m->value.n);
		text[m->value.n] = '\0';
		v = strtod(text, NULL);
		if (v >= min && v <= max) {
			*ret = (float)v;
			return OK;
		}
	}
	return error_public(e, ERR_BAD_PARAM, name,
	    "'%s' must be a number from %g to %g.", name, min, max);
}

static enum err
read_bool(const char *name, const struct json_member *m, bool *ret,
    struct error *e)
{
	if (m->kind != JSON_BOOL)
		return error_public(e, ERR_BAD_PARAM, name,
		    "'%s' must be true or false.", name);
	*ret = m->value.p[0] == 't';
	return OK;
}

static enum err
read_text(struct reader *r, const char *name, const struct json_member *m,
    struct str *ret, struct error *e)
{
	struct str text;

	if (m->kind != JSON_STRING)
		return error_public(e, ERR_BAD_PARAM, name,
		    "'%s' must be a string.", name);
	text = json_unescape(r->a, m->value);
	if (!text.p)
		return error_arena(e, r->a);
	*ret = text;
	return OK;
}

/* ---- the prompt ---- */

static enum err
bad_prompt(struct error *e)
{
	return error_public(e, ERR_BAD_PARAM, "prompt",
	    "'prompt' must be a string, an array of one string, or an array "
	    "of token numbers.");
}

static enum err
read_ids(struct reader *r, struct str array, struct error *e)
{
	struct json_walk walk;
	struct json_member m;
	uint32_t n = 0, *ids;
	uint64_t id;

	json_walk_init(&walk, array);
	while (json_walk_next(&walk, &m))
		n++;
	ids = arena_array(r->a, uint32_t, n);
	if (!ids)
		return error_arena(e, r->a);
	json_walk_init(&walk, array);
	for (uint32_t i = 0; json_walk_next(&walk, &m); i++) {
		if (m.kind != JSON_NUMBER ||
		    !str_to_u64(m.value, 0, GPT2_VOCABULARY_MAX - 1, &id))
			return bad_prompt(e);
		ids[i] = (uint32_t)id;
	}
	r->c->prompt_ids = ids;
	r->c->n_prompt_ids = n;
	return OK;
}

/* [text], [number, ...] or [[number, ...]]; [] is an empty prompt. */
static enum err
read_prompt_array(struct reader *r, struct str array, struct error *e)
{
	struct json_walk walk;
	struct json_member first, second;

	json_walk_init(&walk, array);
	if (!json_walk_next(&walk, &first))
		return OK;
	if (first.kind == JSON_NUMBER)
		return read_ids(r, array, e);
	if (json_walk_next(&walk, &second))
		return error_public(e, ERR_UNSUPPORTED_PARAM, "prompt",
		    "One 'prompt' a request is supported.");
	if (first.kind == JSON_STRING)
		return read_text(r, "prompt", &first, &r->c->prompt, e);
	if (first.kind == JSON_ARRAY)
		return read_ids(r, first.value, e);
	return bad_prompt(e);
}

static enum err
read_prompt(struct reader *r, const char *name, const struct json_member *m,
    struct error *e)
{
	r->has_prompt = true;
	if (m->kind == JSON_STRING)
		return read_text(r, name, m, &r->c->prompt, e);
	return m->kind == JSON_ARRAY ? read_prompt_array(r, m->value, e)
				     : bad_prompt(e);
}

static enum err
read_messages(struct reader *r, const char *name, const struct json_member *m,
    struct error *e)
{
	r->has_prompt = true;
	if (m->kind != JSON_ARRAY)
		return error_public(e, ERR_BAD_PARAM, name,
		    "'%s' must be an array.", name);
	return chat_prompt(r->a, m->value, &r->c->prompt, e);
}

static enum err
read_model(struct reader *r, const char *name, const struct json_member *m,
    struct error *e)
{
	return read_text(r, name, m, &r->model, e);
}

/* ---- lengths ---- */

/* Of max_tokens and max_completion_tokens the smaller one holds. */
static enum err
read_max_tokens(struct reader *r, const char *name, const struct json_member *m,
    struct error *e)
{
	uint32_t v;

	if (read_u32(name, m, 1, COMPLETION_TOK_MAX, &v, e))
		return e->code;
	if (!r->has_max_tokens || v < r->c->max_new_tok)
		r->c->max_new_tok = v;
	r->has_max_tokens = true;
	return OK;
}

static enum err
read_max_length(struct reader *r, const char *name, const struct json_member *m,
    struct error *e)
{
	return read_u32(name, m, 1, COMPLETION_TOK_MAX, &r->c->max_length_tok,
	    e);
}

static enum err
read_n(struct reader *r, const char *name, const struct json_member *m,
    struct error *e)
{
	return read_u32(name, m, 1, r->offer->choices_max, &r->c->n_choices, e);
}

static enum err
read_best_of(struct reader *r, const char *name, const struct json_member *m,
    struct error *e)
{
	return read_u32(name, m, 1, SCHEDULER_BATCH_MAX, &r->best_of, e);
}

static enum err
add_stop(struct reader *r, const char *name, const struct json_member *m,
    struct error *e)
{
	/* A chat's own one has its place too. */
	uint32_t max = SCHEDULER_STOPS_MAX - (r->c->kind == COMPLETION_CHAT);
	struct str *stop = &r->c->stops[r->c->n_stops];

	if (r->c->n_stops == max)
		return error_public(e, ERR_BAD_PARAM, name,
		    "'%s' holds more than %u strings.", name, (unsigned)max);
	if (read_text(r, name, m, stop, e))
		return e->code;
	if (stop->n == 0 || stop->n > SCHEDULER_STOP_BYTES)
		return error_public(e, ERR_BAD_PARAM, name,
		    "Each string of '%s' must have 1 to %d bytes.", name,
		    SCHEDULER_STOP_BYTES);
	r->c->n_stops++;
	return OK;
}

static enum err
read_stop(struct reader *r, const char *name, const struct json_member *m,
    struct error *e)
{
	struct json_walk walk;
	struct json_member item;
	enum err err = OK;

	if (m->kind != JSON_ARRAY)
		return add_stop(r, name, m, e);
	json_walk_init(&walk, m->value);
	while (!err && json_walk_next(&walk, &item))
		err = add_stop(r, name, &item, e);
	return err;
}

/* ---- sampling ---- */

static enum err
read_temperature(struct reader *r, const char *name,
    const struct json_member *m, struct error *e)
{
	return read_number(name, m, 0, 2, &r->c->sampling.temperature, e);
}

/* OpenAI takes 0 as well: nothing but the most likely token. */
static enum err
read_top_p(struct reader *r, const char *name, const struct json_member *m,
    struct error *e)
{
	float *top_p = &r->c->sampling.top_p;

	if (read_number(name, m, 0, 1, top_p, e))
		return e->code;
	if (*top_p < FLT_MIN)
		*top_p = FLT_MIN;
	return OK;
}

static enum err
read_top_k(struct reader *r, const char *name, const struct json_member *m,
    struct error *e)
{
	return read_u32(name, m, 0, GPT2_VOCABULARY_MAX, &r->c->sampling.top_k,
	    e);
}

static enum err
read_repetition(struct reader *r, const char *name, const struct json_member *m,
    struct error *e)
{
	return read_number(name, m, 1 / PENALTY_MAX, PENALTY_MAX,
	    &r->c->sampling.repetition_penalty, e);
}

static enum err
read_presence(struct reader *r, const char *name, const struct json_member *m,
    struct error *e)
{
	return read_number(name, m, -2, 2, &r->c->sampling.presence_penalty, e);
}

static enum err
read_frequency(struct reader *r, const char *name, const struct json_member *m,
    struct error *e)
{
	return read_number(name, m, -2, 2, &r->c->sampling.frequency_penalty,
	    e);
}

static enum err
read_seed(struct reader *r, const char *name, const struct json_member *m,
    struct error *e)
{
	int64_t v;

	if (m->kind != JSON_NUMBER ||
	    !str_to_i64(m->value, INT64_MIN, INT64_MAX, &v))
		return error_public(e, ERR_BAD_PARAM, name,
		    "'%s' must be a whole number of 64 bits.", name);
	r->c->sampling.seed = (uint64_t)v;
	r->has_seed = true;
	return OK;
}

/* ---- what is told ---- */

static enum err
read_text_logprobs(struct reader *r, const char *name,
    const struct json_member *m, struct error *e)
{
	return read_u32(name, m, 0, TEXT_LOGPROBS_MAX, &r->c->n_top_logprobs,
	    e);
}

static enum err
read_chat_logprobs(struct reader *r, const char *name,
    const struct json_member *m, struct error *e)
{
	return read_bool(name, m, &r->wants_logprobs, e);
}

static enum err
read_top_logprobs(struct reader *r, const char *name,
    const struct json_member *m, struct error *e)
{
	return read_u32(name, m, 0, SAMPLER_LOGPROBS_MAX, &r->c->n_top_logprobs,
	    e);
}

static enum err
read_stream(struct reader *r, const char *name, const struct json_member *m,
    struct error *e)
{
	return read_bool(name, m, &r->c->is_stream, e);
}

static enum err
read_stream_options(struct reader *r, const char *name,
    const struct json_member *m, struct error *e)
{
	struct json_member usage;

	if (m->kind != JSON_OBJECT)
		return error_public(e, ERR_BAD_PARAM, name,
		    "'%s' must be an object.", name);
	r->has_stream_options = true;
	if (!json_walk_find(m->value, S("include_usage"), &usage) ||
	    usage.kind == JSON_NULL)
		return OK;
	return read_bool("stream_options.include_usage", &usage,
	    &r->c->wants_usage, e);
}

/* ---- what is accepted for others' sake ---- */

static enum err
ignore(struct reader *r, const char *name, const struct json_member *m,
    struct error *e)
{
	(void)r;
	(void)name;
	(void)m;
	(void)e;
	return OK;
}

/* Fine as long as it asks for nothing: false, "", [] or {}. */
static enum err
read_empty(struct reader *r, const char *name, const struct json_member *m,
    struct error *e)
{
	struct json_walk walk;
	struct json_member item;

	(void)r;
	if (m->kind == JSON_BOOL && m->value.p[0] == 'f')
		return OK;
	if (m->kind == JSON_STRING && m->value.n == 2)
		return OK;
	if (m->kind == JSON_ARRAY || m->kind == JSON_OBJECT) {
		json_walk_init(&walk, m->value);
		if (!json_walk_next(&walk, &item))
			return OK;
	}
	return unsupported(name, e);
}

/* {"type":"text"}, which is what it gives anyway. */
static enum err
read_response_format(struct reader *r, const char *name,
    const struct json_member *m, struct error *e)
{
	struct json_member type;

	(void)r;
	if (m->kind == JSON_OBJECT &&
	    json_walk_find(m->value, S("type"), &type) &&
	    str_eq(type.value, S("\"text\"")))
		return OK;
	return unsupported(name, e);
}

#define IN_TEXT (1U << COMPLETION_TEXT)
#define IN_CHAT (1U << COMPLETION_CHAT)
#define IN_BOTH (IN_TEXT | IN_CHAT)

/* clang-format off */
static const struct {
	const char *name;
	unsigned kinds;
	read_fn *fn;
} params[] = {
	{ "best_of",               IN_TEXT, read_best_of },
	{ "echo",                  IN_TEXT, read_empty },
	{ "frequency_penalty",     IN_BOTH, read_frequency },
	{ "functions",             IN_CHAT, read_empty },
	{ "logit_bias",            IN_BOTH, read_empty },
	{ "logprobs",              IN_TEXT, read_text_logprobs },
	{ "logprobs",              IN_CHAT, read_chat_logprobs },
	{ "max_completion_tokens", IN_CHAT, read_max_tokens },
	{ "max_length",            IN_BOTH, read_max_length },
	{ "max_tokens",            IN_BOTH, read_max_tokens },
	{ "messages",              IN_CHAT, read_messages },
	{ "metadata",              IN_BOTH, ignore },
	{ "model",                 IN_BOTH, read_model },
	{ "n",                     IN_BOTH, read_n },
	{ "parallel_tool_calls",   IN_CHAT, ignore },
	{ "presence_penalty",      IN_BOTH, read_presence },
	{ "prompt",                IN_TEXT, read_prompt },
	{ "prompt_cache_key",      IN_CHAT, ignore },
	{ "repetition_penalty",    IN_BOTH, read_repetition },
	{ "response_format",       IN_CHAT, read_response_format },
	{ "safety_identifier",     IN_CHAT, ignore },
	{ "seed",                  IN_BOTH, read_seed },
	{ "service_tier",          IN_CHAT, ignore },
	{ "stop",                  IN_BOTH, read_stop },
	{ "store",                 IN_BOTH, ignore },
	{ "stream",                IN_BOTH, read_stream },
	{ "stream_options",        IN_BOTH, read_stream_options },
	{ "suffix",                IN_TEXT, read_empty },
	{ "temperature",           IN_BOTH, read_temperature },
	{ "tools",                 IN_CHAT, read_empty },
	{ "top_k",                 IN_BOTH, read_top_k },
	{ "top_logprobs",          IN_CHAT, read_top_logprobs },
	{ "top_p",                 IN_BOTH, read_top_p },
	{ "user",                  IN_BOTH, ignore },
};
/* clang-format on */

static enum err
read_member(struct reader *r, const struct json_member *m, struct error *e)
{
	char name[sizeof(e->param)];

	for (size_t i = 0; i < ARRAY_LEN(params); i++) {
		if (!(params[i].kinds & 1U << r->c->kind) ||
		    !str_eq(m->name, str_from(params[i].name)))
			continue;
		if (m->kind == JSON_NULL)
			return OK;
		return params[i].fn(r, params[i].name, m, e);
	}
	if (m->name.n >= sizeof(name))
		return error_public(e, ERR_UNSUPPORTED_PARAM, NULL,
		    "A member with a name of %zu bytes is not supported.",
		    m->name.n);
	memcpy(name, m->name.p, m->name.n);
	name[m->name.n] = '\0';
	return unsupported(name, e);
}

static enum err
scan(struct str body, struct json_scan *s, struct error *e)
{
	if (!json_scan(s, body))
		return error_public(e, ERR_BAD_JSON, NULL,
		    "The request body is not valid JSON: %s at byte %zu.",
		    s->failure, s->failure_offset);
	if (s->kind != JSON_OBJECT)
		return error_public(e, ERR_BAD_JSON, NULL,
		    "The request body must be a JSON object.");
	if (s->n_members > s->members_cap)
		return error_public(e, ERR_BAD_JSON, NULL,
		    "The request body has more than %d members.", MEMBERS_MAX);
	if (json_scan_repeated(s) < s->n_members)
		return error_public(e, ERR_BAD_JSON, NULL,
		    "The request body gives a name twice.");
	for (size_t i = 0; i < s->n_members; i++)
		if (s->members[i].is_name_escaped)
			return error_public(e, ERR_BAD_JSON, NULL,
			    "The request body has a name with a backslash.");
	return OK;
}

/* What members mean together. */
static enum err
check_together(struct reader *r, struct error *e)
{
	struct completion *c = r->c;
	const char *prompt = c->kind == COMPLETION_CHAT ? "messages" : "prompt";

	if (r->model.p && !str_eq(r->model, r->offer->model))
		return error_public(e, ERR_MODEL_NOT_FOUND, "model",
		    "This server serves another model.");
	if (!r->has_prompt)
		return error_public(e, ERR_BAD_PARAM, prompt,
		    "'%s' is missing.", prompt);
	if (r->best_of != 1 && r->best_of != c->n_choices)
		return unsupported("best_of", e);
	if (r->has_stream_options && !c->is_stream)
		return error_public(e, ERR_BAD_PARAM, "stream_options",
		    "'stream_options' is only allowed with 'stream'.");
	if (c->kind != COMPLETION_CHAT)
		return OK;
	if (!r->wants_logprobs && c->n_top_logprobs != SAMPLER_NO_LOGPROBS)
		return error_public(e, ERR_BAD_PARAM, "top_logprobs",
		    "'top_logprobs' is only allowed with 'logprobs'.");
	if (r->wants_logprobs && c->n_top_logprobs == SAMPLER_NO_LOGPROBS)
		c->n_top_logprobs = 0;
	c->stops[c->n_stops++] = CHAT_STOP;
	return OK;
}

enum err
completion_read(struct arena *a, enum completion_kind kind, struct str body,
    const struct completion_offer *offer, struct completion *ret,
    struct error *e)
{
	struct completion c = {
		.kind = kind,
		.prompt = S(""),
		.n_choices = 1,
		.max_new_tok = kind == COMPLETION_TEXT ? COMPLETION_TOK_DEFAULT
						       : 0,
		.sampling = SAMPLING_DEFAULT,
		.n_top_logprobs = SAMPLER_NO_LOGPROBS,
		.stops = arena_array(a, struct str, SCHEDULER_STOPS_MAX),
	};
	struct json_member members[MEMBERS_MAX];
	struct json_scan s = {
		.depth_max = DEPTH_MAX,
		.members = members,
		.members_cap = MEMBERS_MAX,
	};
	struct reader r = { .a = a, .offer = offer, .c = &c, .best_of = 1 };
	enum err err = scan(body, &s, e);

	if (!c.stops)
		return error_arena(e, a);
	for (size_t i = 0; !err && i < s.n_members; i++)
		err = read_member(&r, &s.members[i], e);
	if (!err)
		err = check_together(&r, e);
	if (err)
		return err;
	if (!r.has_seed)
		rng_bytes(&c.sampling.seed, sizeof(c.sampling.seed));
	/* max_length alone says how long it gets. */
	if (c.max_length_tok && !r.has_max_tokens)
		c.max_new_tok = 0;
	*ret = c;
	return OK;
}
