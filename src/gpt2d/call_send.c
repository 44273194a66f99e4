/* SPDX-License-Identifier: MIT */
#include "gpt2d/server_priv.h"

#include "base/error_json.h"
#include "base/json_out.h"

/* After a refusal it makes sense to try again. */
#define RETRY_BUSY_S "1"
#define RETRY_LOAD_S "10"

#define JSON_MAX_BYTES MIB(1)

static const char *
retry_after(enum err code)
{
	if (code == ERR_OVERLOADED || code == ERR_SHUTTING_DOWN)
		return RETRY_BUSY_S;
	return code == ERR_MODEL_DOWN ? RETRY_LOAD_S : NULL;
}

void
call_add_header(struct MHD_Response *r, const char *name, const char *value)
{
	if (value)
		(void)MHD_add_response_header(r, name, value); /* of no memory
								  */
}

enum MHD_Result
call_send_response(struct call *c, unsigned status, struct MHD_Response *r)
{
	enum MHD_Result result;

	if (!r)
		return MHD_NO;
	if (c->server->is_draining)
		call_add_header(r, MHD_HTTP_HEADER_CONNECTION, "close");
	c->stage = CALL_ANSWERED;
	c->status = status;
	result = MHD_queue_response(c->conn, status, r);
	MHD_destroy_response(r);
	return result;
}

struct MHD_Response *
call_json_response(struct str body)
{
	union {
		const char *p;
		void *copied; /* libmicrohttpd's type lacks const */
	} text = { .p = body.p };
	struct MHD_Response *r = MHD_create_response_from_buffer(body.n,
	    text.copied, MHD_RESPMEM_MUST_COPY);

	if (r)
		call_add_header(r, MHD_HTTP_HEADER_CONTENT_TYPE,
		    CALL_JSON_TYPE);
	return r;
}

enum MHD_Result
call_send_error(struct call *c, const char *allow, const struct error *e)
{
	char text[KIB(4)];
	struct MHD_Response *r;
	struct buf b;

	buf_init_fixed(&b, text, sizeof(text));
	error_json(&b, e);
	r = call_json_response(buf_str(&b));
	if (r) {
		call_add_header(r, MHD_HTTP_HEADER_RETRY_AFTER,
		    retry_after(e->code));
		call_add_header(r, MHD_HTTP_HEADER_ALLOW, allow);
	}
	return call_send_response(c, (unsigned)err_info(e->code)->http_status,
	    r);
}

static enum MHD_Result
send_json(struct call *c, unsigned status, struct buf *b)
{
	struct error e;
	struct str text;

	if (buf_finish(b, &text, &e))
		return call_send_error(c, NULL, &e);
	return call_send_response(c, status, call_json_response(text));
}

enum MHD_Result
call_send_models(struct call *c)
{
	struct buf b;

	buf_init(&b, &c->arena, JSON_MAX_BYTES);
	answer_models(&b, c->server->opts.model, c->server->created_s);
	return send_json(c, MHD_HTTP_OK, &b);
}

enum MHD_Result
call_send_health(struct call *c)
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
