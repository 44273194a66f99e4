/* SPDX-License-Identifier: MIT */
/* The server over a real socket, with an engine that does what it is told. */
#ifndef TG_TESTS_GPT2D_SERVER_FIXTURE_H
#define TG_TESTS_GPT2D_SERVER_FIXTURE_H

#include "support/cmocka_tg.h"

#include "gpt2d/server.h"
#include "unit/gpt2d/fake_engine.h"

#define BATCH_MAX 4
#define QUEUE_MAX 8

#define COMPLETIONS "/v1/completions"
#define WHOLE       "{\"prompt\":\"the\"}"
#define STREAM      "{\"prompt\":\"the\",\"stream\":true}"

struct client {
	int fd;
	char text[65536]; /* what came */
	size_t n;
};

extern struct server *server;
extern char path[128]; /* of its socket */
/* Hung up by end(). */
extern struct client one, two;

/* Around all tests of a program. */
int server_setup(void **state);
int server_teardown(void **state);

/* Around each test: a server with its model loaded, and its end. */
int begin(void **state);
int begin_unloaded(void **state);
int begin_impatient(void **state); /* a drain has no time */
int begin_tcp(void **state);
int begin_hurried(void **state); /* 0.3 s to read a request */
int end(void **state);
#define CASE(test) cmocka_unit_test_setup_teardown(test, begin, end)
#define CASE_UNLOADED(test) \
 cmocka_unit_test_setup_teardown(test, begin_unloaded, end)

/** The server has ended by itself, or is told to. */
void join(void);

/* Clients. */
bool try_dial(struct client *c);
void dial(struct client *c);
void hang_up(struct client *c);
void say(struct client *c, const char *text, size_t n);
void say_text(struct client *c, const char *text);
/** A whole request. */
void ask(struct client *c, const char *method, const char *target,
    const char *body);
/** Read on until the text has come, and forget what was before its end. */
void expect(struct client *c, const char *text);
/** Nothing follows but the end of the connection. */
void expect_end(struct client *c);
/** Dial and ask for a stream, which is the number-th job. */
struct job *open_stream(struct client *c, unsigned number);

#endif
