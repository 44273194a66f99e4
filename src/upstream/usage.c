/* SPDX-License-Identifier: MIT */
#include "upstream/usage.h"

#include "base/json_scan.h"

/* Numbers as the provider names them. */
struct counts {
	uint64_t in, in_cached, in_written, in_audio;
	uint64_t out, out_reasoning, out_audio, out_image;
	uint64_t total;
	bool has_in, has_out, has_total;
};

/* A count, or null for "none"; *ret_has tells which. */
static bool
read_count(const struct json_member *m, uint64_t *ret, bool *ret_has)
{
	if (m->kind == JSON_NULL)
		return true;
	*ret_has = true;
	return m->kind == JSON_NUMBER &&
	       str_to_u64(m->value, 0, USAGE_TOK_MAX, ret);
}

/* One part of a sum, and where it goes. */
struct part {
	struct str name;
	uint64_t *ret;
};

static bool
read_parts(const struct json_member *m, const struct part *parts, size_t n)
{
	bool has;

	for (size_t i = 0; i < n; i++)
		if (str_eq(m->name, parts[i].name))
			return read_count(m, parts[i].ret, &has);
	return true;
}

static bool
read_details(const struct json_member *details, const struct part *parts,
    size_t n)
{
	struct json_member m;
	struct json_walk w;

	if (details->kind == JSON_NULL)
		return true;
	if (details->kind != JSON_OBJECT)
		return false;
	json_walk_init(&w, details->value);
	while (json_walk_next(&w, &m))
		if (!read_parts(&m, parts, n))
			return false;
	return true;
}

static bool
is_either(struct str name, struct str a, struct str b)
{
	return str_eq(name, a) || str_eq(name, b);
}

/* Text and image tokens of the input are what is left: they have one price. */
static bool
read_in_details(const struct json_member *m, struct counts *c)
{
	const struct part parts[] = {
		{ S("cached_tokens"), &c->in_cached },
		{ S("cache_write_tokens"), &c->in_written },
		{ S("audio_tokens"), &c->in_audio },
	};

	return read_details(m, parts, ARRAY_LEN(parts));
}

/* Accepted and rejected predictions are output like any other. */
static bool
read_out_details(const struct json_member *m, struct counts *c)
{
	const struct part parts[] = {
		{ S("reasoning_tokens"), &c->out_reasoning },
		{ S("audio_tokens"), &c->out_audio },
		{ S("image_tokens"), &c->out_image },
	};

	return read_details(m, parts, ARRAY_LEN(parts));
}

static bool
read_member(const struct json_member *m, struct counts *c)
{
	bool has;

	if (is_either(m->name, S("prompt_tokens"), S("input_tokens")))
		return read_count(m, &c->in, &c->has_in);
	if (is_either(m->name, S("completion_tokens"), S("output_tokens")))
		return read_count(m, &c->out, &c->has_out);
	if (str_eq(m->name, S("total_tokens")))
		return read_count(m, &c->total, &c->has_total);
	if (is_either(m->name, S("prompt_tokens_details"),
		S("input_tokens_details")))
		return read_in_details(m, c);
	if (is_either(m->name, S("completion_tokens_details"),
		S("output_tokens_details")))
		return read_out_details(m, c);
	/* DeepSeek's and Moonshot's, seen 2025. */
	if (is_either(m->name, S("prompt_cache_hit_tokens"),
		S("cached_tokens")))
		return read_count(m, &c->in_cached, &has);
	return true;
}

/*
 * Some servers (xAI's, seen 2025) count reasoning beside the completion, not
 * inside it; the total tells.
 */
static bool
is_reasoning_outside(const struct counts *c)
{
	return c->has_total && c->out_reasoning > 0 &&
	       c->total == c->in + c->out + c->out_reasoning;
}

/*
 * Take up to `part` out of what is left of a sum. Parts may overlap (cached
 * audio is both): the first one has the token, so that it counts once.
 */
static uint64_t
take(uint64_t *left, uint64_t part)
{
	uint64_t n = part < *left ? part : *left;

	*left -= n;
	return n;
}

static bool
is_sound(const struct counts *c)
{
	if (!c->has_in || (!c->has_out && !(c->has_total && c->total == c->in)))
		return false;
	return c->in_cached <= c->in && c->in_written <= c->in &&
	       c->in_audio <= c->in && c->out_audio <= c->out &&
	       c->out_image <= c->out;
}

