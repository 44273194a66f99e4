/* SPDX-License-Identifier: MIT */
/*
 * Tokens of a text that comes in parts and is never held as a whole. What is
 * not counted yet waits in a buffer of TALLY_BYTES; when that is full, or when
 * somebody asks, it is counted up to a place where a piece ends for certain
 * (split_cut()), so that the sum is the whole text's. A run of TALLY_BYTES
 * without such a place (letters, spaces or symbols without end) is cut where
 * it is, which may cost a token or two. A part that is longer than the buffer is
 * looked at in place, TALLY_WINDOW_BYTES at a time, so that such runs cost
 * neither much memory (36 times their size) nor, where they are shorter, a token.
 */
#ifndef TG_TOKENIZER_TALLY_H
#define TG_TOKENIZER_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define TALLY_BYTES        2048
#define TALLY_WINDOW_BYTES KIB(64)

struct tokenizer;

struct tally {
	const struct tokenizer *t;
	uint64_t n_tok;  /* of what has left the buffer */
	bool has_failed; /* memory ran out: the sum is too low */
	size_t n;        /* bytes in text */
	char text[TALLY_BYTES];
};

/** text is left as it is: a tally may be large for a zeroing. */
void tally_init(struct tally *to, const struct tokenizer *t);
void tally_add(struct tally *to, struct str text);
/** Add a JSON string's text; value with its quotes, as base/json_scan.h. */
void tally_add_json(struct tally *to, struct str value);
/** Tokens so far, as if the text ended here; it may go on. */
uint64_t tally_count(struct tally *to);

#endif
