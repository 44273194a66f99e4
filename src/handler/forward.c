/* SPDX-License-Identifier: MIT */
#include "handler/forward_priv.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/money.h"
#include "domain/catalogue.h"
#include "domain/model.h"
#include "ext/httpc.h"
#include "upstream/splice.h"

/* Room for OpenAI's error codes in records and logs. */
#define ERROR_CODE_MAX 48

/* ---- a streamed answer ---- */

/* The cost as a comment, which clients skip that do not look for it. */
static enum err
write_cost_comment(struct attempt *at, struct error *e)
{
	char text[MONEY_TEXT_BYTES], line[64];
	struct buf b;

	money_to_text(at->app->meter.cost.charged_pusd, text);
	buf_init_fixed(&b, line, sizeof(line));
	buf_addf(&b, ": x-tollgate-cost %s\n\n", text);
	return response_write(at->rs, buf_str(&b), e);
}

static enum err
finish_stream(struct attempt *at, struct str raw, struct error *e)
{
	enum usage_status status = at->is_client_gone    ? USAGE_CLIENT_CLOSED
				   : at->stream.is_error ? USAGE_UPSTREAM_ERROR
							 : USAGE_OK;
	enum err rc;

	if (at->app->meter.state != METER_OPEN)
		return OK; /* a second [DONE] says nothing new */
	rc = forward_settle(at, status, S(""), e);
	if (rc || at->is_client_gone)
		return rc;
	rc = write_cost_comment(at, e);
	if (!rc)
		rc = response_write(at->rs, raw, e);
	return rc ? rc : response_flush(at->rs, e);
}

/* What comes from now on is not delivered. */
static void
lose_client(struct attempt *at)
{
	at->is_client_gone = true;
	at->stream.is_unheard = true;
}

/*
 * Pass an event on. When the client turns out to be gone, the rest of the
 * chunk is read all the same: the usage may be in it.
 */
static enum err
deliver(struct attempt *at, struct str raw, struct error *e)
{
	enum err rc = response_write(at->rs, raw, e);

	if (rc != ERR_CLIENT_CLOSED)
		return rc;
	at->has_write_failed = true;
	lose_client(at);
	return OK;
}

/* Output is about to go out, and a crash must not hide much of it. */
static enum err
note_progress(struct attempt *at, struct error *e)
{
	struct meter *m = &at->app->meter;
	struct meter_delivered d;

	if (!meter_is_progress_due(m))
		return OK;
	d = forward_delivered(at);
	return meter_progress(m, &d, e);
}

static enum err
on_event(void *ctx, const struct sse_event *ev, struct error *e)
{
	struct attempt *at = ctx;
	struct openai_out out;
	enum err rc = openai_stream_event(&at->stream, ev, &out, e);

	if (rc)
		return rc;
	if (out.is_garbage)
		return error_set(e, ERR_UPSTREAM, "an event that is no JSON");
	if (out.pass == OPENAI_FINISH)
		return finish_stream(at, out.raw, e);
	if (out.pass == OPENAI_HIDE || at->is_client_gone || out.raw.n == 0 ||
	    at->app->meter.state != METER_OPEN)
		return OK;
	rc = note_progress(at, e);
	return rc ? rc : deliver(at, out.raw, e);
}

static enum err
begin_stream(struct attempt *at, struct error *e)
{
	struct response *rs = at->rs;

	wire_stream_init(&at->stream, rs->arena, at->p->op,
	    !at->p->request->wants_usage, at->deployment->tokenizer);
	at->stream.is_unheard = at->is_client_gone;
	/* From here on nothing can be taken back. */
	if (rs->arena->sticky)
		return error_arena(e, rs->arena);
	at->is_stream = true;
	sse_init(&at->sse, rs->arena,
	    conf_u64(at->app->conf, CONF_UPSTREAM_MAX_BYTES), on_event, at);
	response_header(rs, "content-type", S("text/event-stream"));
	response_header(rs, "cache-control", S("no-cache"));
	response_header(rs, "x-accel-buffering", S("no"));
	return response_stream_begin(rs, e);
}

/* ---- callbacks of the HTTP client ---- */

/*
 * The provider has the request and thinks. A stream's progress wants the
 * prompt's tokens with the first event, and the pump, which may bring that,
 * must not be kept: so they are counted now, when nobody waits for it.
 */
static void
on_sent(void *ctx)
{
	struct attempt *at = ctx;

	if (at->p->request->is_stream)
		forward_count_prompt(at, FORWARD_COUNT_AHEAD_MAX);
}

