/* SPDX-License-Identifier: MIT */
/* Errors as pages, for the dispatcher. */
#include "base/log.h"
#include "handler/web/page.h"
#include "handler/web/web.h"

#define NEXT_BYTES_MAX 1024

static const struct tmpl_key error_keys[] = {
	{ "status", TVAL_TEXT },
	{ "message", TVAL_TEXT },
	{ "request_id", TVAL_TEXT },
	{ "is_retryable", TVAL_BOOL },
};
const struct tmpl_page page_error = PAGE("error", error_keys);

static struct str
title_of(int status)
{
	switch (status) {
	case 400:
		return S("This request does not work");
	case 401:
		return S("Sign in first");
	case 403:
		return S("Not allowed");
	case 404:
		return S("Nothing here");
	case 405:
		return S("Not this way");
	case 413:
		return S("Too large");
	case 429:
		return S("Too many requests");
	case 503:
		return S("Back in a moment");
	default:
		return status >= 500 ? S("Something went wrong")
				     : S("This request does not work");
	}
}

static enum err
show(struct app *app, const struct request *rq, struct response *rs,
    const struct error *shown, struct error *e)
{
	const struct err_info *info = err_info(shown->code);
	struct tval *o = web_page_begin(app, rq, &page_error,
	    title_of(info->http_status));
	tval_set_textf(o, "status", "%d", info->http_status);
	tval_set_text(o, "message",
	    str_from(shown->public_text[0] ? shown->public_text
					   : info->public_text));
	tval_set_text(o, "request_id", str_from(rq->id_text));
	tval_set_bool(o, "is_retryable", info->is_retryable);
	return web_page_send(app, rq, rs, info->http_status, &page_error, o, e);
}

/* To the sign-in page, which comes back to where this request went. */
static enum err
to_login(const struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct buf b;
	struct url u;
	buf_init(&b, rq->arena, KIB(8));
	url_begin(&u, &b, str_from(conf_text(app->conf, CONF_BASE_PATH)),
	    "/login");
	if (rq->target.n <= NEXT_BYTES_MAX && url_is_local_path(rq->target))
		url_arg(&u, "next", rq->target);
	struct str location;
	enum err err = buf_finish(&b, &location, e);
	if (err)
		return err;
	return web_page_redirect(rs, location, e);
}

void
web_error_show(struct app *app, const struct request *rq, struct response *rs,
    const struct error *e)
{
	struct error second = { .code = OK };
	bool is_get = rq->method == METHOD_GET || rq->method == METHOD_HEAD;
	enum err err;
	if (e->code == ERR_UNAUTHORIZED && is_get)
		err = to_login(app, rq, rs, &second);
	else
		err = show(app, rq, rs, e, &second);
	if (!err)
		return;
	if (second.code != e->code)
		log_error("error page", &second);
	response_reset(rs);
	rs->status = err_info(e->code)->http_status;
	response_header(rs, "content-type", S("text/plain; charset=utf-8"));
	response_body(rs, str_from(err_info(e->code)->public_text));
}
