/* SPDX-License-Identifier: MIT */
/*
 * The JSON of answers in OpenAI's shapes (platform.openai.com API reference,
 * chat completions, completions, embeddings; read 2025-11).  Ids and times
 * are the same in every run, so that answers can be compared with goldens.
 */
#include "upstream_sim.h"

#include <string.h>

#define EMBEDDING_N 8 /* floats of a vector */

static const char *const vocabulary[] = { "amber", "birch", "cedar", "delta",
	"ember", "fjord", "grove", "heron", "inlet", "juniper", "kelp", "larch",
	"maple", "nettle", "osprey", "pebble", "quartz", "river", "spruce",
	"tundra", "umber", "valley", "willow", "xenon", "yarrow", "zephyr",
	"aspen", "basalt", "cobalt", "dune", "elm", "flint" };

#define VOCABULARY_N (sizeof(vocabulary) / sizeof(vocabulary[0]))

static bool
is_white(const struct slice *s, size_t i, size_t *ret_n)
{
	*ret_n = 1;
	if (s->p[i] != '\\' || i + 1 >= s->n)
		return s->p[i] == ' ';
	*ret_n = 2;
	return strchr("nrt", s->p[i + 1]) != NULL;
}

/* The word number i of raw JSON text; empty when there are fewer. */
static struct slice
raw_word(struct slice s, uint64_t i)
{
	size_t at = 0, n = 1, from;

	for (;;) {
		while (at < s.n && is_white(&s, at, &n))
			at += n;
		from = at;
		while (at < s.n && !is_white(&s, at, &n))
			at += n;
		if (at == from || !i--)
			return (struct slice){ s.p + from, at - from };
	}
}

void
sim_text_word(struct sbuf *out, const struct sim_answer *an, uint64_t i)
{
	const struct sim_plan *pl = &an->plan;

	if (i)
		sbuf_lit(out, " ");
	if (!i && pl->huge) {
		sbuf_fill(out, 'x', (size_t)pl->huge);
	} else if (!i && pl->bad_utf8) {
		sbuf_lit(out, "a\xff\xfe\xc3(\xe2\x82");
	} else if (pl->echo) {
		struct slice w = raw_word(an->call.echo, i);
		sbuf_add(out, w.p, w.n);
	} else {
		const char *w = vocabulary[i % VOCABULARY_N];
		sbuf_add(out, w, strlen(w));
	}
}

struct usage {
	uint64_t prompt;
	uint64_t completion;
};

void
sim_text_count(struct sbuf *out, struct slice name, uint64_t v,
    enum sim_usage odd)
{
	sbuf_lit(out, "\"");
	sbuf_add(out, name.p, name.n);
	sbuf_lit(out, "\":");
	if (odd == USAGE_NULL) {
		sbuf_lit(out, "null");
		return;
	}
	if (odd == USAGE_NEGATIVE)
		sbuf_lit(out, "-");
	if (odd == USAGE_STRING)
		sbuf_lit(out, "\"");
	/* No number of JSON begins with 0 and goes on. */
	sbuf_add_u64(out, odd == USAGE_HUGE && !v ? 1 : v);
	if (odd == USAGE_STRING)
		sbuf_lit(out, "\"");
	if (odd == USAGE_FRACTION)
		sbuf_lit(out, ".5");
	if (odd == USAGE_HUGE)
		sbuf_lit(out, "00000000000000000000");
}

static void
add_details(struct sbuf *out, const struct sim_plan *pl)
{
	bool audio = pl->details_n > 4;

	sbuf_lit(out, ",\"prompt_tokens_details\":{");
	sim_text_count(out, SLICE("cached_tokens"), pl->details[1],
	    USAGE_EXACT);
	sbuf_lit(out, ",");
	sim_text_count(out, SLICE("audio_tokens"), audio ? pl->details[4] : 0,
	    USAGE_EXACT);
	sbuf_lit(out, "},\"completion_tokens_details\":{");
	sim_text_count(out, SLICE("reasoning_tokens"), pl->details[3],
	    USAGE_EXACT);
	sbuf_lit(out, ",");
	sim_text_count(out, SLICE("audio_tokens"), audio ? pl->details[5] : 0,
	    USAGE_EXACT);
	sbuf_lit(out, ",\"accepted_prediction_tokens\":0"
		      ",\"rejected_prediction_tokens\":0}");
}

