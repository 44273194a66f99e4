/* SPDX-License-Identifier: MIT */
#include "gpt2d/server_priv.h"

#define EVENT_BYTES KIB(4) /* that libmicrohttpd asks for at once */

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
		call_suspend(c);
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
		call_add_header(r, MHD_HTTP_HEADER_CONTENT_TYPE,
		    "text/event-stream; charset=utf-8");
		call_add_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache");
	}
	result = call_send_response(c, MHD_HTTP_OK, r);
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
		return call_send_error(c, NULL, &e);
	if (c->completion.is_stream)
		return send_stream(c);
	c->stage = CALL_ANSWERING;
	call_suspend(c);
	return MHD_YES;
}

enum MHD_Result
call_send_whole(struct call *c)
{
	struct str text;
	struct error e;

	error_clear(&e);
	if (c->has_left)
		return MHD_NO;
	if (c->is_running) { /* resumed for nothing */
		call_suspend(c);
		return MHD_YES;
	}
	if (reply_whole(&c->reply, &text, &e))
		return call_send_error(c, NULL, &e);
	return call_send_response(c, MHD_HTTP_OK, call_json_response(text));
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
	call_suspend(c);
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

enum MHD_Result
call_begin_completion(struct call *c)
{
	struct error e;

	error_clear(&e);
	if (read_completion(c, &e))
		return call_send_error(c, NULL, &e);
	if (loader_state(c->server->opts.loader) == LOADER_READY)
		return begin_answer(c);
	return wait_for_model(c, &e) ? call_send_error(c, NULL, &e) : MHD_YES;
}

/* Its turn came because the model is there, or not, or the client is gone. */
enum MHD_Result
call_go_on_after_load(struct call *c)
{
	struct error e;

	call_end_loading(c);
	if (c->has_left)
		return MHD_NO;
	if (loader_state(c->server->opts.loader) == LOADER_READY)
		return begin_answer(c);
	loader_failure(c->server->opts.loader, &e);
	return call_send_error(c, NULL, &e);
}
