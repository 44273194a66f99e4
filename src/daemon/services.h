/* SPDX-License-Identifier: MIT */
/*
 * Everything a worker process has one of: built in order before the request
 * threads, taken down in reverse after them.
 */
#ifndef TG_DAEMON_SERVICES_H
#define TG_DAEMON_SERVICES_H

#include "base/err.h"
#include "domain/app.h"

struct conf;
struct services;

/** The libraries' own set-up; once, before any thread. */
enum err services_global_init(struct error *e) ATTR_MUST_CHECK;

/**
 * Open what requests need: journal, host map, pools, caches. The database
 * and memcached may be away; the catalogue is then loaded as soon as they
 * are back.
 * @conf  its fixed values; must outlive the services
 * Errors: ERR_CONFIG (secrets missing, journal on a wrong file system …),
 *         ERR_IO, ERR_JOURNAL_FULL, ERR_NO_MEMORY.
 * Memory: *ret with malloc; services_free().
 */
enum err services_new(const struct conf *conf, struct services **ret,
    struct error *e) ATTR_MUST_CHECK;
struct shared *services_shared(struct services *s);

/** Start the background threads: journal sync, flusher, generations,
 * catalogue. */
enum err services_start(struct services *s, struct error *e) ATTR_MUST_CHECK;
/** Stop them; the flusher ends its transaction. */
void services_stop(struct services *s);

/** Take over what a SIGHUP changed. */
void services_reload(struct services *s, const struct conf *conf);

/** After the request threads have ended. NULL is fine. */
void services_free(struct services *s);

#endif
