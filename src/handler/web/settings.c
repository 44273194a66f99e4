/* SPDX-License-Identifier: MIT */
#include "handler/web/settings.h"

#include "base/clock.h"
#include "handler/manager.h"
#include "handler/web/door.h"
#include "handler/web/page.h"
#include "handler/web/view.h"
#include "handler/web/web.h"
#include "store/db_pool.h"
#include "store/second_factor.h"

#define DB_WAIT_MS   2000
#define SESSIONS_MAX 50

static const struct tmpl_key settings_keys[] = {
	VIEW_TIME_KEYS("as_of"),
	{ "settings_href", TVAL_TEXT },
	{ "password_href", TVAL_TEXT },
	{ "end_others_href", TVAL_TEXT },
	{ "factor_href", TVAL_TEXT },
	{ "min_chars", TVAL_TEXT },
	{ "name", TVAL_TEXT },
	{ "time_zone", TVAL_TEXT },
	{ "has_password", TVAL_BOOL },
	{ "has_factor", TVAL_BOOL },
	{ "recovery_codes", TVAL_TEXT },
	{ "profile_message", TVAL_TEXT },
	{ "password_message", TVAL_TEXT },
	{ "has_others", TVAL_BOOL },
	{ "sessions", TVAL_LIST },
	{ "sessions.device", TVAL_TEXT },
	{ "sessions.address", TVAL_TEXT },
	{ "sessions.is_this", TVAL_BOOL },
	{ "sessions.end_href", TVAL_TEXT },
	VIEW_TIME_KEYS("sessions.since"),
	VIEW_TIME_KEYS("sessions.seen"),
};
const struct tmpl_page page_settings = PAGE("settings/settings", settings_keys);

/* ---- what the page shows ---- */

/* What is wrong with one of the forms, said above it. */
struct refusal {
	enum settings_part part;
	struct str message;
	int status;
};

struct settings {
	struct user user;
	struct second_factor factor;
	struct session_listed *sessions;
	size_t n_sessions;
};

static enum err
load_rows(const struct app *app, struct db *db, struct arena *a,
    struct settings *ret, struct error *e)
{
	uint64_t id = app->session->user_id;
	enum err err = store_user_by_id(db, 0, id, a, &ret->user, e);

	if (!err)
		err = store_session_list(db, id,
		    conf_u64(app->conf, CONF_SESSION_IDLE_S), SESSIONS_MAX, a,
		    &ret->sessions, &ret->n_sessions, e);
	if (err)
		return err;
	err = store_factor_by_user(db, id, a, &ret->factor, e);
	if (err != ERR_NOT_FOUND)
		return err;
	error_clear(e);
	ret->factor = (struct second_factor){ .is_confirmed = false };
	return OK;
}

static enum err
load(const struct app *app, struct arena *a, struct settings *ret,
    struct error *e)
{
	struct db *db;
	enum err err = db_pool_take(app->shared->db, DB_WAIT_MS, &db, e);

	if (err)
		return err;
	err = load_rows(app, db, a, ret, e);
	db_pool_give(app->shared->db, db);
	return err;
}

static void
add_links(struct tval *o, const struct app *app, struct arena *a)
{
	tval_set_text(o, "settings_href", web_href(app, a, "/settings", 0));
	tval_set_text(o, "password_href",
	    web_href(app, a, "/settings/password", 0));
	tval_set_text(o, "end_others_href",
	    web_href(app, a, "/settings/sessions/end", 0));
	tval_set_text(o, "factor_href",
	    web_href(app, a, "/settings/factor", 0));
}

