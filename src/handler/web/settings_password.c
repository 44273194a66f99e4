/* SPDX-License-Identifier: MIT */
/* Settings: another password. */
#include "domain/session.h"
#include "handler/web/door.h"
#include "handler/web/settings.h"
#include "handler/web/web.h"
#include "http/param.h"

enum {
	W_CSRF,
	W_CURRENT,
	W_EMAIL, /* for password managers only */
	W_NEW,
	W__N
};
static const struct param_spec password_spec[W__N] = {
	[W_CSRF] = { "csrf", PARAM_TEXT, 1, 128, NULL, false },
	[W_CURRENT] = { "current_password", PARAM_TEXT, 1,
	    WEB_PASSWORD_BYTES_MAX, NULL, false },
	[W_EMAIL] = { "email", PARAM_TEXT, 1, 1024, NULL, false },
	[W_NEW] = { "password", PARAM_TEXT, 1, WEB_PASSWORD_BYTES_MAX, NULL,
	    false },
};

struct renewal {
	const struct sign_in *services;
	const struct sign_in_attempt *attempt;
	struct str hash;
	struct sign_in_result result;
};

/* All sessions end, this one too; the browser that did it gets another. */
static enum err
set_password(const struct resource *r, const struct manager *m, struct arena *a,
    const void *row, void *arg, struct error *e)
{
	struct renewal *n = arg;
	const struct user *u = row;
	enum err err = store_user_set_password(m->db, u->user_id, n->hash, e);

	(void)r;
	(void)a;
	return err ? err
		   : user_session_renew(n->services, m->db, n->attempt, u,
			 &n->result, e);
}

static const struct resource_act act_password = { "password", set_password,
	true };

static enum err
change_password(struct app *app, const struct request *rq, struct response *rs,
    const struct param_value field[W__N], struct sign_in_result *ret,
    struct error *e)
{
	const struct sign_in services = web_door_services(app);
	const struct sign_in_attempt attempt = web_door_attempt(app, rq);
	struct renewal n = { .services = &services, .attempt = &attempt };
	struct str new = field[W_NEW].text;
	char hash[CRYPTO_PASSWORD_BYTES];
	struct user u;
	enum err err = user_password_check(new, app->session->user_email, e);

	if (!err)
		err = web_settings_confirm(app, rq, rs, field[W_CURRENT].text,
		    e);
	if (!err)
		err = crypto_password_hash(services.hasher,
		    (struct secret){ (const uint8_t *)new.p, new.n }, hash, e);
	if (err)
		return err;
	n.hash = str_from(hash);
	err = web_settings_act(app, rq, &act_password, &n, &u, e);
	*ret = n.result;
	secret_wipe(&n.result, sizeof(n.result));
	return err;
}

enum err
web_settings_password(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	struct param_value field[W__N];
	struct sign_in_result result;
	enum err err = param_parse(rq->arena, password_spec, W__N, rq->body,
	    field, e);

	if (!err)
		err = change_password(app, rq, rs, field, &result, e);
	if (err)
		return web_settings_refused(app, rq, rs, SETTINGS_PASSWORD, e);
	web_door_cookies(app, rq, rs, &result);
	secret_wipe(&result, sizeof(result));
	return web_settings_redirect(app, rq, rs, "/settings",
	    "password_changed", e);
}
