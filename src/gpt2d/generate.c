/* SPDX-License-Identifier: MIT */
#include "gpt2d/generate.h"

#include <pthread.h>

#include "base/rng.h"
#include "gpt2d/prompt.h"

struct output {
	FILE *f;
	enum job_end end;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool is_over; /* under lock */
};

static void
on_piece(void *ctx, const struct job_piece *piece)
{
	struct output *out = ctx;

	(void)fwrite(piece->text.p, 1, piece->text.n, out->f); /* ferror() */
	(void)fflush(out->f);
	if (piece->end != JOB_END_NONE)
		out->end = piece->end;
}

static void
on_done(void *ctx)
{
	struct output *out = ctx;

	(void)pthread_mutex_lock(&out->lock);
	out->is_over = true;
	(void)pthread_cond_signal(&out->changed);
	(void)pthread_mutex_unlock(&out->lock);
}

static enum err
run(struct scheduler *s, struct job *job, struct output *out, struct error *e)
{
	enum err err = scheduler_submit(s, job, e);

	if (err)
		return err;
	(void)pthread_mutex_lock(&out->lock);
	while (!out->is_over)
		(void)pthread_cond_wait(&out->changed, &out->lock);
	(void)pthread_mutex_unlock(&out->lock);
	if (out->end == JOB_END_FAILED)
		return error_set(e, ERR_NO_MEMORY, "no memory for the answer");
	if (ferror(out->f))
		return error_set(e, ERR_IO, "the output is not written");
	return OK;
}

enum err
generate(const struct options *o, const struct vocabulary *v,
    const struct engine *engine, FILE *f, struct error *e)
{
	struct completion c = {
		.prompt = o->text,
		.n_choices = 1,
		.max_new_tok = (uint32_t)o->max_new_tok,
		.max_length_tok = (uint32_t)o->max_length_tok,
		.sampling = o->sampling,
	};
	struct output out = { .f = f };
	struct prompt prompt;
	struct job job;
	struct arena a;
	enum err err;

	if (!o->has_seed)
		rng_bytes(&c.sampling.seed, sizeof(c.sampling.seed));
	arena_init(&a, MIB(16));
	err = prompt_encode(&a, &c, v->tokenizer, v->longest_token,
	    engine->config, &prompt, e);
	if (!err) {
		job = (struct job){
			.prompt_ids = prompt.ids,
			.n_prompt = prompt.n,
			.n_choices = 1,
			.max_new_tok = prompt.max_new_tok,
			.n_top_logprobs = SAMPLER_NO_LOGPROBS,
			.sampling = c.sampling,
			.piece = on_piece,
			.done = on_done,
			.ctx = &out,
		};
		(void)pthread_mutex_init(&out.lock, NULL);
		(void)pthread_cond_init(&out.changed, NULL);
		err = run(engine->scheduler, &job, &out, e);
		(void)pthread_cond_destroy(&out.changed);
		(void)pthread_mutex_destroy(&out.lock);
	}
	arena_fini(&a);
	return err;
}
