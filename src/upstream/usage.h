/* SPDX-License-Identifier: MIT */
/*
 * A provider's usage numbers as disjoint token classes. OpenAI's
 * prompt_tokens contain the cached and the audio ones, its completion_tokens
 * the reasoning and the audio ones; here each token is counted once.
 */
#ifndef TG_UPSTREAM_USAGE_H
#define TG_UPSTREAM_USAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "base/tok_class.h"

/* More in one class than any provider can mean: taken as garbage. */
#define USAGE_TOK_MAX UINT64_C(1000000000)

struct usage {
	uint64_t n_tok[TOK_CLASS__MAX];
};

/**
 * Read OpenAI's usage object (chat, completions, embeddings; also the names
 * input_tokens/output_tokens of newer servers).
 * @json  text that json_scan() accepted
 * Returns false, and leaves *ret, when it is no usage: not an object, no
 * prompt count, a count that is negative, fractional or huge, or parts that
 * exceed their sum.
 */
bool usage_read_openai(struct str json, struct usage *ret) ATTR_MUST_CHECK;

uint64_t usage_in_tok(const struct usage *u);
uint64_t usage_out_tok(const struct usage *u);

#endif
