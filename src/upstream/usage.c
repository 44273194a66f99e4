/* SPDX-License-Identifier: MIT */
#include "upstream/usage.h"

#include "base/json_scan.h"

/* Numbers as the provider names them. */
struct counts {
	uint64_t in, in_cached, in_audio;
	uint64_t out, out_reasoning, out_audio;
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

static bool
read_details(const struct json_member *details, struct str a_name,
    uint64_t *ret_a, struct str b_name, uint64_t *ret_b)
{
	struct json_member m;
	struct json_walk w;
	bool has;

	if (details->kind == JSON_NULL)
		return true;
	if (details->kind != JSON_OBJECT)
		return false;
	json_walk_init(&w, details->value);
	while (json_walk_next(&w, &m)) {
		if (str_eq(m.name, a_name) && !read_count(&m, ret_a, &has))
			return false;
		if (str_eq(m.name, b_name) && !read_count(&m, ret_b, &has))
			return false;
	}
	return true;
}

static bool
is_either(struct str name, struct str a, struct str b)
{
	return str_eq(name, a) || str_eq(name, b);
}

static bool
read_member(const struct json_member *m, struct counts *c)
{
	if (is_either(m->name, S("prompt_tokens"), S("input_tokens")))
		return read_count(m, &c->in, &c->has_in);
	if (is_either(m->name, S("completion_tokens"), S("output_tokens")))
		return read_count(m, &c->out, &c->has_out);
	if (str_eq(m->name, S("total_tokens")))
		return read_count(m, &c->total, &c->has_total);
	if (is_either(m->name, S("prompt_tokens_details"),
		S("input_tokens_details")))
		return read_details(m, S("cached_tokens"), &c->in_cached,
		    S("audio_tokens"), &c->in_audio);
	if (is_either(m->name, S("completion_tokens_details"),
		S("output_tokens_details")))
		return read_details(m, S("reasoning_tokens"), &c->out_reasoning,
		    S("audio_tokens"), &c->out_audio);
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

/* What is left of whole without part, and not below zero. */
static uint64_t
rest_of(uint64_t whole, uint64_t part)
{
	return whole > part ? whole - part : 0;
}

static uint64_t
smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
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
	if (!c.has_in || (!c.has_out && !(c.has_total && c.total == c.in)))
		return false;
	if (is_reasoning_outside(&c))
		c.out += c.out_reasoning;
	if (c.in_cached > c.in || c.in_audio > c.in ||
	    c.out_reasoning > c.out || c.out_audio > c.out)
		return false;
	/* Cached audio is counted in both parts: once is enough. */
	u.n_tok[TOK_IN_CACHED] = c.in_cached;
	u.n_tok[TOK_IN_AUDIO] = smaller(c.in_audio, c.in - c.in_cached);
	u.n_tok[TOK_IN] = rest_of(c.in - c.in_cached, c.in_audio);
	u.n_tok[TOK_OUT_REASONING] = c.out_reasoning;
	u.n_tok[TOK_OUT_AUDIO] = smaller(c.out_audio, c.out - c.out_reasoning);
	u.n_tok[TOK_OUT] = rest_of(c.out - c.out_reasoning, c.out_audio);
	*ret = u;
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
