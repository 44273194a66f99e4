/* SPDX-License-Identifier: MIT */
/*
 * A conversation as the text that GPT-2 goes on with, by the template of
 * base/chat_template.h. The answer stops before a line that begins with
 * CHAT_STOP's words.
 */
#ifndef TG_GPT2D_CHAT_H
#define TG_GPT2D_CHAT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define CHAT_STOP S("\nUser:")

/**
 * @messages  JSON that json_scan() accepted: the member's value
 * Errors: of chat_template_write(); ERR_NO_MEMORY.
 * Memory: in arena a.
 */
enum err chat_prompt(struct arena *a, struct str messages, struct str *ret,
    struct error *e) ATTR_MUST_CHECK;

#endif
