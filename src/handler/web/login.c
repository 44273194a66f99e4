/* SPDX-License-Identifier: MIT */
/*
 * Signing in. Works without script; the fields can be pasted into and filled
 * by password managers; the answer to a wrong password tells nothing else.
 */
#include "base/clock.h"
#include "domain/user.h"
#include "handler/web/cookies.h"
#include "handler/web/page.h"
#include "handler/web/web.h"
#include "http/param.h"

#define EMAIL_BYTES_MAX 254
#define NEXT_BYTES_MAX  1024

static const struct tmpl_key login_keys[] = {
	{ "message", TVAL_TEXT },
	{ "email", TVAL_TEXT },
	{ "next", TVAL_TEXT },
	{ "form_token", TVAL_TEXT },
};
const struct tmpl_page page_login = PAGE("login", login_keys);

enum {
	Q_NEXT,
	Q__N
};
static const struct param_spec query_spec[Q__N] = {
	[Q_NEXT] = { "next", PARAM_TEXT, 1, NEXT_BYTES_MAX, NULL, false },
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
	[F_NEXT] = { "next", PARAM_TEXT, 1, NEXT_BYTES_MAX, NULL, false },
	[F_PASSWORD] = { "password", PARAM_TEXT, 1, KIB(4), NULL, false },
};

/* What the form shows again. */
struct login_form {
	struct str message;
	struct str email;
	struct str next;
};

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

static enum err
show_form(const struct app *app, const struct request *rq, struct response *rs,
    int status, const struct login_form *form, struct error *e)
{
	char token[SESSION_TEXT_BYTES];
	struct str id = form_cookie(app, rq, rs);
	session_form_token(app->shared->pepper, id, token);
	struct tval *o = web_page_begin(app, rq, &page_login, S("Sign in"));
	tval_set_text(o, "message", form->message);
	tval_set_text(o, "email", form->email);
	tval_set_text(o, "next", form->next);
	tval_set_text(o, "form_token",
	    arena_strdup(rq->arena, str_from(token)));
	return web_page_send(app, rq, rs, status, &page_login, o, e);
}

/* Where to go after signing in: nowhere but on this site. */
static struct str
safe_next(const struct app *app, const struct request *rq,
    const struct param_value *next)
{
	if (next->is_set && url_is_local_path(next->text))
		return next->text;
	return web_href(app, rq->arena, "/dashboard", 0);
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
		return web_page_redirect(rs, safe_next(app, rq, &query[Q_NEXT]),
		    e);
	if (err != ERR_UNAUTHORIZED)
		return err;
	error_clear(e);
	const struct login_form form = { .next = query[Q_NEXT].text };
	return show_form(app, rq, rs, 200, &form, e);
}

static enum err
refuse(const struct app *app, const struct request *rq, struct response *rs,
    const struct param_value field[F__N], uint64_t wait_s, struct error *e)
{
	const struct login_form form = {
		.message = arena_strdup(rq->arena, str_from(e->public_text)),
		.email = field[F_EMAIL].text,
		.next = field[F_NEXT].text,
	};
	int status = err_info(e->code)->http_status;
	error_clear(e);
	if (wait_s > 0)
		response_header_u64(rs, "retry-after", wait_s);
	return show_form(app, rq, rs, status, &form, e);
}

static enum err
sign_in(const struct app *app, const struct request *rq,
    const struct param_value field[F__N], struct sign_in_result *ret,
    struct error *e)
{
	struct str email = str_trim(field[F_EMAIL].text);
	struct str password = field[F_PASSWORD].text;
	if (email.n == 0 || password.n == 0)
		return error_public(e, ERR_BAD_PARAM, NULL,
		    "Enter your e-mail address and your password.");
	if (email.n > EMAIL_BYTES_MAX)
		return error_public(e, ERR_BAD_PARAM, "email",
		    "That e-mail address is too long.");
	const struct sign_in services = {
		.db = app->shared->db,
		.map = app->shared->hostmap,
		.pepper = app->shared->pepper,
		.hasher = app->shared->hasher,
	};
	const struct sign_in_attempt attempt = {
		.email = email,
		.password = { (const uint8_t *)password.p, password.n },
		.device = web_cookie_get(app, rq, WEB_COOKIE_DEVICE),
		.client_addr = rq->client_addr,
		.user_agent = request_header(rq, "user-agent"),
		.request_id = str_from(rq->id_text),
		.session_max_s = conf_u64(app->conf, CONF_SESSION_MAX_S),
		.now_ms = clock_now_ms(),
	};
	return user_sign_in(&services, &attempt, rq->arena, ret, e);
}

enum err
web_login_submit(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct param_value field[F__N];
	struct sign_in_result result = { .wait_s = 0 };
	enum err err = param_parse(rq->arena, form_spec, F__N, rq->body, field,
	    e);
	if (err)
		return err;
	err = sign_in(app, rq, field, &result, e);
	if (err == ERR_UNAUTHORIZED || err == ERR_RATE_LIMITED ||
	    err == ERR_BAD_PARAM)
		return refuse(app, rq, rs, field, result.wait_s, e);
	if (err)
		return err;
	web_cookie_set(app, rq, rs, WEB_COOKIE_SESSION,
	    arena_strdup(rq->arena, str_from(result.session)));
	web_cookie_set(app, rq, rs, WEB_COOKIE_DEVICE,
	    arena_strdup(rq->arena, str_from(result.device)));
	web_cookie_delete(app, rq, rs, WEB_COOKIE_FORM);
	secret_wipe(&result, sizeof(result));
	return web_page_redirect(rs, safe_next(app, rq, &field[F_NEXT]), e);
}
