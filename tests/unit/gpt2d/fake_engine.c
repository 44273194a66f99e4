/* SPDX-License-Identifier: MIT */
#include "unit/gpt2d/fake_engine.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define JOBS_MAX 1024

struct gpt2_model {
	char unused;
};
struct scheduler {
	char unused;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct gpt2_config config;
	const char *failure;
	bool is_held;
	unsigned n_loads;
	bool is_full, is_ending;
	struct job *jobs[JOBS_MAX];
	bool is_done[JOBS_MAX];
	unsigned n_jobs;
	struct scheduler_load load;
	struct gpt2_model model;
	struct scheduler scheduler;
} fake = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER,
};

static void
lock(void)
{
	(void)pthread_mutex_lock(&fake.lock);
}

static void
unlock(void)
{
	(void)pthread_cond_broadcast(&fake.changed);
	(void)pthread_mutex_unlock(&fake.lock);
}

/* With the lock held; a test that waits in vain ends here. */
static void
wait_change(const char *what)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += FAKE_WAIT_S;
	if (pthread_cond_timedwait(&fake.changed, &fake.lock, &until) == 0)
		return;
	(void)fprintf(stderr, "fake engine: waited in vain for %s\n", what);
	abort();
}

/* ---- what tests say ---- */

void
fake_reset(uint32_t n_vocab, uint32_t n_pos, uint32_t eos_id)
{
	lock();
	fake.config = (struct gpt2_config){
		.n_vocab = n_vocab,
		.n_pos = n_pos,
		.eos_id = eos_id,
	};
	fake.failure = NULL;
	fake.is_held = fake.is_full = fake.is_ending = false;
	fake.n_loads = fake.n_jobs = 0;
	fake.load = (struct scheduler_load){ 0, 0 };
	unlock();
}

void
fake_fail_loads(const char *words)
{
	lock();
	fake.failure = words;
	unlock();
}

void
fake_hold_loads(bool is_held)
{
	lock();
	fake.is_held = is_held;
	unlock();
}

void
fake_wait_loads(unsigned n)
{
	lock();
	while (fake.n_loads < n)
		wait_change("a load");
	unlock();
}

void
fake_fill_queue(bool is_full)
{
	lock();
	fake.is_full = is_full;
	unlock();
}

void
fake_set_load(uint32_t n_waiting, uint32_t n_running)
{
	lock();
	fake.load = (struct scheduler_load){ n_waiting, n_running };
	unlock();
}

struct job *
fake_wait_job(unsigned n)
{
	struct job *job;

	lock();
	while (fake.n_jobs <= n)
		wait_change("a job");
	job = fake.jobs[n];
	unlock();
	return job;
}

unsigned
fake_n_jobs(void)
{
	unsigned n;

	lock();
	n = fake.n_jobs;
	unlock();
	return n;
}

void
fake_wait_cancelled(const struct job *job)
{
	lock();
	while (!atomic_load(&job->is_cancelled))
		wait_change("a cancel");
	unlock();
}

void
fake_token(struct job *job, uint32_t choice, uint32_t id, const char *text)
{
	const struct job_piece piece = {
		.choice = choice,
		.text = str_from(text),
		.has_token = true,
		.token.id = id,
	};

	job->piece(job->ctx, &piece);
}

void
fake_end(struct job *job, uint32_t choice, enum job_end end)
{
	const struct job_piece piece = { .choice = choice, .end = end };

	job->piece(job->ctx, &piece);
}

/* As the real one: forgotten before it is told. */
void
fake_done(struct job *job)
{
	lock();
	for (unsigned i = 0; i < fake.n_jobs; i++)
		if (fake.jobs[i] == job)
			fake.is_done[i] = true;
	unlock();
	job->done(job->ctx);
}

void
fake_finish(struct job *job, enum job_end end)
{
	for (uint32_t i = 0; i < job->n_choices; i++)
		fake_end(job, i, end);
	fake_done(job);
}

/* ---- model.h ---- */

enum err
gpt2_model_open(const char *dir, enum gpt2_precision precision,
    struct gpt2_model **ret, struct error *e)
{
	const char *failure;

	(void)precision;
	lock();
	fake.n_loads++;
	(void)pthread_cond_broadcast(&fake.changed);
	while (fake.is_held)
		wait_change("leave to load");
	failure = fake.failure;
	unlock();
	if (failure)
		return error_set(e, ERR_CONFIG, "%s/config.json: %s", dir,
		    failure);
	*ret = &fake.model;
	return OK;
}

void
gpt2_model_close(struct gpt2_model *m)
{
	(void)m;
}

const struct gpt2_config *
gpt2_model_config(const struct gpt2_model *m)
{
	(void)m;
	return &fake.config;
}

/* ---- scheduler.h ---- */

enum err
scheduler_new(const struct gpt2_model *model, const struct tokenizer *tokenizer,
    const struct scheduler_options *options, struct scheduler **ret,
    struct error *e)
{
	(void)model;
	(void)tokenizer;
	(void)options;
	(void)e;
	*ret = &fake.scheduler;
	return OK;
}

static struct job *
next_not_done(void)
{
	struct job *job = NULL;

	lock();
	fake.is_ending = true;
	for (unsigned i = 0; i < fake.n_jobs && !job; i++)
		if (!fake.is_done[i])
			job = fake.jobs[i];
	unlock();
	return job;
}

void
scheduler_free(struct scheduler *s)
{
	struct job *job = s ? next_not_done() : NULL;

	for (; job; job = next_not_done())
		fake_finish(job, JOB_END_CANCELLED);
}

enum err
scheduler_submit(struct scheduler *s, struct job *job, struct error *e)
{
	enum err err = OK;

	(void)s;
	lock();
	if (fake.is_ending)
		err = error_set(e, ERR_SHUTTING_DOWN, "fake");
	else if (fake.is_full || fake.n_jobs == JOBS_MAX)
		err = error_set(e, ERR_OVERLOADED, "fake");
	if (!err) {
		fake.is_done[fake.n_jobs] = false;
		fake.jobs[fake.n_jobs++] = job;
	}
	unlock();
	return err;
}

void
scheduler_cancel(struct scheduler *s, struct job *job)
{
	(void)s;
	lock();
	atomic_store(&job->is_cancelled, true);
	unlock();
}

struct scheduler_load
scheduler_load(struct scheduler *s)
{
	struct scheduler_load load;

	(void)s;
	lock();
	load = fake.load;
	unlock();
	return load;
}
