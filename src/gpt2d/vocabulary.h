/* SPDX-License-Identifier: MIT */
/* The tokenizer of a model's folder: vocab.json and merges.txt. */
#ifndef TG_GPT2D_VOCABULARY_H
#define TG_GPT2D_VOCABULARY_H

#include "base/arena.h"
#include "base/err.h"
#include "gpt2d/logprobs.h"
#include "tokenizer/tokenizer.h"

struct vocabulary {
	struct arena arena;
	struct tokenizer *tokenizer;
	struct str image;     /* of it, in arena */
	size_t longest_token; /* bytes */
	struct token_sizes sizes;
};

/**
 * Read and build it in memory.
 * Errors: ERR_NOT_FOUND a file is missing; ERR_BAD_PARAM what is wrong in
 *         one; ERR_TOO_LARGE; ERR_IO; ERR_NO_MEMORY.
 * Memory: vocabulary_fini(), also after an error.
 */
enum err vocabulary_init(struct vocabulary *v, const char *dir,
    struct error *e) ATTR_MUST_CHECK;
/**
 * Make path a file for tokenizer_open(), by a rename; one that is the same
 * already stays.
 * Errors: ERR_IO.
 */
enum err vocabulary_write(const struct vocabulary *v, const char *path,
    struct error *e) ATTR_MUST_CHECK;
void vocabulary_fini(struct vocabulary *v);

#endif
