/* SPDX-License-Identifier: MIT */
/*
 * An admitted request on its way to a provider and back: the deployments of
 * its model in order, the answer passed on or kept, the meter settled before
 * the last byte goes out. Retries happen before the first byte only.
 */
#ifndef TG_HANDLER_FORWARD_H
#define TG_HANDLER_FORWARD_H

#include "base/str.h"
#include "handler/handler.h"
#include "upstream/body.h"
#include "upstream/openai.h"
#include "upstream/provider.h"

struct catalogue_model;
struct meter;
struct tokenizer;

/* A version of Anthropic's wire format: what its header says. */
struct forward_version {
	struct str name;
	bool has_sampling; /* temperature and top_p may be given */
};
/** That of a request, or the oldest one spoken here when it names none.
 * False, with that one too, when it names another. */
bool forward_version_of(const struct request *rq, struct forward_version *ret);

/* An answer that was not streamed. */
struct forward_answer {
	int status;                  /* 200, or the provider's error status */
	struct str body;             /* JSON; lives in the request's arena */
	struct openai_answer parsed; /* what is known of body */
};

/* The prompt's tokens: counted once for each tokenizer, when they are needed. */
struct forward_prompt {
	bool is_done;
	const struct tokenizer *t; /* which counted them */
	struct openai_count count;
};

/*
 * Makes the response out of an answer; m has the figures that it will be
 * charged by. Called before it is charged: what fails here costs nothing.
 * arg is forward_params.render_arg.
 */
typedef enum err forward_render_fn(void *arg, const struct meter *m,
    struct response *rs, const struct forward_answer *answer, struct error *e);

/** Renders the answer as it is. */
forward_render_fn forward_as_is;

struct forward_params {
	enum wire_op op;
	const struct body *body; /* the client's, or one made for it */
	const struct openai_request *request;
	const struct catalogue_model *model;
	forward_render_fn *render;
	void *render_arg;
	bool is_kept; /* the answer is kept for who asks again, so a whole one
			 counts though its client has left */
	/* What inference_run() adds: */
	struct forward_prompt prompt; /* if it was counted on entry */
	uint64_t limit_tok; /* output of each answer at most; 0: no limit */
};

/**
 * Send the request upstream. app->meter is open before and settled after,
 * whatever is returned.
 *
 * A streamed answer goes out through rs as it comes. One that is not, and
 * an error object of OpenAI's form, becomes rs by p->render, with
 * x-tollgate-cost.
 *
 * Errors: ERR_UNSUPPORTED_PARAM; ERR_UPSTREAM…; ERR_CLIENT_CLOSED;
 *         ERR_SHUTTING_DOWN; ERR_JOURNAL_…; ERR_NO_MEMORY; p->render's.
 */
enum err forward_run(struct app *app, const struct request *rq,
    struct response *rs, const struct forward_params *p,
    struct error *e) ATTR_MUST_CHECK;

#endif
