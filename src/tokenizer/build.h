/* SPDX-License-Identifier: MIT */
/*
 * A tokenizer's file from what is published: rank files ("base64 rank" a
 * line), and Hugging Face's vocab.json with merges.txt.
 */
#ifndef TG_TOKENIZER_BUILD_H
#define TG_TOKENIZER_BUILD_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "tokenizer/split.h"

/* Memory for the largest published one (o200k_base) is 64 MiB. */
#define TOKENIZER_BUILD_BYTES MIB(256)

struct tokenizer_source {
	const char *name;     /* shorter than 32 bytes */
	enum split_rule rule; /* how texts are cut */
	struct str ranks;     /* a rank file; or, when it is empty, */
	struct str vocab;     /* vocab.json and */
	struct str merges;    /* merges.txt */
};

/**
 * Make the file's bytes (aligned, for tokenizer_from_image() or to be written)
 * in arena a. Every byte must have a token, no two tokens are the same, and
 * their numbers fill 0..n-1.
 * Errors: ERR_BAD_PARAM the source is not what it should be, with its line or
 *         place; ERR_NO_MEMORY.
 */
enum err tokenizer_build(const struct tokenizer_source *source, struct arena *a,
    struct str *ret_image, struct error *e) ATTR_MUST_CHECK;

#endif