static struct usage
usage_of(const struct sim_answer *an)
{
	const struct sim_plan *pl = &an->plan;
	struct usage u = { an->call.prompt_words, pl->words * an->call.n };

	if (an->route == ROUTE_EMBEDDING)
		u.completion = 0;
	else if (pl->usage == USAGE_EACH && an->phase == PHASE_EVENTS)
		u.completion = an->ev;
	if (pl->details_n) {
		u.prompt = pl->details[0];
		u.completion = pl->details[2];
	}
	if (pl->usage == USAGE_ZERO)
		u = (struct usage){ 0, 0 };
	return u;
}

void
sim_text_usage(struct sbuf *out, const struct sim_answer *an)
{
	const struct usage u = usage_of(an);
	enum sim_usage odd = an->plan.usage;

	sbuf_lit(out, "{");
	if (odd != USAGE_PARTIAL) {
		sim_text_count(out, SLICE("prompt_tokens"), u.prompt, odd);
		sbuf_lit(out, ",");
		if (an->route != ROUTE_EMBEDDING) {
			sim_text_count(out, SLICE("completion_tokens"),
			    u.completion, odd);
			sbuf_lit(out, ",");
		}
	}
	sim_text_count(out, SLICE("total_tokens"), u.prompt + u.completion,
	    odd);
	if (an->plan.details_n)
		add_details(out, &an->plan);
	sbuf_lit(out, "}");
}

static const char *
id_prefix(enum sim_route route)
{
	return route == ROUTE_CHAT ? "chatcmpl-sim-" : "cmpl-sim-";
}

void
sim_text_opening(struct sbuf *out, const struct sim_answer *an,
    struct slice object)
{
	const char *prefix = id_prefix(an->route);

	sbuf_lit(out, "{\"id\":\"");
	sbuf_add(out, prefix, strlen(prefix));
	sbuf_add_u64(out, an->seq);
	sbuf_lit(out, "\",\"object\":\"");
	sbuf_add(out, object.p, object.n);
	sbuf_lit(out, "\",\"created\":1700000000,\"model\":\"");
	sbuf_add(out, an->call.model.p, an->call.model.n);
	sbuf_lit(out, "\",\"system_fingerprint\":\"fp_sim\"");
}

static void
add_choice(struct sbuf *out, const struct sim_answer *an, uint64_t index)
{
	bool chat = an->route == ROUTE_CHAT;

	sbuf_lit(out, "{\"index\":");
	sbuf_add_u64(out, index);
	if (chat)
		sbuf_lit(out,
		    ",\"message\":{\"role\":\"assistant\",\"content\":\"");
	else
		sbuf_lit(out, ",\"text\":\"");
	for (uint64_t i = 0; i < an->plan.words; i++)
		sim_text_word(out, an, i);
	sbuf_lit(out, "\"");
	if (chat)
		sbuf_lit(out, ",\"refusal\":null}");
	sbuf_lit(out, ",\"logprobs\":null,\"finish_reason\":\"");
	sbuf_add(out, an->plan.finish.p, an->plan.finish.n);
	sbuf_lit(out, "\"}");
}

static void
add_base64(struct sbuf *out, const unsigned char *p, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i;
		uint32_t v = (uint32_t)p[i] << 16;
		if (left > 1)
			v |= (uint32_t)p[i + 1] << 8;
		if (left > 2)
			v |= p[i + 2];
		char text[4] = { digits[v >> 18], digits[v >> 12 & 63],
			left > 1 ? digits[v >> 6 & 63] : '=',
			left > 2 ? digits[v & 63] : '=' };
		sbuf_add(out, text, sizeof(text));
	}
}

