/* SPDX-License-Identifier: MIT */
/*
 * FastCGI by libfcgi: the one place that includes <fcgiapp.h>. Each thread
 * accepts for itself, without a mutex: libfcgi reads the parameters within
 * its accept call, and a silent peer would stall all others.
 *
 * The accept(2) itself is ours, so that time-outs are on the connection
 * before its first byte is read, descriptors are close-on-exec, and a wake-up
 * signal can only interrupt a thread that has no request.
 */
#ifndef TG_HTTP_FCGI_H
#define TG_HTTP_FCGI_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "http/conn.h"

struct fcgi;

/* How accepting ended. */
enum fcgi_accept {
	FCGI_ACCEPT_REQUEST, /* a request's parameters are there */
	FCGI_ACCEPT_STOPPED, /* accept_stop() was called */
	FCGI_ACCEPT_FAILED,  /* the listening socket is unusable */
};

/**
 * Once per process, before any thread, all signals blocked.
 * @listen_fd  a listening socket; made close-on-exec and blocking
 */
enum err fcgi_global_init(int listen_fd, struct error *e) ATTR_MUST_CHECK;

/** One per thread, made by any. Memory: *ret with malloc; fcgi_free(). */
enum err fcgi_new(struct fcgi **ret, struct error *e) ATTR_MUST_CHECK;
void fcgi_free(struct fcgi *f);

/**
 * Wait for the next request. Out of descriptors or memory it waits a little
 * and tries again. *ret_conn and *ret_cgi live until fcgi_finish().
 */
enum fcgi_accept fcgi_accept(struct fcgi *f, struct conn **ret_conn,
    const char *const **ret_cgi);

/** End the request: send what is buffered, drain the body within bounds,
 * close. The answer reaches the client even if its body was not read. */
void fcgi_finish(struct fcgi *f);

/** From any thread: break f's connection if it has one, so that its thread
 * comes back from reading and writing. */
void fcgi_cut(struct fcgi *f);

#endif
