/* SPDX-License-Identifier: MIT */
#include "daemon/routes.h"

#include "handler/api/api.h"
#include "handler/web/web.h"
#include "store/key.h"
#include "store/user.h"

/* The words of routes.def. */
#define PUBLIC      ROUTE_AUTH_PUBLIC
#define KEY         ROUTE_AUTH_KEY
#define MANAGE      ROUTE_AUTH_MANAGE
#define OPERATOR    ROUTE_AUTH_OPERATOR
#define SESSION     ROUTE_AUTH_SESSION
#define INFER       KEY_SCOPE_INFER
#define KEYS_READ   KEY_SCOPE_KEYS_READ
#define KEYS_WRITE  KEY_SCOPE_KEYS_WRITE
#define USAGE_READ  KEY_SCOPE_USAGE_READ
#define USAGE_WRITE KEY_SCOPE_USAGE_WRITE
#define MANAGING    KEY_SCOPE_MANAGE
#define OPERATORS   ROUTE_ROLE(USER_OPERATOR)
#define OWNERS      (OPERATORS | ROUTE_ROLE(USER_OWNER))
#define MAKERS      (OWNERS | ROUTE_ROLE(USER_DEVELOPER))
#define READERS     (MAKERS | ROUTE_ROLE(USER_BILLING) | ROUTE_ROLE(USER_VIEWER))
#define ANYONE      READERS
#define HTML        ROUTE_HTML
#define CSRF        ROUTE_CSRF
#define STREAMS     ROUTE_STREAMS
#define METERED     ROUTE_METERED
#define SECRET      ROUTE_SECRET
#define ANTHROPIC   ROUTE_ANTHROPIC
#define UPLOAD      ROUTE_UPLOAD
#define CONFIGURED  ROUTE_BODY_CONFIGURED

static const struct route routes[] = {
#define ROUTE(method_, path_, handler_, auth_, roles_, scope_, max_, flags_, \
    doc_)                                                                    \
 {                                                                           \
	 .method = METHOD_##method_,                                         \
	 .path = path_,                                                      \
	 .handler = handler_,                                                \
	 .handler_name = #handler_,                                          \
	 .auth = auth_,                                                      \
	 .roles = roles_,                                                    \
	 .scopes = scope_,                                                   \
	 .body_max = max_,                                                   \
	 .flags = flags_,                                                    \
	 .doc = doc_,                                                        \
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

/* "oObdv": operator, owner, billing, developer, viewer. */
static void
print_roles(FILE *to, unsigned roles)
{
	static const struct {
		enum user_role role;
		char letter;
	} letters[] = { { USER_OPERATOR, 'o' }, { USER_OWNER, 'O' },
		{ USER_BILLING, 'b' }, { USER_DEVELOPER, 'd' },
		{ USER_VIEWER, 'v' } };

	(void)fputc(' ', to);
	for (size_t i = 0; i < ARRAY_LEN(letters); i++)
		(void)fputc(roles & ROUTE_ROLE(letters[i].role)
				? letters[i].letter
				: '-',
		    to);
}

void
routes_print(FILE *to)
{
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		const struct route *r = &routes[i];

		(void)fprintf(to, "%-6s %-26s %-9s ",
		    http_method_name(r->method), r->path, auth_name(r->auth));
		print_body_max(to, r->body_max);
		(void)fprintf(to, "%s%s%s%s", r->flags & ROUTE_HTML ? "h" : "-",
		    r->flags & ROUTE_CSRF ? "c" : "-",
		    r->flags & ROUTE_STREAMS ? "s" : "-",
		    r->flags & ROUTE_METERED ? "m" : "-");
		print_roles(to, r->roles);
		(void)fprintf(to, " %s\n", r->doc);
	}
}
