/* SPDX-License-Identifier: MIT */
/* What the files of httpc share: httpc.c a call and its request,
 * httpc_answer.c the answer, httpc_conn.c one connection, httpc_pool.c those
 * that are idle, httpc_wait.c waiting, httpc_pump.c waiting for many. */
#ifndef TG_EXT_HTTPC_PRIV_H
#define TG_EXT_HTTPC_PRIV_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include <curl/curl.h>

#include "ext/http1.h"
#include "ext/httpc.h"

/* An answer's head must fit, and each read of its body. */
#define HTTPC_BUF_BYTES KIB(16)

/* How late the client's leaving, the shutdown and time-outs may be noticed;
 * of a stream that the pump reads one and a half times as late, its time-outs
 * three times. */
#define HTTPC_LOOK_MS 100

/*
 * A connection to a provider, owned by one call or by the pool. curl opens
 * and closes it (names, addresses, TLS); what goes over it is ours. The easy
 * handle stays in its multi handle, or curl would close the connection.
 */
struct httpc_conn {
	struct httpc_conn *next; /* of the idle ones, last used first */
	struct httpc_pool *pool;
	uint64_t origin; /* where it leads */
	int64_t idle_us; /* since when it is idle */
	CURLM *multi;
	CURL *easy;
	int fd;
	bool is_tls;
	bool is_opening; /* given up before it was open */
	bool is_polled;  /* poll(2) before reading */
	bool has_early;  /* of an answer that came before its time: */
	char early;
	char why[CURL_ERROR_SIZE];
	char buf[HTTPC_BUF_BYTES]; /* request's head, then the answer */
};

struct httpc_pump;

struct httpc_pool {
	pthread_mutex_t lock;
	struct httpc_conn *idle;
	size_t n_idle, idle_max;

	CURLSH *share; /* names and TLS sessions, never connections */
	pthread_mutex_t share_locks[CURL_LOCK_DATA_LAST];

	/* Connections that httpc_reap() closes now: */
	unsigned n_reaped;        /* under the lock */
	pthread_cond_t none_left; /* n_reaped is 0 */

	atomic_bool is_aborted;
	struct httpc_pump *pump; /* NULL = none */

	int64_t idle_age_us;
	char *ca_file, *user_agent; /* NULL = none */
	bool has_ca_folder;         /* of the system */
	bool (*allow_peer)(void *ctx, const struct sockaddr *addr,
	    size_t addr_bytes);
	void *allow_ctx;
};

#define HTTPC_REAPED_MAX 32

/* How the client's connection is watched. */
enum httpc_watch {
	HTTPC_UNWATCHED,
	HTTPC_POLLED,
	HTTPC_LOOKED_AT, /* now and then */
};

/* An answer as it comes in. */
struct httpc_answer {
	struct http1 http1;
	size_t n;        /* bytes of its head, in the connection's buffer */
	bool has_excess; /* bytes behind it, which nobody asked for */
	bool is_dry;     /* there is nothing to read at once */
	bool is_whole;
};

/* One httpc_perform(). Times are clock_mono_us(). */
struct httpc_call {
	struct httpc_pool *pool;
	struct httpc_conn *conn; /* NULL = none yet */
	const struct httpc_request *rq;
	const struct httpc_callbacks *cb;
	struct httpc_result *res;
	struct error *e;
	enum err err; /* why it must end, or OK */
	int64_t start_us;
	int64_t sent_us;      /* when the request was on its way */
	int64_t heard_us;     /* last sign of life from the provider */
	int64_t tick_us;      /* last byte of the answer, or tick */
	int64_t looked_us;    /* at the client */
	int64_t checked_us;   /* by httpc_check_times() */
	int64_t drain_end_us; /* 0 = the client is there */
	enum httpc_watch watch;
	struct httpc_answer in;

