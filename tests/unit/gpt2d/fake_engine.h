/* SPDX-License-Identifier: MIT */
/*
 * model.h and scheduler.h without an engine: a test says when a load ends
 * and what each job answers. One at a time in a program; any thread.
 */
#ifndef TG_TESTS_GPT2D_FAKE_ENGINE_H
#define TG_TESTS_GPT2D_FAKE_ENGINE_H

#include <stdbool.h>

#include "gpt2/scheduler.h"

/* Longest time to wait for something that must happen. */
#define FAKE_WAIT_S 20

/** As at the start of the program. */
void fake_reset(uint32_t n_vocab, uint32_t n_pos, uint32_t eos_id);

/** The next loads fail with these words; NULL: they don't. */
void fake_fail_loads(const char *words);
/** Loads wait until they are let go. */
void fake_hold_loads(bool is_held);
/** Wait until n loads have begun since the reset. */
void fake_wait_loads(unsigned n);

/** scheduler_submit() refuses, as with a full queue. */
void fake_fill_queue(bool is_full);
void fake_set_load(uint32_t n_waiting, uint32_t n_running);
/** Wait for the n-th job since the reset, from 0. */
struct job *fake_wait_job(unsigned n);
/** Jobs submitted so far. */
unsigned fake_n_jobs(void);
/** Wait until scheduler_cancel() was called for it. */
void fake_wait_cancelled(const struct job *job);

/** Pieces of a job that was not done yet. */
void fake_token(struct job *job, uint32_t choice, uint32_t id,
    const char *text);
void fake_end(struct job *job, uint32_t choice, enum job_end end);
void fake_done(struct job *job);
/** End all of its choices, then done. */
void fake_finish(struct job *job, enum job_end end);

#endif
