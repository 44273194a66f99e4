/* SPDX-License-Identifier: MIT */
/*
 * The prompt is asked: as the chosen key, by the way of all inference. Nobody
 * holds a connection to the database while the model answers.
 */
#include "base/clock.h"
#include "base/log.h"
#include "domain/admission.h"
#include "domain/catalogue.h"
#include "handler/inference.h"
#include "handler/web/playground.h"
#include "handler/web/web.h"

#define TEXT_BYTES_MAX  KIB(200) /* of one field; the body bounds them all */
#define JSON_DEPTH      2
/* Anthropic's messages must say how long they may get. */
#define MESSAGE_TOK_MAX 1024

/* ---- the form ---- */

static enum err
get_text(const struct json *body, const char *name, size_t min_bytes,
    struct str *ret, struct error *e)
{
	*ret = S("");
	if (min_bytes == 0 && !json_has(body, name))
		return OK;
	return json_get_str(body, name, min_bytes, TEXT_BYTES_MAX, ret, e);
}

static enum err
read_prompt(const struct json *body, struct playground *p, struct error *e)
{
	enum err err = get_text(body, "model", 1, &p->model, e);

	if (!err)
		err = get_text(body, "prompt", 1, &p->prompt.text, e);
	if (!err)
		err = get_text(body, "system", 0, &p->prompt.system, e);
	if (!err && json_has(body, "max_tokens"))
		err = json_get_u64(body, "max_tokens", 1, OPENAI_LIMIT_TOK_MAX,
		    &p->prompt.limit_tok, e);
	if (!err && json_has(body, "temperature"))
		err = json_get_decimal(body, "temperature",
		    &p->prompt.temperature, e);
	p->prompt.is_stream = p->is_live;
	return err;
}

/* The key and the prompt; the page's own things are loaded whatever is wrong
 * with the prompt. */
static enum err
read_form(struct playground *p, struct error *e)
{
	struct arena *a = p->v.rq->arena;
	const struct json *body = NULL;
	struct error refused;
	struct str text;
	uint64_t id = 0;
	enum err err = web_form_read(&p->v.form, p->v.rq->body, a, e);

	if (!err)
		err = web_form_body(&p->v.form, NULL, S(""), a, &text, e);
	if (!err)
		err = json_parse_object(a, text, JSON_DEPTH, &body, e);
	if (!err)
		err = read_prompt(body, p, e);
	refused = *e;
	/* A key that isn't there is no fault of the form's. */
	if (str_to_u64(p->v.form.text[0], 1, UINT32_MAX, &id)) {
		enum err key_err = playground_choose(p, id, e);

		if (key_err)
			return key_err;
	} else if (!err) {
		err = error_public(&refused, ERR_BAD_PARAM, NULL,
		    "Choose an API key.");
	}
	error_clear(e);
	if (playground_offer(p, e))
		return e->code;
	*e = refused;
	return err;
}

/* ---- the key ---- */

/* What the gates look at when it comes with its secret. */
static enum err
check_key(const struct playground *p, struct error *e)
{
	const struct request *rq = p->v.rq;

	if (!principal_has_scopes(&p->as, KEY_SCOPE_INFER))
		return error_public(e, ERR_FORBIDDEN, NULL,
		    "This key may not send requests to models.");
	if (principal_may_come_from(&p->as,
		rq->has_client_ip ? &rq->client_ip : NULL))
		return OK;
	return error_set(e, ERR_ADDRESS_FORBIDDEN,
	    "the key is not for this address");
}

static enum err
become_key(struct playground *p, struct error *e)
{
	struct arena *a = p->v.rq->arena;
	struct app *app = p->v.app;
	uint8_t digest[KEY_DIGEST_BYTES];
	enum err err = store_key_digest(p->v.m.db, p->v.m.tenant, p->v.id, a,
	    digest, e);

	if (!err)
		err = key_by_digest(app->shared->keys, digest, clock_now_ms(),
		    a, &p->as, e);
	/* Not that nobody is signed in. */
	if (err == ERR_UNAUTHORIZED)
		return error_public(e, ERR_FORBIDDEN, NULL,
		    "This key is not valid now: it, its member or its project "
		    "is switched off, or it has expired.");
	return err ? err : check_key(p, e);
}

/* ---- the answer ---- */

