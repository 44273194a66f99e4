/* SPDX-License-Identifier: MIT */
/*
 * How many tokens prompts and answers of OpenAI's wire format have, where the
 * provider does not say: counted with the model's tokenizer, or estimated.
 */
#ifndef TG_UPSTREAM_OPENAI_COUNT_H
#define TG_UPSTREAM_OPENAI_COUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "upstream/body.h"
#include "upstream/provider.h"

struct openai_answer;
struct openai_text;
struct tokenizer;

struct openai_count {
	uint64_t tok;
	bool is_counted; /* else it is an estimate, to be marked so */
};

/**
 * Tokens of a request's prompt.
 *
 * Counted: the texts' tokens; for a chat besides, as OpenAI documents it for
 * its models, 3 for each message, 1 for each name, and 3 that begin the
 * answer. A role is a text. Calls of functions count with their names and
 * arguments, `tools`, `functions` and `response_format` with their JSON as it
 * stands, since nobody says how a provider writes them for its model.
 * The items of a response's input and Anthropic's messages are counted as
 * messages are, with `instructions`, `text`, `system` and `output_config`.
 * Ready-made token ids count as they are. Images, files and sounds can't be
 * counted: they are taken for 1000 each, and the whole is an estimate.
 *
 * Estimated: bytes of the texts / 4, rounded up, + 4 for each message, + 1000
 * for each image or file, + the number of ready-made token ids.
 *
 * @t  NULL: estimate
 * Some 20 ns a byte when counted. Allocates nothing but what merging a long
 * run takes (tokenizer/tally.h); if there is no memory for that, it is an
 * estimate.
 */
struct openai_count openai_count_prompt(enum wire_op op, const struct body *b,
    const struct tokenizer *t);

/**
 * Tokens of a prompt as tollgate-gpt2 reports them itself: a chat is one text
 * of base/chat_template.h, and a completion without one has its first token.
 * What it would refuse is an estimate.
 * @t  the model's own; NULL: estimate
 */
struct openai_count openai_count_local(enum wire_op op, const struct body *b,
    const struct tokenizer *t);

/**
 * Tokens of an answer without usage: the texts of all its choices, each for
 * itself: contents, refusals, reasoning, names and arguments of calls.
 */
struct openai_count openai_count_answer(const struct openai_answer *answer,
    const struct tokenizer *t);

/* Longest list of texts of a stream that are counted: a text is a choice's
 * content, reasoning, refusal or a call's arguments. With TALLY_BYTES each, a
 * stream takes 256 KiB at most; with more texts it is estimated. */
#define OPENAI_TEXTS_MAX 128

struct openai_grown;

/* The texts of one stream as they grow. */
struct openai_texts {
	struct arena *a;
	const struct tokenizer *t; /* NULL = they are only measured */
	struct openai_grown *first;
	unsigned n;
	uint64_t n_bytes;   /* of all of them */
	bool is_incomplete; /* some could not be kept to be counted */
};

/** Takes memory for the first text, so that a's state tells if there is none. */
void openai_texts_init(struct openai_texts *to, struct arena *a,
    const struct tokenizer *t);
/** openai_text_fn; ctx is a struct openai_texts with a tokenizer. */
void openai_texts_add(void *ctx, const struct openai_text *text);
/** Tokens so far, as if the texts ended here. */
struct openai_count openai_texts_count(struct openai_texts *to);

#endif
