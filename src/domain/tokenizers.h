/* SPDX-License-Identifier: MIT */
/*
 * The tokenizers of tokenizers.dir that models count with. One thread of each
 * process knows the folder (struct tokenizers); each snapshot of the catalogue
 * has a set of those that its models use. A file that is replaced stays mapped
 * until the last snapshot is freed that has it in its set.
 */
#ifndef TG_DOMAIN_TOKENIZERS_H
#define TG_DOMAIN_TOKENIZERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct tokenizer;
struct tokenizers;
struct tokenizer_set;

/* How often the files are looked at. */
#define TOKENIZERS_LOOK_MS    500
/* And how often one is tried that is there and could not be opened. */
#define TOKENIZERS_RETRY_MS   5000
#define TOKENIZERS_NAME_BYTES 64

/** @dir is borrowed. NULL: no memory. */
struct tokenizers *tokenizers_new(const char *dir);
/** Sets that are still held keep what they have. NULL is fine. */
void tokenizers_free(struct tokenizers *f);

/**
 * Whether a file that the newest set asked for came, went or changed since
 * then, or can be opened by now. Looks once in TOKENIZERS_LOOK_MS; says false between.
 */
bool tokenizers_have_changed(struct tokenizers *f);

/** Whether it can be a tokenizer's: letters, digits, `-`, `_` and `.`, this not
 * in front, TOKENIZERS_NAME_BYTES at most. */
bool tokenizers_is_name(struct str name);

/** What a model server's own tokenizer is called, unless the model names
 * another: "local-" and its deployment. The supervisor has the server write it. */
struct str tokenizers_local_name(uint64_t deployment_id,
    char ret[TOKENIZERS_NAME_BYTES]);

/** The next snapshot's set; the thread that knows f. NULL: no memory. */
struct tokenizer_set *tokenizer_set_new(struct tokenizers *f);
/**
 * The tokenizer NAME.tokens, good until the set is freed. NULL: that is no
 * name, or the file is not there, is damaged or can't be opened at the moment;
 * which is logged, once for each state of the file. Only the thread that made the set.
 */
const struct tokenizer *tokenizer_set_get(struct tokenizer_set *s,
    struct str name);
/** Any thread. NULL is fine. */
void tokenizer_set_free(struct tokenizer_set *s);

#endif