static enum err
show(struct app *app, const struct request *rq, struct response *rs,
    const struct refusal *refusal, struct error *e)
{
	struct settings s = { .n_sessions = 0 };
	struct str why = refusal->message;
	struct tval *o;
	enum err err = load(app, rq->arena, &s, e);

	if (err)
		return err;
	o = web_page_begin(app, rq, &page_settings, S("Settings"));
	view_second(o, "as_of", clock_now_ms());
	add_links(o, app, rq->arena);
	tval_set_textf(o, "min_chars", "%d", USER_PASSWORD_CHARS_MIN);
	tval_set_text(o, "name", s.user.name);
	tval_set_text(o, "time_zone", s.user.time_zone);
	tval_set_bool(o, "has_password", s.user.password_hash.p != NULL);
	tval_set_bool(o, "has_factor", s.factor.is_confirmed);
	view_count(o, "recovery_codes", s.factor.n_recovery_codes);
	tval_set_text(o, "profile_message",
	    refusal->part == SETTINGS_PROFILE ? why : S(""));
	tval_set_text(o, "password_message",
	    refusal->part == SETTINGS_PASSWORD ? why : S(""));
	tval_set_bool(o, "has_others", s.n_sessions > 1);
	web_settings_sessions(o, app, s.sessions, s.n_sessions);
	return web_page_send(app, rq, rs, refusal->status, &page_settings, o,
	    e);
}

enum err
web_settings_show(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	const struct refusal none = { .status = 200 };

	return show(app, rq, rs, &none, e);
}

/* ---- what they all need ---- */

enum err
web_settings_redirect(const struct app *app, const struct request *rq,
    struct response *rs, const char *path, const char *done, struct error *e)
{
	struct buf b;
	struct url u;

	buf_init(&b, rq->arena, KIB(1));
	url_begin(&u, &b, str_from(conf_text(app->conf, CONF_BASE_PATH)), path);
	if (done)
		url_arg(&u, "done", str_from(done));
	return web_page_redirect(rs, buf_str(&b), e);
}

enum err
web_settings_act(struct app *app, const struct request *rq,
    const struct resource_act *act, void *arg, struct user *ret,
    struct error *e)
{
	struct manager m;
	enum err err = manager_begin(app, rq, &m, e);

	if (err)
		return err;
	m.if_match = (struct str){ NULL, 0 };
	err = resource_act(&user_resource, &m, app->session->user_id, act, arg,
	    rq->arena, ret, e);
	manager_end(app, &m);
	return err;
}

enum err
web_settings_audit_failure(struct app *app, const struct request *rq,
    const char *action, bool is_throttled, struct error *e)
{
	struct error why = *e;
	struct manager m;
	struct audit row;
	enum err err = manager_begin(app, rq, &m, e);

	if (err)
		return err;
	row = m.audit;
	row.action = str_from(action);
	row.object = S("user");
	row.object_id = app->session->user_id;
	row.customer_id = app->session->customer_id;
	row.is_success = false;
	if (is_throttled)
		row.detail = S(TRIES_AUDIT_DETAIL);
	err = store_audit_insert(m.db, &row, e);
	manager_end(app, &m);
	if (err)
		return err;
	*e = why;
	return why.code;
}

enum err
web_settings_confirm(struct app *app, const struct request *rq,
    struct response *rs, struct str password, struct error *e)
{
	const struct sign_in services = web_door_services(app);
	struct tries_wait wait = { 0 };
	enum err err;

	if (password.n == 0)
		return error_public(e, ERR_BAD_PARAM, "current_password",
		    "Enter your password.");
	err = user_password_confirm(&services, rq->arena, app->session->user_id,
	    (struct secret){ (const uint8_t *)password.p, password.n },
	    rq->start_ms, &wait, e);
	if (err == ERR_RATE_LIMITED)
		response_header_u64(rs, "retry-after", wait.s);
	return err == ERR_BAD_PARAM || wait.is_first
		   ? web_settings_audit_failure(app, rq, "session.confirm",
			 wait.is_first, e)
		   : err;
}

enum err
web_settings_refused(struct app *app, const struct request *rq,
    struct response *rs, enum settings_part part, struct error *e)
{
	struct refusal r = { .part = part };
	enum err err = e->code;

	if (!web_door_refused(rq, rs, 0, &r.message, &r.status, e))
		return err;
	return show(app, rq, rs, &r, e);
}
