/* SPDX-License-Identifier: MIT */
/*
 * How tollgate-gpt2 writes a chat as the one text that GPT-2 goes on with.
 * GPT-2 knows no roles, so the template is ours:
 *
 *	System: You are brief.
 *	User: Hello!
 *	Assistant:
 *
 * One line a message, its text as it is. Between the colon and the text is
 * the text's own space, as GPT-2 begins an answer with, or else one of ours.
 * The gateway counts a local model's prompts by it.
 */
#ifndef TG_BASE_CHAT_TEMPLATE_H
#define TG_BASE_CHAT_TEMPLATE_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

#define CHAT_TEMPLATE_MESSAGES_MAX 1024

/** Takes the next part of the text: as it stands, or, is_json, a JSON string
 * with its quotes. */
typedef void chat_template_fn(void *ctx, struct str part, bool is_json);

/**
 * Write a chat, part by part; what was written before an error is of no use.
 * @messages  JSON that json_scan() accepted: the member's value, an array
 * Errors: ERR_BAD_PARAM naming "messages" (none, too many, a role or a content
 *         that is not understood); ERR_UNSUPPORTED_PARAM what isn't text, or
 *         tools' roles.
 */
enum err chat_template_write(struct str messages, chat_template_fn *on_part,
    void *ctx, struct error *e) ATTR_MUST_CHECK;

#endif
