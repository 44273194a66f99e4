/* SPDX-License-Identifier: MIT */
#include "gpt2d/loader.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"

struct loader {
	const struct loader_options *opts;
	struct gpt2_model *model;
	struct scheduler *scheduler;
	pthread_t thread;
	bool has_thread; /* to be joined */
	loader_wake_fn *wake;
	void *ctx;
	pthread_mutex_t lock; /* of what follows */
	enum loader_state state;
	struct error failure;
};

enum err
loader_new(const struct loader_options *opts, struct loader **ret,
    struct error *e)
{
	struct loader *l = calloc(1, sizeof(*l));

	if (!l)
		return error_set(e, ERR_NO_MEMORY, "no memory for a loader");
	l->opts = opts;
	(void)pthread_mutex_init(&l->lock, NULL); /* Linux: cannot fail */
	*ret = l;
	return OK;
}

static void
join(struct loader *l)
{
	if (l->has_thread)
		(void)pthread_join(l->thread, NULL);
	l->has_thread = false;
}

void
loader_free(struct loader *l)
{
	if (!l)
		return;
	join(l);
	scheduler_free(l->scheduler);
	gpt2_model_close(l->model);
	(void)pthread_mutex_destroy(&l->lock);
	free(l);
}

static enum err
check_vocabulary(const struct loader *l, struct error *e)
{
	uint32_t n = tokenizer_vocabulary(l->opts->vocabulary->tokenizer);
	uint32_t n_model = gpt2_model_config(l->model)->n_vocab;

	if (n <= n_model)
		return OK;
	return error_set(e, ERR_CONFIG,
	    "vocab.json has %u tokens, the model %u", (unsigned)n,
	    (unsigned)n_model);
}

static enum err
load(struct loader *l, struct error *e)
{
	const struct loader_options *o = l->opts;
	int64_t start_ms = clock_mono_ms();
	enum err err = gpt2_model_open(o->dir, o->precision, &l->model, e);

	if (!err)
		err = check_vocabulary(l, e);
	if (!err)
		err = scheduler_new(l->model, o->vocabulary->tokenizer,
		    &o->scheduler, &l->scheduler, e);
	if (err) {
		gpt2_model_close(l->model);
		l->model = NULL;
		return err;
	}
	log_event(LOG_LEVEL_INFO, "model_loaded", "in %lld ms",
	    (long long)(clock_mono_ms() - start_ms));
	return OK;
}

/* Clients may read why, but not where the folder is. */
static void
hide_dir(const struct loader *l, struct error *e)
{
	struct str text = str_from(e->internal), dir = str_from(l->opts->dir);
	struct str behind = S("");
	size_t at;

	if (e->public_text[0])
		return;
	at = str_find_str(text, dir);
	if (at < text.n)
		behind = str_skip(text, at + dir.n);
	while (str_starts(behind, S("/")))
		behind = str_skip(behind, 1);
	(void)snprintf(e->public_text, sizeof(e->public_text),
	    "The model can't be loaded: %.*s%" PRI_STR, (int)at, text.p,
	    STR_ARG(behind)); /* cut */
}

static void
set_state(struct loader *l, enum loader_state state, const struct error *e)
{
	(void)pthread_mutex_lock(&l->lock);
	l->state = state;
	if (e) {
		l->failure = *e;
		l->failure.code = ERR_MODEL_DOWN;
		hide_dir(l, &l->failure);
	}
	(void)pthread_mutex_unlock(&l->lock);
}

enum err
loader_run(struct loader *l, struct error *e)
{
	enum err err = load(l, e);

	set_state(l, err ? LOADER_FAILED : LOADER_READY, err ? e : NULL);
	return err;
}

static void *
run(void *arg)
{
	struct loader *l = arg;
	struct error e;

	error_clear(&e);
	if (loader_run(l, &e))
		log_error("model_not_loaded", &e);
	l->wake(l->ctx);
	return NULL;
}

enum err
loader_start(struct loader *l, loader_wake_fn *wake, void *ctx, struct error *e)
{
	enum loader_state before = loader_state(l);

	if (before == LOADER_BUSY || before == LOADER_READY)
		return OK;
	join(l);
	l->wake = wake;
	l->ctx = ctx;
	set_state(l, LOADER_BUSY, NULL);
	if (pthread_create(&l->thread, NULL, run, l) != 0) {
		set_state(l, before, NULL);
		return error_set(e, ERR_IO, "no thread to load the model");
	}
	l->has_thread = true;
	return OK;
}

enum loader_state
loader_state(struct loader *l)
{
	enum loader_state state;

	(void)pthread_mutex_lock(&l->lock);
	state = l->state;
	(void)pthread_mutex_unlock(&l->lock);
	return state;
}

struct engine
loader_engine(const struct loader *l)
{
	return (struct engine){
		.config = gpt2_model_config(l->model),
		.scheduler = l->scheduler,
	};
}

void
loader_failure(struct loader *l, struct error *ret)
{
	(void)pthread_mutex_lock(&l->lock);
	*ret = l->failure;
	(void)pthread_mutex_unlock(&l->lock);
}

void
loader_end_jobs(struct loader *l)
{
	scheduler_free(l->scheduler);
	l->scheduler = NULL;
}
