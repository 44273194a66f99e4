/* SPDX-License-Identifier: MIT */
/*
 * Signing in. Works without script; the fields can be pasted into and filled
 * by password managers; the answer to a wrong password tells nothing else.
 */
#include "domain/user_link.h"
#include "handler/web/door.h"
#include "handler/web/page.h"
#include "handler/web/web.h"

static const struct tmpl_key login_keys[] = {
	{ "message", TVAL_TEXT },
	{ "email", TVAL_TEXT },
	{ "next", TVAL_TEXT },
	{ "form_token", TVAL_TEXT },
	{ "is_mailed", TVAL_BOOL },
	{ "forgot_href", TVAL_TEXT },
	{ "has_remote", TVAL_BOOL },
	{ "remote_href", TVAL_TEXT },
};
const struct tmpl_page page_login = PAGE("login", login_keys);

enum {
	Q_DONE,
	Q_NEXT,
	Q__N
};
static const struct param_spec query_spec[Q__N] = {
	[Q_DONE] = WEB_DONE_PARAM,
	[Q_NEXT] = { "next", PARAM_TEXT, 1, WEB_NEXT_BYTES_MAX, NULL, false },
};

enum {
	F_CSRF,
	F_EMAIL,
	F_NEXT,
	F_PASSWORD,
	F__N
};
static const struct param_spec form_spec[F__N] = {
	[F_CSRF] = { "csrf", PARAM_TEXT, 1, 128, NULL, false },
	[F_EMAIL] = { "email", PARAM_TEXT, 1, 1024, NULL, false },
	[F_NEXT] = { "next", PARAM_TEXT, 1, WEB_NEXT_BYTES_MAX, NULL, false },
	[F_PASSWORD] = { "password", PARAM_TEXT, 1, WEB_PASSWORD_BYTES_MAX,
	    NULL, false },
};

/* What the form shows again. */
struct login_form {
	struct str message;
	struct str email;
	struct str next;
};

static enum err
show_form(const struct app *app, const struct request *rq, struct response *rs,
    int status, const struct login_form *form, struct error *e)
{
	struct str token = web_door_token(app, rq, rs);
	struct tval *o = web_page_begin(app, rq, &page_login, S("Sign in"));

	tval_set_text(o, "message", form->message);
	tval_set_text(o, "email", form->email);
	tval_set_text(o, "next", form->next);
	tval_set_text(o, "form_token", token);
	tval_set_bool(o, "is_mailed", user_link_is_mailed(app->conf));
	tval_set_text(o, "forgot_href",
	    web_href(app, rq->arena, "/login/forgot", 0));
	tval_set_bool(o, "has_remote",
	    conf_bool(app->conf, CONF_AUTH_REMOTE_USER));
	tval_set_text(o, "remote_href",
	    web_href(app, rq->arena, "/login/remote", 0));
	return web_page_send(app, rq, rs, status, &page_login, o, e);
}

enum err
web_login_show(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct param_value query[Q__N];
	struct principal who;
	struct session session;
	enum err err = param_parse(rq->arena, query_spec, Q__N, rq->query,
	    query, e);
	if (err)
		return err;
	err = web_session_load(app, rq, &who, &session, e);
	if (!err)
		return web_page_redirect(rs,
		    web_door_next(app, rq, query[Q_NEXT].text), e);
	if (err != ERR_UNAUTHORIZED)
		return err;
	error_clear(e);
	const struct login_form form = { .next = query[Q_NEXT].text };
	return show_form(app, rq, rs, 200, &form, e);
}

static enum err
sign_in(const struct app *app, const struct request *rq,
    const struct param_value field[F__N], struct sign_in_result *ret,
    struct error *e)
{
	const struct sign_in services = web_door_services(app);
	struct sign_in_attempt attempt = web_door_attempt(app, rq);
	struct str email = str_trim(field[F_EMAIL].text);
	struct str password = field[F_PASSWORD].text;

	if (email.n == 0 || password.n == 0)
		return error_public(e, ERR_BAD_PARAM, NULL,
		    "Enter your e-mail address and your password.");
	if (email.n > WEB_EMAIL_BYTES_MAX)
		return error_public(e, ERR_BAD_PARAM, "email",
		    "That e-mail address is too long.");
	attempt.email = email;
	attempt.password = (struct secret){ (const uint8_t *)password.p,
		password.n };
	return user_sign_in(&services, &attempt, rq->arena, ret, e);
}

enum err
web_login_submit(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct param_value field[F__N];
	struct sign_in_result result = { .wait_s = 0 };
	struct str message;
	int status;
	enum err err = param_parse(rq->arena, form_spec, F__N, rq->body, field,
	    e);
	if (err)
		return err;
	err = sign_in(app, rq, field, &result, e);
	if (!err)
		return web_door_enter(app, rq, rs, &result, field[F_NEXT].text,
		    e);
	if (!web_door_refused(rq, rs, result.wait_s, &message, &status, e))
		return err;
	const struct login_form form = { .message = message,
		.email = field[F_EMAIL].text,
		.next = field[F_NEXT].text };
	return show_form(app, rq, rs, status, &form, e);
}
