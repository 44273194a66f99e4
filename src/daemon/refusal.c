/* SPDX-License-Identifier: MIT */
#include "daemon/refusal.h"

#include <string.h>

#include "base/error_json.h"
#include "handler/web/web.h"

/* Statuses on which clients may try again unless they are told not to; the SDKs
 * do on all but 402. */
static bool
is_retried_by_clients(int status)
{
	return status == 402 || status == 408 || status == 409 ||
	       status == 429 || status >= 500;
}

static void
set_headers(struct turn *t, const struct err_info *info)
{
	struct response *rs = &t->rs;

	if (t->e.code == ERR_METHOD)
		response_header(rs, "allow",
		    route_allow_text(t->allow, t->rq.arena));
	if (info->http_status == 401)
		response_header(rs, "www-authenticate", S("Bearer"));
	if (!info->is_retryable && is_retried_by_clients(info->http_status))
		response_header(rs, "x-should-retry", S("false"));
	if (info->http_status == 503 && info->is_retryable &&
	    !response_header_get(rs, "retry-after").p)
		response_header(rs, "retry-after", S("1"));
}

static bool
is_for_anthropic(const struct turn *t)
{
	return t->route && (t->route->flags & ROUTE_ANTHROPIC);
}

static void
write_error(const struct turn *t, struct buf *b)
{
	if (is_for_anthropic(t))
		error_json_anthropic(b, &t->e);
	else
		error_json(b, &t->e);
}

static void
render_object(struct turn *t)
{
	const struct err_info *info = err_info(t->e.code);
	struct buf b;

	response_reset(&t->rs);
	set_headers(t, info);
	response_header(&t->rs, "content-type", S("application/json"));
	if (is_for_anthropic(t)) /* its clients look for it there */
		response_header(&t->rs, "request-id", str_from(t->rq.id_text));
	t->rs.status = info->http_status;
	/* A header that found no memory is left out of a refusal. */
	t->rs.sticky = OK;
	buf_init_fixed(&b, t->error_text, sizeof(t->error_text));
	write_error(t, &b);
	response_body(&t->rs, buf_str(&b));
}

/* As the last event of a stream; the SDKs raise it as an error. Its bytes
 * are JSON on one line, so nothing in them can end the event early. */
static void
render_event(struct turn *t)
{
	struct error ignored;
	struct buf b;

	if (!str_starts(response_header_get(&t->rs, "content-type"),
		S("text/event-stream")))
		return;
	buf_init_fixed(&b, t->error_text, sizeof(t->error_text));
	buf_add(&b,
	    is_for_anthropic(t) ? S("event: error\ndata: ") : S("data: "));
	write_error(t, &b);
	buf_add(&b, S("\n\n"));
	/* The client may leave just now; the log says how it ended anyway. */
	if (response_write(&t->rs, buf_str(&b), &ignored) == OK &&
	    response_flush(&t->rs, &ignored) == OK)
		return;
}

static bool
is_for_browser(const struct turn *t)
{
	if (t->route)
		return (t->route->flags & ROUTE_HTML) != 0;
	return request_wants_html(&t->rq);
}

void
refusal_render(struct turn *t)
{
	if (t->e.code == ERR_CLIENT_CLOSED || t->rs.is_client_gone ||
	    t->rs.mode == RESP_SENT)
		return;
	if (t->rs.mode == RESP_STREAMING) {
		render_event(t);
		return;
	}
	if (is_for_browser(t) && t->rq.arena->sticky == OK &&
	    t->settings->templates) {
		response_reset(&t->rs);
		web_error_show(t->app, &t->rq, &t->rs, &t->e);
		if (t->rs.sticky == OK && t->rs.buf.sticky == OK) {
			if (t->e.code == ERR_METHOD)
				set_headers(t, err_info(t->e.code));
			return;
		}
	}
	render_object(t);
}
