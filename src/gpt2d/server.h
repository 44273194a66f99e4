/* SPDX-License-Identifier: MIT */
/*
 * The HTTP server. One thread does all of it: libmicrohttpd's connections,
 * signals' and the scheduler's wake-ups and the watch for clients that leave
 * meet in one epoll set. A request that waits for the model is a suspended
 * connection, which costs its memory and nothing else.
 */
#ifndef TG_GPT2D_SERVER_H
#define TG_GPT2D_SERVER_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "gpt2d/listen.h"
#include "gpt2d/loader.h"
#include "gpt2d/vocabulary.h"

/* As long as silence is borne on a connection. */
#define SERVER_READ_MS      75000
#define SERVER_BODIES_BYTES MIB(64)

struct server;

struct server_options {
	struct listen *listen; /* taken: closed when it drains or ends */
	struct loader *loader; /* freed before the server */
	const struct vocabulary *vocabulary;
	struct str model; /* its name */
	uint32_t batch_max;
	uint32_t queue_max;
	int64_t drain_ms;
	/* For a head to come, from the connection's begin or the answer before
	 * on; then for its body. */
	int64_t read_ms;
	/* Of the bodies of all requests that aren't over, on their way or
	 * waiting. Their memory is up to twice as much. */
	size_t bodies_max_bytes;
};

/**
 * opts is copied; what it points to outlives the server, but for the loader.
 * Errors: ERR_IO; ERR_NO_MEMORY.
 */
enum err server_new(const struct server_options *opts, struct server **ret,
    struct error *e) ATTR_MUST_CHECK;
/** NULL is fine. After server_run() only, or without it; and after
 * loader_free(), since a load that ends wakes the server. */
void server_free(struct server *s);

/** Serve until server_stop() was called and all is answered or cut. */
void server_run(struct server *s);
/**
 * The first call: nothing new is accepted, what runs may finish within
 * drain_ms. The second: it is cut. From any thread or a signal handler.
 */
void server_stop(struct server *s);

#endif
