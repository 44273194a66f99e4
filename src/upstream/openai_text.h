/* SPDX-License-Identifier: MIT */
/* The texts of a request's messages, of an answer or a piece of one, in all
 * wire formats. Within upstream/. */
#ifndef TG_UPSTREAM_OPENAI_TEXT_H
#define TG_UPSTREAM_OPENAI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json_scan.h"
#include "base/str.h"
#include "upstream/provider.h"

/* Which of a choice's texts. What OpenAI's responses call items and
 * Anthropic's messages blocks are choices here. */
enum openai_text_kind {
	OPENAI_TEXT_CONTENT, /* or a completion's text */
	OPENAI_TEXT_REFUSAL,
	OPENAI_TEXT_REASONING,
	OPENAI_TEXT_NAME, /* of a function that is called */
	OPENAI_TEXT_ARGUMENTS,
};

/* One text, or a part of it. */
struct openai_text {
	enum openai_text_kind kind;
	uint64_t choice;  /* index */
	uint64_t call;    /* index of the tool call */
	struct str value; /* a JSON string with its quotes, or */
	bool is_object;   /* JSON that is the text itself: Anthropic's
			     arguments */
};

typedef void openai_text_fn(void *ctx, const struct openai_text *text);

/* Where the texts go that are found. */
struct openai_finder {
	openai_text_fn *on_text; /* NULL: they are only measured */
	void *ctx;
	uint64_t choice;
	uint64_t text_bytes;
};

/** A text of f->choice, unless it is empty or neither string nor object. */
void openai_found(struct openai_finder *f, enum openai_text_kind kind,
    uint64_t call, const struct json_member *m);
/** The number that m holds, else `place`. */
uint64_t openai_index(const struct json_member *m, uint64_t place);

/* What the choices of one answer or chunk hold. */
struct openai_choices {
	size_t n;
	uint64_t text_bytes; /* contents, refusals, reasoning, tool calls */
	bool has_finish;     /* some finish_reason is not null */
};

/**
 * @choices  an accepted array, of whole answers or of deltas
 * @on_text  gets every text that is not empty; NULL: nobody does
 */
void openai_choices_read(struct str choices, openai_text_fn *on_text, void *ctx,
    struct openai_choices *ret);
/** The same of one wire format's: choices, or what stands in their place: a
 * message's content, a response's output, or all of a generated answer. */
void wire_output_read(enum wire_op op, struct str output,
    openai_text_fn *on_text, void *ctx, struct openai_choices *ret);
/** Items of a response's output, whole. */
void responses_output_read(struct str output, struct openai_finder *f);
/** Blocks of a message's content, whole or as they begin. */
void anthropic_content_read(struct str content, struct openai_finder *f);
void anthropic_block_read(struct str block, struct openai_finder *f);
/** The texts of tool calls: a message's member tool_calls or function_call. */
void openai_calls_read(const struct json_member *calls, openai_text_fn *on_text,
    void *ctx);
/** Whether value is OpenAI's error: an object with a message. */
bool openai_is_error(struct str value);

/** The code or type of such an error; empty: none. */
struct str openai_error_code(struct str error);

/** The member that holds an operation's prompt. */
struct str openai_input_name(enum wire_op op);

#endif
