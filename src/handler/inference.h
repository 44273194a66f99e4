/* SPDX-License-Identifier: MIT */
/*
 * What the inference routes share: from a validated body to an admitted
 * request, with the limits' headers set.
 */
#ifndef TG_HANDLER_INFERENCE_H
#define TG_HANDLER_INFERENCE_H

#include "handler/forward.h"
#include "handler/handler.h"

/**
 * Check a request for a model that is known already, admit it, forward it.
 * @p->request  its prompt_tok and is_stream are used for the hold
 * Errors: those of provider_check_body(), admission_enter(), forward_run().
 */
enum err inference_run(struct app *app, const struct request *rq,
    struct response *rs, const struct forward_params *p,
    struct str model_requested, struct error *e) ATTR_MUST_CHECK;

#endif
