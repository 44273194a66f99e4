/* SPDX-License-Identifier: MIT */
/*
 * Pages without a daemon: a browser of one tab that asks our handlers
 * through http/mem.c, keeps cookies, and goes through the gates as the
 * dispatcher does. The store is fake_store.c's.
 */
#ifndef TG_TESTS_WEB_FIXTURE_H
#define TG_TESTS_WEB_FIXTURE_H

#include "support/cmocka_tg.h"

#include "domain/session.h"
#include "fake_store.h"
#include "handler/web/web.h"
#include "http/mem.h"

#define WEB_PASSWORD "correct horse battery staple"

struct web_route {
	handler_fn *handler;
	const char *path;  /* as the browser asks for it, with its query */
	const char *param; /* value of {customer_id}; or NULL */
	bool is_public;    /* no session is needed */
	bool is_form;      /* POST with a token */
};

struct web {
	struct app app;
	struct shared shared;
	struct conf *conf;
	struct tmpl_set *templates;
	struct crypto_key *pepper;
	char dir[32]; /* of the host's map */
	bool is_tls;
	const char *site; /* Sec-Fetch-Site; NULL: not sent */
	const char *if_none_match;
	const char *origin; /* Origin; NULL: not sent */
	char cookies[1024]; /* Cookie header: what was set, kept */
	size_t fail_at;     /* the handler's n-th allocation fails; 0: none */
	struct arena arena; /* of the last request */
	struct conn_mem conn;
	int status; /* of the last answer, and so the following */
	struct str body;
	enum err err; /* what the handler or a gate returned */
};

/* For cmocka; *state is a struct web. */
int web_set_up(void **state);
int web_tear_down(void **state);

/** Ask; form is the body of a POST, or NULL. Follows no redirect. */
void web_ask(struct web *w, const struct web_route *route, const char *form);
/** A header of the last answer, "" when it has none. */
const char *web_header(struct web *w, const char *name);
/** Whether the last page contains text. */
bool web_shows(const struct web *w, const char *text);
/** Value of the hidden field csrf on the last page; "" if there is none. */
const char *web_token(struct web *w);
/** Sign in as the owner of FAKE_CUSTOMER or as the operator. */
void web_sign_in(struct web *w, const char *email);
/** The cookie's value, "" if the browser has none. */
const char *web_cookie_value(struct web *w, const char *name);
void web_forget_cookie(struct web *w, const char *name);

extern const struct web_route web_login_page;
extern const struct web_route web_login_form;
extern const struct web_route web_logout_form;
extern const struct web_route web_dashboard_page;
extern const struct web_route web_dashboard_root;

#endif
