/* SPDX-License-Identifier: MIT */
/*
 * One model server that `tollgate model serve` keeps running: started,
 * watched, started again after a growing pause, stopped. It does not outlive
 * its supervisor, however that ends. All calls from one thread, the one that
 * lives as long as the process.
 */
#ifndef TG_ADMIN_MODEL_PROCESS_H
#define TG_ADMIN_MODEL_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"
#include "store/deployment.h"

#define MODEL_PROCESS_PAUSE_MIN_MS 500
#define MODEL_PROCESS_PAUSE_MAX_MS 30000
/* Who answered for so long is started anew after the shortest pause. */
#define MODEL_PROCESS_WELL_MS      60000
/* Time to finish what it is doing (it takes 30 s itself); then SIGKILL. */
#define MODEL_PROCESS_STOP_MS      40000
/* Who has answered once is asked again so long after the last question, has so
 * long to answer, and is killed and started anew after so many questions in a
 * row without an answer: within 20 s of the last one that was answered. Where
 * nobody listens any more it may be ending, and has MODEL_PROCESS_STOP_MS. */
#define MODEL_PROCESS_ASK_MS       5000
#define MODEL_PROCESS_ANSWER_MS    5000
#define MODEL_PROCESS_MISSES       3

/* What all of them are started with. */
struct model_process_env {
	const char *program;        /* models.server */
	const char *directory;      /* models.directory */
	const char *socket_dir;     /* models.socket_dir, for the reasons */
	const char *tokenizers_dir; /* tokenizers.dir: workers count by these */
};

struct model_process;

/** Nothing runs yet. Memory: malloc; NULL: none. */
struct model_process *model_process_new(const struct model_process_env *env,
    const struct deployment_served *d);
/** Only one that does not run. */
void model_process_free(struct model_process *p);

uint64_t model_process_deployment_id(const struct model_process *p);
/** This is how it should run from now on; one that runs otherwise is stopped
 * and started anew. */
void model_process_want(struct model_process *p,
    const struct deployment_served *d);
/** It should not run any more. */
void model_process_unwant(struct model_process *p);

/** Do what is due; again within 100 ms while anything is going on. */
void model_process_step(struct model_process *p, int64_t now_ms);
/** Its output, to be polled for reading and handed to model_process_read();
 * -1: none. */
int model_process_fd(const struct model_process *p);
void model_process_read(struct model_process *p);
/** Whether it answers, nothing is due and it is not just being asked. */
bool model_process_is_quiet(const struct model_process *p);
/** Whether it neither runs nor should. */
bool model_process_is_over(const struct model_process *p);

/**
 * The pause before the next start.
 * @pause_ms  the one before the last start; 0: there was none
 * @well_ms   how long it has answered
 */
int64_t model_process_pause_ms(int64_t pause_ms, int64_t well_ms);

#endif
