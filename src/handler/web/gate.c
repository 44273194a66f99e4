/* SPDX-License-Identifier: MIT */
/*
 * What is checked before a page's handler runs: whose session it is, and
 * whether a form came from a page of ours.
 */
#include "base/clock.h"
#include "handler/web/cookies.h"
#include "handler/web/web.h"
#include "http/form.h"

/* What a browser's session may do, by role; keys have scopes of their own. */
static uint64_t
scopes_of(enum user_role role)
{
	switch (role) {
	case USER_OWNER:
	case USER_OPERATOR:
		return KEY_SCOPE__ALL & ~(uint64_t)KEY_SCOPE_INFER;
	case USER_DEVELOPER:
		return KEY_SCOPE_USAGE_READ | KEY_SCOPE_KEYS_READ |
		       KEY_SCOPE_KEYS_WRITE;
	case USER_BILLING:
	case USER_VIEWER:
		return KEY_SCOPE_USAGE_READ | KEY_SCOPE_KEYS_READ;
	case USER__N:
		break;
	}
	return 0;
}

enum err
web_session_load(const struct app *app, const struct request *rq,
    struct principal *ret_who, struct session *ret_session, struct error *e)
{
	struct str id = web_cookie_get(app, rq, WEB_COOKIE_SESSION);
	if (id.n == 0)
		return error_set(e, ERR_UNAUTHORIZED, "no session cookie");
	struct session s;
	/* Pages aren't stored, so browsers never ask like this of themselves:
	 * an open page that does must not keep its session alive. */
	bool is_visit = !request_header(rq, "if-none-match").p;
	enum err err = session_find(app->shared->db, app->shared->pepper, id,
	    conf_u64(app->conf, CONF_SESSION_IDLE_S), clock_now_ms(), is_visit,
	    rq->arena, &s, e);
	if (err)
		return err;
	*ret_session = s;
	*ret_who = (struct principal){
		.kind = PRINCIPAL_SESSION,
		.customer_id = s.customer_id,
		.user_id = s.user_id,
		.session_id = s.session_id,
		.role = s.role,
		.scopes = scopes_of(s.role),
	};
	return OK;
}

/* Origin must name the host that was asked; "null" says nothing. */
static bool
origin_is_ours(struct str origin, struct str host)
{
	size_t n = str_find_str(origin, S("://"));
	if (n == origin.n)
		return false;
	return str_eq_nocase(str_skip(origin, n + 3), host);
}

static enum err
check_site(const struct request *rq, struct error *e)
{
	struct str site = request_header(rq, "sec-fetch-site");
	if (site.n > 0) {
		if (str_eq(site, S("same-origin")) || str_eq(site, S("none")))
			return OK;
		return error_set(e, ERR_CSRF, "Sec-Fetch-Site: %" PRI_STR,
		    STR_ARG(site));
	}
	struct str origin = request_header(rq, "origin");
	if (origin.n == 0 || str_eq(origin, S("null")))
		return OK;
	if (!origin_is_ours(origin, request_header(rq, "host")))
		return error_set(e, ERR_CSRF, "Origin: %" PRI_STR,
		    STR_ARG(origin));
	return OK;
}

static bool
is_form(const struct request *rq, bool may_hold_file)
{
	return request_has_media_type(rq,
		   "application/x-www-form-urlencoded") ||
	       (may_hold_file &&
		   multipart_is_type(request_header(rq, "content-type")));
}

enum err
web_form_check(const struct app *app, const struct request *rq,
    bool may_hold_file, struct error *e)
{
	enum err err = check_site(rq, e);
	if (err)
		return err;
	if (!is_form(rq, may_hold_file))
		return error_set(e, ERR_MEDIA_TYPE, "not a form");
	struct form form;
	err = form_init_body(&form, rq->arena,
	    request_header(rq, "content-type"), rq->body, e);
	if (err)
		return err;
	struct str token;
	err = form_find(&form, "csrf", &token, e);
	if (err == ERR_NOT_FOUND) {
		error_clear(e);
		return error_set(e, ERR_CSRF, "no token");
	}
	if (err)
		return err;
	struct str id = web_cookie_get(app, rq,
	    app->session ? WEB_COOKIE_SESSION : WEB_COOKIE_FORM);
	if (!session_form_token_is_right(app->shared->pepper, id, token))
		return error_set(e, ERR_CSRF, "wrong token");
	return OK;
}
