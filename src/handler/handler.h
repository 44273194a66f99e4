/* SPDX-License-Identifier: MIT */
/*
 * What every handler looks like, for the API and for pages.
 */
#ifndef TG_HANDLER_HANDLER_H
#define TG_HANDLER_HANDLER_H

#include "base/err.h"
#include "domain/app.h"
#include "http/request.h"
#include "http/response.h"

/*
 * Answers one request: OK with the answer in rs, or an error in e. Turning
 * that error into a body and a log line is the caller's work. rq, rs and e
 * belong to the caller and end with the request.
 */
typedef enum err handler_fn(struct app *app, const struct request *rq,
    struct response *rs, struct error *e);

#endif
