/* SPDX-License-Identifier: MIT */
#include "gpt2d/server_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

/* ---- its life ---- */

static struct call *
call_new(struct server *s, struct MHD_Connection *conn)
{
	struct client *client = client_of(conn);
	struct call *c = client ? calloc(1, sizeof(*c)) : NULL;

	if (!c)
		return NULL;
	c->server = s;
	c->conn = conn;
	c->client = client;
	c->begin_us = clock_mono_us();
	call_begin_body(c);
	c->next = s->calls;
	if (c->next)
		c->next->before = c;
	s->calls = c;
	client->call = c;
	client_begin_read(client);
	return c;
}

static void
call_free(struct call *c)
{
	if (c->next)
		c->next->before = c->before;
	if (c->before)
		c->before->next = c->next;
	else
		c->server->calls = c->next;
	if (c->has_reply)
		reply_fini(&c->reply);
	call_release_body(c);
	arena_fini(&c->arena);
	free(c);
}

void
call_suspend(struct call *c)
{
	c->is_suspended = true;
	MHD_suspend_connection(c->conn);
	server_watch(c->server, c);
}

void
call_resume(struct call *c)
{
	if (!c->conn || !c->is_suspended)
		return;
	c->is_suspended = false;
	MHD_resume_connection(c->conn);
}

void
call_end_loading(struct call *c)
{
	if (c->stage != CALL_LOADING)
		return;
	c->server->n_loading--;
	c->stage = CALL_READING;
}

static void
cancel(struct call *c)
{
	if (c->is_running && !c->server->is_cut)
		scheduler_cancel(loader_engine(c->server->opts.loader)
				     .scheduler,
		    &c->reply.job);
}

void
call_news(struct call *c, bool is_over)
{
	if (is_over)
		c->is_running = false;
	if (!c->conn && !c->is_running)
		call_free(c);
	else if (c->stage == CALL_STREAMING || is_over)
		call_resume(c);
}

void
call_left(struct call *c)
{
	c->has_left = true;
	server_unwatch(c->server, c);
	cancel(c);
	call_resume(c);
}

void
call_refuse_loading(struct call *c, const struct error *e)
{
	if (c->stage != CALL_LOADING)
		return;
	call_end_loading(c);
	c->refusal = *e;
	call_resume(c);
}

static void
log_call(const struct call *c, enum MHD_RequestTerminationCode code)
{
	struct log_rec r;

	log_begin(&r, LOG_LEVEL_DEBUG, "request");
	log_cstr(&r, "route", c->route ? c->route->path : "");
	log_u64(&r, "status", c->status);
	log_bool(&r, "complete", code == MHD_REQUEST_TERMINATED_COMPLETED_OK);
	log_u64(&r, "prompt_tokens", c->prompt.n);
	log_i64(&r, "us", clock_mono_us() - c->begin_us);
	log_end(&r);
}

void
call_on_completed(void *cls, struct MHD_Connection *conn, void **con_cls,
    enum MHD_RequestTerminationCode code)
{
	struct call *c = *con_cls;

	(void)cls;
	(void)conn;
	if (!c)
		return;
	*con_cls = NULL;
	log_call(c, code);
	server_unwatch(c->server, c);
	call_end_loading(c);
	cancel(c);
	c->client->call = NULL;
	client_begin_read(c->client); /* the next one */
	c->client = NULL;
	c->conn = NULL;
	if (!c->is_running)
		call_free(c);
}

/* ---- libmicrohttpd asks what to do with it ---- */

static bool
is_json(struct MHD_Connection *conn)
{
	const char *value = MHD_lookup_connection_value(conn, MHD_HEADER_KIND,
	    MHD_HTTP_HEADER_CONTENT_TYPE);
	struct str type = str_from(value);

	type.n = str_find(type, ';');
	return str_eq_nocase(str_trim(type), S("application/json"));
}

/* A page may have the name of its own site mean this host (DNS rebinding); then
 * the browser sends that name, and lets the page read what comes. */
static bool
is_for_us(const struct call *c)
{
	const char *value = MHD_lookup_connection_value(c->conn,
	    MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);

	return !c->server->is_loopback ||
	       listen_is_loopback_host(str_from(value));
}

/* The head is there. What is wrong with it is said when the body is, too:
 * then the connection can go on. */
static enum MHD_Result
begin_request(struct call *c, const char *url, const char *method)
{
	const char *allow = NULL;
	struct error *e = &c->refusal;

	if (call_is_too_long(c))
		return call_begin_too_long(c);
	if (!is_for_us(c))
		(void)error_public(e, ERR_FORBIDDEN, NULL,
		    "The Host must be localhost or a loopback address.");
	else if (route_find(method, url, &c->route, &allow, e) == ERR_METHOD)
		(void)snprintf(e->param, sizeof(e->param), "%s", allow);
	else if (c->route && strcmp(c->route->method, "POST") == 0 &&
		 !is_json(c->conn))
		(void)error_public(e, ERR_MEDIA_TYPE, NULL,
		    "The Content-Type must be application/json.");
	return MHD_YES;
}

static enum MHD_Result
send_refusal(struct call *c)
{
	struct error e = c->refusal;
	const char *allow = NULL;

	if (e.code == ERR_METHOD) {
		allow = c->refusal.param;
		e.param[0] = '\0';
	}
	return call_send_error(c, allow, &e);
}

static enum MHD_Result
go_on(struct call *c)
{
	if (c->is_cut_off)
		return MHD_NO;
	if (c->refusal.code)
		return send_refusal(c);
	if (c->stage == CALL_LOADING)
		return call_go_on_after_load(c);
	if (c->stage == CALL_ANSWERING)
		return call_send_whole(c);
	switch (c->route->id) {
	case ROUTE_MODELS:
		return call_send_models(c);
	case ROUTE_HEALTH:
		return call_send_health(c);
	case ROUTE_TEXT:
	case ROUTE_CHAT:
		return call_begin_completion(c);
	}
	return MHD_NO;
}

enum MHD_Result
call_on_request(void *cls, struct MHD_Connection *conn, const char *url,
    const char *method, const char *version, const char *upload,
    size_t *upload_n, void **con_cls)
{
	struct call *c = *con_cls;

	(void)version;
	if (!c) {
		c = call_new(cls, conn);
		if (!c)
			return MHD_NO;
		*con_cls = c;
		return begin_request(c, url, method);
	}
	if (*upload_n)
		return call_take_body(c, upload, upload_n);
	client_end_read(c->client);
	return go_on(c);
}
