/* SPDX-License-Identifier: MIT */
#include "gpt2d/server_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/error_json.h"
#include "base/json_out.h"
#include "base/log.h"

/* The body twice over while it grows, and what is read out of it. */
#define ARENA_MAX_BYTES MIB(16)
#define JSON_MAX_BYTES  MIB(1)
/* Whatever is wrong with a request, so much of its body is read and dropped
 * before its answer; and after one that could not wait. A client that is still
 * sending would find the connection broken, and not read the answer. */
#define DROP_MAX_BYTES  MIB(16)
#define EVENT_BYTES     KIB(4) /* that libmicrohttpd asks for at once */

/* After a refusal it makes sense to try again. */
#define RETRY_BUSY_S "1"
#define RETRY_LOAD_S "10"

static const char json_type[] = "application/json";

/* ---- its life ---- */

/* Of its body. */
static void
hold(struct call *c, size_t n)
{
	c->held_bytes += n;
	c->server->held_bytes += n;
}

static void
release(struct call *c)
{
	c->server->held_bytes -= c->held_bytes;
	c->held_bytes = 0;
}

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
	arena_init(&c->arena, ARENA_MAX_BYTES);
	buf_init(&c->body, &c->arena, COMPLETION_BODY_BYTES);
	c->drop_end_bytes = DROP_MAX_BYTES;
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
	release(c);
	arena_fini(&c->arena);
	free(c);
}

static void
suspend(struct call *c)
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

static void
end_loading(struct call *c)
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
	end_loading(c);
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
	end_loading(c);
	cancel(c);
	c->client->call = NULL;
	client_begin_read(c->client); /* the next one */
	c->client = NULL;
	c->conn = NULL;
	if (!c->is_running)
		call_free(c);
}

/* ---- responses ---- */

static const char *
retry_after(enum err code)
{
	if (code == ERR_OVERLOADED || code == ERR_SHUTTING_DOWN)
		return RETRY_BUSY_S;
	return code == ERR_MODEL_DOWN ? RETRY_LOAD_S : NULL;
}

static void
add_header(struct MHD_Response *r, const char *name, const char *value)
{
	if (value)
		(void)MHD_add_response_header(r, name, value); /* of no memory
								  */
}

static enum MHD_Result
send_response(struct call *c, unsigned status, struct MHD_Response *r)
{
	enum MHD_Result result;

	if (!r)
		return MHD_NO;
	if (c->server->is_draining)
		add_header(r, MHD_HTTP_HEADER_CONNECTION, "close");
	c->stage = CALL_ANSWERED;
	c->status = status;
	result = MHD_queue_response(c->conn, status, r);
	MHD_destroy_response(r);
	return result;
}

static struct MHD_Response *
json_response(struct str body)
{
	union {
		const char *p;
		void *copied; /* libmicrohttpd's type lacks const */
	} text = { .p = body.p };
	struct MHD_Response *r = MHD_create_response_from_buffer(body.n,
	    text.copied, MHD_RESPMEM_MUST_COPY);

	if (r)
		add_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, json_type);
	return r;
}

static enum MHD_Result
send_error(struct call *c, const char *allow, const struct error *e)
{
	char text[KIB(4)];
	struct MHD_Response *r;
	struct buf b;

	buf_init_fixed(&b, text, sizeof(text));
	error_json(&b, e);
	r = json_response(buf_str(&b));
	if (r) {
		add_header(r, MHD_HTTP_HEADER_RETRY_AFTER,
		    retry_after(e->code));
		add_header(r, MHD_HTTP_HEADER_ALLOW, allow);
	}
	return send_response(c, (unsigned)err_info(e->code)->http_status, r);
}

static enum MHD_Result
send_json(struct call *c, unsigned status, struct buf *b)
{
	struct error e;
	struct str text;

	if (buf_finish(b, &text, &e))
		return send_error(c, NULL, &e);
	return send_response(c, status, json_response(text));
}

static enum MHD_Result
send_models(struct call *c)
{
	struct buf b;

	buf_init(&b, &c->arena, JSON_MAX_BYTES);
	answer_models(&b, c->server->opts.model, c->server->created_s);
	return send_json(c, MHD_HTTP_OK, &b);
}

static enum MHD_Result
send_health(struct call *c)
{
	struct server *s = c->server;
	enum loader_state state = loader_state(s->opts.loader);
	bool is_loaded = state == LOADER_READY && !s->is_cut;
	bool is_ok = state != LOADER_FAILED && !s->is_draining;
	struct scheduler_load load = { s->n_loading, 0 };
	struct error failure;
	struct json_out j;
	struct buf b;

	if (is_loaded)
		load = scheduler_load(loader_engine(s->opts.loader).scheduler);
	buf_init(&b, &c->arena, JSON_MAX_BYTES);
	json_out_init(&j, &b);
	json_out_object(&j);
	json_out_member_str(&j, "status",
	    is_ok            ? S("ok")
	    : s->is_draining ? S("draining")
			     : S("failed"));
	json_out_member_str(&j, "model", s->opts.model);
	json_out_member_bool(&j, "loaded", is_loaded);
	json_out_member_u64(&j, "waiting", load.n_waiting);
	json_out_member_u64(&j, "running", load.n_running);
	if (state == LOADER_FAILED) {
		loader_failure(s->opts.loader, &failure);
		json_out_member_str(&j, "reason",
		    str_from(failure.public_text));
	}
	json_out_object_end(&j);
	return send_json(c, is_ok ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE,
	    &b);
}

