/* SPDX-License-Identifier: MIT */
/*
 * An answer's tokens as text that can be sent: whole characters only, and
 * nothing that may turn out to be the beginning of a stop string.
 */
#ifndef TG_GPT2_TEXT_H
#define TG_GPT2_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct text_out {
	const struct str *stops;
	size_t n_stops;
	/* bytes that came and went out; sent ones are dropped */
	char *bytes;
	size_t n, cap;
	size_t n_out;      /* of bytes: what text_out_take() gave last */
	uint64_t n_gone;   /* that were dropped */
	uint64_t token_at; /* of all: where the last token's text begins */
	char part[4];      /* of a character that isn't complete */
	size_t n_part;
	bool is_stopped;
};

/** stops: UTF-8, none of them empty; they must stay. Memory: text_out_fini(). */
void text_out_init(struct text_out *t, const struct str *stops, size_t n_stops);
void text_out_fini(struct text_out *t);

/**
 * A token's bytes. What is no UTF-8 becomes U+FFFD, one for each byte sequence
 * that could have begun a character, as Python's "replace" has it.
 * Errors: ERR_NO_MEMORY.
 */
enum err text_out_add(struct text_out *t, struct str bytes,
    struct error *e) ATTR_MUST_CHECK;
/**
 * What can go out now; valid until the next call. With is_end, all that is
 * left, a cut character as U+FFFD. After a stop string was met, the text
 * before it, and nothing more; of several, the one that was complete first
 * counts.
 * Errors: ERR_NO_MEMORY.
 */
enum err text_out_take(struct text_out *t, bool is_end, struct str *ret,
    struct error *e) ATTR_MUST_CHECK;
/** Bytes of text, sent or not, before what the last token added; one that goes
 * on with a character begins with it. */
uint64_t text_out_token_at(const struct text_out *t);
/** A stop string was met. */
bool text_out_is_stopped(const struct text_out *t);

#endif
