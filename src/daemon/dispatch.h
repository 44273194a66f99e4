/* SPDX-License-Identifier: MIT */
/*
 * One request from its parameters to its last byte: parse, route, gates,
 * handler, refusal if any, finish hooks. Knows no transport and no rule.
 */
#ifndef TG_DAEMON_DISPATCH_H
#define TG_DAEMON_DISPATCH_H

#include "base/arena.h"
#include "daemon/settings.h"
#include "domain/app.h"
#include "http/conn.h"

/* Ends the connection: what is buffered in it goes out. */
typedef void dispatch_end_fn(void *arg);

struct dispatch_job {
	struct app *app;
	const struct settings *settings;
	struct arena *arena; /* empty; the caller resets it afterwards */
	struct conn *conn;
	const char *const *cgi; /* "NAME=value", NULL at the end */
	dispatch_end_fn *end;   /* called once, when all is written */
	void *end_arg;
};

/** Serve one request. Whatever happens, it has been answered (unless its
 * client left), metered and logged when this returns. */
void dispatch_serve(const struct dispatch_job *job);

#endif
