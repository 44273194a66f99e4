/* SPDX-License-Identifier: MIT */
#include "web_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "domain/hostmap.h"
#include "domain/principal.h"
#include "handler/web/page.h"
#include "http/tmpl.h"

#define PEPPER                      \
 "000102030405060708090a0b0c0d0e0f" \
 "101112131415161718191a1b1c1d1e1f"

const struct web_route web_login_page = { web_login_show, "/login", NULL, true,
	false };
const struct web_route web_login_form = { web_login_submit, "/login", NULL,
	true, true };
const struct web_route web_logout_form = { web_logout_submit, "/logout", NULL,
	false, true };
const struct web_route web_dashboard_page = { web_dashboard_show,
	"/dashboard/7", "7", false, false };
const struct web_route web_dashboard_root = { web_dashboard_home, "/dashboard",
	NULL, false, false };

/* One hash for all tests of a program: making it takes a while. */
/* Those that the fakes can serve; the worker checks all of them. */
static const struct tmpl_page *const pages[] = { &page_customers,
	&page_dashboard, &page_error, &page_login };

static struct crypto_hasher *hasher;
static char owner_hash[CRYPTO_PASSWORD_BYTES];

static void
make_hash(void)
{
	struct error e = { 0 };
	const struct secret password = { (const uint8_t *)WEB_PASSWORD,
		strlen(WEB_PASSWORD) };
	if (hasher)
		return;
	assert_ok(crypto_init(&e));
	assert_ok(crypto_hasher_new(2, &hasher, &e));
	assert_ok(crypto_password_hash(hasher, password, owner_hash, &e));
}

static void
load_templates(struct web *w)
{
	struct error e = { 0 };
	char dir[1024];
	const char *src = getenv("TG_SRCDIR");
	(void)snprintf(dir, sizeof(dir), "%s/templates", src ? src : ".");
	if (tmpl_set_load(dir, &w->templates, &e))
		fail_msg("%s", e.internal);
	for (size_t i = 0; i < ARRAY_LEN(pages); i++)
		if (tmpl_check(w->templates, pages[i], &e))
			fail_msg("%s", e.internal);
	assert_ok(conf_set(w->conf, S("templates.dir"), str_from(dir), &e));
}

