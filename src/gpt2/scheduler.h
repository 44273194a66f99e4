/* SPDX-License-Identifier: MIT */
/*
 * Many answers at once: a queue of jobs, and one thread that takes them in
 * turns through the engine. Answers join and leave the batch at any token.
 * What an answer says does not depend on its neighbours.
 */
#ifndef TG_GPT2_SCHEDULER_H
#define TG_GPT2_SCHEDULER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "gpt2/model.h"
#include "gpt2/sampler.h"
#include "tokenizer/tokenizer.h"

#define SCHEDULER_BATCH_MAX  64 /* answers that are written at once */
#define SCHEDULER_QUEUE_MAX  4096
#define SCHEDULER_STOPS_MAX  16
#define SCHEDULER_STOP_BYTES 256 /* of one stop string */

enum job_end {
	JOB_END_NONE,      /* it goes on */
	JOB_END_STOP,      /* end of text, or a stop string */
	JOB_END_LENGTH,    /* max_new_tok, or the context is full */
	JOB_END_CANCELLED, /* scheduler_cancel() */
	JOB_END_FAILED,    /* no memory */
};

/* What one token added to an answer. */
struct job_piece {
	uint32_t choice; /* 0..n_choices-1 */
	struct str text; /* whole characters (UTF-8; bytes that can't
				  be part of one become U+FFFD); empty while
				  a character or a stop string isn't decided;
				  gone after the call */
	bool has_token;  /* `token` is one that was generated; false
				  for the rest of a text at its end */
	struct sampler_choice token; /* logprobs only when asked for */
	uint64_t token_at; /* bytes of the choice's text before the token's;
				  what never comes is a stop string's */
	enum job_end end;  /* this choice's; then nothing follows for it */
};

struct job;

/* In the scheduler's thread, in the order of the text; must not block and
 * must not call the scheduler. */
typedef void job_piece_fn(void *ctx, const struct job_piece *piece);
/* All choices have ended: the scheduler forgets the job before it calls. */
typedef void job_done_fn(void *ctx);

/* One request; the caller's memory, unchanged until `done` was called. */
struct job {
	const uint32_t *prompt_ids;
	uint32_t n_prompt;        /* 1..n_pos-1 */
	uint32_t n_choices;       /* 1..the scheduler's batch */
	uint32_t max_new_tok;     /* 1..; the context bounds it too */
	uint32_t n_top_logprobs;  /* 0..SAMPLER_LOGPROBS_MAX, or
				    SAMPLER_NO_LOGPROBS */
	struct sampling sampling; /* choice i draws from seed + i */
	bool ignore_eos;          /* end of text doesn't end it: for benches */
	const struct str *stops;  /* none of them empty */
	uint32_t n_stops;         /* 0..SCHEDULER_STOPS_MAX */
	job_piece_fn *piece;
	job_done_fn *done;
	void *ctx;
	/* the scheduler's own */
	struct job *next;
	atomic_bool is_cancelled;
};

struct scheduler_options {
	uint32_t n_threads; /* 1..; compute threads */
	uint32_t batch_max; /* 1..SCHEDULER_BATCH_MAX */
	uint32_t queue_max; /* jobs that may wait: 0..SCHEDULER_QUEUE_MAX */
};

struct scheduler;

/**
 * Start the thread. Model and tokenizer stay the caller's and must outlive it.
 * Errors: ERR_CONFIG an option out of range; ERR_NO_MEMORY; ERR_IO no thread.
 * Memory: scheduler_free().
 */
enum err scheduler_new(const struct gpt2_model *model,
    const struct tokenizer *tokenizer, const struct scheduler_options *options,
    struct scheduler **ret, struct error *e) ATTR_MUST_CHECK;
/** Cancel what is left, call every `done`, end the thread. NULL is fine. */
void scheduler_free(struct scheduler *s);

/**
 * Add a job. Any thread. Jobs begin in the order in which they were added: one
 * whose choices have no room yet holds up those behind it, however small,
 * since otherwise small ones could keep it waiting for ever.
 * Errors: ERR_OVERLOADED the queue is full; ERR_SHUTTING_DOWN after
 *         scheduler_free() began. Then `done` is never called.
 */
enum err scheduler_submit(struct scheduler *s, struct job *job,
    struct error *e) ATTR_MUST_CHECK;
/**
 * End a job early: within one token its choices end as JOB_END_CANCELLED and
 * `done` is called. Any thread, as long as the job's memory is there: a job
 * that has ended meanwhile stays as it is.
 */
void scheduler_cancel(struct scheduler *s, struct job *job);

/* For /healthz and metrics. */
struct scheduler_load {
	uint32_t n_waiting; /* jobs */
	uint32_t n_running; /* answers */
};
struct scheduler_load scheduler_load(struct scheduler *s);

#endif