bool
usage_read_openai(struct str json, struct usage *ret)
{
	struct counts c = { 0 };
	struct json_member m;
	struct json_walk w;
	struct usage u = { { 0 } };

	json_walk_init(&w, json);
	if (!w.is_object)
		return false;
	while (json_walk_next(&w, &m))
		if (!read_member(&m, &c))
			return false;
	if (!is_sound(&c))
		return false;
	if (is_reasoning_outside(&c))
		c.out += c.out_reasoning;
	if (c.out_reasoning > c.out)
		return false;
	u.n_tok[TOK_IN_CACHED] = take(&c.in, c.in_cached);
	u.n_tok[TOK_CACHE_WRITE] = take(&c.in, c.in_written);
	u.n_tok[TOK_IN_AUDIO] = take(&c.in, c.in_audio);
	u.n_tok[TOK_IN] = c.in;
	u.n_tok[TOK_OUT_REASONING] = take(&c.out, c.out_reasoning);
	u.n_tok[TOK_OUT_AUDIO] = take(&c.out, c.out_audio);
	u.n_tok[TOK_OUT_IMAGE] = take(&c.out, c.out_image);
	u.n_tok[TOK_OUT] = c.out;
	*ret = u;
	return true;
}

/* ---- Anthropic ---- */

struct anthropic_counts {
	uint64_t in, in_cached, in_written, written_5m, written_1h;
	uint64_t out, thinking;
	bool has_in, has_out;
};

static bool
read_anthropic(const struct json_member *m, struct anthropic_counts *c)
{
	const struct part written[] = {
		{ S("ephemeral_5m_input_tokens"), &c->written_5m },
		{ S("ephemeral_1h_input_tokens"), &c->written_1h },
	};
	const struct part out[] = { { S("thinking_tokens"), &c->thinking } };
	bool has;

	if (str_eq(m->name, S("input_tokens")))
		return read_count(m, &c->in, &c->has_in);
	if (str_eq(m->name, S("cache_read_input_tokens")))
		return read_count(m, &c->in_cached, &has);
	if (str_eq(m->name, S("cache_creation_input_tokens")))
		return read_count(m, &c->in_written, &has);
	if (str_eq(m->name, S("cache_creation")))
		return read_details(m, written, ARRAY_LEN(written));
	if (str_eq(m->name, S("output_tokens")))
		return read_count(m, &c->out, &c->has_out);
	if (str_eq(m->name, S("output_tokens_details")))
		return read_details(m, out, ARRAY_LEN(out));
	return true;
}

static void
raise_to(uint64_t *n, uint64_t to)
{
	if (*n < to)
		*n = to;
}

bool
usage_add_anthropic(struct str json, struct usage_anthropic *u)
{
	struct anthropic_counts c = { 0 };
	struct json_member m;
	struct json_walk w;
	uint64_t *n = u->n.n_tok;

	json_walk_init(&w, json);
	if (!w.is_object)
		return false;
	while (json_walk_next(&w, &m))
		if (!read_anthropic(&m, &c))
			return false;
	if (c.thinking > c.out)
		return false;
	/* The parts by lifetime stand in for a sum that is missing. */
	raise_to(&c.in_written, c.written_5m + c.written_1h);
	raise_to(&n[TOK_IN], c.in);
	raise_to(&n[TOK_IN_CACHED], c.in_cached);
	raise_to(&n[TOK_CACHE_WRITE], c.in_written);
	if (c.out >= n[TOK_OUT] + n[TOK_OUT_REASONING]) {
		n[TOK_OUT_REASONING] = c.thinking;
		n[TOK_OUT] = c.out - c.thinking;
	}
	u->has_in = u->has_in || c.has_in;
	u->has_out = u->has_out || c.has_out;
	return true;
}

static uint64_t
sum(const struct usage *u, unsigned from, unsigned to)
{
	uint64_t n = 0;

	for (unsigned i = from; i < to; i++)
		n += u->n_tok[i];
	return n;
}

uint64_t
usage_in_tok(const struct usage *u)
{
	return sum(u, TOK_IN, TOK_CLASS_FIRST_OUT);
}

uint64_t
usage_out_tok(const struct usage *u)
{
	return sum(u, TOK_CLASS_FIRST_OUT, TOK_CLASS__MAX);
}