static enum err
show(struct playground *p, struct response *rs, int status,
    const struct error *refused, const struct meter *m, struct error *e)
{
	return (p->is_live ? playground_json : playground_page)(p, rs, status,
	    refused, m, e);
}

/* The page is the person's, though it is the key that asks. */
static enum err
render(void *arg, const struct meter *m, struct response *rs,
    const struct forward_answer *answer, struct error *e)
{
	struct playground *p = arg;
	struct error refused = { 0 };
	enum err err = OK;

	if (answer->status == 200) {
		err = openai_answer_text(rs->arena, &answer->parsed, &p->text,
		    e);
	} else {
		p->said = prompt_error_of(rs->arena, answer).message;
		(void)error_public(&refused, ERR_UPSTREAM_STATUS, NULL,
		    "The model's provider refused this.");
	}
	if (err)
		return err;
	p->v.app->who = p->person;
	err = show(p, rs, answer->status,
	    answer->status == 200 ? NULL : &refused, m, e);
	p->v.app->who = &p->as;
	return err;
}

static enum err
run(struct playground *p, struct response *rs, struct error *e)
{
	const struct request *rq = p->v.rq;
	struct app *app = p->v.app;
	struct openai_request request;
	struct body body;
	struct forward_params f = {
		.body = &body,
		.request = &request,
		.render = render,
		.render_arg = p,
	};
	struct str text;
	enum err err = admission_model(app, p->model, 0, &f.model, e);

	if (err)
		return err;
	f.op = prompt_op(f.model, WIRE_CHAT);
	if (f.op == WIRE_MESSAGE && !p->prompt.limit_tok)
		p->prompt.limit_tok = MESSAGE_TOK_MAX;
	err = prompt_write(rq->arena, &p->prompt, f.model, f.op, &text, e);
	if (!err)
		err = body_scan(rq->arena, text, &body, e);
	if (!err)
		err = openai_request_read(rq->arena, f.op, &body, &request, e);
	return err ? err : inference_run(app, rq, rs, &f, p->model, e);
}

/* Whoever reads the log finds the key beside the request's id. */
static void
log_refused(const struct playground *p, const struct error *e)
{
	struct log_rec r;

	log_begin(&r,
	    err_info(e->code)->http_status >= 500 ? LOG_LEVEL_ERROR
						  : LOG_LEVEL_INFO,
	    "playground_refused");
	log_cstr(&r, "request_id", p->v.rq->id_text);
	log_cstr(&r, "key", p->as.public_id);
	log_error_members(&r, e);
	log_end(&r);
}

static enum err
show_refused(struct playground *p, struct response *rs, struct error *e)
{
	struct meter *m = &p->v.app->meter;
	struct error refused = *e;
	int status = err_info(refused.code)->http_status;

	error_clear(e);
	log_refused(p, &refused);
	/* For the dispatcher this request ends well; for the key's limits it
	 * ends as it did. */
	admission_leave(p->v.app, refused.code, m);
	response_reset(rs);
	/* What was refused before it was sent has no row. */
	return show(p, rs, status, &refused,
	    m->attempts && status >= 499 ? m : NULL, e);
}

/* Errors that no other prompt, key or model would help against. */
static bool
is_to_be_shown(enum err err)
{
	return err && err != ERR_CLIENT_CLOSED && err != ERR_NOT_FOUND &&
	       err != ERR_NO_MEMORY && err != ERR_DB_DOWN;
}

static enum err
ask(struct playground *p, struct response *rs, struct error *e)
{
	struct app *app = p->v.app;
	enum err err;

	p->person = app->who;
	app->who = &p->as;
	err = run(p, rs, e);
	app->who = p->person;
	return err;
}

enum err
web_playground_ask(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	struct playground p = {
		.is_live = str_eq(request_header(rq, "accept"),
		    S("text/event-stream")),
	};
	enum err err = playground_begin(&p, app, rq, e);

	if (err)
		return err;
	err = read_form(&p, e);
	if (!err)
		err = become_key(&p, e);
	web_key_end(&p.v);
	if (!err)
		err = ask(&p, rs, e);
	if (rs->mode == RESP_STREAMING)
		playground_event(&p, rs, &app->meter);
	else if (p.is_offered && is_to_be_shown(err))
		err = show_refused(&p, rs, e);
	return err;
}
