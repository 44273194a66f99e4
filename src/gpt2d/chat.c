/* SPDX-License-Identifier: MIT */
#include "gpt2d/chat.h"

#include "base/buf.h"
#include "base/chat_template.h"
#include "base/json_scan.h"

#define PROMPT_MAX_BYTES MIB(4)

static void
on_part(void *ctx, struct str text, bool is_json)
{
	struct buf *b = ctx;

	buf_add(b, is_json ? json_unescape(b->a, text) : text);
}

enum err
chat_prompt(struct arena *a, struct str messages, struct str *ret,
    struct error *e)
{
	struct buf b;

	buf_init(&b, a, PROMPT_MAX_BYTES);
	if (chat_template_write(messages, on_part, &b, e))
		return e->code;
	if (a->sticky)
		return error_arena(e, a);
	return buf_finish(&b, ret, e);
}
