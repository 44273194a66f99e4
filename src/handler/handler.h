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
 * Fills rs or returns an error; never writes an error body, never logs the
 * error that it returns, keeps no pointer to rq, rs or e after returning.
 */
typedef enum err handler_fn(struct app *app, const struct request *rq,
    struct response *rs, struct error *e);

#endif
