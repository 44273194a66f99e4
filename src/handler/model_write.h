/* SPDX-License-Identifier: MIT */
/* A model as operators see it, in JSON. Credentials are not in it. */
#ifndef TG_HANDLER_MODEL_WRITE_H
#define TG_HANDLER_MODEL_WRITE_H

#include "base/json_out.h"
#include "domain/model_view.h"

struct app;

/** What keeps it from being served, though it should be; p == NULL: nothing that
 * is known here. Memory: in a, or it lives for ever. */
struct str model_notice(const struct app *app, const struct model_view *v,
    struct arena *a);
/** Write a model as an object; with why it is not served, if that is so.
 * @a  scratch */
void model_write(struct json_out *j, const struct app *app,
    const struct model_view *v, struct arena *a);

#endif
