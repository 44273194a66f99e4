/* SPDX-License-Identifier: MIT */
/*
 * What a client asks for: the body of POST /v1/completions or
 * /v1/chat/completions, read and bounded. Knows neither HTTP nor the model.
 * Source: OpenAI's API reference, 2024-10; what is ours is said beside it.
 */
#ifndef TG_GPT2D_COMPLETION_H
#define TG_GPT2D_COMPLETION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "gpt2/sampler.h"

#define COMPLETION_BODY_BYTES  MIB(1)
/* More than any context; what is beyond the model's is cut there. */
#define COMPLETION_TOK_MAX     1000000
/* Used when /v1/completions says nothing, as OpenAI does. */
#define COMPLETION_TOK_DEFAULT 16

enum completion_kind {
	COMPLETION_TEXT, /* /v1/completions */
	COMPLETION_CHAT, /* /v1/chat/completions */
};

struct completion {
	enum completion_kind kind;
	struct str prompt;          /* of a chat: by the template, chat.h */
	const uint32_t *prompt_ids; /* tokens in the text's place, or NULL */
	uint32_t n_prompt_ids;
	uint32_t n_choices;
	uint32_t max_new_tok;    /* 0: as many as the context holds */
	uint32_t max_length_tok; /* prompt and answer together, as Hugging
				    Face's max_length; 0: not said */
	struct sampling sampling;
	struct str *stops;
	uint32_t n_stops;
	uint32_t n_top_logprobs; /* or SAMPLER_NO_LOGPROBS */
	bool is_stream;
	bool wants_usage; /* of a stream: a chunk of usage at its end */
};

/* What this server offers. */
struct completion_offer {
	struct str model;     /* its name */
	uint32_t choices_max; /* largest n */
};

/**
 * Read a request's body. Every member is known and within its bounds, or the
 * request is refused; null counts as absent. Without a seed a random one is
 * drawn.
 * Errors: ERR_BAD_JSON; ERR_BAD_PARAM, ERR_UNSUPPORTED_PARAM and
 *         ERR_MODEL_NOT_FOUND with the member's name; ERR_NO_MEMORY.
 * Memory: texts lie in body or in arena a.
 */
enum err completion_read(struct arena *a, enum completion_kind kind,
    struct str body, const struct completion_offer *offer,
    struct completion *ret, struct error *e) ATTR_MUST_CHECK;

#endif
