/* SPDX-License-Identifier: MIT */
#include "handler/web/cookies.h"

#include "domain/user.h"
#include "http/cookie.h"

#define YEAR_S 31536000

static const struct {
	const char *secure_name;
	const char *plain_name;
	int64_t max_age_s;
	bool is_strict;
} cookies[WEB_COOKIE__N] = {
	[WEB_COOKIE_SESSION] = { "__Host-tollgate_session", "tollgate_session",
	    0, false },
	[WEB_COOKIE_FORM] = { "__Host-tollgate_form", "tollgate_form", 0,
	    true },
	[WEB_COOKIE_DEVICE] = { "__Host-tollgate_device", "tollgate_device",
	    YEAR_S, true },
	[WEB_COOKIE_PENDING] = { "__Host-tollgate_pending", "tollgate_pending",
	    USER_PENDING_MS / 1000, true },
};

static bool
is_secure(const struct app *app, const struct request *rq)
{
	switch (
	    (enum conf_cookie_secure)conf_enum(app->conf, CONF_COOKIE_SECURE)) {
	case CONF_COOKIE_AUTO:
		return rq->is_tls;
	case CONF_COOKIE_ON:
		return true;
	case CONF_COOKIE_OFF:
		return false;
	}
	return true;
}

const char *
web_cookie_name(const struct app *app, const struct request *rq,
    enum web_cookie which)
{
	return is_secure(app, rq) ? cookies[which].secure_name
				  : cookies[which].plain_name;
}

struct str
web_cookie_get(const struct app *app, const struct request *rq,
    enum web_cookie which)
{
	return cookie_get(rq, web_cookie_name(app, rq, which));
}

static void
set(const struct app *app, const struct request *rq, struct response *rs,
    enum web_cookie which, struct str value, int64_t max_age_s)
{
	const struct cookie c = {
		.name = web_cookie_name(app, rq, which),
		.value = value,
		.max_age_s = max_age_s,
		.is_secure = is_secure(app, rq),
		.is_strict = cookies[which].is_strict,
	};
	cookie_set(rs, &c);
}

void
web_cookie_set(const struct app *app, const struct request *rq,
    struct response *rs, enum web_cookie which, struct str value)
{
	set(app, rq, rs, which, value, cookies[which].max_age_s);
}

void
web_cookie_delete(const struct app *app, const struct request *rq,
    struct response *rs, enum web_cookie which)
{
	set(app, rq, rs, which, S(""), -1);
}