/* ---- completions ---- */

/* libmicrohttpd asks for the next bytes of a stream. */
static ssize_t
read_events(void *cls, uint64_t pos, char *p, size_t max)
{
	struct call *c = cls;
	size_t n = 0;

	(void)pos;
	if (c->has_left)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	switch (reply_take(&c->reply, p, max, &n)) {
	case REPLY_WAITS:
		suspend(c);
		return 0;
	case REPLY_BYTES:
		return (ssize_t)n;
	case REPLY_ENDED:
		return MHD_CONTENT_READER_END_OF_STREAM;
	case REPLY_BROKEN:
		return MHD_CONTENT_READER_END_WITH_ERROR;
	}
	return MHD_CONTENT_READER_END_WITH_ERROR;
}

static enum MHD_Result
send_stream(struct call *c)
{
	struct MHD_Response *r =
	    MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, EVENT_BYTES,
		read_events, c, NULL);
	enum MHD_Result result;

	if (r) {
		add_header(r, MHD_HTTP_HEADER_CONTENT_TYPE,
		    "text/event-stream; charset=utf-8");
		add_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache");
	}
	result = send_response(c, MHD_HTTP_OK, r);
	c->stage = CALL_STREAMING;
	return result;
}

static enum err
submit(struct call *c, struct error *e)
{
	struct server *s = c->server;
	struct engine engine = loader_engine(s->opts.loader);
	struct reply_source src = {
		.completion = &c->completion,
		.prompt = &c->prompt,
		.vocabulary = s->opts.vocabulary,
		.config = engine.config,
		.model = s->opts.model,
		.wake = server_wake_call,
		.ctx = c,
	};
	enum err err = prompt_encode(&c->arena, &c->completion,
	    s->opts.vocabulary->tokenizer, s->opts.vocabulary->longest_token,
	    engine.config, &c->prompt, e);

	if (!err)
		err = reply_init(&c->reply, &src, e);
	if (err)
		return err;
	c->has_reply = true;
	c->is_running = true;
	err = scheduler_submit(engine.scheduler, &c->reply.job, e);
	if (err)
		c->is_running = false;
	return err;
}

static enum MHD_Result
begin_answer(struct call *c)
{
	struct error e;

	error_clear(&e);
	if (submit(c, &e))
		return send_error(c, NULL, &e);
	if (c->completion.is_stream)
		return send_stream(c);
	c->stage = CALL_ANSWERING;
	suspend(c);
	return MHD_YES;
}

static enum MHD_Result
send_whole(struct call *c)
{
	struct str text;
	struct error e;

	error_clear(&e);
	if (c->has_left)
		return MHD_NO;
	if (c->is_running) { /* resumed for nothing */
		suspend(c);
		return MHD_YES;
	}
	if (reply_whole(&c->reply, &text, &e))
		return send_error(c, NULL, &e);
	return send_response(c, MHD_HTTP_OK, json_response(text));
}

static enum err
wait_for_model(struct call *c, struct error *e)
{
	struct server *s = c->server;

	if (s->n_loading >= s->opts.batch_max + s->opts.queue_max)
		return error_set(e, ERR_OVERLOADED, "waiting for the model");
	if (loader_start(s->opts.loader, server_wake_loaded, s, e))
		return e->code;
	s->n_loading++;
	c->stage = CALL_LOADING;
	suspend(c);
	return OK;
}

static enum err
read_completion(struct call *c, struct error *e)
{
	struct completion_offer offer = { c->server->opts.model,
		c->server->opts.batch_max };
	struct str body;

	if (c->server->is_draining)
		return error_set(e, ERR_SHUTTING_DOWN, "draining");
	if (buf_finish(&c->body, &body, e))
		return e->code;
	return completion_read(&c->arena,
	    c->route->id == ROUTE_CHAT ? COMPLETION_CHAT : COMPLETION_TEXT,
	    body.p ? body : S(""), &offer, &c->completion, e);
}

static enum MHD_Result
begin_completion(struct call *c)
{
	struct error e;

	error_clear(&e);
	if (read_completion(c, &e))
		return send_error(c, NULL, &e);
	if (loader_state(c->server->opts.loader) == LOADER_READY)
		return begin_answer(c);
	return wait_for_model(c, &e) ? send_error(c, NULL, &e) : MHD_YES;
}

