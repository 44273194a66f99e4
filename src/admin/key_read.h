/* SPDX-License-Identifier: MIT */
/* What the commands that make and change API keys read alike. */
#ifndef TG_ADMIN_KEY_READ_H
#define TG_ADMIN_KEY_READ_H

#include "admin/admin.h"
#include "domain/key_manage.h"

/** Who changes keys by command. @km  what *ret refers to */
enum err key_manager_of(struct admin *ad, struct key_manager *km,
    struct manager *ret, struct error *e) ATTR_MUST_CHECK;

/** --scopes; without it *ret stays. Errors: of admin_usage(). */
enum err key_read_scopes(struct admin *ad, uint64_t *ret,
    struct error *e) ATTR_MUST_CHECK;
/** The list of --models, sorted, each once. Errors: of admin_usage(); no such
 * model. Memory: the command's arena. */
enum err key_read_models(struct admin *ad, const uint64_t **ret_ids,
    size_t *ret_n, struct error *e) ATTR_MUST_CHECK;

#endif
