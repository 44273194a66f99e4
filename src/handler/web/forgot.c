/* SPDX-License-Identifier: MIT */
/*
 * A link to set another password, for who has forgotten it. The answer is the
 * same whether or not the address is anybody's.
 */
#include "domain/customer.h"
#include "domain/user_link.h"
#include "handler/web/door.h"
#include "handler/web/page.h"
#include "handler/web/web.h"

static const struct tmpl_key forgot_keys[] = {
	{ "is_mailed", TVAL_BOOL },
	{ "is_sent", TVAL_BOOL },
	{ "valid", TVAL_TEXT },
	{ "message", TVAL_TEXT },
	{ "email", TVAL_TEXT },
	{ "form_token", TVAL_TEXT },
	{ "forgot_href", TVAL_TEXT },
};
const struct tmpl_page page_forgot = PAGE("login/forgot", forgot_keys);

enum {
	F_CSRF,
	F_EMAIL,
	F__N
};
static const struct param_spec form_spec[F__N] = {
	[F_CSRF] = { "csrf", PARAM_TEXT, 1, 128, NULL, false },
	[F_EMAIL] = { "email", PARAM_TEXT, 1, 1024, NULL, false },
};

struct forgot_form {
	struct str message;
	struct str email;
	bool is_sent;
};

static enum err
show(const struct app *app, const struct request *rq, struct response *rs,
    int status, const struct forgot_form *form, struct error *e)
{
	struct str token = web_door_token(app, rq, rs);
	struct tval *o = web_page_begin(app, rq, &page_forgot,
	    S("Forgot your password?"));

	tval_set_bool(o, "is_mailed", user_link_is_mailed(app->conf));
	tval_set_bool(o, "is_sent", form->is_sent);
	tval_set_textf(o, "valid", "%llu minutes",
	    (unsigned long long)conf_u64(app->conf, CONF_RESET_VALID_S) / 60);
	tval_set_text(o, "message", form->message);
	tval_set_text(o, "email", form->email);
	tval_set_text(o, "form_token", token);
	tval_set_text(o, "forgot_href",
	    web_href(app, rq->arena, "/login/forgot", 0));
	return web_page_send(app, rq, rs, status, &page_forgot, o, e);
}

enum err
web_forgot_show(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	const struct forgot_form form = { .is_sent = false };

	return show(app, rq, rs, 200, &form, e);
}

static enum err
send_link(const struct app *app, const struct request *rq, struct str email,
    uint64_t *ret_wait_s, struct error *e)
{
	const struct sign_in services = web_door_services(app);
	const struct user_link_ask ask = {
		.email = email,
		.client_addr = rq->client_addr,
		.request_id = str_from(rq->id_text),
		.now_ms = rq->start_ms,
	};
	struct user_link_maker maker;

	if (!email_is_valid(email))
		return error_public(e, ERR_BAD_PARAM, "email",
		    "Enter an e-mail address such as name@example.com.");
	if (!user_link_is_mailed(app->conf))
		return error_public(e, ERR_BAD_PARAM, NULL,
		    "This service sends no e-mail.");
	user_link_maker_init(&maker, app->conf, services.pepper, services.seal);
	return user_link_send(&services, &maker, &ask, rq->arena, ret_wait_s,
	    e);
}

enum err
web_forgot_submit(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	struct forgot_form form = { .is_sent = true };
	struct param_value field[F__N];
	uint64_t wait_s = 0;
	int status = 200;
	enum err err = param_parse(rq->arena, form_spec, F__N, rq->body, field,
	    e);

	if (err)
		return err;
	form.email = str_trim(field[F_EMAIL].text);
	err = send_link(app, rq, form.email, &wait_s, e);
	if (err && !web_door_refused(rq, rs, wait_s, &form.message, &status, e))
		return err;
	form.is_sent = !err;
	return show(app, rq, rs, status, &form, e);
}
