/* SPDX-License-Identifier: MIT */
/*
 * One thread, in turns: let jobs in while there is room, one chunk of the
 * oldest prompt or one copy of it for another choice, one token of every
 * answer that is being written.
 */
#include "gpt2/scheduler.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "gpt2/engine.h"
#include "gpt2/team.h"
#include "gpt2/text.h"

/* One choice of a job that has been let in. */
struct answer {
	struct job *job; /* NULL = free */
	uint32_t choice;
	uint64_t order; /* of the job's coming in */
	bool is_read; /* its prompt; choices but the first wait for that one */
	uint32_t n_new;
	uint32_t last_id;
	struct gpt2_seq *seq;    /* NULL = not needed so far */
	struct sampler *sampler; /* the same */
	struct text_out text;
};

struct scheduler {
	const struct gpt2_config *config;
	const struct tokenizer *tokenizer;
	struct scheduler_options options;
	struct gpt2_engine *engine;
	pthread_t thread;

	pthread_mutex_t lock; /* guards the queue and what follows */
	pthread_cond_t changed;
	struct job *first, **end;
	uint32_t n_waiting;         /* jobs */
	uint32_t n_waiting_choices; /* of them all */
	bool is_ending;

	atomic_uint n_running;   /* answers; more of them only under the lock */
	atomic_bool has_cancels; /* perhaps */

	/* the thread's own */
	struct answer *answers; /* [batch_max] */
	uint64_t n_jobs;        /* let in so far */
	float *logits;          /* [batch_max][n_vocab] */
	float *first_logits;    /* [n_vocab] after a prompt */
	struct answer *forking; /* whose prompt that was, while its job's other
				   choices get copies; or NULL */
};

static struct job *
queue_take(struct scheduler *s)
{
	struct job *job = s->first;

	s->first = job->next;
	if (!s->first)
		s->end = &s->first;
	s->n_waiting--;
	s->n_waiting_choices -= job->n_choices;
	/* from now on, so that nobody else counts on their places */
	atomic_fetch_add(&s->n_running, job->n_choices);
	job->next = NULL;
	return job;
}

static void
tell_end(struct job *job, uint32_t choice, enum job_end end)
{
	struct job_piece piece = { .choice = choice, .end = end };

	job->piece(job->ctx, &piece);
}

/* A job of which nothing has been computed. */
static void
refuse(struct job *job, enum job_end end)
{
	for (uint32_t i = 0; i < job->n_choices; i++)
		tell_end(job, i, end);
	job->done(job->ctx);
}

/* Takes the cancelled ones (or all) out of the queue; a list by `next`. */
static struct job *
queue_sweep(struct scheduler *s, bool all)
{
	struct job **at = &s->first, *out = NULL;

	while (*at) {
		struct job *job = *at;

		if (!all && !atomic_load(&job->is_cancelled)) {
			at = &job->next;
			continue;
		}
		*at = job->next;
		job->next = out;
		out = job;
		s->n_waiting--;
		s->n_waiting_choices -= job->n_choices;
	}
	s->end = at;
	return out;
}

static void
refuse_list(struct job *list)
{
	while (list) {
		struct job *next = list->next;

		refuse(list, JOB_END_CANCELLED);
		list = next;
	}
}

static uint32_t
count_free(const struct scheduler *s)
{
	return s->options.batch_max - atomic_load(&s->n_running);
}

static enum err
answer_prepare(struct scheduler *s, struct answer *a, struct error *e)
{
	enum err err = OK;

	if (!a->seq)
		err = gpt2_seq_new(s->engine, &a->seq, e);
	if (!err && !a->sampler)
		err = sampler_new(s->config->n_vocab, &a->sampler, e);
	return err;
}

static void
answer_begin(struct scheduler *s, struct answer *a, struct job *job,
    uint32_t choice)
{
	struct sampling params = job->sampling;

	params.seed += choice;
	a->job = job;
	a->choice = choice;
	a->order = s->n_jobs;
	a->is_read = false;
	a->n_new = 0;
	gpt2_seq_clear(a->seq);
	sampler_begin(a->sampler, &params);
	sampler_prompt(a->sampler, job->prompt_ids, job->n_prompt);
	text_out_init(&a->text, job->stops, job->n_stops);
}

