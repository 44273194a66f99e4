/* SPDX-License-Identifier: MIT */
/*
 * Model servers of this host as others see them: which socket, whether they
 * answer, why they don't. `tollgate model serve` starts them; it holds a lock
 * in models.socket_dir while it runs and says there, in a file a model, what
 * keeps one from running.
 */
#ifndef TG_DOMAIN_MODEL_SERVER_H
#define TG_DOMAIN_MODEL_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

#define MODEL_SERVER_WHY_BYTES 400

/**
 * Become the host's supervisor.
 * @ret_fd  close-on-exec; the lock ends with the process
 * Errors: ERR_CONFLICT somebody is already; ERR_IO.
 */
enum err model_server_lock(const char *socket_dir, int *ret_fd,
    struct error *e) ATTR_MUST_CHECK;
/** Whether there is one. */
bool model_server_is_supervised(const char *socket_dir);

/** Whether it can serve: asks GET /healthz, waits at most timeout_ms. */
bool model_server_is_healthy(const char *socket_path, int timeout_ms);

/** Say why a model's server does not run; "" when it does. A failure to do so
 * is nobody's. */
void model_server_why_write(const char *socket_dir, uint64_t model_id,
    const char *why);
/** false: nothing is said. */
bool model_server_why_read(const char *socket_dir, uint64_t model_id,
    char ret[MODEL_SERVER_WHY_BYTES]);
/** What a supervisor of the past said is no longer true. */
void model_server_why_forget(const char *socket_dir);

#endif
