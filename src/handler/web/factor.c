/* SPDX-License-Identifier: MIT */
/* The second factor in the settings: set up, confirmed, taken away. */
#include "base/buf.h"
#include "base/clock.h"
#include "domain/second_factor.h"
#include "ext/qr.h"
#include "handler/manager.h"
#include "handler/web/door.h"
#include "handler/web/page.h"
#include "handler/web/settings.h"
#include "handler/web/view.h"
#include "handler/web/web.h"
#include "store/db_pool.h"

#define DB_WAIT_MS   2000
#define LINK_BYTES   1000
#define ISSUER       "Tollgate"
#define MARGIN_UNITS 4 /* ISO/IEC 18004 asks for so much around it */

static const struct tmpl_key factor_keys[] = {
	{ "settings_href", TVAL_TEXT },
	{ "begin_href", TVAL_TEXT },
	{ "confirm_href", TVAL_TEXT },
	{ "remove_href", TVAL_TEXT },
	{ "message", TVAL_TEXT },
	{ "is_on", TVAL_BOOL },
	{ "is_begun", TVAL_BOOL },
	{ "is_off", TVAL_BOOL },
	{ "recovery_codes", TVAL_TEXT },
	VIEW_TIME_KEYS("as_of"),
	{ "secret", TVAL_TEXT },
	{ "qr_path", TVAL_TEXT },
	{ "qr_box", TVAL_TEXT },
};
const struct tmpl_page page_factor = PAGE("settings/factor", factor_keys);

static const struct tmpl_key codes_keys[] = {
	{ "settings_href", TVAL_TEXT },
	{ "codes", TVAL_LIST },
	{ "codes.", TVAL_TEXT },
};
const struct tmpl_page page_factor_codes = PAGE("settings/factor_codes",
    codes_keys);

enum {
	F_CODE,
	F_CSRF,
	F_EMAIL, /* for password managers only */
	F_PASSWORD,
	F__N
};
static const struct param_spec form_spec[F__N] = {
	[F_CODE] = { "code", PARAM_TEXT, 1, 64, NULL, false },
	[F_CSRF] = { "csrf", PARAM_TEXT, 1, 128, NULL, false },
	[F_EMAIL] = { "email", PARAM_TEXT, 1, 1024, NULL, false },
	[F_PASSWORD] = { "current_password", PARAM_TEXT, 1,
	    WEB_PASSWORD_BYTES_MAX, NULL, false },
};

/* ---- the page ---- */

enum state {
	FACTOR_OFF,
	FACTOR_BEGUN,
	FACTOR_ON,
};

static enum err
load(const struct app *app, struct arena *a, struct second_factor *f,
    uint8_t secret[TOTP_SECRET_BYTES], enum state *ret, struct error *e)
{
	struct db *db;
	enum err err = db_pool_take(app->shared->db, DB_WAIT_MS, &db, e);

	if (err)
		return err;
	err = factor_load(db, app->shared->seal, app->session->user_id, a, f,
	    secret, e);
	db_pool_give(app->shared->db, db);
	*ret = FACTOR_OFF;
	if (err == ERR_NOT_FOUND) {
		error_clear(e);
		return OK;
	}
	if (!err)
		*ret = f->is_confirmed ? FACTOR_ON : FACTOR_BEGUN;
	return err;
}

/* What apps read: "Key Uri Format" of Google Authenticator's wiki. */
static struct str
otpauth(const struct app *app, struct arena *a, const char *secret)
{
	struct buf b;
	struct url u;

	buf_init(&b, a, LINK_BYTES);
	buf_add(&b, S("otpauth:"));
	url_begin(&u, &b, S(""), "//totp");
	url_segment(&u, arena_printf(a, ISSUER ":%" PRI_STR,
			    STR_ARG(app->session->user_email)));
	url_arg(&u, "secret", str_from(secret));
	url_arg(&u, "issuer", S(ISSUER));
	return buf_str(&b);
}

