/* SPDX-License-Identifier: MIT */
/* The readers of whole answers that are not OpenAI's chats, and what they
 * share. Within upstream/; openai.h has what others call. */
#ifndef TG_UPSTREAM_WIRE_H
#define TG_UPSTREAM_WIRE_H

#include "upstream/openai.h"
#include "upstream/openai_text.h"

/*
 * Readers: as openai_answer_read().
 */
void responses_answer_read(struct str text, struct openai_answer *ret);
void anthropic_answer_read(struct str text, struct openai_answer *ret);
/** {"input_tokens":…}: what the client asked for, used by nobody. */
void anthropic_count_read(struct str text, struct openai_answer *ret);
void generate_answer_read(struct str text, struct openai_answer *ret);

/** The text of a generated answer: the object, or an array of one. */
void generate_output_read(struct str answer, struct openai_finder *f);

/** Begin: false when text is no JSON object. */
bool wire_object_scan(struct str text, struct openai_answer *ret);
/** Where the output is, and how long its texts are. */
void wire_choices_set(enum wire_op op, struct str output,
    struct openai_answer *ret);

/** WIRE_GENERATE's members, anew: limit, sampling, details. */
void generate_request_change(struct splice *s,
    const struct openai_change *change);
/** Its output limit: parameters.max_new_tokens; 0: none. */
uint64_t generate_request_limit(const struct body *b);

#endif
