/* SPDX-License-Identifier: MIT */
/* The second page of signing in: a code of the second factor. */
#include "handler/web/door.h"
#include "handler/web/page.h"
#include "handler/web/web.h"

static const struct tmpl_key code_keys[] = {
	{ "message", TVAL_TEXT },
	{ "next", TVAL_TEXT },
	{ "form_token", TVAL_TEXT },
	{ "code_href", TVAL_TEXT },
};
const struct tmpl_page page_login_code = PAGE("login/code", code_keys);

static const struct param_spec query_spec[] = {
	{ "next", PARAM_TEXT, 1, WEB_NEXT_BYTES_MAX, NULL, false },
};

enum {
	F_CODE,
	F_CSRF,
	F_NEXT,
	F__N
};
static const struct param_spec form_spec[F__N] = {
	[F_CODE] = { "code", PARAM_TEXT, 1, 64, NULL, false },
	[F_CSRF] = { "csrf", PARAM_TEXT, 1, 128, NULL, false },
	[F_NEXT] = { "next", PARAM_TEXT, 1, WEB_NEXT_BYTES_MAX, NULL, false },
};

static enum err
show(const struct app *app, const struct request *rq, struct response *rs,
    int status, struct str message, struct str next, struct error *e)
{
	struct str token = web_door_token(app, rq, rs);
	struct tval *o = web_page_begin(app, rq, &page_login_code,
	    S("Your second factor"));

	tval_set_text(o, "message", message);
	tval_set_text(o, "next", next);
	tval_set_text(o, "form_token", token);
	tval_set_text(o, "code_href",
	    web_href(app, rq->arena, "/login/code", 0));
	return web_page_send(app, rq, rs, status, &page_login_code, o, e);
}

enum err
web_code_show(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct param_value query[ARRAY_LEN(query_spec)];
	enum err err = param_parse(rq->arena, query_spec, ARRAY_LEN(query_spec),
	    rq->query, query, e);

	return err ? err : show(app, rq, rs, 200, S(""), query[0].text, e);
}

enum err
web_code_submit(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	const struct sign_in services = web_door_services(app);
	struct sign_in_attempt attempt = web_door_attempt(app, rq);
	struct sign_in_result result = { .wait_s = 0 };
	struct param_value field[F__N];
	struct str message;
	int status;
	enum err err = param_parse(rq->arena, form_spec, F__N, rq->body, field,
	    e);

	if (err)
		return err;
	attempt.code = field[F_CODE].text;
	err = user_sign_in_code(&services, &attempt, rq->arena, &result, e);
	if (!err)
		return web_door_enter(app, rq, rs, &result, field[F_NEXT].text,
		    e);
	if (err == ERR_UNAUTHORIZED) { /* too late: from the beginning */
		error_clear(e);
		return web_page_redirect(rs,
		    web_href(app, rq->arena, "/login", 0), e);
	}
	if (!web_door_refused(rq, rs, result.wait_s, &message, &status, e))
		return err;
	return show(app, rq, rs, status, message, field[F_NEXT].text, e);
}
