/* SPDX-License-Identifier: MIT */
/*
 * One job's pieces become the bytes of its answer. The scheduler's thread
 * writes, the server's thread takes; what neither may do is wait for the
 * other. A stream's events lie here until the client has taken them: memory
 * is bounded by the answer's length, and by REPLY_MAX_BYTES.
 */
#ifndef TG_GPT2D_REPLY_H
#define TG_GPT2D_REPLY_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "gpt2/scheduler.h"
#include "gpt2d/answer.h"
#include "gpt2d/completion.h"
#include "gpt2d/prompt.h"
#include "gpt2d/vocabulary.h"

/* Of one answer that its client has not taken yet; of a whole one, as large as
 * it can get. */
#define REPLY_MAX_BYTES MIB(16)

/* There is something to take; the last call says that all has ended. In the
 * scheduler's thread. */
typedef void reply_wake_fn(void *ctx, bool is_over);

/* A token whose text may still be cut as a stop string's. */
struct reply_token {
	uint64_t at; /* of the choice's text */
	struct sampler_choice token;
};

struct reply_choice {
	struct buf text;       /* of a whole answer */
	uint64_t n_text_bytes; /* that came so far */
	struct logprobs logprobs;
	struct reply_token *held; /* the oldest first */
	uint32_t n_held;
	const char *finish_reason;
};

struct reply {
	struct job job;
	struct answer_head head;
	struct answer_usage usage;
	bool is_stream;
	uint32_t eos_id; /* is no part of the text */
	uint32_t held_cap;
	struct reply_choice *choices;
	enum err failure; /* what ended it other than its end */
	reply_wake_fn *wake;
	void *ctx;
	struct arena arena;   /* the scheduler's thread's while the job runs */
	pthread_mutex_t lock; /* of what follows */
	struct buf out;       /* a stream's events */
	size_t n_taken;       /* of out */
	bool is_over;
};

struct reply_source {
	const struct completion *completion;
	const struct prompt *prompt;
	const struct vocabulary *vocabulary;
	const struct gpt2_config *config;
	struct str model;
	reply_wake_fn *wake;
	void *ctx;
};

/**
 * Set up a reply and its job, which then is ready for scheduler_submit(). All
 * that src points to stays until reply_fini().
 * Errors: ERR_BAD_PARAM a whole answer could become larger than
 *         REPLY_MAX_BYTES; ERR_NO_MEMORY.
 * Memory: reply_fini(), after `wake` said that it is over, or without the job
 *         having been submitted.
 */
enum err reply_init(struct reply *r, const struct reply_source *src,
    struct error *e) ATTR_MUST_CHECK;
void reply_fini(struct reply *r);

enum reply_state {
	REPLY_WAITS,  /* nothing now */
	REPLY_BYTES,  /* some were taken */
	REPLY_ENDED,  /* all were taken */
	REPLY_BROKEN, /* too much piled up, or no memory */
};
/** Take up to max bytes of a stream's events. */
enum reply_state reply_take(struct reply *r, char *p, size_t max,
    size_t *ret_n);

/**
 * The whole answer, once it is over.
 * Errors: ERR_SHUTTING_DOWN it was cancelled; ERR_NO_MEMORY.
 * Memory: in the reply.
 */
enum err reply_whole(struct reply *r, struct str *ret,
    struct error *e) ATTR_MUST_CHECK;

#endif
