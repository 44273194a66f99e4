/* SPDX-License-Identifier: MIT */
/* What an attempt is charged by, whichever way it ended: the provider's
 * numbers, or what is counted or estimated in their place. */
#include "handler/forward_priv.h"

#include <string.h>

#include "base/log.h"
#include "domain/catalogue.h"
#include "domain/hostmap.h"

/* ---- counting ---- */

void
forward_count_prompt(struct attempt *at, size_t max_bytes)
{
	const struct tokenizer *t = at->deployment->tokenizer;
	bool is_local = at->deployment->row.model_path.n > 0;
	struct forward_prompt *prompt = at->prompt;

	if (!t || (prompt->is_done && prompt->t == t) ||
	    at->p->body->text.n > max_bytes)
		return;
	*prompt = (struct forward_prompt){
		.is_done = true,
		.t = t,
		.count = is_local
			     ? openai_count_local(at->p->op, at->p->body, t)
			     : openai_count_prompt(at->p->op, at->p->body, t),
	};
}

static struct openai_count
prompt_of(const struct attempt *at)
{
	const struct forward_prompt *prompt = at->prompt;

	if (prompt->is_done && prompt->t == at->deployment->tokenizer)
		return prompt->count;
	return (struct openai_count){ at->app->meter.prompt_tok, false };
}

/* What the provider said of the input counts, though what it said or did not
 * say of the output does not. */
static struct openai_count
known_in(struct openai_count in, const struct usage *usage, bool has_in)
{
	return has_in ? (struct openai_count){ usage_in_tok(usage), true } : in;
}

struct meter_delivered
forward_delivered(struct attempt *at)
{
	const struct openai_stream *st = &at->stream;
	struct openai_count in = known_in(prompt_of(at), &st->usage,
	    st->has_in);
	struct openai_count out = openai_texts_count(&at->stream.texts);

	return (struct meter_delivered){
		.prompt_tok = in.tok,
		.out_tok = out.tok,
		.is_counted = in.is_counted && out.is_counted,
	};
}

/* ---- results ---- */

static void
set_counted(struct meter_result *r, const struct meter_delivered *d)
{
	r->source = d->is_counted ? USAGE_FROM_COUNT : USAGE_FROM_ESTIMATE;
	r->used.tok[TOK_NORMAL][TOK_IN] = d->prompt_tok;
	r->used.tok[TOK_NORMAL][TOK_OUT] = d->out_tok;
}

/* The same, with the provider's own classes of input. */
static void
set_provided_in(struct meter_result *r, const struct usage *usage)
{
	for (int class = TOK_IN; class < TOK_CLASS_FIRST_OUT; class ++)
		r->used.tok[TOK_NORMAL][class] = usage->n_tok[class];
}

static void
set_provided(struct meter_result *r, const struct usage *usage)
{
	r->source = USAGE_FROM_PROVIDER;
	memcpy(r->used.tok[TOK_NORMAL], usage->n_tok, sizeof(usage->n_tok));
}

/* The provider's numbers, else those of what was delivered, which is nothing
 * when no output went out. */
static void
result_of_stream(struct attempt *at, struct meter_result *r)
{
	struct meter_delivered d;

	if (at->stream.has_usage) {
		set_provided(r, &at->stream.usage);
		return;
	}
	if (!at->app->meter.has_output && r->status != USAGE_OK)
		return;
	d = forward_delivered(at);
	set_counted(r, &d);
	if (at->stream.has_in)
		set_provided_in(r, &at->stream.usage);
}

static void
result_of_answer(struct attempt *at, struct meter_result *r)
{
	bool is_owed = r->status == USAGE_OK ||
		       r->status == USAGE_CLIENT_CLOSED;
	const struct usage *usage = &at->parsed.usage;
	struct openai_count in, out;

	if (is_owed && at->parsed.has_usage) {
		set_provided(r, &at->parsed.usage);
		return;
	}
	/* Nothing was delivered, or nothing is known of it. */
	if (r->status != USAGE_OK)
		return;
	forward_count_prompt(at, SIZE_MAX);
	in = known_in(prompt_of(at), usage, at->parsed.has_in);
	out = openai_count_answer(&at->parsed, at->deployment->tokenizer);
	if (at->parsed.has_out)
		out = (struct openai_count){ usage_out_tok(usage), true };
	set_counted(r, &(struct meter_delivered){
			   .prompt_tok = in.tok,
			   .out_tok = out.tok,
			   .is_counted = in.is_counted && out.is_counted,
		       });
	if (at->parsed.has_in)
		set_provided_in(r, usage);
}

struct meter_result
forward_result(struct attempt *at, enum usage_status status, struct str code)
{
	struct meter_result r = {
		.status = status,
		.source = USAGE_FROM_ESTIMATE,
		.error_code = code,
	};

	if (at->is_stream)
		result_of_stream(at, &r);
	else
		result_of_answer(at, &r);
	return r;
}

/* ---- settling ---- */

/* Whoever operates this should know when a provider's numbers were not there
 * or not used; see doc/architecture.md "Metering". */
static void
warn_of_usage(const struct attempt *at, enum hostmap_total fault)
{
	struct log_rec r;

	hostmap_total_add(at->app->shared->hostmap, fault, 1);
	/* A server that never says any would fill the log with it. */
	if (fault == HOSTMAP_USAGE_MISSING)
		return;
	log_begin(&r, LOG_LEVEL_WARN,
	    fault == HOSTMAP_USAGE_UNUSABLE ? "provider_usage_unusable"
					    : "provider_usage_repeated");
	log_cstr(&r, "request_id", at->rq->id_text);
	log_str(&r, "provider", at->deployment->provider->row.name);
	log_end(&r);
}

static void
look_at_usage(const struct attempt *at, const struct meter_result *r)
{
	bool is_bad = at->is_stream ? at->stream.has_bad_usage
				    : at->parsed.has_bad_usage;
	bool has_usage = at->is_stream ? at->stream.has_usage
				       : at->parsed.has_usage;

	if (is_bad)
		warn_of_usage(at, HOSTMAP_USAGE_UNUSABLE);
	else if (!has_usage && r->status == USAGE_OK)
		warn_of_usage(at, HOSTMAP_USAGE_MISSING);
	if (at->is_stream && at->stream.is_usage_repeated)
		warn_of_usage(at, HOSTMAP_USAGE_REPEATED);
}

enum err
forward_settle(struct attempt *at, enum usage_status status, struct str code,
    struct error *e)
{
	struct meter_result r = forward_result(at, status, code);

	look_at_usage(at, &r);
	return meter_settle(&at->app->meter, &r, e);
}

static enum usage_status
status_of(enum err code)
{
	if (code == ERR_CLIENT_CLOSED)
		return USAGE_CLIENT_CLOSED;
	if (code == ERR_SHUTTING_DOWN)
		return USAGE_INTERRUPTED; /* by us, not by the provider */
	return code == ERR_UPSTREAM_TIMEOUT ? USAGE_TIMEOUT
					    : USAGE_UPSTREAM_ERROR;
}

void
forward_settle_failure(struct attempt *at, enum err code)
{
	struct error e;
	enum err rc;

	if (err_info(code)->http_status < 499)
		rc = meter_refuse(&at->app->meter, code, &e);
	else
		rc = forward_settle(at, status_of(code),
		    str_from(err_info(code)->api_code), &e);
	if (rc)
		log_error("settle_failed", &e);
}
