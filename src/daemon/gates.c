/* SPDX-License-Identifier: MIT */
#include "daemon/gates.h"

#include "base/clock.h"
#include "domain/key.h"
#include "domain/limit.h"
#include "handler/web/web.h"

struct key_attempt {
	struct limiter *limiter;
	struct limit_auth auth;
};

static bool
may_ask(void *ctx)
{
	struct key_attempt *at = ctx;

	return limit_auth_enter(at->limiter, &at->auth);
}

/* Whether the failure is one too many of its address; then says so. */
static enum err
count_failure(struct turn *t, struct key_attempt *at, enum err code,
    struct error *e)
{
	int64_t retry_ms;

	if (limit_auth_failed(at->limiter, &at->auth, &retry_ms))
		return code;
	response_header_u64(&t->rs, "retry-after", limit_seconds(retry_ms));
	response_header_u64(&t->rs, "retry-after-ms", (uint64_t)retry_ms);
	return error_public(e, ERR_RATE_LIMITED, NULL,
	    "Too many wrong keys came from this address. Try again in %llu s.",
	    (unsigned long long)limit_seconds(retry_ms));
}

static enum err
auth_by_key(struct turn *t, struct error *e)
{
	struct str text = request_api_key(&t->rq);
	struct key_attempt at = {
		.limiter = t->app->shared->limiter,
		.auth = { .now_ms = t->rq.start_ms },
	};
	const struct key_guard guard = { may_ask, &at };
	enum err code;

	if (text.n == 0)
		return error_set(e, ERR_UNAUTHORIZED, "no key was sent");
	if (t->rq.has_client_ip)
		at.auth.client = limit_client_of(t->rq.client_ip.b);
	code = key_authenticate(t->app->shared->keys, text, &guard,
	    t->rq.start_ms, t->rq.arena, &t->who, e);
	if (code == ERR_UNAUTHORIZED || code == ERR_RATE_LIMITED)
		return count_failure(t, &at, code, e);
	limit_auth_passed(at.limiter, &at.auth);
	if (code == OK)
		t->app->who = &t->who;
	return code;
}

static enum err
auth_by_session(struct turn *t, struct error *e)
{
	enum err code = web_session_load(t->app, &t->rq, &t->who, &t->session,
	    e);

	if (code)
		return code;
	t->app->who = &t->who;
	t->app->session = &t->session;
	return OK;
}

static enum err
gate_auth(struct turn *t, struct error *e)
{
	switch (t->route->auth) {
	case ROUTE_AUTH_PUBLIC:
		return OK;
	case ROUTE_AUTH_KEY:
	case ROUTE_AUTH_MANAGE:
	case ROUTE_AUTH_OPERATOR:
		return auth_by_key(t, e);
	case ROUTE_AUTH_SESSION:
		return auth_by_session(t, e);
	}
	return error_set(e, ERR_INTERNAL, "credential of a route");
}

/* Whether this kind of credential may call this kind of route at all. */
static bool
is_kind_right(const struct route *route, const struct principal *who)
{
	switch (route->auth) {
	case ROUTE_AUTH_PUBLIC:
	case ROUTE_AUTH_SESSION:
		return true;
	case ROUTE_AUTH_KEY:
		return who->kind == PRINCIPAL_KEY;
	case ROUTE_AUTH_OPERATOR:
		return who->kind == PRINCIPAL_OPERATOR;
	case ROUTE_AUTH_MANAGE:
		return who->kind == PRINCIPAL_OPERATOR ||
		       who->kind == PRINCIPAL_KEY;
	}
	return false;
}

/* A key that manages its customer needs no other scope for that; it still
 * cannot infer without being told so. */
static bool
has_scopes(const struct route *route, const struct principal *who)
{
	if (route->auth == ROUTE_AUTH_MANAGE &&
	    principal_has_scopes(who, KEY_SCOPE_MANAGE))
		return true;
	return principal_has_scopes(who, route->scopes);
}

/* Whoever holds a key that works elsewhere may know that it does: without
 * it, its owner would look for the fault in the wrong place. */
static enum err
is_address_right(const struct turn *t, struct error *e)
{
	if (principal_may_come_from(&t->who,
		t->rq.has_client_ip ? &t->rq.client_ip : NULL))
		return OK;
	return error_set(e, ERR_ADDRESS_FORBIDDEN,
	    "the key is not for this address");
}