/* Its turn came because the model is there, or not, or the client is gone. */
static enum MHD_Result
go_on_after_load(struct call *c)
{
	struct error e;

	end_loading(c);
	if (c->has_left)
		return MHD_NO;
	if (loader_state(c->server->opts.loader) == LOADER_READY)
		return begin_answer(c);
	loader_failure(c->server->opts.loader, &e);
	return send_error(c, NULL, &e);
}

/* ---- requests ---- */

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

static bool
is_longer(struct MHD_Connection *conn, uint64_t max_bytes)
{
	const char *value = MHD_lookup_connection_value(conn, MHD_HEADER_KIND,
	    MHD_HTTP_HEADER_CONTENT_LENGTH);
	uint64_t n;

	return value && !str_to_u64(str_from(value), 0, max_bytes, &n);
}

/* It won't send its body before it is told to. */
static bool
waits_to_send(struct MHD_Connection *conn)
{
	const char *value = MHD_lookup_connection_value(conn, MHD_HEADER_KIND,
	    MHD_HTTP_HEADER_EXPECT);

	return str_eq_nocase(str_from(value), S("100-continue"));
}

/* Answer amid a body with c's refusal. libmicrohttpd can't: it would close the
 * connection at once, and takes no answer but at a body's begin and end. */
static void
cut_off(struct call *c)
{
	const struct err_info *info = err_info(c->refusal.code);
	int fd = server_socket_of(c);
	char head[256], body[KIB(4)];
	struct buf b, h;

	buf_init_fixed(&b, body, sizeof(body));
	error_json(&b, &c->refusal);
	buf_init_fixed(&h, head, sizeof(head));
	buf_addf(&h,
	    "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
	    "Connection: close\r\n\r\n",
	    info->http_status,
	    MHD_get_reason_phrase_for((unsigned)info->http_status), json_type,
	    b.n);
	/* Nothing else was written, so there is room; a client that has left
	 * doesn't matter. */
	if (send(fd, h.p, h.n, MSG_NOSIGNAL | MSG_DONTWAIT | MSG_MORE) > 0)
		(void)send(fd, b.p, b.n, MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)shutdown(fd, SHUT_WR);
	c->is_cut_off = true;
	c->status = (unsigned)info->http_status;
	c->drop_end_bytes = c->body_bytes + DROP_MAX_BYTES;
}

void
call_late(struct call *c)
{
	if (c->is_cut_off || c->stage != CALL_READING)
		return;
	(void)error_set(&c->refusal, ERR_REQUEST_TIMEOUT, "body");
	cut_off(c);
}

static enum MHD_Result
begin_too_long(struct call *c)
{
	(void)error_set(&c->refusal, ERR_TOO_LARGE, "Content-Length");
	if (waits_to_send(c->conn))
		return send_error(c, NULL, &c->refusal);
	if (is_longer(c->conn, DROP_MAX_BYTES))
		cut_off(c);
	return MHD_YES;
}

/* The head is there. What is wrong with it is said when the body is, too:
 * then the connection can go on. */
static enum MHD_Result
begin_request(struct call *c, const char *url, const char *method)
{
	const char *allow = NULL;
	struct error *e = &c->refusal;

	if (is_longer(c->conn, COMPLETION_BODY_BYTES))
		return begin_too_long(c);
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

/* What is there of the body is no use any more. */
static void
refuse(struct call *c, enum err code)
{
	(void)error_set(&c->refusal, code, "body");
	release(c);
	arena_fini(&c->arena);
	arena_init(&c->arena, ARENA_MAX_BYTES);
	buf_init(&c->body, &c->arena, COMPLETION_BODY_BYTES);
}

static void
keep(struct call *c, struct str part)
{
	const struct server *s = c->server;

	if (c->body_bytes > COMPLETION_BODY_BYTES) {
		refuse(c, ERR_TOO_LARGE);
	} else if (part.n > s->opts.bodies_max_bytes - s->held_bytes) {
		refuse(c, ERR_OVERLOADED);
	} else {
		hold(c, part.n);
		buf_add(&c->body, part);
	}
}

static enum MHD_Result
take_body(struct call *c, const char *upload, size_t *upload_n)
{
	c->body_bytes += *upload_n;
	if (!c->refusal.code)
		keep(c, str_make(upload, *upload_n));
	if (c->body_bytes > c->drop_end_bytes) {
		if (c->is_cut_off)
			return MHD_NO;
		cut_off(c);
	}
	*upload_n = 0;
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
	return send_error(c, allow, &e);
}

static enum MHD_Result
go_on(struct call *c)
{
	if (c->is_cut_off)
		return MHD_NO;
	if (c->refusal.code)
		return send_refusal(c);
	if (c->stage == CALL_LOADING)
		return go_on_after_load(c);
	if (c->stage == CALL_ANSWERING)
		return send_whole(c);
	switch (c->route->id) {
	case ROUTE_MODELS:
		return send_models(c);
	case ROUTE_HEALTH:
		return send_health(c);
	case ROUTE_TEXT:
	case ROUTE_CHAT:
		return begin_completion(c);
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
		return take_body(c, upload, upload_n);
	client_end_read(c->client);
	return go_on(c);
}
