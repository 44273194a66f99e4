/* SPDX-License-Identifier: MIT */
/*
 * Waiting for the web server's connections. Few threads wait in accept(2),
 * which serves them in turn: with all there, each request would meet the
 * thread whose memory has been out of the processor's caches the longest
 * (measured: doc/architecture.md). The others are parked, and the one that
 * was parked last comes back first; one that is never needed is never woken.
 */
#ifndef TG_HTTP_ACCEPT_H
#define TG_HTTP_ACCEPT_H

#include <stdint.h>

#include "base/err.h"

/* What accept_next() returns in place of a descriptor. */
#define ACCEPT_STOPPED (-1) /* accept_stop() was called */
#define ACCEPT_FAILED  (-2) /* the listening socket is unusable */

/**
 * Once per process, before any thread, all signals blocked.
 * @listen_fd  a listening socket; made close-on-exec and blocking
 */
enum err accept_init(int listen_fd, struct error *e) ATTR_MUST_CHECK;

/**
 * Wait for the next connection: its descriptor, close-on-exec and the
 * caller's, or one of the values above. Out of descriptors or memory it waits
 * a little and tries again.
 */
int accept_next(void);

/**
 * From any thread: accept no more. Parked threads come back by themselves,
 * those in accept(2) are woken by accept_wake().
 * @queue_ms  how long connections that wait in the socket are still served;
 *            0 for a socket that others accept from too
 */
void accept_stop(int64_t queue_ms);

/** After accept_stop(): wake the threads in accept(2); to be repeated until all
 * have ended, as a signal just before the call goes unnoticed. */
void accept_wake(void);

/** How many threads wait in accept_next(): in accept(2), and parked. For
 * tests. */
void accept_counts(unsigned *ret_waiting, unsigned *ret_parked);

#endif
