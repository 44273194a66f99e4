/* SPDX-License-Identifier: MIT */
/* Starting a model server as a child of `tollgate model serve`. */
#ifndef TG_ADMIN_MODEL_SPAWN_H
#define TG_ADMIN_MODEL_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

/**
 * Run args[0]. It ends with this process, however that ends, and has of this
 * one's environment what model_spawn_may_pass() says: settings may be there,
 * and among them the database's password.
 * @args    up to a NULL
 * @ret_fd  its output, not blocking; to be closed
 * Errors: ERR_IO. Only from the thread that lives as long as the process.
 */
enum err model_spawn(const char *const args[], pid_t *ret_pid, int *ret_fd,
    struct error *e) ATTR_MUST_CHECK;

/** Whether a model server gets this variable; "NAME=value". */
bool model_spawn_may_pass(const char *variable);

#endif
