/* SPDX-License-Identifier: MIT */
/* A failure as OpenAI's clients read it, and Anthropic's. */
#ifndef TG_BASE_ERROR_JSON_H
#define TG_BASE_ERROR_JSON_H

#include "base/buf.h"
#include "base/err.h"

/**
 * Append {"error":{"message","type","param","code"}}: the words for the
 * client, or errors.def's; never the internal ones.
 */
void error_json(struct buf *b, const struct error *e);

/**
 * Append {"type":"error","error":{"type","message",…}}: the same words, with
 * the type that Anthropic has for the status. Its clients pass over param and
 * code, which are there for everybody else.
 */
void error_json_anthropic(struct buf *b, const struct error *e);

#endif
