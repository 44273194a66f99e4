/* SPDX-License-Identifier: MIT */
#include "handler/web/door.h"

#include "base/clock.h"
#include "handler/web/cookies.h"
#include "handler/web/page.h"

#define HREF_BYTES_MAX KIB(4)

/* The cookie that the form's token is bound to; set unless it is there. */
static struct str
form_cookie(const struct app *app, const struct request *rq,
    struct response *rs)
{
	char id[SESSION_TEXT_BYTES];
	struct str old = web_cookie_get(app, rq, WEB_COOKIE_FORM);

	if (session_id_is_shaped(old))
		return old;
	session_id_new(id);
	struct str fresh = arena_strdup(rq->arena, str_from(id));
	web_cookie_set(app, rq, rs, WEB_COOKIE_FORM, fresh);
	return fresh;
}

struct str
web_door_token(const struct app *app, const struct request *rq,
    struct response *rs)
{
	char token[SESSION_TEXT_BYTES];

	session_form_token(app->shared->pepper, form_cookie(app, rq, rs),
	    token);
	return arena_strdup(rq->arena, str_from(token));
}

struct sign_in
web_door_services(const struct app *app)
{
	return (struct sign_in){
		.db = app->shared->db,
		.map = app->shared->hostmap,
		.pepper = app->shared->pepper,
		.seal = app->shared->seal,
		.hasher = app->shared->hasher,
	};
}

struct sign_in_attempt
web_door_attempt(const struct app *app, const struct request *rq)
{
	return (struct sign_in_attempt){
		.device = web_cookie_get(app, rq, WEB_COOKIE_DEVICE),
		.pending = web_cookie_get(app, rq, WEB_COOKIE_PENDING),
		.client_addr = rq->client_addr,
		.user_agent = request_header(rq, "user-agent"),
		.request_id = str_from(rq->id_text),
		.session_max_s = conf_u64(app->conf, CONF_SESSION_MAX_S),
		.now_ms = clock_now_ms(),
	};
}

struct str
web_door_next(const struct app *app, const struct request *rq, struct str next)
{
	if (next.n && url_is_local_path(next))
		return next;
	return web_href(app, rq->arena, "/dashboard", 0);
}

void
web_door_cookies(const struct app *app, const struct request *rq,
    struct response *rs, const struct sign_in_result *result)
{
	struct arena *a = rq->arena;

	web_cookie_set(app, rq, rs, WEB_COOKIE_SESSION,
	    arena_strdup(a, str_from(result->session)));
	web_cookie_set(app, rq, rs, WEB_COOKIE_DEVICE,
	    arena_strdup(a, str_from(result->device)));
}

enum err
web_door_enter(const struct app *app, const struct request *rq,
    struct response *rs, struct sign_in_result *result, struct str next,
    struct error *e)
{
	struct str location = web_door_next(app, rq, next);

	if (result->needs_code) {
		struct buf b;
		struct url u;

		web_cookie_set(app, rq, rs, WEB_COOKIE_PENDING,
		    arena_strdup(rq->arena, str_from(result->pending)));
		buf_init(&b, rq->arena, HREF_BYTES_MAX);
		url_begin(&u, &b,
		    str_from(conf_text(app->conf, CONF_BASE_PATH)),
		    "/login/code");
		url_arg(&u, "next", location);
		location = buf_str(&b);
	} else {
		web_door_cookies(app, rq, rs, result);
		web_cookie_delete(app, rq, rs, WEB_COOKIE_FORM);
		if (web_cookie_get(app, rq, WEB_COOKIE_PENDING).n)
			web_cookie_delete(app, rq, rs, WEB_COOKIE_PENDING);
	}
	secret_wipe(result, sizeof(*result));
	return web_page_redirect(rs, location, e);
}

bool
web_door_refused(const struct request *rq, struct response *rs, uint64_t wait_s,
    struct str *ret_message, int *ret_status, struct error *e)
{
	if (e->code != ERR_UNAUTHORIZED && e->code != ERR_RATE_LIMITED &&
	    e->code != ERR_BAD_PARAM)
		return false;
	*ret_message = arena_strdup(rq->arena, str_from(e->public_text));
	*ret_status = err_info(e->code)->http_status;
	error_clear(e);
	if (wait_s > 0)
		response_header_u64(rs, "retry-after", wait_s);
	return true;
}
