/* SPDX-License-Identifier: MIT */
#include "handler/web/page.h"

#include "base/zone.h"
#include "domain/session.h"
#include "handler/web/cookies.h"
#include "handler/web/view.h"
#include "handler/web/web.h"
#include "http/form.h"

const struct tmpl_key page_common_keys[PAGE_COMMON_N] = {
	{ "page", TVAL_TEXT },
	{ "title", TVAL_TEXT },
	{ "style_href", TVAL_TEXT },
	{ "icon_href", TVAL_TEXT },
	{ "home_href", TVAL_TEXT },
	{ "login_href", TVAL_TEXT },
	{ "logout_href", TVAL_TEXT },
	{ "is_signed_in", TVAL_BOOL },
	{ "user_email", TVAL_TEXT },
	{ "csrf", TVAL_TEXT },
	{ "script_href", TVAL_TEXT },
	{ "customer_name", TVAL_TEXT },
	{ "is_operator", TVAL_BOOL },
	{ "done", TVAL_TEXT },
	{ "settings_href", TVAL_TEXT },
	{ "zone", TVAL_TEXT },
	WEB_NAV_KEYS,
};

static struct str
base_path(const struct app *app)
{
	return str_from(conf_text(app->conf, CONF_BASE_PATH));
}

struct str
web_href(const struct app *app, struct arena *a, const char *path, uint64_t id)
{
	struct buf b;
	struct url u;
	buf_init(&b, a, KIB(1));
	url_begin(&u, &b, base_path(app), path);
	if (id != 0)
		url_segment_u64(&u, id);
	return buf_str(&b);
}

struct str
web_absolute(const struct app *app, const struct request *rq, struct str path)
{
	const char *public_url = conf_text(app->conf, CONF_PUBLIC_URL);
	struct str host = request_header(rq, "host");

	if (public_url[0])
		return arena_printf(rq->arena, "%s%" PRI_STR, public_url,
		    STR_ARG(path));
	for (size_t i = 0; i < host.n; i++) {
		char c = host.p[i];
		bool is_fine = (c >= 'a' && c <= 'z') ||
			       (c >= 'A' && c <= 'Z') ||
			       (c >= '0' && c <= '9') || c == '.' || c == '-' ||
			       c == ':' || c == '[' || c == ']';
		if (!is_fine)
			host.n = 0;
	}
	return arena_printf(rq->arena, "%s://%" PRI_STR "%s%" PRI_STR,
	    rq->is_tls ? "https" : "http",
	    STR_ARG(host.n > 0 ? host : S("localhost")),
	    conf_text(app->conf, CONF_BASE_PATH), STR_ARG(path));
}

/* Files that never change under their name: it carries our version. */
static struct str
static_href(const struct app *app, struct arena *a, const char *path)
{
	struct buf b;
	struct url u;
	buf_init(&b, a, KIB(1));
	url_begin(&u, &b, base_path(app), path);
	url_arg(&u, "v", S(PACKAGE_VERSION));
	return buf_str(&b);
}

/* What forms on the page send along; "" for who is not signed in. */
static struct str
form_token(const struct app *app, const struct request *rq)
{
	char token[SESSION_TEXT_BYTES];
	struct str id = web_cookie_get(app, rq, WEB_COOKIE_SESSION);
	if (!app->session || !session_id_is_shaped(id))
		return S("");
	session_form_token(app->shared->pepper, id, token);
	return arena_strdup(rq->arena, str_from(token));
}

static const struct {
	const char *word;
	const char *text;
} done[] = {
#define DONE(word_, text_) { #word_, text_ },
#include "handler/web/done.def"
#undef DONE
};

/* What was done before this page, by the word in its address. */
static struct str
done_text(const struct request *rq)
{
	struct error e = { 0 };
	struct str word;

	if (form_get(rq->arena, rq->query, "done", &word, &e))
		return S("");
	for (size_t i = 0; i < ARRAY_LEN(done); i++)
		if (str_eq(word, str_from(done[i].word)))
			return str_from(done[i].text);
	return S("");
}