static bool
has_answers(const struct scheduler *s, const struct job *job)
{
	for (uint32_t i = 0; i < s->options.batch_max; i++) {
		if (s->answers[i].job == job)
			return true;
	}
	return false;
}

/* The job of an answer that has been told its end. */
static void
answer_leave(struct scheduler *s, struct answer *a)
{
	struct job *job = a->job;

	text_out_fini(&a->text);
	a->job = NULL;
	if (s->forking == a) /* its other choices leave as well */
		s->forking = NULL;
	atomic_fetch_sub(&s->n_running, 1);
	if (!has_answers(s, job))
		job->done(job->ctx);
}

/* Lets a job in that there is room for; all of its choices or none. */
static void
job_begin(struct scheduler *s, struct job *job)
{
	struct answer *chosen[SCHEDULER_BATCH_MAX];
	uint32_t n = 0;
	struct error e;

	for (uint32_t i = 0; n < job->n_choices; i++) {
		struct answer *a = &s->answers[i];

		if (a->job)
			continue;
		if (answer_prepare(s, a, &e)) {
			atomic_fetch_sub(&s->n_running, job->n_choices);
			refuse(job, JOB_END_FAILED);
			return;
		}
		chosen[n++] = a;
	}
	s->n_jobs++;
	for (uint32_t i = 0; i < n; i++)
		answer_begin(s, chosen[i], job, i);
}

/* What the token adds to the text, and whether the answer ends with it. */
static void
answer_add(struct scheduler *s, struct answer *a, float *logits)
{
	struct job *job = a->job;
	uint32_t n_text = job->n_prompt + a->n_new + 1;
	struct job_piece piece = { .choice = a->choice };
	enum err err = OK;
	struct error e;

	sampler_next(a->sampler, logits, job->n_top_logprobs, &piece.token);
	a->last_id = piece.token.id;
	if (a->last_id == s->config->eos_id && !job->ignore_eos) {
		piece.end = JOB_END_STOP;
	} else {
		piece.has_token = true;
		a->n_new++;
		err = text_out_add(&a->text,
		    tokenizer_token(s->tokenizer, a->last_id), &e);
		piece.token_at = text_out_token_at(&a->text);
		if (a->n_new == job->max_new_tok || n_text == s->config->n_pos)
			piece.end = JOB_END_LENGTH;
	}
	if (!err)
		err = text_out_take(&a->text, piece.end != JOB_END_NONE,
		    &piece.text, &e);
	if (err)
		piece.end = JOB_END_FAILED;
	else if (text_out_is_stopped(&a->text))
		piece.end = JOB_END_STOP;
	job->piece(job->ctx, &piece);
	if (piece.end != JOB_END_NONE)
		answer_leave(s, a);
}

/* The first choice of the job that has waited longest for its prompt. */
static struct answer *
find_unread(const struct scheduler *s)
{
	struct answer *found = NULL;

	for (uint32_t i = 0; i < s->options.batch_max; i++) {
		struct answer *a = &s->answers[i];

		if (a->job && !a->is_read && a->choice == 0 &&
		    (!found || a->order < found->order))
			found = a;
	}
	return found;
}

/* Every choice has the prompt and goes on from there by itself. */
static void
begin_choices(struct scheduler *s, const struct job *job)
{
	for (uint32_t i = 0; i < s->options.batch_max; i++)
		if (s->answers[i].job == job)
			s->answers[i].is_read = true;
	for (uint32_t i = 0; i < s->options.batch_max; i++) {
		struct answer *a = &s->answers[i];

		/* after its last choice the job may be gone, but no other
		 * one comes in before the next turn */
		if (a->job != job)
			continue;
		memcpy(s->logits, s->first_logits,
		    s->config->n_vocab * sizeof(*s->logits));
		answer_add(s, a, s->logits);
	}
}

/* A choice of the job whose first one has read the prompt, or NULL. */
static struct answer *
find_uncopied(const struct scheduler *s)
{
	const struct answer *first = s->forking;

	for (uint32_t i = 0; i < s->options.batch_max; i++) {
		struct answer *a = &s->answers[i];

		if (a->job == first->job && gpt2_seq_length(a->seq) == 0)
			return a;
	}
	return NULL;
}

