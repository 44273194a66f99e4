/* SPDX-License-Identifier: MIT */
/*
 * The model and its scheduler, loaded in the background so that the server
 * goes on meanwhile. A load that failed may be started again.
 */
#ifndef TG_GPT2D_LOADER_H
#define TG_GPT2D_LOADER_H

#include "base/err.h"
#include "gpt2/model.h"
#include "gpt2/scheduler.h"
#include "gpt2d/vocabulary.h"

struct loader;

enum loader_state {
	LOADER_IDLE,
	LOADER_BUSY,
	LOADER_READY,
	LOADER_FAILED,
};

struct loader_options {
	const char *dir;
	enum gpt2_precision precision;
	struct scheduler_options scheduler;
	const struct vocabulary *vocabulary;
};

/* What a ready loader has loaded. */
struct engine {
	const struct gpt2_config *config;
	struct scheduler *scheduler;
};

/* In the loading thread: the state has changed. */
typedef void loader_wake_fn(void *ctx);

/** opts, and what it points to, outlive the loader. Errors: ERR_NO_MEMORY. */
enum err loader_new(const struct loader_options *opts, struct loader **ret,
    struct error *e) ATTR_MUST_CHECK;
/** Waits for a load that goes on; ends the scheduler. NULL is fine. */
void loader_free(struct loader *l);

/** Load in this thread. Errors: of gpt2_model_open() and scheduler_new();
 * ERR_CONFIG the vocabulary is larger than the model's. */
enum err loader_run(struct loader *l, struct error *e) ATTR_MUST_CHECK;
/**
 * Load in a thread, unless one does or it is loaded.
 * Errors: ERR_IO there is no thread; the state is unchanged then.
 */
enum err loader_start(struct loader *l, loader_wake_fn *wake, void *ctx,
    struct error *e) ATTR_MUST_CHECK;

enum loader_state loader_state(struct loader *l);
/** Only when it is ready. */
struct engine loader_engine(const struct loader *l);
/** Why the last load failed, in words without the folder's path. */
void loader_failure(struct loader *l, struct error *ret);
/** End the scheduler, so that every job ends; nothing can be submitted
 * afterwards. No load may go on. */
void loader_end_jobs(struct loader *l);

#endif
