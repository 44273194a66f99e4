/* SPDX-License-Identifier: MIT */
/*
 * A conversation as the text that GPT-2 goes on with. GPT-2 knows no roles,
 * so this template is ours:
 *
 *	System: You are brief.
 *	User: Hello!
 *	Assistant:
 *
 * One line a message, its text as it is. Between the colon and the text is
 * the text's own space, as GPT-2 begins an answer with, or else one of ours.
 * The answer stops before a line that begins with CHAT_STOP's words.
 */
#ifndef TG_GPT2D_CHAT_H
#define TG_GPT2D_CHAT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define CHAT_STOP         S("\nUser:")
#define CHAT_MESSAGES_MAX 1024

/**
 * @messages  JSON that json_scan() accepted: the member's value
 * Errors: ERR_BAD_PARAM naming "messages" (none, no array, a role or a
 *         content that is not understood); ERR_UNSUPPORTED_PARAM what isn't
 *         text, or tools' roles; ERR_NO_MEMORY.
 * Memory: in arena a.
 */
enum err chat_prompt(struct arena *a, struct str messages, struct str *ret,
    struct error *e) ATTR_MUST_CHECK;

#endif