/* One copy a turn: a long prompt's takes as long as a token of others. */
static void
fork_answer(struct scheduler *s)
{
	const struct job *job = s->forking->job;
	struct answer *a = find_uncopied(s);

	if (a)
		gpt2_seq_copy(a->seq, s->forking->seq);
	if (find_uncopied(s))
		return;
	s->forking = NULL;
	begin_choices(s, job);
}

/* Until its choices have begun, a prompt's logits are kept and the next
 * prompt waits. */
static void
read_prompt(struct scheduler *s)
{
	struct answer *a = s->forking ? NULL : find_unread(s);
	uint32_t done, n;

	if (a) {
		done = gpt2_seq_length(a->seq);
		n = a->job->n_prompt - done;
		if (n > ENGINE_CHUNK) {
			gpt2_prefill(s->engine, a->seq,
			    a->job->prompt_ids + done, ENGINE_CHUNK, 0, NULL);
			return;
		}
		gpt2_prefill(s->engine, a->seq, a->job->prompt_ids + done, n, 1,
		    s->first_logits);
		s->forking = a;
	}
	if (s->forking)
		fork_answer(s);
}

static void
write_tokens(struct scheduler *s)
{
	struct answer *writing[SCHEDULER_BATCH_MAX];
	struct gpt2_seq *seqs[SCHEDULER_BATCH_MAX];
	uint32_t ids[SCHEDULER_BATCH_MAX], n = 0;

	for (uint32_t i = 0; i < s->options.batch_max; i++) {
		struct answer *a = &s->answers[i];

		if (!a->job || !a->is_read)
			continue;
		writing[n] = a;
		seqs[n] = a->seq;
		ids[n] = a->last_id;
		n++;
	}
	if (n == 0)
		return;
	gpt2_decode(s->engine, seqs, ids, n, s->logits);
	for (uint32_t i = 0; i < n; i++)
		answer_add(s, writing[i],
		    s->logits + (size_t)i * s->config->n_vocab);
}

static void
end_cancelled(struct scheduler *s, bool all)
{
	for (uint32_t i = 0; i < s->options.batch_max; i++) {
		struct answer *a = &s->answers[i];

		if (!a->job || (!all && !atomic_load(&a->job->is_cancelled)))
			continue;
		tell_end(a->job, a->choice, JOB_END_CANCELLED);
		answer_leave(s, a);
	}
}

/* The next job there is room for, or NULL; waits while there is nothing to do.
 * *ret_cancelled: those that were cancelled while they waited. */
static struct job *
wait_for_work(struct scheduler *s, struct job **ret_cancelled, bool *ret_ending)
{
	struct job *job = NULL;

	(void)pthread_mutex_lock(&s->lock);
	while (!s->is_ending && !s->first && atomic_load(&s->n_running) == 0)
		(void)pthread_cond_wait(&s->changed, &s->lock);
	*ret_ending = s->is_ending;
	*ret_cancelled = NULL;
	if (s->is_ending || atomic_exchange(&s->has_cancels, false))
		*ret_cancelled = queue_sweep(s, s->is_ending);
	if (s->first && s->first->n_choices <= count_free(s))
		job = queue_take(s);
	(void)pthread_mutex_unlock(&s->lock);
	return job;
}

static void *
scheduler_main(void *arg)
{
	struct scheduler *s = arg;

	for (;;) {
		struct job *cancelled, *job;
		bool is_ending;

		job = wait_for_work(s, &cancelled, &is_ending);
		refuse_list(cancelled);
		end_cancelled(s, is_ending);
		if (is_ending)
			return NULL;
		if (job) {
			job_begin(s, job);
			continue;
		}
		read_prompt(s);
		write_tokens(s);
	}
}

static void
scheduler_clear(struct scheduler *s)
{
	for (uint32_t i = 0; s->answers && i < s->options.batch_max; i++) {
		gpt2_seq_free(s->answers[i].seq);
		sampler_free(s->answers[i].sampler);
	}
	gpt2_engine_free(s->engine);
	free(s->answers);
	free(s->logits);
	free(s->first_logits);
	(void)pthread_cond_destroy(&s->changed);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

/* Signals are for the program's own threads. */
static enum err
start_thread(struct scheduler *s, struct error *e)
{
	sigset_t all, before;
	int failed;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&s->thread, NULL, scheduler_main, s);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return failed ? error_set(e, ERR_IO, "no thread for the scheduler")
		      : OK;
}

