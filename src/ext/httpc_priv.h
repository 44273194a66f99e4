/* SPDX-License-Identifier: MIT */
/* What httpc.c, httpc_pool.c and httpc_wait.c share. */
#ifndef TG_EXT_HTTPC_PRIV_H
#define TG_EXT_HTTPC_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include <curl/curl.h>

#include "ext/httpc.h"

/* Sockets that one transfer waits for: its connection, others while several
 * addresses are tried, and the resolver's. */
#define HTTPC_SOCKETS_MAX 8

struct httpc_socket {
	curl_socket_t fd;
	short events; /* POLLIN, POLLOUT */
};

/* One multi and one easy handle, with one connection at most. */
struct httpc {
	struct httpc_socket sockets[HTTPC_SOCKETS_MAX];
	size_t n_sockets;
	int64_t timer_us;   /* when curl wants to be called; 0 = not at all */
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

/* How the client's connection is watched. */
enum httpc_watch {
	HTTPC_UNWATCHED,
	HTTPC_POLLED,
	HTTPC_LOOKED_AT, /* now and then */
};

/* One httpc_perform(). Times are clock_mono_us(). */
struct httpc_call {
	struct httpc *h;
	const struct httpc_request *rq;
	const struct httpc_callbacks *cb;
	struct httpc_result *res;
	struct error *e;
	enum err err; /* why it must end, or OK */
	int64_t start_us;
	int64_t heard_us;     /* last sign of life from the provider */
	int64_t tick_us;      /* last byte of the body, or tick */
	int64_t drain_end_us; /* 0 = the client is there */
	enum httpc_watch watch;
	size_t piece, piece_at; /* of rq->body, sent so far */
	struct curl_slist headers[HTTPC_HEADERS_MAX + 2];
};

/** Borrow a handle; NULL when out of memory or descriptors. */
struct httpc *httpc_borrow(struct httpc_pool *pool, uint64_t origin);
/** Give it back. A transfer that was cut off left it no connection. */
void httpc_return(struct httpc *h);

/** Do what a callback's result asks for; its time was not the provider's. */
void httpc_heed(struct httpc_call *c, enum err err);
/** See whether the client's connection has ended. */
void httpc_look_at_client(struct httpc_call *c);
/** What curl tells a handle: sockets to watch, and when to be called. */
int httpc_on_socket(CURL *easy, curl_socket_t fd, int what, void *h,
    void *socket_data);
int httpc_on_timer(CURLM *multi, long timeout_ms, void *h);
/** Drive the transfer until it is over or c->err says why it must end. */
void httpc_run(struct httpc_call *c);

#endif
