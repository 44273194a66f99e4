/* SPDX-License-Identifier: MIT */
/* Signing out ends the session in the database, then in the browser. */
#include "handler/web/cookies.h"
#include "handler/web/page.h"
#include "handler/web/web.h"

enum err
web_logout_submit(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	struct str id = web_cookie_get(app, rq, WEB_COOKIE_SESSION);
	enum err err = session_end(app->shared->db, app->shared->pepper, id, e);
	if (err)
		return err;
	web_cookie_delete(app, rq, rs, WEB_COOKIE_SESSION);
	return web_page_redirect(rs, web_href(app, rq->arena, "/login", 0), e);
}
