/* SPDX-License-Identifier: MIT */
#include "daemon/routes.h"

#include "handler/api/api.h"
#include "handler/web/web.h"
#include "store/key.h"

/* The words of routes.def. */
#define PUBLIC     ROUTE_AUTH_PUBLIC
#define KEY        ROUTE_AUTH_KEY
#define MANAGE     ROUTE_AUTH_MANAGE
#define OPERATOR   ROUTE_AUTH_OPERATOR
#define SESSION    ROUTE_AUTH_SESSION
#define INFER      KEY_SCOPE_INFER
#define KEYS_WRITE KEY_SCOPE_KEYS_WRITE
#define HTML       ROUTE_HTML
#define CSRF       ROUTE_CSRF
#define STREAMS    ROUTE_STREAMS
#define METERED    ROUTE_METERED
#define SECRET     ROUTE_SECRET
#define ANTHROPIC  ROUTE_ANTHROPIC
#define CONFIGURED ROUTE_BODY_CONFIGURED

static const struct route routes[] = {
#define ROUTE(method_, path_, handler_, auth_, scope_, max_, flags_, doc_) \
 {                                                                         \
	 .method = METHOD_##method_,                                       \
	 .path = path_,                                                    \
	 .handler = handler_,                                              \
	 .handler_name = #handler_,                                        \
	 .auth = auth_,                                                    \
	 .scopes = scope_,                                                 \
	 .body_max = max_,                                                 \
	 .flags = flags_,                                                  \
	 .doc = doc_,                                                      \
 },
#include "daemon/routes.def"
#undef ROUTE
};

/* The same rows as route_match() wants them. */
static const struct route_pattern patterns[] = {
#define ROUTE(method_, path_, ...) { METHOD_##method_, path_ },
#include "daemon/routes.def"
#undef ROUTE
};

const struct route *
routes_all(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(routes);
	return routes;
}

enum err
routes_find(struct request *rq, const struct route **ret, unsigned *ret_allow,
    struct error *e)
{
	struct route_hit hit;
	enum err code = route_match(patterns, ARRAY_LEN(patterns), rq->method,
	    rq->raw_path, rq->arena, &hit, e);

	*ret_allow = hit.allow;
	if (code)
		return code;
	*ret = &routes[hit.index];
	rq->route = str_from(routes[hit.index].path);
	rq->n_path_params = hit.n_params;
	for (unsigned i = 0; i < hit.n_params; i++)
		rq->path_param[i] = hit.param[i];
	return OK;
}

static const char *
auth_name(enum route_auth auth)
{
	static const char *const names[] = {
		[ROUTE_AUTH_PUBLIC] = "public",
		[ROUTE_AUTH_KEY] = "key",
		[ROUTE_AUTH_MANAGE] = "manage",
		[ROUTE_AUTH_OPERATOR] = "operator",
		[ROUTE_AUTH_SESSION] = "session",
	};

	return names[auth];
}

static void
print_body_max(FILE *to, size_t body_max)
{
	if (body_max == ROUTE_BODY_CONFIGURED)
		(void)fprintf(to, "%-15s", "body.max_bytes");
	else
		(void)fprintf(to, "%-15zu", body_max);
}

void
routes_print(FILE *to)
{
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		const struct route *r = &routes[i];

		(void)fprintf(to, "%-6s %-26s %-9s ",
		    http_method_name(r->method), r->path, auth_name(r->auth));
		print_body_max(to, r->body_max);
		(void)fprintf(to, "%s%s%s%s %s\n",
		    r->flags & ROUTE_HTML ? "h" : "-",
		    r->flags & ROUTE_CSRF ? "c" : "-",
		    r->flags & ROUTE_STREAMS ? "s" : "-",
		    r->flags & ROUTE_METERED ? "m" : "-", r->doc);
	}
}