int
web_set_up(void **state)
{
	struct error e = { 0 };
	struct web *w = calloc(1, sizeof(*w));
	assert_non_null(w);
	make_hash();
	fake_store_reset();
	memcpy(fake.password_hash, owner_hash, sizeof(owner_hash));
	clock_set_for_test(FAKE_NOW_MS);
	assert_ok(conf_defaults(&w->conf, &e));
	load_templates(w);
	assert_ok(crypto_key_from_hex(S(PEPPER), &w->pepper, &e));
	(void)snprintf(w->dir, sizeof(w->dir), "/tmp/test_web.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	assert_ok(hostmap_open(w->dir, true, &w->shared.hostmap, &e));
	w->shared.pepper = w->pepper;
	w->shared.hasher = hasher;
	w->app.shared = &w->shared;
	w->app.conf = w->conf;
	w->app.templates = w->templates;
	w->is_tls = true;
	w->site = "same-origin";
	arena_init(&w->arena, MIB(8));
	conn_mem_init(&w->conn, S(""));
	*state = w;
	return 0;
}

int
web_tear_down(void **state)
{
	struct web *w = *state;
	char path[64];
	conn_mem_fini(&w->conn);
	arena_fini(&w->arena);
	hostmap_close(w->shared.hostmap);
	(void)snprintf(path, sizeof(path), "%s/%s", w->dir, HOSTMAP_FILE);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/" HOSTMAP_FILE ".lock", w->dir);
	(void)unlink(path);
	(void)rmdir(w->dir);
	crypto_key_free(w->pepper);
	tmpl_set_unref(w->templates);
	conf_free(w->conf);
	free(w);
	clock_set_for_test(0);
	return 0;
}

/* The CGI parameters of one request. */
struct cgi {
	char text[16][1200];
	const char *list[17];
	size_t n;
};

static void
cgi_add(struct cgi *c, const char *name, const char *value)
{
	if (!value)
		return;
	assert_true(c->n < 16);
	(void)snprintf(c->text[c->n], sizeof(c->text[0]), "%s=%s", name, value);
	c->list[c->n] = c->text[c->n];
	c->n++;
}

static void
parse(struct web *w, const struct web_route *route, const char *form,
    struct request *rq, struct cgi *c)
{
	char length[24];
	struct error e = { 0 };
	const struct request_env env = { .base_path = S("") };
	(void)snprintf(length, sizeof(length), "%zu", form ? strlen(form) : 0);
	cgi_add(c, "REQUEST_METHOD", route->is_form ? "POST" : "GET");
	cgi_add(c, "REQUEST_URI", route->path);
	cgi_add(c, "REMOTE_ADDR", "192.0.2.9");
	cgi_add(c, "HTTPS", w->is_tls ? "on" : NULL);
	cgi_add(c, "HTTP_HOST", "gate.example");
	cgi_add(c, "HTTP_COOKIE", w->cookies[0] ? w->cookies : NULL);
	cgi_add(c, "HTTP_SEC_FETCH_SITE", w->site);
	cgi_add(c, "HTTP_ORIGIN", w->origin);
	cgi_add(c, "HTTP_IF_NONE_MATCH", w->if_none_match);
	cgi_add(c, "HTTP_USER_AGENT", "test");
	cgi_add(c, "CONTENT_TYPE",
	    form ? "application/x-www-form-urlencoded" : NULL);
	cgi_add(c, "CONTENT_LENGTH", form ? length : NULL);
	assert_ok(request_parse(rq, &w->arena, c->list, &env, &e));
	rq->conn = &w->conn.base;
	if (route->param)
		rq->path_param[rq->n_path_params++] = str_from(route->param);
	if (form)
		assert_ok(request_read_body(rq, WEB_FORM_BYTES_MAX, &e));
}

/* The gates, as the dispatcher runs them. */
static enum err
serve(struct web *w, const struct web_route *route, struct request *rq,
    struct response *rs, struct error *e)
{
	static struct principal who;
	static struct session session;
	w->app.who = NULL;
	w->app.session = NULL;
	if (!route->is_public) {
		enum err err = web_session_load(&w->app, rq, &who, &session, e);
		if (err)
			return err;
		w->app.who = &who;
		w->app.session = &session;
	}
	if (route->is_form) {
		enum err err = web_form_check(&w->app, rq, false, e);
		if (err)
			return err;
	}
	return route->handler(&w->app, rq, rs, e);
}

/* Keep one cookie as a browser does. */
static void
keep_cookie(struct web *w, const char *line)
{
	char name[128];
	size_t n = strcspn(line, "=");
	assert_true(n < sizeof(name));
	memcpy(name, line, n);
	name[n] = '\0';
	web_forget_cookie(w, name);
	if (strstr(line, "Max-Age=0"))
		return;
	size_t used = strlen(w->cookies);
	(void)snprintf(w->cookies + used, sizeof(w->cookies) - used, "%s%.*s",
	    used > 0 ? "; " : "", (int)strcspn(line, ";"), line);
}

static void
keep_cookies(struct web *w)
{
	struct str rest = conn_mem_out(&w->conn);
	struct str line;
	while (str_split(&rest, '\n', &line) && line.n > 1) {
		char text[512];
		if (line.n >= sizeof(text) ||
		    !str_eq_nocase(str_make(line.p, line.n < 11 ? 0 : 11),
			S("set-cookie:")))
			continue;
		memcpy(text, line.p + 12, line.n - 12);
		text[line.n - 12] = '\0';
		keep_cookie(w, text);
	}
}

void
web_ask(struct web *w, const struct web_route *route, const char *form)
{
	struct error e = { 0 };
	struct request rq = { .arena = NULL };
	struct response rs;
	static struct cgi c;
	memset(&c, 0, sizeof(c));
	conn_mem_fini(&w->conn);
	conn_mem_init(&w->conn, str_from(form ? form : ""));
	arena_reset(&w->arena);
	parse(w, route, form, &rq, &c);
	response_init(&rs, &w->arena, &w->conn.base, rq.id_text, false);
	w->arena.n_alloc = 0;
	w->arena.fail_at = w->fail_at;
	w->err = serve(w, route, &rq, &rs, &e);
	w->arena.fail_at = 0;
	if (w->err) {
		response_reset(&rs);
		web_error_show(&w->app, &rq, &rs, &e);
	}
	struct error second = { 0 };
	if (!w->fail_at)
		assert_ok(response_check(&rs, &second));
	assert_ok(response_send(&rs, &second));
	w->status = conn_mem_out_status(&w->conn);
	w->body = conn_mem_out_body(&w->conn);
	keep_cookies(w);
}

const char *
web_header(struct web *w, const char *name)
{
	struct str s = conn_mem_out_header(&w->conn, name);
	const char *text = s.p ? arena_cstr(&w->arena, s) : "";
	assert_non_null(text);
	return text;
}

bool
web_shows(const struct web *w, const char *text)
{
	return str_find_str(w->body, str_from(text)) < w->body.n;
}

const char *
web_token(struct web *w)
{
	struct str mark = S("name=\"csrf\" value=\"");
	size_t at = str_find_str(w->body, mark);
	struct str rest = str_skip(w->body, at + mark.n);
	return arena_cstr(&w->arena, str_make(rest.p, str_find(rest, '"')));
}

static char *
find_cookie(struct web *w, const char *name)
{
	size_t n = strlen(name);
	char *p = w->cookies;
	while (*p) {
		if (strncmp(p, name, n) == 0 && p[n] == '=')
			return p;
		p += strcspn(p, ";");
		p += *p == ';' ? 2 : 0;
	}
	return NULL;
}

const char *
web_cookie_value(struct web *w, const char *name)
{
	const char *p = find_cookie(w, name);
	if (!p)
		return "";
	p += strlen(name) + 1;
	return arena_cstr(&w->arena, str_make(p, strcspn(p, ";")));
}

void
web_forget_cookie(struct web *w, const char *name)
{
	char *p = find_cookie(w, name);
	if (!p)
		return;
	char *end = p + strcspn(p, ";");
	if (*end == ';')
		end += 2;
	else if (p > w->cookies)
		p -= 2;
	memmove(p, end, strlen(end) + 1);
}

void
web_sign_in(struct web *w, const char *email)
{
	char form[512];
	web_ask(w, &web_login_page, NULL);
	assert_int_equal(w->status, 200);
	(void)snprintf(form, sizeof(form),
	    "csrf=%s&next=&email=%s&password=correct+horse+battery+staple",
	    web_token(w), email);
	web_ask(w, &web_login_form, form);
	if (w->status != 303)
		fail_msg("sign-in gave %d: %.*s", w->status, (int)w->body.n,
		    w->body.p);
}
