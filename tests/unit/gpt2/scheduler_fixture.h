/* SPDX-License-Identifier: MIT */
/*
 * A scheduler above a real engine of a few weights, and clients that note what
 * comes of their jobs. Linked with --wrap of gpt2_seq_copy, gpt2_seq_new and
 * text_out_add.
 */
#ifndef TG_TESTS_GPT2_SCHEDULER_FIXTURE_H
#define TG_TESTS_GPT2_SCHEDULER_FIXTURE_H

#include "gpt2_fixture.h"

#include <pthread.h>

#include "gpt2/scheduler.h"

#define N_VOCAB     300
#define N_POS       150
#define TEXT_BYTES  4096
#define CHOICES_MAX 4

/* What came of one choice. */
struct answer_log {
	char text[TEXT_BYTES];
	size_t n;
	uint32_t n_tok, ids[N_POS];
	unsigned n_ends;
	enum job_end end;
};

/* One request and what came of it. */
struct client {
	struct job job;
	uint32_t prompt[N_POS];
	struct answer_log answers[CHOICES_MAX];
	unsigned n_wrong; /* pieces that break a promise */
	/* a gate: at this token of choice 0 the scheduler's thread waits, so
	 * that the test knows where it is; 0 = none */
	uint32_t gate_tok;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool is_at_gate, is_gate_open;
	unsigned n_done, done_order;
};

/* What the engine's seams do, and did. */
struct scheduler_seams {
	unsigned n_copies;
	struct scheduler *scheduler; /* of the job to cancel at the first */
	struct job *cancelled;
	unsigned seq_fails_at, text_fails_at; /* the n-th call; 0: none */
};
extern struct scheduler_seams seams;

extern struct gpt2_model *model;
extern struct tokenizer *tokenizer;

/* Around all tests of a program. */
int scheduler_setup(void **state);
int scheduler_teardown(void **state);

struct scheduler *scheduler_make(uint32_t n_threads, uint32_t batch_max,
    uint32_t queue_max);
/** Prompt number `seed` of so many tokens. Then client_free(). */
struct client *client_make(uint64_t seed, uint32_t n_prompt,
    uint32_t max_new_tok);
void client_free(struct client *c);

void submit(struct scheduler *s, struct client *c);
void wait_done(struct client *c);
/** By itself, on a scheduler that knows nothing else. */
void run_alone(struct client *c);
/** A job's piece(), for those that look at more of it. */
void take_piece(void *ctx, const struct job_piece *piece);
/** The scheduler's thread is at the client's gate. */
void wait_at_gate(struct client *c);
void open_gate(struct client *c);

/** Two choices are the same answer. */
void assert_same(const struct client *a, uint32_t choice_a,
    const struct client *b, uint32_t choice_b);

#endif
