/* SPDX-License-Identifier: MIT */
/*
 * Finding a route: literal segments and {name}, no regular expressions. The
 * table belongs to daemon/; here is only the matching.
 */
#ifndef TG_HTTP_ROUTE_MATCH_H
#define TG_HTTP_ROUTE_MATCH_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "http/request.h"

struct route_pattern {
	enum http_method method;
	const char *path; /* "/api/keys/{id}/toggle" */
};

struct route_hit {
	size_t index;                             /* into the table */
	struct str param[REQUEST_PATH_PARAM_MAX]; /* decoded */
	unsigned n_params;
	unsigned allow; /* of ERR_METHOD: bit 1 << method for each that the
			   path has */
};

/**
 * The route of a path. HEAD finds GET's. Where two patterns match, the one
 * with the earlier literal segment wins ("/a/b" before "/a/{x}").
 *
 * @raw_path  as struct request has it: still encoded, checked
 *
 * Errors: ERR_NOT_FOUND; ERR_METHOD with ret->allow set; ERR_NO_MEMORY.
 */
enum err route_match(const struct route_pattern *table, size_t n,
    enum http_method method, struct str raw_path, struct arena *a,
    struct route_hit *ret, struct error *e) ATTR_MUST_CHECK;

/** "GET, HEAD, POST" for an Allow header. */
struct str route_allow_text(unsigned allow, struct arena *a);

#endif
