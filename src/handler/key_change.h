/* SPDX-License-Identifier: MIT */
/* A change of a key, as the API's body asks for it or a form in its stead. */
#ifndef TG_HANDLER_KEY_CHANGE_H
#define TG_HANDLER_KEY_CHANGE_H

#include "domain/key_manage.h"
#include "handler/manager.h"

/**
 * @m  from manager_begin(); its extra is used meanwhile
 * Errors: ERR_BAD_REQUEST; ERR_BAD_PARAM naming the member; resource_change()'s.
 * Memory: texts in a, or in body.
 */
enum err key_change(struct app *app, struct manager *m, uint64_t api_key_id,
    struct str body, struct arena *a, struct key_row *ret,
    struct error *e) ATTR_MUST_CHECK;

#endif
