/* SPDX-License-Identifier: MIT */
#include "handler/web/settings.h"

#include "base/zone.h"
#include "domain/session.h"
#include "handler/manager.h"
#include "handler/web/door.h"
#include "handler/web/page.h"
#include "handler/web/view.h"
#include "handler/web/web.h"
#include "store/db_pool.h"
#include "store/second_factor.h"

#define DB_WAIT_MS     2000
#define SESSIONS_MAX   50
#define NAME_BYTES_MAX 200

static const struct tmpl_key settings_keys[] = {
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
const struct tmpl_page page_settings = PAGE("settings/show", settings_keys);

/* ---- what the page shows ---- */

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

struct mark {
	const char *word, *name;
};

static const char *
find_mark(const struct mark *marks, size_t n, struct str text,
    const char *otherwise)
{
	for (size_t i = 0; i < n; i++)
		if (str_find_str(text, str_from(marks[i].word)) < text.n)
			return marks[i].name;
	return otherwise;
}

/* Of a User-Agent header as much as tells one's own devices apart. Each word
 * stands before those that it usually comes with. */
static struct str
device_text(struct arena *a, struct str agent)
{
	static const struct mark browsers[] = { { "Edg/", "Edge" },
		{ "OPR/", "Opera" }, { "Firefox/", "Firefox" },
		{ "Chrome/", "Chrome" }, { "Safari/", "Safari" },
		{ "curl/", "curl" } };
	static const struct mark systems[] = { { "Android", "Android" },
		{ "iPhone", "iPhone" }, { "iPad", "iPad" },
		{ "Windows", "Windows" }, { "Mac OS X", "macOS" },
		{ "Linux", "Linux" } };
	const char *browser = find_mark(browsers, ARRAY_LEN(browsers), agent,
	    NULL);
	const char *system = find_mark(systems, ARRAY_LEN(systems), agent,
	    NULL);

	if (!browser && !system)
		return S("Unknown device");
	if (!browser || !system)
		return str_from(browser ? browser : system);
	return arena_printf(a, "%s on %s", browser, system);
}

static struct str
end_href(const struct app *app, struct arena *a, uint64_t session_id)
{
	return arena_printf(a, "%" PRI_STR "/end",
	    STR_ARG(web_href(app, a, "/settings/sessions", session_id)));
}

static void
add_sessions(struct tval *o, const struct app *app, const struct settings *s)
{
	struct tval *list = tval_set_list(o, "sessions");

	for (size_t i = 0; list && i < s->n_sessions; i++) {
		const struct session_listed *row = &s->sessions[i];
		struct tval *v = tval_push_object(list);

		tval_set_text(v, "device",
		    device_text(list->a, row->user_agent));
		tval_set_text(v, "address",
		    row->client_address.p ? row->client_address : S("–"));
		tval_set_bool(v, "is_this",
		    row->session_id == app->session->session_id);
		tval_set_text(v, "end_href",
		    end_href(app, list->a, row->session_id));
		view_time(v, "since", row->created_at_ms);
		view_time(v, "seen", row->last_seen_at_ms);
	}
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

enum err
web_settings_page(struct app *app, const struct request *rq,
    struct response *rs, const struct settings_refusal *refusal,
    struct error *e)
{
	struct settings s = { .n_sessions = 0 };
	struct str why = refusal->message;
	struct tval *o;
	enum err err = load(app, rq->arena, &s, e);

	if (err)
		return err;
	o = web_page_begin(app, rq, &page_settings, S("Settings"));
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
	add_sessions(o, app, &s);
	return web_page_send(app, rq, rs, refusal->status, &page_settings, o,
	    e);
}

enum err
web_settings_show(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	const struct settings_refusal none = { .status = 200 };

	return web_settings_page(app, rq, rs, &none, e);
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
    const char *action, struct error *e)
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
	err = store_audit_insert(m.db, &row, e);
	manager_end(app, &m);
	if (err)
		return err;
	*e = why;
	return why.code;
}

enum err
web_settings_confirm(struct app *app, const struct request *rq,
    struct str password, uint64_t *ret_wait_s, struct error *e)
{
	const struct sign_in services = web_door_services(app);
	enum err err;

	if (password.n == 0)
		return error_public(e, ERR_BAD_PARAM, "current_password",
		    "Enter your password.");
	err = user_password_confirm(&services, rq->arena, app->session->user_id,
	    (struct secret){ (const uint8_t *)password.p, password.n },
	    rq->start_ms, ret_wait_s, e);
	return err == ERR_BAD_PARAM
		   ? web_settings_audit_failure(app, rq, "session.confirm", e)
		   : err;
}

static enum err
show_refused(struct app *app, const struct request *rq, struct response *rs,
    enum settings_part part, uint64_t wait_s, struct error *e)
{
	struct settings_refusal r = { .part = part };
	enum err err = e->code;

	if (!web_door_refused(rq, rs, wait_s, &r.message, &r.status, e))
		return err;
	return web_settings_page(app, rq, rs, &r, e);
}

/* ---- name and time zone ---- */

enum {
	P_CSRF,
	P_NAME,
	P_ZONE,
	P__N
};
static const struct param_spec profile_spec[P__N] = {
	[P_CSRF] = { "csrf", PARAM_TEXT, 1, 128, NULL, false },
	[P_NAME] = { "name", PARAM_TEXT, 1, NAME_BYTES_MAX, NULL, true },
	[P_ZONE] = { "time_zone", PARAM_ASCII, 1, ZONE_NAME_BYTES_MAX, NULL,
	    true },
};

/* arg: struct param_value[P__N]. */
static enum err
set_profile(const struct resource *r, const struct manager *m, struct arena *a,
    const void *row, void *arg, struct error *e)
{
	const struct param_value *field = arg;
	const struct user *u = row;

	(void)r;
	(void)a;
	return store_user_set_profile(m->db, u->user_id, field[P_NAME].text,
	    field[P_ZONE].text, e);
}

static const struct resource_act act_profile = { "profile", set_profile,
	false };

enum err
web_settings_change(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	struct param_value field[P__N];
	struct zone zone;
	struct user u;
	enum err err = param_parse(rq->arena, profile_spec, P__N, rq->body,
	    field, e);

	if (!err)
		err = zone_load(field[P_ZONE].text, rq->arena, &zone, e);
	if (!err)
		err = web_settings_act(app, rq, &act_profile, field, &u, e);
	if (err)
		return show_refused(app, rq, rs, SETTINGS_PROFILE, 0, e);
	return web_settings_redirect(app, rq, rs, "/settings", "profile_saved",
	    e);
}

/* ---- password ---- */

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
change_password(struct app *app, const struct request *rq,
    const struct param_value field[W__N], struct sign_in_result *ret,
    uint64_t *ret_wait_s, struct error *e)
{
	const struct sign_in services = web_door_services(app);
	const struct sign_in_attempt attempt = web_door_attempt(app, rq);
	struct renewal n = { .services = &services, .attempt = &attempt };
	struct str new = field[W_NEW].text;
	char hash[CRYPTO_PASSWORD_BYTES];
	struct user u;
	enum err err = user_password_check(new, app->session->user_email, e);

	if (!err)
		err = web_settings_confirm(app, rq, field[W_CURRENT].text,
		    ret_wait_s, e);
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
	uint64_t wait_s = 0;
	enum err err = param_parse(rq->arena, password_spec, W__N, rq->body,
	    field, e);

	if (!err)
		err = change_password(app, rq, field, &result, &wait_s, e);
	if (err)
		return show_refused(app, rq, rs, SETTINGS_PASSWORD, wait_s, e);
	web_door_cookies(app, rq, rs, &result);
	secret_wipe(&result, sizeof(result));
	return web_settings_redirect(app, rq, rs, "/settings",
	    "password_changed", e);
}

/* ---- sessions ---- */

/* arg: the session's id; 0: all but this one. */
struct ending {
	uint64_t session_id;
	uint64_t this_id;
};

static enum err
end_sessions(const struct resource *r, const struct manager *m, struct arena *a,
    const void *row, void *arg, struct error *e)
{
	const struct ending *end = arg;
	const struct user *u = row;

	(void)r;
	(void)a;
	return end->session_id ? store_session_delete_one(m->db, u->user_id,
				     end->session_id, e)
			       : store_session_delete_others(m->db, u->user_id,
				     end->this_id, e);
}

static const struct resource_act act_sessions_end = { "sessions_end",
	end_sessions, true };

static enum err
end_and_go_on(struct app *app, const struct request *rq, struct response *rs,
    uint64_t session_id, struct error *e)
{
	struct ending end = { session_id, app->session->session_id };
	struct user u;
	enum err err = web_settings_act(app, rq, &act_sessions_end, &end, &u,
	    e);

	return err ? err
		   : web_settings_redirect(app, rq, rs, "/settings",
			 session_id ? "session_ended" : "sessions_ended", e);
}

enum err
web_session_end_others(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	return end_and_go_on(app, rq, rs, 0, e);
}

enum err
web_session_end_one(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	uint64_t id;

	if (!str_to_u64(rq->path_param[0], 1, INT64_MAX, &id))
		return error_set(e, ERR_NOT_FOUND, "no session id");
	return end_and_go_on(app, rq, rs, id, e);
}