	/* Lent to the pump: */
	sem_t back; /* it is not lent any more */
	struct httpc_call *pump_next, **pump_at;
	int64_t lent_us;
	size_t n_unsure;   /* bytes written to the client since it was seen
				to have room */
	bool wants_thread; /* to go on reading: the client takes no more
				bytes now, or there is much to read */
};

/* Where a request is, and where a connection to it leads. */
struct httpc_url {
	bool is_tls;
	struct str authority; /* host[:port] */
	struct str target;    /* path?query, without the first slash if it
	                         was missing */
	uint64_t origin;      /* scheme and authority, or the socket's path */
};

enum httpc_io {
	HTTPC_IO_OK,
	HTTPC_IO_AGAIN, /* nothing for now; with TLS: wait */
	HTTPC_IO_END,   /* the other side closed */
	HTTPC_IO_FAILED /* conn->why tells */
};

/**
 * Open a connection for c->rq, as c->conn, watching the client and the clock.
 * Sets c->err when that fails.
 */
void httpc_conn_open(struct httpc_call *c, const struct httpc_url *url);
/** Close it; NULL is fine. */
void httpc_conn_free(struct httpc_conn *conn);
/** Close it without waiting for a name that it may still be waiting for; NULL
 * is fine. Beyond HTTPC_REAPED_MAX at a time the caller waits. */
void httpc_reap(struct httpc_conn *conn);
/** Wait until those are closed. */
void httpc_reap_wait(struct httpc_pool *pool);
/** Whether an idle one is still good for a request. */
bool httpc_conn_is_alive(struct httpc_conn *conn);
/** Send what goes at once; receive what is there, n bytes at most. Without
 * TLS receiving may wait HTTPC_LOOK_MS for it. At least 1 byte on OK. */
enum httpc_io httpc_conn_send(struct httpc_conn *conn, struct str bytes,
    size_t *ret_n);
enum httpc_io httpc_conn_recv(struct httpc_conn *conn, char *buf, size_t n,
    bool may_wait, size_t *ret_n);

/** Receive the answer to a request; whether c->conn can carry another. */
bool httpc_receive(struct httpc_call *c);
/** Read once and hand on what came; c->in and c->err say what is next. */
void httpc_read(struct httpc_call *c, bool may_wait);

/** Errors: ERR_NO_MEMORY, ERR_OVERLOADED. */
enum err httpc_pump_new(struct httpc_pump **ret,
    struct error *e) ATTR_MUST_CHECK;
/** When nothing is lent; NULL is fine. */
void httpc_pump_free(struct httpc_pump *pump);
/** Whether c's client is one whose room the pump can tell. */
bool httpc_pump_may_lend(const struct httpc_call *c);
/** Whether on_body keeps back so much that writing it may have to wait. */
bool httpc_pump_is_too_much(const struct httpc_call *c);
/**
 * Have c's answer read until it ends or fails, or c needs its own thread:
 * because nothing came for a while, or c->wants_thread.
 */
void httpc_pump_lend(struct httpc_pump *pump, struct httpc_call *c);

/** An idle connection to there that looks alive, or NULL. */
struct httpc_conn *httpc_pool_take(struct httpc_pool *pool, uint64_t origin);
/** Keep it for a later request; the one idle for longest makes room. */
void httpc_pool_keep(struct httpc_conn *conn);

/** Do what a callback's result asks for; its time was not the provider's. */
void httpc_heed(struct httpc_call *c, enum err err);
/** See whether the client's connection has ended. */
void httpc_look_at_client(struct httpc_call *c);
/** The same, if it was HTTPC_LOOK_MS ago for the last time. */
void httpc_look_in_time(struct httpc_call *c, int64_t now_us);
/**
 * Do what is due: time-outs, ticks, the client, the shutdown. How long
 * nothing else will be, in ms; c->err when the call is over.
 */
int httpc_check_times(struct httpc_call *c);
/**
 * Wait until c->conn is ready for one of `events` (poll(2)); what it is ready
 * for, or 0 with c->err set.
 */
short httpc_wait(struct httpc_call *c, short events);

#endif
