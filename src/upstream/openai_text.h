/* SPDX-License-Identifier: MIT */
/* How much text an answer or a piece of one delivers. Within upstream/. */
#ifndef TG_UPSTREAM_OPENAI_TEXT_H
#define TG_UPSTREAM_OPENAI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "upstream/provider.h"

/* What the choices of one answer or chunk hold. */
struct openai_choices {
	size_t n;
	uint64_t text_bytes; /* contents, refusals, reasoning, tool calls */
	bool has_finish;     /* some finish_reason is not null */
};

/** choices: an accepted array, of whole answers or of deltas. */
void openai_choices_read(struct str choices, struct openai_choices *ret);
/** Whether value is OpenAI's error: an object with a message. */
bool openai_is_error(struct str value);

#endif
