/* SPDX-License-Identifier: MIT */
/*
 * A prompt that is no request of a wire format yet: what a model is asked by
 * where no client says it, and the words of that.
 */
#ifndef TG_HANDLER_PROMPT_H
#define TG_HANDLER_PROMPT_H

#include "handler/forward.h"

struct prompt {
	struct str system; /* what the model is told to be; empty: nothing */
	struct str text;
	uint64_t limit_tok;     /* of the output; 0: none is said */
	bool is_limit_of_all;   /* local models count the prompt in it */
	struct str temperature; /* a JSON number; empty: none is said */
	bool is_stream;         /* where the wire format has streams */
};

/**
 * What a model is asked: what its URL says, else what is usual for its kind.
 * @of_local  what local models are asked, which know more than one
 */
enum wire_op prompt_op(const struct catalogue_model *model,
    enum wire_op of_local);
/** Whether answers of that kind can come by events. */
bool prompt_has_stream(enum wire_op op);
/** The request that a client of that wire format would have sent. Memory: a. */
enum err prompt_write(struct arena *a, const struct prompt *p,
    const struct catalogue_model *model, enum wire_op op, struct str *ret,
    struct error *e) ATTR_MUST_CHECK;

/* What a provider's error says; both empty: nothing. */
struct prompt_error {
	struct str message, type;
};
/** Of an answer that is an error, in any wire format. Memory: a, or views. */
struct prompt_error prompt_error_of(struct arena *a,
    const struct forward_answer *answer);

#endif
