/* SPDX-License-Identifier: MIT */
#include "daemon/dispatch.h"

#include <string.h>

#include "base/log.h"
#include "daemon/finish.h"
#include "daemon/gates.h"
#include "daemon/refusal.h"
#include "daemon/turn.h"
#include "handler/web/web.h"
#include "http/tmpl.h"

static void
unref_templates(void *set)
{
	tmpl_set_unref(set);
}

/* For those who write templates: read them anew for every page. */
static enum err
reload_templates(struct turn *t, struct error *e)
{
	struct tmpl_set *set = NULL;
	enum err code;

	if (!conf_bool(t->app->conf, CONF_TEMPLATES_RELOAD) ||
	    !(t->route->flags & ROUTE_HTML))
		return OK;
	code = tmpl_set_load(conf_text(t->app->conf, CONF_TEMPLATES_DIR), &set,
	    e);
	if (code)
		return code;
	if (!arena_defer(t->rq.arena, unref_templates, set))
		return error_arena(e, t->rq.arena);
	code = web_templates_check(set, e);
	if (code == OK)
		t->app->templates = set;
	return code;
}

/* Everything up to the handler's return. */
static enum err
run(struct turn *t, struct error *e)
{
	enum err code = routes_find(&t->rq, &t->route, &t->allow, e);

	if (code)
		return code;
	code = reload_templates(t, e);
	if (code)
		return code;
	code = gates_pass(t, e);
	if (code)
		return code;
	/* What was copied without a look whether it fitted: not begun. */
	if (t->rq.arena->sticky)
		return error_arena(e, t->rq.arena);
	code = t->route->handler(t->app, &t->rq, &t->rs, e);
	if (code)
		return code;
	/* A check that was forgotten must not deliver half an answer. */
	if (t->rs.mode == RESP_BUFFERED && t->rq.arena->sticky)
		return error_arena(e, t->rq.arena);
	return response_check(&t->rs, e);
}

/* Write what the response holds; a client that has left is no fault. */
static void
send_answer(struct turn *t)
{
	struct error e;
	enum err code = response_send(&t->rs, &e);

	if (code == OK)
		return;
	if (t->code == OK) {
		t->code = code;
		t->e = e;
	}
	if (code == ERR_CLIENT_CLOSED)
		return;
	/* Its head did not fit: the refusal's does. */
	t->code = code;
	t->e = e;
	refusal_render(t);
	if (response_send(&t->rs, &e) != OK)
		t->rs.is_client_gone = true;
}

void
dispatch_serve(const struct dispatch_job *job)
{
	struct turn t = {
		.app = job->app,
		.settings = job->settings,
	};

	t.app->conf = job->settings->conf;
	t.app->templates = job->settings->templates;
	t.code = request_parse(&t.rq, job->arena, job->cgi, &job->settings->env,
	    &t.e);
	t.rq.conn = job->conn;
	response_init(&t.rs, job->arena, job->conn, t.rq.id_text,
	    t.rq.method == METHOD_HEAD);
	if (t.code == OK)
		t.code = run(&t, &t.e);
	finish_before_last_byte(&t);
	if (t.code != OK) {
		t.e.code = t.code;
		refusal_render(&t);
	}
	send_answer(&t);
	job->end(job->end_arg);
	finish_after(&t);
}