/* In groups of four, as people type it. */
static struct str
grouped(struct arena *a, const char *text)
{
	struct buf b;

	buf_init(&b, a, 64);
	for (size_t i = 0; text[i]; i++) {
		if (i && i % 4 == 0)
			buf_add_char(&b, ' ');
		buf_add_char(&b, text[i]);
	}
	return buf_str(&b);
}

static enum err
add_secret(struct tval *o, const struct app *app, struct arena *a,
    const uint8_t secret[TOTP_SECRET_BYTES], struct error *e)
{
	char text[TOTP_TEXT_BYTES];
	struct str path;
	unsigned size;
	enum err err;

	totp_text(secret, text);
	tval_set_text(o, "secret", grouped(a, text));
	err = qr_path(otpauth(app, a, text), a, &path, &size, e);
	secret_wipe(text, sizeof(text));
	if (err)
		return err;
	tval_set_text(o, "qr_path", path);
	tval_set_textf(o, "qr_box", "-%d -%d %u %u", MARGIN_UNITS, MARGIN_UNITS,
	    size + 2 * MARGIN_UNITS, size + 2 * MARGIN_UNITS);
	return OK;
}

static enum err
show(struct app *app, const struct request *rq, struct response *rs, int status,
    struct str message, struct error *e)
{
	uint8_t secret[TOTP_SECRET_BYTES];
	struct second_factor f = { .n_recovery_codes = 0 };
	struct arena *a = rq->arena;
	enum state state;
	struct tval *o;
	enum err err = load(app, a, &f, secret, &state, e);

	if (err)
		return err;
	o = web_page_begin(app, rq, &page_factor, S("Second factor"));
	tval_set_text(o, "settings_href", web_href(app, a, "/settings", 0));
	tval_set_text(o, "begin_href", web_href(app, a, "/settings/factor", 0));
	tval_set_text(o, "confirm_href",
	    web_href(app, a, "/settings/factor/confirm", 0));
	tval_set_text(o, "remove_href",
	    web_href(app, a, "/settings/factor/remove", 0));
	tval_set_text(o, "message", message);
	tval_set_bool(o, "is_off", state == FACTOR_OFF);
	tval_set_bool(o, "is_begun", state == FACTOR_BEGUN);
	tval_set_bool(o, "is_on", state == FACTOR_ON);
	view_count(o, "recovery_codes", f.n_recovery_codes);
	view_second(o, "as_of", clock_now_ms());
	if (state == FACTOR_BEGUN)
		err = add_secret(o, app, a, secret, e);
	secret_wipe(secret, sizeof(secret));
	return err ? err
		   : web_page_send(app, rq, rs, status, &page_factor, o, e);
}

enum err
web_factor_show(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	return show(app, rq, rs, 200, S(""), e);
}

/* ---- what its forms do ---- */

struct work {
	const struct app *app;
	struct str code;
	int64_t now_ms;
	struct tries_wait wait; /* with ERR_RATE_LIMITED */
	char codes[FACTOR_RECOVERY_CODES][FACTOR_RECOVERY_BYTES];
};

static enum err
show_refused(struct app *app, const struct request *rq, struct response *rs,
    uint64_t wait_s, struct error *e)
{
	struct str message;
	int status;
	enum err err = e->code;

	if (err == ERR_CONFLICT) { /* done in another window: as it is now */
		error_clear(e);
		return web_settings_redirect(app, rq, rs, "/settings/factor",
		    NULL, e);
	}
	if (!web_door_refused(rq, rs, wait_s, &message, &status, e))
		return err;
	return show(app, rq, rs, status, message, e);
}

/* Read the form; the password must be right. */
static enum err
read_form(struct app *app, const struct request *rq, struct response *rs,
    struct param_value field[F__N], struct work *ret, struct error *e)
{
	enum err err = param_parse(rq->arena, form_spec, F__N, rq->body, field,
	    e);

	*ret = (struct work){ .app = app,
		.code = field[F_CODE].text,
		.now_ms = rq->start_ms };
	return err ? err
		   : web_settings_confirm(app, rq, rs, field[F_PASSWORD].text,
			 e);
}

