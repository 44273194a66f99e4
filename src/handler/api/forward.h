/* SPDX-License-Identifier: MIT */
/*
 * An admitted request on its way to a provider and back: the deployments of
 * its model in order, the answer passed on or kept, the meter settled before
 * the last byte goes out. Retries happen before the first byte only.
 */
#ifndef TG_HANDLER_API_FORWARD_H
#define TG_HANDLER_API_FORWARD_H

#include "base/str.h"
#include "handler/handler.h"
#include "upstream/body.h"
#include "upstream/openai.h"
#include "upstream/provider.h"

struct catalogue_model;

struct forward_params {
	enum wire_op op;
	const struct body *body; /* the client's, or one made for it */
	const struct openai_request *request;
	const struct catalogue_model *model;
};

/* An answer that was not streamed. */
struct forward_answer {
	bool is_streamed; /* everything has been sent; the rest is unset */
	int status;       /* 200, or the provider's error status */
	struct str body;  /* JSON; lives in the request's arena */
	struct openai_answer parsed; /* what is known of body */
};

/**
 * Send the request upstream. app->meter is open before and settled after,
 * whatever is returned.
 *
 * A streamed answer goes out through rs as it comes. One that is not, and
 * an error object of OpenAI's form, is in *ret; x-tollgate-cost is set.
 *
 * Errors: ERR_UNSUPPORTED_PARAM; ERR_UPSTREAM…; ERR_CLIENT_CLOSED;
 *         ERR_SHUTTING_DOWN; ERR_JOURNAL_….
 */
enum err forward_run(struct app *app, const struct request *rq,
    struct response *rs, const struct forward_params *p,
    struct forward_answer *ret, struct error *e) ATTR_MUST_CHECK;

/** Make *answer the response, as it is. */
enum err forward_respond(struct response *rs,
    const struct forward_answer *answer, struct error *e) ATTR_MUST_CHECK;

#endif
