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

/* Alternatives and the token that was taken. */
#define LOGPROBS_TOKENS_MAX (SAMPLER_LOGPROBS_MAX + 1)

/* How large a vocabulary's tokens can get in an answer, in bytes. */
struct token_sizes {
	size_t text; /* the longest one, in a JSON string */
	/* As a JSON string and as a list of its bytes: the k largest ones
	 * together; [0] is 0. */
	size_t names[LOGPROBS_TOKENS_MAX + 1];
};

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

/** Of all the tokens that the tokenizer knows. */
void token_sizes_init(struct token_sizes *s, const struct tokenizer *t);
/**
 * The most bytes that one token adds to an answer.
 * @n_top  as in sampler_next()
 */
size_t token_sizes_max(const struct token_sizes *s, uint32_t n_top);

/** Characters of UTF-8 text; a byte that belongs to none counts as none. */
uint64_t logprobs_chars(struct str text);

#endif