static enum err
on_head(void *ctx, const struct httpc_head *head, struct error *e)
{
	struct attempt *at = ctx;
	struct str type = httpc_head_get(head, "content-type");

	at->status = httpc_head_status(head);
	at->retry_after = arena_strdup(at->rs->arena,
	    httpc_head_get(head, "retry-after"));
	if (at->p->op == WIRE_GENERATE)
		at->prompt_tokens = arena_strdup(at->rs->arena,
		    httpc_head_get(head, "x-prompt-tokens"));
	if (at->status == 200 && at->p->request->is_stream &&
	    str_starts(type, S("text/event-stream")))
		return begin_stream(at, e);
	buf_init(&at->answer, at->rs->arena,
	    conf_u64(at->app->conf, CONF_UPSTREAM_MAX_BYTES));
	return OK;
}

static enum err
on_body(void *ctx, struct str bytes, struct error *e)
{
	struct attempt *at = ctx;
	struct str all;
	enum err rc;

	if (!at->is_stream) {
		buf_add(&at->answer, bytes);
		rc = buf_finish(&at->answer, &all, e);
		/* It is the answer that is too large, not the request. */
		return rc == ERR_TOO_LARGE
			   ? error_set(e, ERR_UPSTREAM, "a too long answer")
			   : rc;
	}
	rc = sse_feed(&at->sse, bytes, e);
	if (!rc && at->has_write_failed)
		rc = error_set(e, ERR_CLIENT_CLOSED, "a write failed");
	if (rc || at->is_client_gone)
		return rc;
	at->sent_ms = clock_mono_ms();
	return response_flush(at->rs, e);
}

/*
 * Nothing came for a while. Web servers notice a client that left only when
 * they write, so a stream gets a comment now and then, and the kernel is
 * asked about the client's connection.
 */
static enum err
on_tick(void *ctx, struct error *e)
{
	struct attempt *at = ctx;
	uint64_t heartbeat_ms = conf_u64(at->app->conf,
	    CONF_UPSTREAM_HEARTBEAT_MS);
	int64_t now_ms = clock_mono_ms();
	enum err rc;

	if (at->is_client_gone)
		return OK;
	if (!at->is_peer_set)
		peer_init(&at->peer, at->rq);
	at->is_peer_set = true;
	if (peer_is_gone(&at->peer))
		return error_set(e, ERR_CLIENT_CLOSED,
		    "left while the provider was silent");
	if (!at->is_stream || heartbeat_ms == 0 ||
	    now_ms - at->sent_ms < (int64_t)heartbeat_ms)
		return OK;
	at->sent_ms = now_ms;
	rc = response_write(at->rs, S(": waiting\n\n"), e);
	return rc ? rc : response_flush(at->rs, e);
}

static size_t
n_held(void *ctx)
{
	const struct attempt *at = ctx;

	return at->is_stream ? at->sse.held.n : 0;
}

static void
on_client_gone(void *ctx)
{
	lose_client(ctx);
}

/* ---- one attempt ---- */

static uint64_t
pick_ms(int64_t of_model, const struct conf *conf, enum conf_id id)
{
	return of_model >= 0 ? (uint64_t)of_model : conf_u64(conf, id);
}

/* A setting in millionths as a number; empty when it is not set. */
static struct str
fraction(struct arena *a, int64_t ppm)
{
	char text[MONEY_TEXT_BYTES];

	if (ppm < 0)
		return S("");
	model_fraction_text(ppm, text);
	return arena_strdup(a, str_from(text));
}

/* Whether the model's own temperature and top_p may go along. */
static bool
has_sampling(const struct attempt *at)
{
	struct forward_version version;

	(void)forward_version_of(at->rq, &version);
	return at->p->op != WIRE_MESSAGE || version.has_sampling;
}

static enum err
build_body(const struct attempt *at, struct splice_out *ret, struct error *e)
{
	const struct forward_params *p = at->p;
	const struct model *model = &p->model->row;
	struct arena *a = at->rs->arena;
	/* The edits are views, and stay so where the body is long. */
	struct openai_change change = {
		.kind = at->deployment->provider->row.kind,
		.model = at->deployment->row.upstream_name,
		.limit_tok = p->limit_tok,
		.force_usage = p->request->is_stream,
	};
	struct splice s;

	if (has_sampling(at)) {
		change.temperature = fraction(a,
		    model->default_temperature_ppm);
		change.top_p = fraction(a, model->default_top_p_ppm);
	}
	splice_init(&s, a, p->body);
	openai_request_change(&s, p->op, p->request, &change);
	return splice_build(&s, ret, e);
}

