/* SPDX-License-Identifier: MIT */
#include "gpt2d/reply.h"

#include <string.h>

/* Bytes of text that the scheduler may hold back besides a stop string's. */
#define PART_BYTES      4
/* A buffer that grows leaves its former halves behind and takes up to four times
 * what is in it: the choices' do, then the whole answer's. */
#define ARENA_MAX_BYTES (9 * REPLY_MAX_BYTES)
/* Of a whole answer besides its tokens, rounded up. */
#define HEAD_BYTES      KIB(4)
#define CHOICE_BYTES    512

static bool
has_logprobs(const struct reply *r)
{
	return r->job.n_top_logprobs != SAMPLER_NO_LOGPROBS;
}

/* ---- in the scheduler's thread ---- */

static void
end_choice(struct reply *r, struct reply_choice *c,
    const struct job_piece *piece)
{
	switch (piece->end) {
	case JOB_END_NONE:
		return;
	case JOB_END_STOP:
		c->finish_reason = "stop";
		return;
	case JOB_END_LENGTH:
		c->finish_reason = "length";
		return;
	case JOB_END_CANCELLED:
		r->failure = ERR_SHUTTING_DOWN;
		return;
	case JOB_END_FAILED:
		r->failure = ERR_NO_MEMORY;
		return;
	}
}

static void
tell_tokens(struct reply_choice *c, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		logprobs_add(&c->logprobs, &c->held[i].token);
	c->n_held -= n;
	memmove(c->held, c->held + n, c->n_held * sizeof(*c->held));
}

/* Log probabilities are told of the tokens that the text has something of, as
 * OpenAI does: not of those that a stop string took away. */
static void
add_logprobs(struct reply *r, struct reply_choice *c,
    const struct job_piece *piece)
{
	bool is_cut = piece->end == JOB_END_STOP && piece->has_token;
	uint32_t n = 0;

	if (piece->has_token && piece->token.id != r->eos_id) {
		/* so many only without any text */
		if (c->n_held == r->held_cap)
			tell_tokens(c, 1);
		c->held[c->n_held++] = (struct reply_token){
			.at = piece->token_at,
			.token = piece->token,
		};
	}
	while (n < c->n_held && c->held[n].at < c->n_text_bytes)
		n++;
	if (piece->end != JOB_END_NONE && !is_cut)
		n = c->n_held;
	tell_tokens(c, n);
}

static bool
add_events(struct reply *r, struct reply_choice *c,
    const struct job_piece *piece)
{
	const struct logprobs *l = c->logprobs.n ? &c->logprobs : NULL;
	size_t before = r->out.n;

	if (piece->text.n || l)
		answer_event_text(&r->out, &r->head, piece->choice, piece->text,
		    l);
	logprobs_clear(&c->logprobs);
	if (piece->end != JOB_END_NONE && c->finish_reason)
		answer_event_finish(&r->out, &r->head, piece->choice,
		    c->finish_reason);
	return r->out.n > before || r->out.sticky;
}

static void
on_piece(void *ctx, const struct job_piece *piece)
{
	struct reply *r = ctx;
	struct reply_choice *c = &r->choices[piece->choice];
	bool has_news = false;

	r->usage.completion_tok += piece->has_token;
	c->n_text_bytes += piece->text.n;
	if (has_logprobs(r))
		add_logprobs(r, c, piece);
	end_choice(r, c, piece);
	if (r->is_stream) {
		(void)pthread_mutex_lock(&r->lock);
		has_news = add_events(r, c, piece);
		(void)pthread_mutex_unlock(&r->lock);
	} else {
		buf_add(&c->text, piece->text);
	}
	if (has_news)
		r->wake(r->ctx, false);
}

static void
end_stream(struct reply *r)
{
	struct error e = { .code = r->failure };

	if (r->failure) {
		answer_event_error(&r->out, &e);
		return;
	}
	if (r->head.has_usage)
		answer_event_usage(&r->out, &r->head, &r->usage);
	answer_event_done(&r->out);
}

static void
on_done(void *ctx)
{
	struct reply *r = ctx;

	(void)pthread_mutex_lock(&r->lock);
	if (r->is_stream)
		end_stream(r);
	r->is_over = true;
	(void)pthread_mutex_unlock(&r->lock);
	r->wake(r->ctx, true); /* r may be gone after it */
}

/* ---- in the server's thread ---- */

static uint32_t
longest_stop(const struct completion *c)
{
	size_t longest = 0;

	for (uint32_t i = 0; i < c->n_stops; i++)
		if (c->stops[i].n > longest)
			longest = c->stops[i].n;
	return (uint32_t)longest;
}