/* Multiples of 1/64: exact both as a float and in six decimals. */
static void
add_vector(struct sbuf *out, uint64_t words, uint64_t row, bool base64)
{
	unsigned char le[EMBEDDING_N * 4];

	for (size_t i = 0; i < EMBEDDING_N; i++) {
		uint64_t v = (words * 7 + row * 3 + i * 5) % 64;
		float f = (float)v / 64.0f;
		uint32_t bits;
		memcpy(&bits, &f, sizeof(bits));
		for (size_t k = 0; k < 4; k++)
			le[i * 4 + k] = (unsigned char)(bits >> 8 * k);
		if (base64)
			continue;
		sbuf_add(out, i ? ",0." : "[0.", 3);
		uint64_t frac = v * 15625; /* 1/64 = 0.015625 */
		for (uint64_t p = 100000; p; p /= 10) {
			char d = (char)('0' + frac / p % 10);
			sbuf_add(out, &d, 1);
		}
	}
	if (!base64) {
		sbuf_lit(out, "]");
		return;
	}
	sbuf_lit(out, "\"");
	add_base64(out, le, sizeof(le));
	sbuf_lit(out, "\"");
}

static void
add_row(struct sbuf *out, const struct sim_answer *an, uint64_t row,
    struct slice input)
{
	struct slice text;
	uint64_t words = 1;

	if (jscan_string(input, &text))
		words = jscan_words(text);
	if (row)
		sbuf_lit(out, ",");
	sbuf_lit(out, "{\"object\":\"embedding\",\"index\":");
	sbuf_add_u64(out, row);
	sbuf_lit(out, ",\"embedding\":");
	add_vector(out, words, row, an->call.base64);
	sbuf_lit(out, "}");
}

/* One row for a text or an array of tokens, else one for each element. */
static void
add_rows(struct sbuf *out, const struct sim_answer *an)
{
	struct slice item;
	struct jscan j;
	uint64_t row = 0;

	if (an->call.input.p[0] == '[' && jscan_open(&j, an->call.input)) {
		while (jscan_element(&j, &item)) {
			if (item.p[0] != '"' && item.p[0] != '[')
				break;
			add_row(out, an, row++, item);
		}
	}
	if (!row)
		add_row(out, an, 0, an->call.input);
}

static void
add_embeddings(struct sbuf *out, const struct sim_answer *an)
{
	sbuf_lit(out, "{\"object\":\"list\",\"data\":[");
	add_rows(out, an);
	sbuf_lit(out, "],\"model\":\"");
	sbuf_add(out, an->call.model.p, an->call.model.n);
	sbuf_lit(out, "\"");
}

void
sim_text_answer(struct sbuf *out, const struct sim_answer *an)
{
	if (sim_is_typed(an->route)) {
		sim_typed_answer(out, an);
		return;
	}
	if (an->route == ROUTE_EMBEDDING) {
		add_embeddings(out, an);
	} else {
		bool chat = an->route == ROUTE_CHAT;
		sim_text_opening(out, an,
		    chat ? SLICE("chat.completion") : SLICE("text_completion"));
		sbuf_lit(out, ",\"choices\":[");
		for (uint64_t i = 0; i < an->call.n; i++) {
			if (i)
				sbuf_lit(out, ",");
			add_choice(out, an, i);
		}
		sbuf_lit(out, "]");
	}
	for (int i = 0; an->plan.usage != USAGE_NONE && i < 2; i++) {
		if (i && an->plan.usage != USAGE_DUP)
			break;
		sbuf_lit(out, ",\"usage\":");
		sim_text_usage(out, an);
	}
	sbuf_lit(out, "}");
}
