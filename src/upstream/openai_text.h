/* SPDX-License-Identifier: MIT */
/* The texts of a request's messages, of an answer or a piece of one. Within
 * upstream/. */
#ifndef TG_UPSTREAM_OPENAI_TEXT_H
#define TG_UPSTREAM_OPENAI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json_scan.h"
#include "base/str.h"
#include "upstream/provider.h"

/* Which of a choice's texts. */
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
	struct str value; /* a JSON string with its quotes */
};

typedef void openai_text_fn(void *ctx, const struct openai_text *text);

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
/** The texts of tool calls: a message's member tool_calls or function_call. */
void openai_calls_read(const struct json_member *calls, openai_text_fn *on_text,
    void *ctx);
/** Whether value is OpenAI's error: an object with a message. */
bool openai_is_error(struct str value);

/** The member that holds an operation's prompt. */
struct str openai_input_name(enum wire_op op);

#endif
