/* SPDX-License-Identifier: MIT */
/*
 * Our four cookies. By TLS they carry the prefix __Host-, which makes the
 * browser insist on Secure, on the path / and on no domain.
 */
#ifndef TG_HANDLER_WEB_COOKIES_H
#define TG_HANDLER_WEB_COOKIES_H

#include "base/str.h"
#include "handler/handler.h"

enum web_cookie {
	WEB_COOKIE_SESSION, /* id of the session */
	WEB_COOKIE_FORM,    /* before there is one: what form tokens bind to */
	WEB_COOKIE_DEVICE,  /* this browser has signed in before */
	WEB_COOKIE_PENDING, /* the password was right, the code is to come */
	WEB_COOKIE__N
};

/** The name under which a request of this kind carries the cookie. */
const char *web_cookie_name(const struct app *app, const struct request *rq,
    enum web_cookie which);
/** {NULL, 0} when there is none. */
struct str web_cookie_get(const struct app *app, const struct request *rq,
    enum web_cookie which);
/** Until the browser ends, but for the device's: a year, and for what waits
 * for a code: ten minutes. */
void web_cookie_set(const struct app *app, const struct request *rq,
    struct response *rs, enum web_cookie which, struct str value);
void web_cookie_delete(const struct app *app, const struct request *rq,
    struct response *rs, enum web_cookie which);

#endif
