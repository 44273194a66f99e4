/* SPDX-License-Identifier: MIT */
/*
 * The client for providers, against the simulator: a pool of its own for each
 * test, and callbacks that note what they see.
 */
#ifndef TG_TESTS_HTTPC_FIXTURE_H
#define TG_TESTS_HTTPC_FIXTURE_H

#include "support/cmocka_tg.h"

#include <pthread.h>

#include "ext/httpc.h"
#include "support/fixture_sim.h"

/* request_to()'s time-outs. Whatever a test sees end ended for another reason:
 * one that waits for these is one that hangs. */
#define PATIENCE_MS 3600000

extern struct fixture_sim sim;
extern struct httpc_pool *pool;
/* Of the last perform(). */
extern struct error e;
extern struct httpc_result res;

/* What the callbacks saw, and what they shall answer. */
struct seen {
	unsigned n_head, n_tick, n_gone;
	int status;
	char content_type[64], retry_after[16];
	char body[4096];
	size_t n_body; /* even beyond body[] */
	enum err head_err, body_err, tick_err;
	unsigned n_reads; /* calls with some of the body */
	int close_fd;     /* closed at the first of them, or tick; 0 = none */
	unsigned n_sent;
	pthread_t caller;
	bool is_sent_by_caller, is_sent_first; /* before the head */
};

/* A chat request to the simulator, `model` saying how it shall behave. */
struct chat {
	struct httpc_request rq;
	struct str piece;
	char body[256];
	char url[128];
};

/** Around all tests of a program; without the simulator there are none. */
void httpc_fixture_start(void);
void httpc_fixture_stop(void);
/* For cmocka. */
int httpc_setup(void **state);
int httpc_teardown(void **state);

/** A GET. */
struct httpc_request request_to(const char *url);
/** A POST; points into c. */
struct httpc_request *chat(struct chat *c, const char *model, bool is_stream);
/** httpc_perform() with callbacks that fill `seen`. */
enum err perform(const struct httpc_request *rq, struct seen *seen);
/** What a callback returns to end the request with err. */
enum err answer(enum err err);
/** A client's connection: [0] is watched, [1] is the client's end. */
void make_client(int fds[2]);

#endif
