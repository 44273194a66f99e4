/* SPDX-License-Identifier: MIT */
/*
 * One request's turn on a thread: everything that gates, handler and finish
 * hooks share. Lives on the thread's stack, cleared for each request.
 */
#ifndef TG_DAEMON_TURN_H
#define TG_DAEMON_TURN_H

#include "daemon/routes.h"
#include "daemon/settings.h"
#include "domain/app.h"
#include "domain/principal.h"
#include "domain/session.h"
#include "http/request.h"
#include "http/response.h"

/* Longest error body: public text and parameter, escaped, and the frame. */
#define TURN_ERROR_BYTES 2048

struct turn {
	struct app *app;
	const struct settings *settings;
	const struct route *route; /* NULL: none was found */
	unsigned allow;            /* methods, after ERR_METHOD */
	struct request rq;
	struct response rs;

	enum err code; /* how it ended; OK: as the response says */
	struct error e;

	/* What gates found out; app points here. */
	struct principal who;
	struct session session;
	size_t body_reserved; /* taken from shared.body_bytes */

	struct meter metered; /* what was metered, kept for the log */
	/* An error's body is written here: the arena may be full. */
	char error_text[TURN_ERROR_BYTES];
};

#endif
