/* SPDX-License-Identifier: MIT */
/*
 * Setting a password by a link. Opening the link changes nothing, so programs
 * that look at links in e-mails use none up. The address holds a secret, which
 * is worth nothing once it was used.
 */
#include "domain/user_link.h"
#include "handler/web/cookies.h"
#include "handler/web/door.h"
#include "handler/web/page.h"
#include "handler/web/web.h"

static const struct tmpl_key password_keys[] = {
	{ "is_good", TVAL_BOOL },
	{ "is_invitation", TVAL_BOOL },
	{ "message", TVAL_TEXT },
	{ "email", TVAL_TEXT },
	{ "token", TVAL_TEXT },
	{ "form_token", TVAL_TEXT },
	{ "password_href", TVAL_TEXT },
	{ "forgot_href", TVAL_TEXT },
	{ "min_chars", TVAL_TEXT },
};
const struct tmpl_page page_login_password = PAGE("login/password",
    password_keys);

enum {
	F_CSRF,
	F_EMAIL, /* for password managers only */
	F_PASSWORD,
	F_TOKEN,
	F__N
};
static const struct param_spec form_spec[F__N] = {
	[F_CSRF] = { "csrf", PARAM_TEXT, 1, 128, NULL, false },
	[F_EMAIL] = { "email", PARAM_TEXT, 1, 1024, NULL, false },
	[F_PASSWORD] = { "password", PARAM_TEXT, 1, WEB_PASSWORD_BYTES_MAX,
	    NULL, false },
	[F_TOKEN] = { "token", PARAM_ASCII, 1, 128, NULL, false },
};

/* link NULL: the link is none, or none any more. */
static enum err
show(const struct app *app, const struct request *rq, struct response *rs,
    int status, const struct user_link *link, struct str token,
    struct str message, struct error *e)
{
	struct arena *a = rq->arena;
	struct str form_token = web_door_token(app, rq, rs);
	struct tval *o = web_page_begin(app, rq, &page_login_password,
	    link ? S("Set your password") : S("This link is no good"));

	tval_set_bool(o, "is_good", link != NULL);
	tval_set_bool(o, "is_invitation",
	    link && link->kind == USER_LINK_INVITATION);
	tval_set_text(o, "message", message);
	tval_set_text(o, "email", link ? link->user_email : S(""));
	tval_set_text(o, "token", token);
	tval_set_text(o, "form_token", form_token);
	tval_set_text(o, "password_href",
	    web_href(app, a, "/login/password", 0));
	tval_set_text(o, "forgot_href", web_href(app, a, "/login/forgot", 0));
	tval_set_textf(o, "min_chars", "%d", USER_PASSWORD_CHARS_MIN);
	return web_page_send(app, rq, rs, status, &page_login_password, o, e);
}

static enum err
show_gone(const struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct str message = arena_strdup(rq->arena, str_from(e->public_text));

	error_clear(e);
	return show(app, rq, rs, 404, NULL, S(""), message, e);
}

enum err
web_password_show(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	const struct sign_in services = web_door_services(app);
	struct user_link link;
	struct str token = rq->path_param[0];
	enum err err = user_link_find(&services, token, rq->arena, &link, e);

	if (err == ERR_NOT_FOUND)
		return show_gone(app, rq, rs, e);
	return err ? err : show(app, rq, rs, 200, &link, token, S(""), e);
}

/* The form once more; its link is looked up again, for whom it is. */
static enum err
show_refused(const struct app *app, const struct request *rq,
    struct response *rs, const struct sign_in *services, struct str token,
    struct error *e)
{
	struct str message;
	struct user_link link;
	int status;
	enum err err = e->code;

	if (err == ERR_NOT_FOUND)
		return show_gone(app, rq, rs, e);
	if (!web_door_refused(rq, rs, 0, &message, &status, e))
		return err;
	err = user_link_find(services, token, rq->arena, &link, e);
	if (err == ERR_NOT_FOUND)
		return show_gone(app, rq, rs, e);
	return err ? err : show(app, rq, rs, status, &link, token, message, e);
}

enum err
web_password_submit(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	const struct sign_in services = web_door_services(app);
	struct sign_in_attempt attempt = web_door_attempt(app, rq);
	char device[USER_DEVICE_TEXT_BYTES];
	struct param_value field[F__N];
	struct str password, token;
	struct buf b;
	struct url u;
	enum err err = param_parse(rq->arena, form_spec, F__N, rq->body, field,
	    e);

	if (err)
		return err;
	password = field[F_PASSWORD].text;
	token = field[F_TOKEN].text;
	attempt.password = (struct secret){ (const uint8_t *)password.p,
		password.n };
	err = user_link_use(&services, token, &attempt, rq->arena, device, e);
	if (err)
		return show_refused(app, rq, rs, &services, token, e);
	web_cookie_set(app, rq, rs, WEB_COOKIE_DEVICE,
	    arena_strdup(rq->arena, str_from(device)));
	buf_init(&b, rq->arena, KIB(1));
	url_begin(&u, &b, str_from(conf_text(app->conf, CONF_BASE_PATH)),
	    "/login");
	url_arg(&u, "done", S("password_set"));
	return web_page_redirect(rs, buf_str(&b), e);
}
