/* SPDX-License-Identifier: MIT */
/*
 * HTTP requests to providers. A call blocks its thread, but waits for the
 * client's connection at the same time, so that a client that leaves is
 * noticed at once. No redirects, no proxies, no compression, HTTP/1.1.
 *
 * libcurl, which only httpc*.c may include, opens and closes connections
 * (names, addresses, TLS); what goes over them is built and read here, with
 * http1.h. A pool keeps connections that are idle, so that open ones follow
 * the requests in flight and not the number of threads.
 */
#ifndef TG_EXT_HTTPC_H
#define TG_EXT_HTTPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct sockaddr;
struct httpc_pool;
struct httpc_head;

/** Once per process, before any thread; httpc_global_fini() at the end. */
enum err httpc_global_init(struct error *e) ATTR_MUST_CHECK;
void httpc_global_fini(void);

struct httpc_pool_conf {
	size_t idle_max;     /* idle connections kept; 0 = close each one */
	uint64_t idle_age_s; /* an older idle connection isn't used; 0 = 30 */
	const char *ca_file; /* NULL or "" = the system's authorities */
	const char *user_agent; /* NULL = none */
	bool has_pump;          /* one thread reads the streams of all */
	/* May refuse the address that a name resolved to; NULL = all pass.
	 * Called from any thread. */
	bool (*allow_peer)(void *ctx, const struct sockaddr *addr,
	    size_t addr_bytes);
	void *allow_ctx;
};

/** Memory: malloc; texts are copied. httpc_pool_free() when idle. */
enum err httpc_pool_new(const struct httpc_pool_conf *conf,
    struct httpc_pool **ret, struct error *e) ATTR_MUST_CHECK;
void httpc_pool_free(struct httpc_pool *pool);
/**
 * Make every running and future httpc_perform() end at once with
 * ERR_SHUTTING_DOWN. Any thread may call it; not a signal handler.
 */
void httpc_pool_abort(struct httpc_pool *pool);

/*
 * What happens during a request. Each may be NULL, and may block (on the
 * client's write, say; the provider's silence is not counted meanwhile), but
 * with is_stream on nothing else than its locks and such a write. A result
 * other than OK, with e set, ends the request, and httpc_perform() returns
 * it; ERR_CLIENT_CLOSED does what drain_ms says.
 */
struct httpc_callbacks {
	void *ctx;
	/* The request is on its way; the provider will want some time for its
	 * answer. Called from the request's own thread, before anything is
	 * read; twice if the request went out twice. */
	void (*on_sent)(void *ctx);
	/* Status and headers are here; called once, before any body. */
	enum err (*on_head)(void *ctx, const struct httpc_head *head,
	    struct error *e);
	/* Bytes of the body, 1..16384 at a time, valid during the call. */
	enum err (*on_body)(void *ctx, struct str bytes, struct error *e);
	/* How many bytes on_body keeps back and may write to the client with
	 * the next ones. */
	size_t (*n_held)(void *ctx);
	/* Nothing came for tick_ms (again and again while it lasts). */
	enum err (*on_tick)(void *ctx, struct error *e);
	/* The client's connection ended, or a callback said so; with
	 * drain_ms the answer is still read and handed to on_body. Called
	 * once at most. */
	void (*on_client_gone)(void *ctx);
};

#define HTTPC_HEADERS_MAX 16

struct httpc_request {
	const char *method;    /* "GET", "POST" */
	const char *url;       /* http://… or https://… */
	const char *unix_path; /* connect there instead; NULL = by url */
	/* Lines "Name: value", at most HTTPC_HEADERS_MAX, borrowed. */
	const char *const *headers;
	size_t n_headers;
	/* The body in pieces that stay valid during the call. */
	const struct str *body;
	size_t n_body;
	uint64_t connect_ms; /* name look-up, connect and TLS; 0 = 5 s */
	uint64_t
	    first_byte_ms;  /* from the start to the first header; 0 = none */
	uint64_t idle_ms;   /* longest silence after it; 0 = none */
	uint64_t total_ms;  /* from the start to the end; 0 = none */
	uint64_t tick_ms;   /* 0 = no on_tick */
	uint64_t max_bytes; /* of the answer's body; 0 = no limit */
	bool is_stream;     /* the answer comes slowly: if the pool has a pump,
			   callbacks are called from its thread too */
	int client_fd;      /* watched for its end; -1 = none */
	uint64_t drain_ms;  /* read on so long after the client left;
				   0 = cancel at once */
};

/* How far a request got. */
enum httpc_phase {
	HTTPC_CONNECT, /* no byte of the request left this host */
	HTTPC_WAIT,    /* connected; no byte of an answer */
	HTTPC_HEAD,    /* part of the status and headers */
	HTTPC_BODY,    /* on_head was called */
	HTTPC_DONE,    /* the whole answer was read */
};

struct httpc_result {
	enum httpc_phase phase; /* retry only what says CONNECT, or a whole
				   429/5xx that went to nobody */
	int status;             /* 0 = none was read */
	int64_t connect_us;     /* 0 on a reused connection */
	int64_t first_byte_us;  /* from the start; 0 = none came */
	int64_t total_us;
	uint64_t body_bytes;
	unsigned n_sent;     /* > 1: sent again on a new connection, because
				a kept one turned out dead */
	bool is_reused;      /* no connection was opened */
	bool is_client_gone; /* noticed by client_fd or by a callback */
};

/**
 * Send the request, hand the answer to the callbacks.
 * @ret  always filled, on errors too
 * Any HTTP status is OK: judging it is the caller's.
 * Errors: ERR_UPSTREAM_CONNECT no connection (name, TCP, TLS);
 *         ERR_UPSTREAM_TIMEOUT connect_ms, first_byte_ms, idle_ms or total_ms
 *         passed;
 *         ERR_UPSTREAM broken, compressed or too long answer;
 *         ERR_CLIENT_CLOSED the client left (and drain_ms passed);
 *         ERR_SHUTTING_DOWN; ERR_NO_MEMORY; or what a callback returned.
 * Memory: nothing is kept but the handle.
 */
enum err httpc_perform(struct httpc_pool *pool, const struct httpc_request *rq,
    const struct httpc_callbacks *cb, struct httpc_result *ret,
    struct error *e) ATTR_MUST_CHECK;

/* In on_head: views that live until it returns. */
int httpc_head_status(const struct httpc_head *head);
/** Value of header `name`, or an empty view. */
struct str httpc_head_get(const struct httpc_head *head, const char *name);

#endif
