/* SPDX-License-Identifier: MIT */
/* What is typed where a list to choose from can't hold all: somebody's name,
 * number, or what else tells it apart. */
#ifndef TG_HANDLER_WEB_CALLED_H
#define TG_HANDLER_WEB_CALLED_H

#include "handler/manager.h"
#include "store/name.h"

#define WEB_CALLED_BYTES 1024 /* of what is typed */

/** How one of a kind can be called, for a label: "name or number". */
const char *web_called_ways(enum name_kind kind);

/**
 * The one of a kind that is called so.
 * @customer_id  whose; 0: of NAME_CUSTOMER only
 * @typed        its name, "12" or "#12", a user's or customer's e-mail
 *               address, a key's "tg_..."
 * @ret_id       0 unless there is just one; then ret_message says why
 * Memory: in a.
 */
enum err web_called_find(const struct manager *m, enum name_kind kind,
    uint64_t customer_id, struct str typed, struct arena *a, uint64_t *ret_id,
    struct str *ret_message, struct error *e) ATTR_MUST_CHECK;

#endif
