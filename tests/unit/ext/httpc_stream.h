/* SPDX-License-Identifier: MIT */
/*
 * Streams whose provider is the test: each runs in a thread of its own, and
 * every byte of its answer is written when the test says so. What the stream
 * noted may be read after stream_await() or stream_join().
 */
#ifndef TG_TESTS_HTTPC_STREAM_H
#define TG_TESTS_HTTPC_STREAM_H

#include "httpc_fixture.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

struct stream {
	struct httpc_request rq; /* to be changed before the start */
	/* What to do with bytes that came, beside noting them; or NULL. */
	enum err (*hook)(struct stream *s, struct str bytes, struct error *err);
	void *hook_ctx;
	int fd; /* the provider's end; -1 = to be accepted */

	char body[64];
	size_t n_body;     /* even beyond body[] */
	unsigned n_pumped; /* calls of on_body by another thread, the pump */
	unsigned n_gone;

	enum err err;
	struct error e;
	struct httpc_result res;

	pthread_t thread, self;
	sem_t came; /* once for each byte of the body, and for the end */
	atomic_bool is_over;
};

/* For cmocka, in place of httpc_setup() and httpc_teardown(). */
int stream_setup(void **state);
int stream_teardown(void **state);

/** A stream without a client and without time-outs. */
void stream_init(struct stream *s);
/**
 * Start it; the provider reads the request and sends the head and the chunks
 * "a" and "b". The second finds the stream lent to the pump, if it may be
 * lent, and there it stays.
 */
void stream_open(struct stream *s);
/** Write to the stream as it stands, or as one chunk of the body: some words. */
void stream_say(struct stream *s, const char *text);
void stream_say_chunk(struct stream *s, const char *text);
/* The last chunk. */
#define STREAM_END "0\r\n\r\n"
/** Wait until n more bytes were handed to on_body; the end counts as one. */
void stream_await(struct stream *s, size_t n);
/** Wait for its end. The provider's end of the connection stays open. */
void stream_join(struct stream *s);
/** Wait until our end of the connection is closed, then close the other. */
void stream_await_close(struct stream *s);

#endif
