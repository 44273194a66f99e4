/* SPDX-License-Identifier: MIT */
/* Names and defaults: transformers' GPT2Config (version 5, read 2026-11). */
#include "gpt2/config.h"

#include <stdlib.h>

#include "base/json_scan.h"

#define EOS_DEFAULT 50256

/* A number that sizes something. Transformers takes the general name for
 * GPT-2's own (attribute_map). */
struct size_member {
	struct str name, general;
	size_t offset; /* of a uint32_t in struct gpt2_config */
	uint32_t max, otherwise;
};

static const struct size_member sizes[] = {
	{ STR_INIT("vocab_size"), { NULL, 0 },
	    offsetof(struct gpt2_config, n_vocab), GPT2_VOCABULARY_MAX, 50257 },
	{ STR_INIT("n_positions"), STR_INIT("max_position_embeddings"),
	    offsetof(struct gpt2_config, n_pos), GPT2_POSITIONS_MAX, 1024 },
	{ STR_INIT("n_embd"), STR_INIT("hidden_size"),
	    offsetof(struct gpt2_config, n_embd), GPT2_WIDTH_MAX, 768 },
	{ STR_INIT("n_layer"), STR_INIT("num_hidden_layers"),
	    offsetof(struct gpt2_config, n_layer), GPT2_LAYERS_MAX, 12 },
	{ STR_INIT("n_head"), STR_INIT("num_attention_heads"),
	    offsetof(struct gpt2_config, n_head), GPT2_WIDTH_MAX, 12 },
};

/* What must be as it is in GPT-2, where it is said at all. */
struct fixed_member {
	struct str name;
	struct str values[2]; /* as written in JSON */
};

static const struct fixed_member fixed[] = {
	{ STR_INIT("model_type"), { STR_INIT("\"gpt2\""), { NULL, 0 } } },
	{ STR_INIT("activation_function"),
	    { STR_INIT("\"gelu_new\""), STR_INIT("\"gelu_pytorch_tanh\"") } },
	{ STR_INIT("scale_attn_weights"), { STR_INIT("true"), { NULL, 0 } } },
	{ STR_INIT("scale_attn_by_inverse_layer_idx"),
	    { STR_INIT("false"), { NULL, 0 } } },
	{ STR_INIT("add_cross_attention"), { STR_INIT("false"), { NULL, 0 } } },
	{ STR_INIT("tie_word_embeddings"), { STR_INIT("true"), { NULL, 0 } } },
	{ STR_INIT("quantization_config"), { STR_INIT("null"), { NULL, 0 } } },
};

static bool
find(struct str json, struct str name, struct json_member *ret)
{
	return json_walk_find(json, name, ret) && ret->kind != JSON_NULL;
}

static enum err
read_size(struct str json, struct str name, uint32_t max, uint32_t otherwise,
    uint32_t *ret, struct error *e)
{
	struct json_member m;
	uint64_t n = otherwise;

	if (find(json, name, &m) &&
	    (m.kind != JSON_NUMBER || !str_to_u64(m.value, 1, max, &n)))
		return error_set(e, ERR_CONFIG,
		    "config.json: %" PRI_STR " must be 1 to %u", STR_ARG(name),
		    max);
	*ret = (uint32_t)n;
	return OK;
}

static enum err
read_named_size(struct str json, const struct size_member *s,
    struct gpt2_config *c, struct error *e)
{
	uint32_t *ret = (uint32_t *)(void *)((char *)c + s->offset);
	uint32_t general = 0;
	struct json_member m;
	enum err err;

	err = read_size(json, s->name, s->max, s->otherwise, ret, e);
	if (err || !s->general.n)
		return err;
	err = read_size(json, s->general, s->max, *ret, &general, e);
	if (err)
		return err;
	if (general != *ret && find(json, s->name, &m))
		return error_set(e, ERR_CONFIG,
		    "config.json: %" PRI_STR " and %" PRI_STR " disagree",
		    STR_ARG(s->name), STR_ARG(s->general));
	*ret = general;
	return OK;
}

