/* SPDX-License-Identifier: MIT */
/*
 * Text into pieces, within which byte pairs are merged: what the published
 * regular expressions of GPT-2, cl100k_base and o200k_base match, as functions
 * that look at each character a few times at most. They are written out in
 * split.c.
 */
#ifndef TG_TOKENIZER_SPLIT_H
#define TG_TOKENIZER_SPLIT_H

#include "base/str.h"

enum split_rule {
	SPLIT_GPT2, /* r50k_base, and Hugging Face's ByteLevel */
	SPLIT_CL100K,
	SPLIT_O200K,
	SPLIT__MAX
};

/**
 * Length of the piece at the front of text, which must not be empty: 1 to
 * text.n. A byte that is no part of UTF-8 counts as a symbol of its own.
 * Unicode's classes are those of libunistring.
 */
size_t split_next(enum split_rule rule, struct str text);

/**
 * The last place where text may be cut: by every rule, and whatever else may
 * come behind text, a piece ends there, and the two parts have the pieces that
 * they have together. Between words there nearly always is one.
 * Returns 0 (nowhere) or a place before text.n.
 */
size_t split_cut(struct str text);

#endif
