/* SPDX-License-Identifier: MIT */
/*
 * Asking a model server whether it can serve, GET /healthz, without waiting
 * for what it says. One question at a time, on a connection of its own.
 */
#ifndef TG_DOMAIN_MODEL_PROBE_H
#define TG_DOMAIN_MODEL_PROBE_H

#include <stdbool.h>
#include <stddef.h>

#define MODEL_PROBE_BYTES 13 /* "HTTP/1.1 200 ": as much as matters */

struct model_probe {
	int fd; /* to be polled for reading; -1: nothing is asked */
	size_t n;
	char answer[MODEL_PROBE_BYTES];
};

enum model_probe_news {
	MODEL_PROBE_NOTHING_YET,
	MODEL_PROBE_HEALTHY,
	MODEL_PROBE_NOT_HEALTHY, /* it said something else */
	MODEL_PROBE_NO_ANSWER,   /* it left without a word */
};

#define MODEL_PROBE_INIT \
 {                       \
  .fd = -1               \
 }

/** Ask; only if nothing is asked. What it returns is MODEL_PROBE_NOTHING_YET
 * if somebody took the question; MODEL_PROBE_NO_ANSWER if the server's queue
 * is full; MODEL_PROBE_NOT_HEALTHY if nobody listens. */
enum model_probe_news model_probe_ask(struct model_probe *p,
    const char *socket_path);
/** What has come by now; the question is over unless that is nothing yet. */
enum model_probe_news model_probe_look(struct model_probe *p);
/** Nobody wants to know any more. */
void model_probe_drop(struct model_probe *p);

#endif
