/* SPDX-License-Identifier: MIT */
/*
 * Configuration and templates as one immutable snapshot. SIGHUP makes a new
 * one; a request holds the one it began with, and the last holder frees it.
 */
#ifndef TG_DAEMON_SETTINGS_H
#define TG_DAEMON_SETTINGS_H

#include <stddef.h>

#include "base/arena.h"
#include "base/conf.h"
#include "base/err.h"
#include "http/request.h"

struct tmpl_set;

struct settings {
	unsigned n_holders; /* guarded by the holder's mutex */
	struct conf *conf;
	struct tmpl_set *templates;
	struct request_env env; /* base path, trusted proxies */
	struct cidr_list trusted;
	size_t arena_max_bytes; /* of one request */
	struct arena arena;     /* what env points to */
};

struct settings_holder;

/**
 * Read the configuration, then what it names.
 * @file  NULL: as conf_load() finds it
 * Errors: ERR_CONFIG, ERR_IO, worded for the operator; ERR_NO_MEMORY.
 * Memory: *ret with malloc; settings_holder_free().
 */
enum err settings_holder_new(const char *file, struct settings_holder **ret,
    struct error *e) ATTR_MUST_CHECK;
/** When no thread holds a snapshot any more. NULL is fine. */
void settings_holder_free(struct settings_holder *h);

/**
 * Read everything again. What only a restart can change keeps its value,
 * with a warning in the log.
 * Errors: as at the start; what was in force stays so.
 */
enum err settings_reload(struct settings_holder *h,
    struct error *e) ATTR_MUST_CHECK;

/** The snapshot in force. *held is what the caller holds already (NULL:
 * nothing); it stays if it is still in force, for one atomic read. */
void settings_hold(struct settings_holder *h, const struct settings **held);
void settings_release(struct settings_holder *h, const struct settings **held);

#endif