struct tval *
web_page_begin(const struct app *app, const struct request *rq,
    const struct tmpl_page *page, struct str title)
{
	return web_page_begin_for(app, rq, page, title, S(""));
}

struct tval *
web_page_begin_for(const struct app *app, const struct request *rq,
    const struct tmpl_page *page, struct str title, struct str customer_name)
{
	struct arena *a = rq->arena;
	struct tval *o = tval_object(a);
	const struct session *s = app->session;
	tval_set_text(o, "page", str_from(page->body));
	tval_set_text(o, "title", title);
	tval_set_text(o, "style_href",
	    static_href(app, a, "/static/tollgate.css"));
	tval_set_text(o, "icon_href",
	    static_href(app, a, "/static/favicon.svg"));
	tval_set_text(o, "home_href", web_href(app, a, "/dashboard", 0));
	tval_set_text(o, "login_href", web_href(app, a, "/login", 0));
	tval_set_text(o, "logout_href", web_href(app, a, "/logout", 0));
	tval_set_bool(o, "is_signed_in", s != NULL);
	tval_set_text(o, "user_email", s ? s->user_email : S(""));
	tval_set_text(o, "csrf", form_token(app, rq));
	tval_set_text(o, "script_href",
	    static_href(app, a, "/static/tollgate.js"));
	tval_set_text(o, "customer_name", customer_name);
	tval_set_bool(o, "is_operator", s && principal_is_operator(app->who));
	tval_set_text(o, "done", done_text(rq));
	tval_set_text(o, "settings_href", web_href(app, a, "/settings", 0));
	tval_set_text(o, "zone", s ? s->time_zone : S("UTC"));
	web_nav_add(o, app, rq);
	return o;
}

/* Nothing but our own style sheet, script and icon. */
static void
set_headers(struct response *rs)
{
	response_header(rs, "content-security-policy",
	    S("default-src 'none'; style-src 'self'; script-src 'self'; "
	      "connect-src 'self'; img-src 'self' data:; form-action 'self'; "
	      "base-uri 'none'; frame-ancestors 'none'"));
	response_header(rs, "cache-control", S("no-store"));
	response_header(rs, "x-content-type-options", S("nosniff"));
	response_header(rs, "x-frame-options", S("DENY"));
	response_header(rs, "referrer-policy", S("same-origin"));
	response_header(rs, "cross-origin-opener-policy", S("same-origin"));
	response_header(rs, "cross-origin-resource-policy", S("same-origin"));
	response_header(rs, "permissions-policy",
	    S("camera=(), geolocation=(), microphone=(), payment=(), usb=()"));
}

/* Times as the reader wants them. A zone that the system no longer has is
 * UTC's, as texts are. */
static enum err
to_zone(const struct app *app, const struct request *rq,
    const struct tval *root, struct error *e)
{
	struct zone z;
	enum err err = zone_load(app->session->time_zone, rq->arena, &z, e);

	if (!err)
		view_to_zone(root, &z);
	if (err != ERR_BAD_PARAM)
		return err;
	error_clear(e);
	return OK;
}

enum err
web_page_send(const struct app *app, const struct request *rq,
    struct response *rs, int status, const struct tmpl_page *page,
    const struct tval *root, struct error *e)
{
	if (!root || rq->arena->sticky)
		return error_arena(e, rq->arena);
	enum err err = app->session ? to_zone(app, rq, root, e) : OK;
	if (!err && conf_bool(app->conf, CONF_TEMPLATES_RELOAD))
		err = tmpl_check_values(page, root, e);
	if (!err)
		err = tmpl_render(app->templates, str_from(page->layout), root,
		    response_buf(rs), e);
	if (err)
		return err;
	set_headers(rs);
	return response_html(rs, status, e);
}

enum err
web_page_unchanged(struct response *rs, struct error *e)
{
	set_headers(rs);
	rs->status = 304;
	return response_check(rs, e);
}

enum err
web_page_redirect(struct response *rs, struct str location, struct error *e)
{
	set_headers(rs);
	return response_redirect(rs, 303, location, e);
}
