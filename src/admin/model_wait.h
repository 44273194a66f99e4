/* SPDX-License-Identifier: MIT */
/* Waiting for the server of a local model that was just added. */
#ifndef TG_ADMIN_MODEL_WAIT_H
#define TG_ADMIN_MODEL_WAIT_H

#include "admin/admin.h"
#include "store/model.h"

/**
 * Return once the model's server on this host answers; says on stderr what
 * is waited for.
 * Errors: ERR_MODEL_DOWN it does not: its own reason, or that nobody here
 *         starts model servers and how that is done.
 */
enum err model_wait(struct admin *ad, const struct model *m, uint64_t wait_s,
    struct error *e) ATTR_MUST_CHECK;

#endif