static enum err
gate_scope(struct turn *t, struct error *e)
{
	const struct route *route = t->route;

	if (route->auth == ROUTE_AUTH_PUBLIC)
		return OK;
	if (!is_kind_right(route, &t->who))
		return error_set(e, ERR_FORBIDDEN,
		    "this kind of credential is not for this route");
	if (!(route->roles & ROUTE_ROLE(t->who.role)))
		return error_set(e, ERR_FORBIDDEN,
		    "the role %s is not for this route",
		    user_role_names[t->who.role]);
	if (t->who.kind == PRINCIPAL_KEY && !has_scopes(route, &t->who))
		return error_set(e, ERR_FORBIDDEN, "the key lacks a scope");
	return is_address_right(t, e);
}

/* A worker that started while the database was away knows no models, so
 * whoever must be known is asked to come back. */
static enum err
gate_catalogue(struct turn *t, struct error *e)
{
	if (t->route->auth == ROUTE_AUTH_PUBLIC || t->app->catalogue)
		return OK;
	return error_set(e, ERR_DB_DOWN, "no catalogue has been read yet");
}

/* Take n bytes of what the process may hold; false when there is no room. */
static bool
reserve_body(struct turn *t, size_t n)
{
	_Atomic size_t *total = &t->app->shared->body_bytes;
	size_t max = (size_t)conf_u64(t->app->conf, CONF_BODY_TOTAL_BYTES);
	size_t before = atomic_fetch_add(total, n);

	t->body_reserved = n;
	if (before <= max && n <= max - before)
		return true;
	gates_release_body(t);
	return false;
}

void
gates_release_body(struct turn *t)
{
	if (t->body_reserved)
		atomic_fetch_sub(&t->app->shared->body_bytes, t->body_reserved);
	t->body_reserved = 0;
}

static size_t
body_max(const struct turn *t)
{
	if (t->route->body_max == ROUTE_BODY_CONFIGURED)
		return (size_t)conf_u64(t->app->conf, CONF_BODY_MAX_BYTES);
	return t->route->body_max;
}

/*
 * After authentication, so that strangers cannot make us hold anything. A
 * body without a declared length is counted with the most it may have until
 * it is read.
 */
static enum err
gate_body(struct turn *t, struct error *e)
{
	size_t max = body_max(t);
	size_t n = max;
	enum err code;

	if (t->rq.has_content_length && t->rq.content_length < max)
		n = (size_t)t->rq.content_length;
	if (n > 0 && !reserve_body(t, n))
		return error_set(e, ERR_OVERLOADED,
		    "body.total_bytes of request bodies are held");
	code = request_read_body(&t->rq, max, e);
	if (code)
		return code;
	atomic_fetch_sub(&t->app->shared->body_bytes,
	    t->body_reserved - t->rq.body.n);
	t->body_reserved = t->rq.body.n;
	return OK;
}

/* A body may take minutes to arrive. Whoever revokes a key meanwhile must not
 * see it admitted afterwards. */
static enum err
gate_still_valid(struct turn *t, struct error *e)
{
	enum err code;

	if (t->who.kind != PRINCIPAL_KEY && t->who.kind != PRINCIPAL_OPERATOR)
		return OK;
	code = key_check_again(t->app->shared->keys, &t->who, clock_now_ms(),
	    t->rq.arena, e);
	if (code == OK)
		return gate_scope(t, e);
	return code;
}

static enum err
gate_csrf(struct turn *t, struct error *e)
{
	if (!(t->route->flags & ROUTE_CSRF))
		return OK;
	return web_form_check(t->app, &t->rq, t->route->flags & ROUTE_UPLOAD,
	    e);
}

static gate_fn *const gates[] = {
	gate_auth,
	gate_scope,
	gate_catalogue,
	gate_body,
	gate_still_valid,
	gate_csrf,
};

enum err
gates_pass(struct turn *t, struct error *e)
{
	for (size_t i = 0; i < ARRAY_LEN(gates); i++) {
		enum err code = gates[i](t, e);

		if (code)
			return code;
	}
	return OK;
}
