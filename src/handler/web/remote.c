/* SPDX-License-Identifier: MIT */
/*
 * Signing in as who the web server says somebody is, by a module of its own
 * (OIDC, LDAP, Kerberos). Only what stands in its variable REMOTE_USER counts,
 * which no header of a request can set; only where auth.remote_user is on; and
 * only for users that there are. doc/sign-in.md.
 */
#include "handler/web/door.h"
#include "handler/web/page.h"
#include "handler/web/web.h"

static const struct tmpl_key remote_keys[] = {
	{ "email", TVAL_TEXT },
	{ "next", TVAL_TEXT },
	{ "form_token", TVAL_TEXT },
	{ "remote_href", TVAL_TEXT },
};
const struct tmpl_page page_login_remote = PAGE("login/remote", remote_keys);

static const struct param_spec query_spec[] = {
	{ "next", PARAM_TEXT, 1, WEB_NEXT_BYTES_MAX, NULL, false },
};

enum {
	F_CSRF,
	F_NEXT,
	F__N
};
static const struct param_spec form_spec[F__N] = {
	[F_CSRF] = { "csrf", PARAM_TEXT, 1, 128, NULL, false },
	[F_NEXT] = { "next", PARAM_TEXT, 1, WEB_NEXT_BYTES_MAX, NULL, false },
};

/* Who the web server says it is. */
static enum err
remote_user(const struct app *app, const struct request *rq, struct str *ret,
    struct error *e)
{
	if (!conf_bool(app->conf, CONF_AUTH_REMOTE_USER))
		return error_set(e, ERR_NOT_FOUND, "auth.remote_user is off");
	*ret = request_cgi(rq, "REMOTE_USER");
	if (ret->n == 0 || ret->n > WEB_EMAIL_BYTES_MAX)
		return error_public(e, ERR_FORBIDDEN, NULL,
		    "The web server does not say who you are.");
	if (!str_is_utf8(*ret))
		return error_public(e, ERR_BAD_REQUEST, NULL,
		    "The web server says who you are in text that is not "
		    "UTF-8.");
	return OK;
}

static enum err
show(const struct app *app, const struct request *rq, struct response *rs,
    struct str email, struct str next, struct error *e)
{
	struct str token = web_door_token(app, rq, rs);
	struct tval *o = web_page_begin(app, rq, &page_login_remote,
	    S("Sign in"));

	tval_set_text(o, "email", email);
	tval_set_text(o, "next", next);
	tval_set_text(o, "form_token", token);
	tval_set_text(o, "remote_href",
	    web_href(app, rq->arena, "/login/remote", 0));
	return web_page_send(app, rq, rs, 200, &page_login_remote, o, e);
}

enum err
web_remote_show(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct param_value query[ARRAY_LEN(query_spec)];
	struct str email;
	enum err err = param_parse(rq->arena, query_spec, ARRAY_LEN(query_spec),
	    rq->query, query, e);

	if (!err)
		err = remote_user(app, rq, &email, e);
	return err ? err : show(app, rq, rs, email, query[0].text, e);
}

enum err
web_remote_submit(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	const struct sign_in services = web_door_services(app);
	struct sign_in_attempt attempt = web_door_attempt(app, rq);
	struct sign_in_result result = { .wait_s = 0 };
	struct param_value field[F__N];
	enum err err = param_parse(rq->arena, form_spec, F__N, rq->body, field,
	    e);

	if (!err)
		err = remote_user(app, rq, &attempt.email, e);
	if (!err)
		err = user_sign_in_remote(&services, &attempt, rq->arena,
		    &result, e);
	return err ? err
		   : web_door_enter(app, rq, rs, &result, field[F_NEXT].text,
			 e);
}
