/* SPDX-License-Identifier: MIT */
/* Making, changing and archiving a model as a body in JSON says: the API's, or
 * one that a form stands for. */
#ifndef TG_HANDLER_MODEL_EDIT_H
#define TG_HANDLER_MODEL_EDIT_H

#include "handler/manager.h"

/**
 * @body  as POST /api/models takes it. A credential in it is wiped from what
 *        was read; the text itself is the caller's
 * Errors: model_read_new()'s, model_create()'s. Memory: scratch in a.
 */
enum err model_edit_make(const struct app *app, const struct manager *m,
    struct str body, struct arena *a, uint64_t *ret_id,
    struct error *e) ATTR_MUST_CHECK;
/**
 * @body  as PATCH /api/models/{id} takes it; the manager's if_match is heeded
 * Errors: model_read_patch()'s, model_update()'s.
 */
enum err model_edit_change(const struct app *app, const struct manager *m,
    uint64_t id, struct str body, struct arena *a,
    struct error *e) ATTR_MUST_CHECK;
/** Errors: model_archive()'s. */
enum err model_edit_end(const struct app *app, const struct manager *m,
    uint64_t id, struct arena *a, struct error *e) ATTR_MUST_CHECK;

#endif
