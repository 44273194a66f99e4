/* SPDX-License-Identifier: MIT */
/* What the page System tells, and what is found of it. */
#ifndef TG_HANDLER_WEB_SYSTEM_DATA_H
#define TG_HANDLER_WEB_SYSTEM_DATA_H

#include "domain/flush_backlog.h"
#include "domain/host.h"
#include "domain/hostmap.h"
#include "ext/mcache.h"
#include "handler/manager.h"
#include "store/notice.h"
#include "store/reconcile_last.h"
#include "store/rejected.h"
#include "store/server.h"
#include "store/worker.h"

#define SYSTEM_REJECTED_MAX 5 /* of the newest */

struct system_facts {
	int64_t now_ms;
	char host[HOST_NAME_BYTES]; /* which answers this page */
	struct host *hosts;
	size_t n_hosts;
	struct worker *workers;
	size_t n_workers;
	bool has_backlog; /* its journals could be read */
	struct flush_backlog backlog;
	int64_t beats_ms[HOSTMAP__DUTIES]; /* 0: never */
	uint64_t n_rejected;
	struct usage_rejected *rejected;
	size_t n_listed;
	struct reconcile_last *reconciled; /* the newest first */
	size_t n_reconciled;
	struct server_facts server;
	struct hostmap_cache_state cache;
	bool has_cache; /* memcached answered */
	struct mcache_stats stats;
	struct notice_counts notices;
};

/** Errors: the database's. Memory: in a. */
enum err system_load(const struct app *app, const struct manager *m,
    struct arena *a, struct system_facts *ret, struct error *e) ATTR_MUST_CHECK;

/** Whether a worker has told lately that it runs. */
bool system_runs(const struct worker *w, int64_t now_ms);

struct system_finding {
	const char *name;
	bool is_well;
	struct str found;   /* in words */
	const char *advice; /* what to do; NULL: nothing */
};
#define SYSTEM_FINDINGS_MAX 10

/** What is well and what isn't; texts in a. Returns their number. */
size_t system_findings(const struct system_facts *f, struct arena *a,
    struct system_finding ret[SYSTEM_FINDINGS_MAX]);

#endif
