/* SPDX-License-Identifier: MIT */
/* What httpc.c and httpc_pool.c share. */
#ifndef TG_EXT_HTTPC_PRIV_H
#define TG_EXT_HTTPC_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include <curl/curl.h>

#include "ext/httpc.h"

/* One multi and one easy handle, with one connection at most. */
struct httpc {
	struct httpc *next; /* of the idle ones, last used first */
	uint64_t origin;    /* where its connection leads */
	struct httpc_pool *pool;
	CURLM *multi;
	CURL *easy;
	char why[CURL_ERROR_SIZE];
};

struct httpc_pool {
	pthread_mutex_t lock;
	struct httpc *idle;
	size_t n_idle, idle_max;

	CURLSH *share; /* names and TLS sessions, never connections */
	pthread_mutex_t share_locks[CURL_LOCK_DATA_LAST];

	atomic_bool is_aborted;
	int abort_fd; /* becomes readable with is_aborted */

	long idle_age_s;
	char *ca_file, *user_agent; /* NULL = none */
	bool (*allow_peer)(void *ctx, const struct sockaddr *addr,
	    size_t addr_bytes);
	void *allow_ctx;
};

/** Borrow a handle; NULL when out of memory or descriptors. */
struct httpc *httpc_borrow(struct httpc_pool *pool, uint64_t origin);
/** Give it back. A transfer that was cut off left it no connection. */
void httpc_return(struct httpc *h);

#endif
