/* SPDX-License-Identifier: MIT */
/*
 * /generate of Hugging Face's text-generation-inference:
 * {inputs, parameters} -> {generated_text, details}. It says how many tokens
 * it made; how many it read only a header says (x-prompt-tokens).
 * Source: its API description, version 3; dedicated endpoints answer with an
 * array of one.
 */
#include "base/json_out.h"
#include "upstream/wire.h"

/* ---- requests ---- */

/* A member of the request's parameters; empty: it has none. */
static struct str
parameter(const struct body *b, struct str name)
{
	const struct json_member *m = body_value(b, S("parameters"));
	struct json_member found;

	if (!m || m->kind != JSON_OBJECT ||
	    !json_walk_find(m->value, name, &found))
		return S("");
	return found.value;
}

uint64_t
generate_request_limit(const struct body *b)
{
	uint64_t tok = 0;

	if (!str_to_u64(parameter(b, S("max_new_tokens")), 1,
		OPENAI_LIMIT_TOK_MAX, &tok))
		return 0;
	return tok;
}

/* It takes neither 0 nor 1 for these: greedy, or all of them. */
static void
add_fraction(struct json_out *j, const char *name, struct str value,
    bool is_below_one)
{
	bool is_zero = str_eq(value, S("0"));

	if (value.n == 0 || is_zero || (is_below_one && *value.p == '1'))
		return;
	json_out_key(j, name);
	json_out_raw(j, value);
}

void
generate_request_change(struct splice *s, const struct openai_change *change)
{
	struct str temperature = parameter(s->body, S("temperature"));
	uint64_t limit_tok = generate_request_limit(s->body);
	struct str text = { NULL, 0 };
	struct json_out j;
	struct error e;
	struct buf b;

	if (change->limit_tok &&
	    (limit_tok == 0 || change->limit_tok < limit_tok))
		limit_tok = change->limit_tok;
	buf_init(&b, s->a, KIB(1));
	json_out_init(&j, &b);
	json_out_object(&j);
	if (limit_tok)
		json_out_member_u64(&j, "max_new_tokens", limit_tok);
	add_fraction(&j, "temperature",
	    temperature.n ? temperature : change->temperature, false);
	add_fraction(&j, "top_p", change->top_p, true);
	json_out_member_bool(&j, "details", true);
	json_out_member_bool(&j, "return_full_text", false);
	json_out_object_end(&j);
	if (buf_finish(&b, &text, &e))
		text = (struct str){ NULL, 0 };
	splice_set_raw(s, S("parameters"), text);
}

/* ---- answers ---- */

void
generate_output_read(struct str answer, struct openai_finder *f)
{
	struct json_member m;

	if (json_walk_find(answer, S("generated_text"), &m))
		openai_found(f, OPENAI_TEXT_CONTENT, 0, &m);
}

static void
read_details(struct openai_answer *ret)
{
	struct json_member details, n;
	uint64_t tok = 0;

	if (!json_walk_find(ret->json, S("details"), &details) ||
	    details.kind != JSON_OBJECT ||
	    !json_walk_find(details.value, S("generated_tokens"), &n))
		return;
	ret->has_out = n.kind == JSON_NUMBER &&
		       str_to_u64(n.value, 0, USAGE_TOK_MAX, &tok);
	ret->has_bad_usage = !ret->has_out;
	ret->usage.n_tok[TOK_OUT] = tok;
}

/* The object that text is, or the first one of the array that it is. */
static bool
find_object(struct str text, struct str *ret)
{
	struct json_scan s = { .depth_max = JSON_SCAN_DEPTH_MAX };
	struct json_member m;
	struct json_walk w;

	if (!json_scan(&s, text))
		return false;
	if (s.kind == JSON_OBJECT)
		*ret = str_make(s.inner.p - 1, s.inner.n + 2);
	if (s.kind != JSON_ARRAY)
		return s.kind == JSON_OBJECT;
	json_walk_init(&w, str_skip(text, str_find(text, '[')));
	if (!json_walk_next(&w, &m))
		return false;
	*ret = m.value;
	return m.kind == JSON_OBJECT;
}

/* {"error":"…","error_type":"…"} */
static void
read_error(struct openai_answer *ret)
{
	struct json_member error, type;

	if (!json_walk_find(ret->json, S("error"), &error) ||
	    error.kind != JSON_STRING)
		return;
	ret->is_error = true;
	if (json_walk_find(ret->json, S("error_type"), &type) &&
	    type.kind == JSON_STRING)
		ret->error_code = str_make(type.value.p + 1, type.value.n - 2);
}

void
generate_answer_read(struct str text, struct openai_answer *ret)
{
	struct json_member m;

	*ret = (struct openai_answer){ 0 };
	if (!find_object(text, &ret->json))
		return;
	read_error(ret);
	ret->is_json = ret->is_error ||
		       (json_walk_find(ret->json, S("generated_text"), &m) &&
			   m.kind == JSON_STRING);
	if (!ret->is_json || ret->is_error)
		return;
	read_details(ret);
	wire_choices_set(WIRE_GENERATE, ret->json, ret);
}

void
generate_answer_add_in(struct openai_answer *answer, struct str n_tok)
{
	uint64_t tok;

	if (!str_to_u64(n_tok, 0, USAGE_TOK_MAX, &tok))
		return;
	answer->usage.n_tok[TOK_IN] = tok;
	answer->has_in = true;
	answer->has_usage = answer->has_out;
}
