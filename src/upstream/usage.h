/* SPDX-License-Identifier: MIT */
/*
 * A provider's usage numbers as disjoint token classes. OpenAI's
 * prompt_tokens contain the cached and the audio ones, its completion_tokens
 * the reasoning and the audio ones; Anthropic's input_tokens contain neither
 * what was read from its cache nor what was written to it. Here each token is
 * counted once. What can't be read is no usage, and is counted by us: what
 * happens then is written down in doc/architecture.md "Metering".
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
 * Read OpenAI's usage object: chat, completions, embeddings, responses.
 * DeepSeek's and Moonshot's names for cached tokens are read, too.
 * @json  text that json_scan() accepted
 * Returns false, and leaves *ret, when it is no usage: not an object, no
 * prompt count, a count that is negative, fractional or huge, or parts that
 * exceed their sum.
 */
bool usage_read_openai(struct str json, struct usage *ret) ATTR_MUST_CHECK;

/* What is known so far of one of Anthropic's answers, whose stream says it bit
 * by bit: the input in message_start, the output in message_delta. */
struct usage_anthropic {
	bool has_in, has_out;
	struct usage n;
};

/**
 * Add Anthropic's usage object to what is known. Its counts are cumulative:
 * the larger one stays.
 * @json  text that json_scan() accepted
 * Returns false, and leaves *u, when it is no usage: not an object, a count
 * that is negative, fractional or huge, more thinking than output.
 */
bool usage_add_anthropic(struct str json,
    struct usage_anthropic *u) ATTR_MUST_CHECK;

uint64_t usage_in_tok(const struct usage *u);
uint64_t usage_out_tok(const struct usage *u);

#endif
