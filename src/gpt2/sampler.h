/* SPDX-License-Identifier: MIT */
/*
 * The next token from the logits of a position. What is applied, and in
 * which order, is what transformers' generate() does: repetition penalty,
 * OpenAI's penalties, temperature, top-k, top-p, then one draw.
 */
#ifndef TG_GPT2_SAMPLER_H
#define TG_GPT2_SAMPLER_H

#include <stdint.h>

#include "base/err.h"

#define SAMPLER_LOGPROBS_MAX 20 /* alternatives that are told, OpenAI's limit */

struct sampling {
	float temperature;        /* 0 = the most likely token; 0..2 */
	uint32_t top_k;           /* 0 = all */
	float top_p;              /* > 0 and <= 1 */
	float repetition_penalty; /* > 0, 1 = none; prompt and answer */
	float presence_penalty;   /* -2..2, 0 = none; answer only */
	float frequency_penalty;  /* -2..2, 0 = none; answer only */
	uint64_t seed;
};

/* What OpenAI's API does when nothing is said: temperature and top_p 1. */
#define SAMPLING_DEFAULT \
 ((struct sampling){ .temperature = 1, .top_p = 1, .repetition_penalty = 1 })

struct sampler_choice {
	uint32_t id;
	float logprob; /* natural logarithm, of the model's own distribution
			  (before penalties and temperature) */
	uint32_t n_top;
	uint32_t top_ids[SAMPLER_LOGPROBS_MAX]; /* most likely first */
	float top_logprobs[SAMPLER_LOGPROBS_MAX];
};

struct sampler;

/**
 * @n_vocab  logits a position
 * Errors: ERR_NO_MEMORY.
 * Memory: sampler_free(); 24 bytes a token of the vocabulary.
 */
enum err sampler_new(uint32_t n_vocab, struct sampler **ret,
    struct error *e) ATTR_MUST_CHECK;
/** NULL is fine. */
void sampler_free(struct sampler *s);
/** Begin an answer: forget what was seen. @params is copied. */
void sampler_begin(struct sampler *s, const struct sampling *params);
/** The prompt's tokens, for the repetition penalty. */
void sampler_prompt(struct sampler *s, const uint32_t *ids, uint32_t n);
/**
 * Choose the next token and count it as seen.
 * @logits  n_vocab of them; changed
 * @n_top   alternatives wanted, 0..SAMPLER_LOGPROBS_MAX, or
 *          SAMPLER_NO_LOGPROBS
 */
void sampler_next(struct sampler *s, float *logits, uint32_t n_top,
    struct sampler_choice *ret);
#define SAMPLER_NO_LOGPROBS UINT32_MAX

#endif
