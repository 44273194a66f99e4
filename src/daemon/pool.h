/* SPDX-License-Identifier: MIT */
/*
 * The request threads: each accepts for itself, serves one request or stream
 * at a time, and owns its struct app.
 */
#ifndef TG_DAEMON_POOL_H
#define TG_DAEMON_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct pool;
struct settings_holder;
struct shared;

/**
 * Start n threads; all signals must be blocked in the caller.
 * Errors: ERR_NO_MEMORY when not even one thread could be started; fewer
 *         than n are logged.
 * Memory: *ret with malloc; pool_free() after pool_wait() said true.
 */
enum err pool_start(struct shared *shared, struct settings_holder *settings,
    unsigned n, struct pool **ret, struct error *e) ATTR_MUST_CHECK;

/** Threads that have not ended. */
size_t pool_n_alive(const struct pool *p);

/** Whether the listening socket became unusable: the worker is ending then,
 * and not because it was told to. */
bool pool_has_failed(const struct pool *p);

/**
 * After accept_stop(): wake threads out of accept until all have ended.
 * @wait_ms  longest wait
 * Returns whether all have ended.
 */
bool pool_wait(struct pool *p, int64_t wait_ms);
/** Break every connection, so that threads stuck in writing come back. */
void pool_cut(struct pool *p);
/** Joins the threads, which have all ended. NULL is fine. */
void pool_free(struct pool *p);

#endif
