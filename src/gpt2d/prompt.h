/* SPDX-License-Identifier: MIT */
/* A request's prompt in the model's tokens, and how long its answer may get. */
#ifndef TG_GPT2D_PROMPT_H
#define TG_GPT2D_PROMPT_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "gpt2/model.h"
#include "gpt2d/completion.h"
#include "tokenizer/tokenizer.h"

struct prompt {
	const uint32_t *ids;
	uint32_t n;           /* 1..n_pos-1 */
	uint32_t max_new_tok; /* 1..n_pos-n */
};

/**
 * An empty prompt becomes the end-of-text token. The work is bounded by the
 * context, not by the text: one that cannot fit isn't cut into tokens.
 * @longest_token  bytes of the tokenizer's longest one
 * Errors: ERR_CONTEXT_LENGTH the prompt fills the context; ERR_BAD_PARAM
 *         max_length leaves no room, a token that the vocabulary lacks;
 *         ERR_NO_MEMORY.
 * Memory: in arena a, or c's.
 */
enum err prompt_encode(struct arena *a, const struct completion *c,
    const struct tokenizer *t, size_t longest_token,
    const struct gpt2_config *config, struct prompt *ret,
    struct error *e) ATTR_MUST_CHECK;

/** Bytes of the longest token. */
size_t prompt_longest_token(const struct tokenizer *t);

#endif
