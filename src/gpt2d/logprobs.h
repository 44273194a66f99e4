/* SPDX-License-Identifier: MIT */
/*
 * Log probabilities of an answer's tokens in OpenAI's two forms: four arrays
 * for completions, a list of objects for chats. They are collected as JSON,
 * a token at a time.
 */
#ifndef TG_GPT2D_LOGPROBS_H
#define TG_GPT2D_LOGPROBS_H

#include <stdint.h>

#include "base/buf.h"
#include "gpt2/sampler.h"
#include "gpt2d/completion.h"
#include "tokenizer/tokenizer.h"

/* What stands for no probability at all, as OpenAI has it. */
#define LOGPROB_LOWEST (-9999.0)

struct logprobs {
	enum completion_kind kind;
	const struct tokenizer *tokenizer;
	struct buf tokens; /* of a chat: the objects; the rest is unused */
	struct buf values, tops, offsets;
	uint64_t n;
	uint64_t offset_chars; /* of the next token, from the prompt's begin */
};

/**
 * @max_bytes     of JSON, for each array; what is beyond sticks in the buf
 * @offset_chars  characters of the prompt
 */
void logprobs_init(struct logprobs *l, enum completion_kind kind,
    const struct tokenizer *t, struct arena *a, size_t max_bytes,
    uint64_t offset_chars);
void logprobs_add(struct logprobs *l, const struct sampler_choice *token);
/** The collected tokens as the value of "logprobs". */
void logprobs_write(const struct logprobs *l, struct buf *b);
/** Forget the tokens, keep the place in the text: for the next chunk. */
void logprobs_clear(struct logprobs *l);

/** Characters of UTF-8 text; a byte that belongs to none counts as none. */
uint64_t logprobs_chars(struct str text);

#endif