static enum err
check_options(const struct scheduler_options *o, struct error *e)
{
	if (o->n_threads < 1 || o->n_threads > TEAM_THREADS_MAX)
		return error_set(e, ERR_CONFIG, "threads must be 1 to %d",
		    TEAM_THREADS_MAX);
	if (o->batch_max < 1 || o->batch_max > SCHEDULER_BATCH_MAX)
		return error_set(e, ERR_CONFIG, "batch must be 1 to %d",
		    SCHEDULER_BATCH_MAX);
	if (o->queue_max > SCHEDULER_QUEUE_MAX)
		return error_set(e, ERR_CONFIG, "queue must be 0 to %d",
		    SCHEDULER_QUEUE_MAX);
	return OK;
}

enum err
scheduler_new(const struct gpt2_model *model, const struct tokenizer *tokenizer,
    const struct scheduler_options *options, struct scheduler **ret,
    struct error *e)
{
	const struct gpt2_config *c = gpt2_model_config(model);
	enum err err = check_options(options, e);
	struct scheduler *s;

	if (err)
		return err;
	s = calloc(1, sizeof(*s));
	if (!s)
		return error_set(e, ERR_NO_MEMORY, "scheduler");
	s->config = c;
	s->tokenizer = tokenizer;
	s->options = *options;
	s->end = &s->first;
	(void)pthread_mutex_init(&s->lock, NULL);
	(void)pthread_cond_init(&s->changed, NULL);
	s->answers = calloc(options->batch_max, sizeof(*s->answers));
	s->logits = calloc((size_t)options->batch_max * c->n_vocab,
	    sizeof(*s->logits));
	s->first_logits = calloc(c->n_vocab, sizeof(*s->first_logits));
	if (!s->answers || !s->logits || !s->first_logits)
		err = error_set(e, ERR_NO_MEMORY, "scheduler");
	if (!err)
		err = gpt2_engine_new(model, options->n_threads,
		    options->batch_max, kernel_best(), &s->engine, e);
	if (!err)
		err = start_thread(s, e);
	if (err) {
		scheduler_clear(s);
		return err;
	}
	*ret = s;
	return OK;
}

void
scheduler_free(struct scheduler *s)
{
	if (!s)
		return;
	(void)pthread_mutex_lock(&s->lock);
	s->is_ending = true;
	(void)pthread_cond_signal(&s->changed);
	(void)pthread_mutex_unlock(&s->lock);
	(void)pthread_join(s->thread, NULL);
	scheduler_clear(s);
}

enum err
scheduler_submit(struct scheduler *s, struct job *job, struct error *e)
{
	enum err err = OK;

	ASSERT(job->n_prompt >= 1 && job->n_prompt < s->config->n_pos);
	ASSERT(job->n_choices >= 1 && job->n_choices <= s->options.batch_max &&
	       job->max_new_tok >= 1);
	job->next = NULL;
	atomic_store(&job->is_cancelled, false);
	(void)pthread_mutex_lock(&s->lock);
	if (s->is_ending) {
		err = error_set(e, ERR_SHUTTING_DOWN, "scheduler");
	} else if (s->n_waiting >= s->options.queue_max &&
		   s->n_waiting_choices + job->n_choices > count_free(s)) {
		err = error_set(e, ERR_OVERLOADED, "%u jobs wait",
		    s->n_waiting);
	} else {
		*s->end = job;
		s->end = &job->next;
		s->n_waiting++;
		s->n_waiting_choices += job->n_choices;
		(void)pthread_cond_signal(&s->changed);
	}
	(void)pthread_mutex_unlock(&s->lock);
	return err;
}

void
scheduler_cancel(struct scheduler *s, struct job *job)
{
	atomic_store(&job->is_cancelled, true);
	atomic_store(&s->has_cancels, true);
}

struct scheduler_load
scheduler_load(struct scheduler *s)
{
	struct scheduler_load load;

	(void)pthread_mutex_lock(&s->lock);
	load.n_waiting = s->n_waiting;
	load.n_running = atomic_load(&s->n_running);
	(void)pthread_mutex_unlock(&s->lock);
	return load;
}