static enum err
perform(struct attempt *at, struct httpc_result *ret, struct error *e)
{
	const struct catalogue_provider *provider = at->deployment->provider;
	const struct deployment *row = &at->deployment->row;
	const struct model *model = &at->p->model->row;
	const struct conf *conf = at->app->conf;
	struct provider_target target;
	struct splice_out body;
	struct forward_headers headers;
	struct httpc_callbacks callbacks = { at, on_sent, on_head, on_body,
		n_held, on_tick, on_client_gone };
	enum err rc;

	/* What cannot be answered is not asked for. */
	if (at->rs->arena->sticky)
		return error_arena(e, at->rs->arena);
	rc = row->api_url.p
		 ? provider_target_exact(at->rs->arena, provider->row.kind,
		       row->api_url, at->p->op, &target, e)
		 : provider_target(at->rs->arena, provider->row.base_url,
		       at->p->op, &target, e);
	if (!rc)
		rc = build_body(at, &body, e);
	if (!rc)
		rc = forward_headers_make(at, &headers, e);
	if (rc)
		return rc;
	return httpc_perform(at->app->shared->httpc,
	    &(struct httpc_request){
		.method = "POST",
		.url = target.url,
		.unix_path = target.unix_path,
		.headers = headers.line,
		.n_headers = headers.n,
		.body = body.pieces,
		.n_body = body.n_pieces,
		.connect_ms = pick_ms(model->connect_ms, conf,
		    CONF_UPSTREAM_CONNECT_MS),
		.first_byte_ms = pick_ms(model->first_byte_ms, conf,
		    CONF_UPSTREAM_FIRST_MS),
		.idle_ms = pick_ms(model->idle_ms, conf, CONF_UPSTREAM_IDLE_MS),
		.tick_ms = PEER_INTERVAL_MS,
		.is_stream = at->p->request->is_stream,
		.client_fd = response_client_fd(at->rs),
		.drain_ms = provider->row.on_client_close == PROVIDER_DRAIN
				? provider->row.drain_s * 1000
				: 0,
	    },
	    &callbacks, ret, e);
}

/* ---- judging what came ---- */

/* A stream that is over: with [DONE] it is settled already. */
static enum err
end_stream(struct attempt *at, enum err rc, struct error *e)
{
	if (!rc)
		rc = sse_finish(&at->sse, e);
	if (at->app->meter.state == METER_SETTLED)
		return at->is_client_gone ? ERR_CLIENT_CLOSED : rc;
	if (!rc && at->is_client_gone)
		rc = error_set(e, ERR_CLIENT_CLOSED, "left during the stream");
	/* Some servers end without [DONE]; a finish_reason is as good. */
	if (!rc && at->stream.is_finished)
		return finish_stream(at, S(""), e);
	if (!rc)
		rc = error_set(e, ERR_UPSTREAM, "stream ended early");
	forward_settle_failure(at, rc);
	return rc;
}

/* An error that came as OpenAI's object goes to the client as it is; but
 * 401 and 403 speak of the operator's credential, not of the client's. */
static bool
is_for_the_client(const struct attempt *at)
{
	return at->parsed.is_error && at->status >= 400 && at->status != 401 &&
	       at->status != 403;
}

static void
log_provider_error(const struct attempt *at, const struct request *rq)
{
	struct log_rec r;

	log_begin(&r, LOG_LEVEL_WARN, "provider_error");
	log_cstr(&r, "request_id", rq->id_text);
	log_str(&r, "provider", at->deployment->provider->row.name);
	log_i64(&r, "upstream_status", at->status);
	log_cstr(&r, "error", err_info(ERR_UPSTREAM_STATUS)->name);
	log_end(&r);
}

/* Is this answer's code fit for a record: short and plain? */
static struct str
plain_code(struct str code)
{
	if (code.n > ERROR_CODE_MAX)
		return S("upstream_error");
	for (size_t i = 0; i < code.n; i++)
		if (code.p[i] < 0x21 || code.p[i] > 0x7e)
			return S("upstream_error");
	return code.n ? code : S("upstream_error");
}

static void
set_cost_header(struct attempt *at)
{
	char text[MONEY_TEXT_BYTES];

	money_to_text(at->app->meter.cost.charged_pusd, text);
	response_header(at->rs, "x-tollgate-cost", str_from(text));
}

/* The response, complete but for the sending. */
static enum err
respond(struct attempt *at, struct error *e)
{
	struct forward_answer answer = {
		.status = at->status,
		.body = buf_str(&at->answer),
		.parsed = at->parsed,
	};
	struct response *rs = at->rs;
	enum err rc;

	if (at->retry_after.n && (at->status == 429 || at->status == 503))
		response_header(rs, "retry-after", at->retry_after);
	rc = at->p->render(at->p->render_arg, &at->app->meter, rs, &answer, e);
	if (!rc && rs->arena->sticky)
		rc = error_arena(e, rs->arena);
	if (rc)
		return rc;
	set_cost_header(at);
	return response_check(rs, e);
}

