/* SPDX-License-Identifier: MIT */
/*
 * Answers as OpenAI writes them: whole ones, events of a stream, errors,
 * the list of models. Only shapes; nothing is decided here.
 * Source: OpenAI's API reference, 2024-10.
 */
#ifndef TG_GPT2D_ANSWER_H
#define TG_GPT2D_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "gpt2d/completion.h"
#include "gpt2d/logprobs.h"

#define ANSWER_ID_BYTES 40

/* What all of one answer's objects begin with. */
struct answer_head {
	enum completion_kind kind;
	char id[ANSWER_ID_BYTES];
	int64_t created_s;
	struct str model;
	bool has_usage; /* a stream's chunks say "usage":null */
};

struct answer_usage {
	uint64_t prompt_tok;
	uint64_t completion_tok; /* of all choices */
};

struct answer_choice {
	struct str text;
	const struct logprobs *logprobs; /* NULL: not asked for */
	const char *finish_reason;
};

/** A fresh id and the time. model outlives it. */
void answer_head_init(struct answer_head *h, const struct completion *c,
    struct str model);

/** The whole answer. */
void answer_whole(struct buf *b, const struct answer_head *h,
    const struct answer_choice *choices, uint32_t n,
    const struct answer_usage *usage);

/*
 * Events of a stream, each with its "data: " and its empty line.
 */
/** A chat's first event of a choice. */
void answer_event_role(struct buf *b, const struct answer_head *h,
    uint32_t choice);
/** @logprobs  or NULL */
void answer_event_text(struct buf *b, const struct answer_head *h,
    uint32_t choice, struct str text, const struct logprobs *logprobs);
void answer_event_finish(struct buf *b, const struct answer_head *h,
    uint32_t choice, const char *reason);
void answer_event_usage(struct buf *b, const struct answer_head *h,
    const struct answer_usage *usage);
/** What goes wrong after a stream began; no [DONE] follows. */
void answer_event_error(struct buf *b, const struct error *e);
void answer_event_done(struct buf *b);

/** The list with this server's one model. */
void answer_models(struct buf *b, struct str model, int64_t created_s);

#endif