/* A name written with escapes would be overlooked, and a variant with it. */
static enum err
check_names(struct str json, struct error *e)
{
	struct json_walk walk;
	struct json_member m;
	int n;

	json_walk_init(&walk, json);
	while (json_walk_next(&walk, &m)) {
		if (!m.is_name_escaped)
			continue;
		n = m.name.n < 60 ? (int)m.name.n : 60;
		return error_set(e, ERR_CONFIG,
		    "config.json: a name with an escape: %.*s", n, m.name.p);
	}
	return OK;
}

static enum err
check_fixed(struct str json, struct error *e)
{
	for (size_t i = 0; i < ARRAY_LEN(fixed); i++) {
		const struct fixed_member *f = &fixed[i];
		struct json_member m;
		int n;

		if (!find(json, f->name, &m) || str_eq(m.value, f->values[0]) ||
		    (f->values[1].n && str_eq(m.value, f->values[1])))
			continue;
		n = m.value.n < 60 ? (int)m.value.n : 60;
		return error_set(e, ERR_CONFIG,
		    "config.json: %" PRI_STR " is %.*s; only GPT-2's own "
		    "architecture is served (%" PRI_STR ")",
		    STR_ARG(f->name), n, m.value.p, STR_ARG(f->values[0]));
	}
	return OK;
}

static enum err
read_epsilon(struct str json, float *ret, struct error *e)
{
	struct json_member m;
	char text[32];
	float value;

	*ret = 1e-5F;
	if (!find(json, S("layer_norm_epsilon"), &m))
		return OK;
	if (m.kind != JSON_NUMBER || m.value.n >= sizeof(text))
		return error_set(e, ERR_CONFIG,
		    "config.json: layer_norm_epsilon is no number");
	memcpy(text, m.value.p, m.value.n);
	text[m.value.n] = '\0';
	value = strtof(text, NULL);
	if (!(value > 0 && value < 1))
		return error_set(e, ERR_CONFIG,
		    "config.json: layer_norm_epsilon must be within 0 and 1");
	*ret = value;
	return OK;
}

static enum err
read_eos(struct str json, struct gpt2_config *c, struct error *e)
{
	struct json_member m;
	uint64_t id;

	c->eos_id = c->n_vocab;
	if (!json_walk_find(json, S("eos_token_id"), &m)) {
		if (c->n_vocab > EOS_DEFAULT)
			c->eos_id = EOS_DEFAULT;
		return OK;
	}
	if (m.kind == JSON_NULL) /* there is none */
		return OK;
	if (m.kind != JSON_NUMBER ||
	    !str_to_u64(m.value, 0, c->n_vocab - 1, &id))
		return error_set(e, ERR_CONFIG,
		    "config.json: eos_token_id is not in the vocabulary");
	c->eos_id = (uint32_t)id;
	return OK;
}

enum err
gpt2_config_parse(struct str json, struct gpt2_config *ret, struct error *e)
{
	struct json_scan scan = { .depth_max = JSON_SCAN_DEPTH_MAX };
	struct gpt2_config c = { 0 };
	struct json_member m;
	enum err err;

	if (!json_scan(&scan, json))
		return error_set(e, ERR_CONFIG, "config.json: %s at byte %zu",
		    scan.failure, scan.failure_offset);
	if (scan.kind != JSON_OBJECT)
		return error_set(e, ERR_CONFIG, "config.json is no object");
	if (!find(json, S("model_type"), &m))
		return error_set(e, ERR_CONFIG,
		    "config.json: model_type is missing");
	err = check_names(json, e);
	if (!err)
		err = check_fixed(json, e);
	for (size_t i = 0; i < ARRAY_LEN(sizes) && !err; i++)
		err = read_named_size(json, &sizes[i], &c, e);
	if (!err)
		err = read_size(json, S("n_inner"), 4 * GPT2_WIDTH_MAX,
		    4 * c.n_embd, &c.n_inner, e);
	if (!err)
		err = read_epsilon(json, &c.norm_epsilon, e);
	if (!err)
		err = read_eos(json, &c, e);
	if (err)
		return err;
	if (c.n_embd % c.n_head != 0)
		return error_set(e, ERR_CONFIG,
		    "config.json: n_embd %u is not divided by n_head %u",
		    c.n_embd, c.n_head);
	*ret = c;
	return OK;
}