static enum err
end_answer(struct attempt *at, const struct request *rq, struct error *e)
{
	bool is_good = at->status == 200 && at->parsed.is_json &&
		       !at->parsed.is_error;
	bool is_shown = is_good || is_for_the_client(at);
	struct meter *m = &at->app->meter;
	struct meter_result r = forward_result(at,
	    is_good ? USAGE_OK : USAGE_UPSTREAM_ERROR,
	    is_good ? S("") : plain_code(at->parsed.error_code));
	enum err rc = meter_price(m, &r, e);

	if (!rc && is_shown)
		rc = respond(at, e);
	if (rc) {
		forward_settle_failure(at, rc);
		return rc;
	}
	rc = meter_settle(m, &r, e);
	if (!is_good)
		log_provider_error(at, rq);
	if (rc || is_shown)
		return rc;
	set_cost_header(at);
	rc = error_set(e,
	    at->status == 200 ? ERR_UPSTREAM : ERR_UPSTREAM_STATUS,
	    "status %d, no answer of the wire format", at->status);
	e->upstream_status = at->status;
	return rc;
}

/* Whether another deployment may be asked: nothing has reached the client
 * and the provider is not able, rather than not willing. */
static bool
is_retryable(const struct attempt *at, enum err rc,
    const struct httpc_result *result)
{
	if (at->is_stream || at->is_client_gone)
		return false;
	if (rc)
		return result->phase == HTTPC_CONNECT &&
		       (rc == ERR_UPSTREAM_CONNECT ||
			   rc == ERR_UPSTREAM_TIMEOUT);
	return at->status == 429 || at->status >= 500;
}

/* A server on this host that nobody answers for is not running, or just
 * being started again: a model that is away, not a provider that failed. */
static enum err
explain_local(const struct attempt *at, enum err rc, struct error *e)
{
	char why[sizeof(e->internal)];

	/* it wasn't there, or went before it said anything */
	bool is_down = rc == ERR_UPSTREAM_CONNECT ||
		       (rc == ERR_UPSTREAM && at->status == 0);

	if (!is_down || at->deployment->provider->row.kind != PROVIDER_LOCAL)
		return rc;
	(void)snprintf(why, sizeof(why), "%s", e->internal);
	(void)error_public(e, ERR_MODEL_DOWN, "model",
	    "This model's server is not running at the moment. Try again "
	    "later.");
	(void)snprintf(e->internal, sizeof(e->internal), "local model: %.200s",
	    why);
	return ERR_MODEL_DOWN;
}

static void
read_answer(struct attempt *at)
{
	wire_answer_read(at->p->op, buf_str(&at->answer), &at->parsed);
	if (at->p->op == WIRE_GENERATE)
		generate_answer_add_in(&at->parsed, at->prompt_tokens);
}

static enum err
end_attempt(struct attempt *at, enum err rc, const struct request *rq,
    struct error *e)
{
	if (at->is_stream)
		return end_stream(at, rc, e);
	if (!rc && at->is_client_gone && !at->p->is_kept)
		rc = error_set(e, ERR_CLIENT_CLOSED, "left before the answer");
	if (!rc || rc == ERR_CLIENT_CLOSED)
		read_answer(at);
	if (!rc)
		return end_answer(at, rq, e);
	rc = explain_local(at, rc, e);
	e->upstream_status = at->status;
	forward_settle_failure(at, rc);
	return rc;
}

enum err
forward_run(struct app *app, const struct request *rq, struct response *rs,
    const struct forward_params *p, struct error *e)
{
	struct forward_prompt prompt = p->prompt;
	struct meter *m = &app->meter;

	for (size_t i = 0; i < p->model->n_deployments; i++) {
		bool is_last = i + 1 == p->model->n_deployments;
		struct attempt at = {
			.app = app,
			.rq = rq,
			.rs = rs,
			.p = p,
			.prompt = &prompt,
			.deployment = &p->model->deployments[i],
		};
		struct httpc_result result = { .phase = HTTPC_CONNECT };
		enum err rc;

		m->deployment = at.deployment;
		m->attempts++;
		rc = perform(&at, &result, e);
		/* What went out twice, because a kept connection turned out
		 * to be dead, the provider may have seen twice. */
		if (result.n_sent > 1)
			m->attempts += result.n_sent - 1;
		if (!is_last && is_retryable(&at, rc, &result))
			continue;
		return end_attempt(&at, rc, rq, e);
	}
	return error_set(e, ERR_MODEL_DOWN, "model without deployments");
}

enum err
forward_as_is(void *arg, const struct meter *m, struct response *rs,
    const struct forward_answer *answer, struct error *e)
{
	(void)arg;
	(void)m;
	rs->status = answer->status;
	response_header(rs, "content-type", S("application/json"));
	response_body(rs, answer->body);
	return response_check(rs, e);
}
