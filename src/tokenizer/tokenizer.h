/* SPDX-License-Identifier: MIT */
/*
 * Byte-level BPE: texts to tokens and back, exactly as the models' own
 * tokenizers do it. A tokenizer is a file that build.h makes, mapped read-only
 * and shared by all processes and threads.
 */
#ifndef TG_TOKENIZER_TOKENIZER_H
#define TG_TOKENIZER_TOKENIZER_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct tokenizer;

/**
 * Map the file at path. All of it is checked, so that a damaged or a hostile
 * one is an error here and nothing later. It stays mapped: whoever changes a
 * file puts another in its place (rename) and leaves this one as it is.
 * Errors: ERR_NOT_FOUND; ERR_CONFIG it is no tokenizer; ERR_IO; ERR_NO_MEMORY.
 * Memory: tokenizer_close().
 */
enum err tokenizer_open(const char *path, struct tokenizer **ret,
    struct error *e) ATTR_MUST_CHECK;
/** The same from memory that stays until tokenizer_close(). */
enum err tokenizer_from_image(struct str image, struct tokenizer **ret,
    struct error *e) ATTR_MUST_CHECK;
/** NULL is fine. */
void tokenizer_close(struct tokenizer *t);

/** "cl100k_base"; lives as long as t. */
struct str tokenizer_name(const struct tokenizer *t);
/** Number of tokens; their numbers are smaller. */
uint32_t tokenizer_vocabulary(const struct tokenizer *t);
/** The bytes of a token; empty for a number that has none. */
struct str tokenizer_token(const struct tokenizer *t, uint32_t id);

/* Longest piece (a run without a boundary, such as letters or spaces) that is
 * merged as a whole; a longer one is cut here, which may cost a token. Merging
 * takes memory of 36 times its size meanwhile. */
#define TOKENIZER_PIECE_MAX MIB(1)

/**
 * How many tokens text has. Names of special tokens in it are text. Any bytes
 * will do.
 * Errors: ERR_NO_MEMORY.
 */
enum err tokenizer_count(const struct tokenizer *t, struct str text,
    uint64_t *ret, struct error *e) ATTR_MUST_CHECK;
/**
 * The tokens of text.
 * @ret_ids  room for `max`; text.n are always enough
 * Errors: ERR_TOO_LARGE there are more than max; ERR_NO_MEMORY.
 */
enum err tokenizer_encode(const struct tokenizer *t, struct str text,
    uint32_t *ret_ids, size_t max, size_t *ret_n,
    struct error *e) ATTR_MUST_CHECK;

#endif
