/* SPDX-License-Identifier: MIT */
/* Bodies for tollgate-gpt2: read as either kind, and within all bounds if
 * they are accepted. */
#include "fuzz/fuzz.h"

#include <string.h>

#include "gpt2/scheduler.h"
#include "gpt2d/completion.h"

#define CHOICES_MAX 8

static bool
is_within(float v, double min, double max)
{
	return (double)v >= min && (double)v <= max;
}

static void
check(const struct completion *c)
{
	const struct sampling *s = &c->sampling;

	ASSERT(c->prompt.p);
	ASSERT(c->n_choices >= 1 && c->n_choices <= CHOICES_MAX);
	ASSERT(c->max_new_tok <= COMPLETION_TOK_MAX);
	ASSERT(c->max_length_tok <= COMPLETION_TOK_MAX);
	ASSERT(is_within(s->temperature, 0, 2));
	ASSERT(s->top_p > 0 && s->top_p <= 1);
	ASSERT(s->top_k <= GPT2_VOCABULARY_MAX);
	ASSERT(is_within(s->repetition_penalty, 0.09, 10));
	ASSERT(is_within(s->presence_penalty, -2, 2));
	ASSERT(is_within(s->frequency_penalty, -2, 2));
	ASSERT(c->n_stops <= SCHEDULER_STOPS_MAX);
	for (uint32_t i = 0; i < c->n_stops; i++)
		ASSERT(
		    c->stops[i].n > 0 && c->stops[i].n <= SCHEDULER_STOP_BYTES);
	ASSERT(c->n_top_logprobs <= SAMPLER_LOGPROBS_MAX ||
	       c->n_top_logprobs == SAMPLER_NO_LOGPROBS);
	ASSERT(c->is_stream || !c->wants_usage);
	for (uint32_t i = 0; c->prompt_ids && i < c->n_prompt_ids; i++)
		ASSERT(c->prompt_ids[i] < GPT2_VOCABULARY_MAX);
}

static void
check_refusal(enum err err, const struct error *e)
{
	ASSERT(err == e->code);
	ASSERT(err == ERR_BAD_JSON || err == ERR_BAD_PARAM ||
	       err == ERR_UNSUPPORTED_PARAM || err == ERR_MODEL_NOT_FOUND ||
	       err == ERR_NO_MEMORY);
	ASSERT(err == ERR_NO_MEMORY || e->public_text[0]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const enum completion_kind kinds[] = { COMPLETION_TEXT,
		COMPLETION_CHAT };
	const struct completion_offer offer = { S("mini"), CHOICES_MAX };
	struct arena a;

	arena_init(&a, MIB(4));
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct completion c;
		struct error e;
		enum err err;

		error_clear(&e);
		err = completion_read(&a, kinds[i],
		    str_make((const char *)p, n), &offer, &c, &e);
		if (err)
			check_refusal(err, &e);
		else
			check(&c);
		arena_reset(&a);
	}
	arena_fini(&a);
	return 0;
}