static enum err
init_choices(struct reply *r, const struct reply_source *src, struct error *e)
{
	const struct completion *c = src->completion;
	uint64_t chars = 0;

	r->choices = arena_array(&r->arena, struct reply_choice, c->n_choices);
	if (!r->choices)
		return error_arena(e, &r->arena);
	r->held_cap = PART_BYTES + longest_stop(c);
	for (uint32_t i = 0; i < src->prompt->n; i++)
		chars += logprobs_chars(
		    tokenizer_token(src->vocabulary->tokenizer,
			src->prompt->ids[i]));
	for (uint32_t i = 0; i < c->n_choices; i++) {
		buf_init(&r->choices[i].text, &r->arena, REPLY_MAX_BYTES);
		logprobs_init(&r->choices[i].logprobs, c->kind,
		    src->vocabulary->tokenizer, &r->arena, REPLY_MAX_BYTES,
		    chars);
		if (has_logprobs(r))
			r->choices[i].held = arena_array(&r->arena,
			    struct reply_token, r->held_cap);
		if (r->is_stream && c->kind == COMPLETION_CHAT)
			answer_event_role(&r->out, &r->head, i);
	}
	return r->arena.sticky ? error_arena(e, &r->arena) : OK;
}

/* A stream's events go out as they come; a whole answer must fit at its end, and
 * it is too late then to say that it doesn't. */
static enum err
check_size(const struct reply_source *src, struct error *e)
{
	const struct completion *c = src->completion;
	uint64_t choice_bytes = CHOICE_BYTES +
				(uint64_t)src->prompt->max_new_tok *
				    token_sizes_max(&src->vocabulary->sizes,
					c->n_top_logprobs);

	if (c->is_stream ||
	    HEAD_BYTES + c->n_choices * choice_bytes <= REPLY_MAX_BYTES)
		return OK;
	return error_public(e, ERR_BAD_PARAM, "max_tokens",
	    "The answer could be larger than %zu MiB. Ask for fewer tokens, "
	    "choices or logprobs, or for a stream.",
	    REPLY_MAX_BYTES / MIB(1));
}

enum err
reply_init(struct reply *r, const struct reply_source *src, struct error *e)
{
	const struct completion *c = src->completion;
	enum err err = check_size(src, e);

	if (err)
		return err;
	*r = (struct reply){
		.job = {
			.prompt_ids = src->prompt->ids,
			.n_prompt = src->prompt->n,
			.n_choices = c->n_choices,
			.max_new_tok = src->prompt->max_new_tok,
			.n_top_logprobs = c->n_top_logprobs,
			.sampling = c->sampling,
			.stops = c->stops,
			.n_stops = c->n_stops,
			.piece = on_piece,
			.done = on_done,
			.ctx = r,
		},
		.usage.prompt_tok = src->prompt->n,
		.is_stream = c->is_stream,
		.eos_id = src->config->eos_id,
		.wake = src->wake,
		.ctx = src->ctx,
	};
	answer_head_init(&r->head, c, src->model);
	(void)pthread_mutex_init(&r->lock, NULL); /* Linux: cannot fail */
	arena_init(&r->arena, ARENA_MAX_BYTES);
	buf_init(&r->out, &r->arena, REPLY_MAX_BYTES);
	err = init_choices(r, src, e);
	if (err)
		reply_fini(r);
	return err;
}

void
reply_fini(struct reply *r)
{
	arena_fini(&r->arena);
	(void)pthread_mutex_destroy(&r->lock);
}

/* What was taken makes room again. */
static void
drop_taken(struct reply *r)
{
	if (r->n_taken == r->out.n) {
		r->out.n = r->n_taken = 0;
	} else if (r->n_taken > r->out.n / 2) {
		r->out.n -= r->n_taken;
		memmove(r->out.p, r->out.p + r->n_taken, r->out.n);
		r->n_taken = 0;
	}
}

enum reply_state
reply_take(struct reply *r, char *p, size_t max, size_t *ret_n)
{
	enum reply_state state = REPLY_WAITS;
	size_t n;

	(void)pthread_mutex_lock(&r->lock);
	n = r->out.n - r->n_taken < max ? r->out.n - r->n_taken : max;
	if (r->out.sticky) {
		state = REPLY_BROKEN;
	} else if (n > 0) {
		memcpy(p, r->out.p + r->n_taken, n);
		r->n_taken += n;
		drop_taken(r);
		*ret_n = n;
		state = REPLY_BYTES;
	} else if (r->is_over) {
		state = REPLY_ENDED;
	}
	(void)pthread_mutex_unlock(&r->lock);
	return state;
}

enum err
reply_whole(struct reply *r, struct str *ret, struct error *e)
{
	uint32_t n = r->job.n_choices;
	struct answer_choice *choices = arena_array(&r->arena,
	    struct answer_choice, n);
	struct buf b;

	if (r->failure)
		return error_set(e, r->failure, "the answer was broken off");
	if (!choices)
		return error_arena(e, &r->arena);
	buf_init(&b, &r->arena, REPLY_MAX_BYTES);
	for (uint32_t i = 0; i < n; i++) {
		const struct reply_choice *c = &r->choices[i];

		choices[i] = (struct answer_choice){
			.text = buf_str(&c->text),
			.logprobs = has_logprobs(r) ? &c->logprobs : NULL,
			.finish_reason = c->finish_reason,
		};
		if (c->text.sticky)
			b.sticky = c->text.sticky;
	}
	answer_whole(&b, &r->head, choices, n, &r->usage);
	if (buf_finish(&b, ret, e))
		return error_set(e, ERR_NO_MEMORY,
		    "an answer of more than %zu "
		    "bytes",
		    REPLY_MAX_BYTES);
	return OK;
}