static enum err
begin(const struct resource *r, const struct manager *m, struct arena *a,
    const void *row, void *arg, struct error *e)
{
	const struct work *w = arg;
	const struct user *u = row;

	(void)r;
	return factor_begin(m->db, w->app->shared->seal, u->user_id, a, e);
}

static const struct resource_act act_factor_begin = { "factor_begin", begin,
	true };

enum err
web_factor_begin(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct param_value field[F__N];
	struct work w;
	struct user u;
	enum err err = read_form(app, rq, rs, field, &w, e);

	if (!err)
		err = web_settings_act(app, rq, &act_factor_begin, &w, &u, e);
	return err ? show_refused(app, rq, rs, 0, e)
		   : web_settings_redirect(app, rq, rs, "/settings/factor",
			 NULL, e);
}

/* From now on a password is not enough: elsewhere it is asked for again. */
static enum err
confirm(const struct resource *r, const struct manager *m, struct arena *a,
    const void *row, void *arg, struct error *e)
{
	struct work *w = arg;
	const struct shared *s = w->app->shared;
	const struct user *u = row;
	enum err err = factor_confirm(m->db, s->pepper, s->seal, u->user_id,
	    w->code, w->now_ms, a, w->codes, e);

	(void)r;
	return err ? err
		   : store_session_delete_others(m->db, u->user_id,
			 w->app->session->session_id, e);
}

static const struct resource_act act_factor_add = { "factor_add", confirm,
	true };

/* The one time that they are shown. */
static enum err
show_codes(struct app *app, const struct request *rq, struct response *rs,
    const struct work *w, struct error *e)
{
	struct tval *o = web_page_begin(app, rq, &page_factor_codes,
	    S("Recovery codes"));
	struct tval *list = tval_set_list(o, "codes");

	tval_set_text(o, "settings_href",
	    web_href(app, rq->arena, "/settings", 0));
	for (size_t i = 0; i < FACTOR_RECOVERY_CODES; i++)
		tval_push_text(list,
		    arena_strdup(rq->arena, str_from(w->codes[i])));
	return web_page_send(app, rq, rs, 200, &page_factor_codes, o, e);
}

/* Guesses of the first code would be the user's own, so none are counted. */
enum err
web_factor_confirm(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	struct param_value field[F__N];
	struct work w = { .app = app, .now_ms = rq->start_ms };
	struct user u;
	enum err err = param_parse(rq->arena, form_spec, F__N, rq->body, field,
	    e);

	w.code = field[F_CODE].text;
	if (!err)
		err = web_settings_act(app, rq, &act_factor_add, &w, &u, e);
	if (err)
		return show_refused(app, rq, rs, 0, e);
	err = show_codes(app, rq, rs, &w, e);
	secret_wipe(&w, sizeof(w));
	return err;
}

static enum err
take_away(const struct resource *r, const struct manager *m, struct arena *a,
    const void *row, void *arg, struct error *e)
{
	struct work *w = arg;
	const struct sign_in services = web_door_services(w->app);
	const struct user *u = row;
	enum err err = user_code_take(&services, m->db, u, w->code, w->now_ms,
	    a, &w->wait, e);

	(void)r;
	if (!err)
		err = store_factor_delete(m->db, u->user_id, e);
	return err ? err
		   : store_session_delete_others(m->db, u->user_id,
			 w->app->session->session_id, e);
}

static const struct resource_act act_factor_remove = { "factor_remove",
	take_away, true };

enum err
web_factor_remove(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	struct param_value field[F__N];
	struct work w;
	struct user u;
	enum err err = read_form(app, rq, rs, field, &w, e);

	if (!err) {
		err = web_settings_act(app, rq, &act_factor_remove, &w, &u, e);
		if (err == ERR_BAD_PARAM || w.wait.is_first)
			err = web_settings_audit_failure(app, rq,
			    "user.factor_remove", w.wait.is_first, e);
	}
	return err ? show_refused(app, rq, rs, w.wait.s, e)
		   : web_settings_redirect(app, rq, rs, "/settings",
			 "factor_removed", e);
}
