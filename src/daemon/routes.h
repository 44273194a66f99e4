/* SPDX-License-Identifier: MIT */
/*
 * The table of routes, expanded from routes.def: who may call what, with how
 * large a body. Nothing is reachable that has no row there.
 */
#ifndef TG_DAEMON_ROUTES_H
#define TG_DAEMON_ROUTES_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "handler/handler.h"
#include "http/route_match.h"

enum route_auth {
	ROUTE_AUTH_PUBLIC,
	ROUTE_AUTH_KEY,
	ROUTE_AUTH_MANAGE,
	ROUTE_AUTH_OPERATOR,
	ROUTE_AUTH_SESSION,
};

enum route_flag {
	ROUTE_HTML = 1 << 0,
	ROUTE_CSRF = 1 << 1,
	ROUTE_STREAMS = 1 << 2,
	ROUTE_METERED = 1 << 3,
	ROUTE_SECRET = 1 << 4,    /* the body may hold a credential */
	ROUTE_ANTHROPIC = 1 << 5, /* errors of Anthropic's form */
	ROUTE_UPLOAD = 1 << 6,    /* a form that may hold a file */
};

/* body_max of routes whose limit is the setting body.max_bytes. */
#define ROUTE_BODY_CONFIGURED SIZE_MAX

struct route {
	enum http_method method;
	const char *path;
	handler_fn *handler;
	const char *handler_name;
	enum route_auth auth;
	unsigned roles;  /* bits 1 << enum user_role */
	uint64_t scopes; /* bits of enum key_scope; 0 = none */
	size_t body_max;
	unsigned flags; /* of enum route_flag */
	const char *doc;
};

/** The rows, in the order of routes.def. */
const struct route *routes_all(size_t *ret_n);

/**
 * Find the route of rq and fill in rq->route and its path parameters.
 * @ret_allow  with ERR_METHOD: for route_allow_text()
 * Errors: ERR_NOT_FOUND; ERR_METHOD; ERR_NO_MEMORY.
 */
enum err routes_find(struct request *rq, const struct route **ret,
    unsigned *ret_allow, struct error *e) ATTR_MUST_CHECK;

/** Bit of a role in route.roles. */
#define ROUTE_ROLE(role) (1U << (role))

/** The table as text: method, path, credential, body limit, flags, roles,
 * doc. */
void routes_print(FILE *to);

#endif
