/* SPDX-License-Identifier: MIT */
#include "admin/model_process.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "admin/model_spawn.h"
#include "base/clock.h"
#include "base/log.h"
#include "domain/model_folder.h"
#include "domain/model_probe.h"
#include "domain/model_server.h"
#include "domain/tokenizers.h"

#define ASK_NEW_MS  100 /* how often a new one is asked whether it answers */
#define LINE_BYTES  1024
#define ARGS_MAX    11
#define ARENA_BYTES MIB(2)

/* What it is run with; texts of its own. */
struct recipe {
	char *model_name, *upstream_name, *socket, *model_path;
	bool preload;
};

struct model_process {
	const struct model_process_env *env;
	uint64_t deployment_id, model_id;
	struct recipe now; /* what it runs with, or will at the next start */
	bool is_wanted;
	bool is_outdated; /* it runs with something else than now */

	pid_t pid; /* 0: none */
	int fd;    /* its output; -1: none */
	int64_t started_ms, ready_ms /* 0: has not answered yet */;
	struct model_probe probe; /* while it is asked whether it answers */
	int64_t asked_ms, ask_ms; /* when it was asked, and is to be next */
	unsigned n_missed;        /* questions in a row without an answer */
	int64_t term_ms;          /* when it was told to end; 0: it wasn't */
	bool is_killed;
	bool is_hung; /* it was killed because it did not answer */

	int64_t start_at_ms, pause_ms;
	size_t n_line;
	char line[LINE_BYTES];
	char last_line[LINE_BYTES];
};

/* ---- recipes ---- */

static void
recipe_fini(struct recipe *r)
{
	free(r->model_name);
	free(r->upstream_name);
	free(r->socket);
	free(r->model_path);
	*r = (struct recipe){ 0 };
}

static char *
copy(struct str s)
{
	return strndup(s.p ? s.p : "", s.n);
}

static bool
recipe_make(const struct deployment_served *d, struct recipe *ret)
{
	bool is_unix = str_starts(d->base_url, S("unix:"));

	*ret = (struct recipe){
		.model_name = copy(d->model_name),
		.upstream_name = copy(d->upstream_name),
		.socket = copy(is_unix ? str_skip(d->base_url, 5) : S("")),
		.model_path = copy(d->model_path),
		.preload = d->preload,
	};
	if (ret->model_name && ret->upstream_name && ret->socket &&
	    ret->model_path)
		return true;
	recipe_fini(ret);
	return false;
}

/* A model's own name is for the log only. */
static bool
recipe_is_same(const struct recipe *a, const struct recipe *b)
{
	return strcmp(a->upstream_name, b->upstream_name) == 0 &&
	       strcmp(a->socket, b->socket) == 0 &&
	       strcmp(a->model_path, b->model_path) == 0 &&
	       a->preload == b->preload;
}

/* ---- words ---- */

static void
begin(struct log_rec *r, const struct model_process *p, enum log_level level,
    const char *event)
{
	log_begin(r, level, event);
	log_u64(r, "model_id", p->model_id);
	log_cstr(r, "model", p->now.model_name);
	if (p->pid)
		log_i64(r, "pid", p->pid);
}

static void
say(const struct model_process *p, const char *event)
{
	struct log_rec r;

	begin(&r, p, LOG_LEVEL_INFO, event);
	log_end(&r);
}

static void
end_line(struct model_process *p)
{
	struct log_rec r;

	if (p->n_line == 0)
		return;
	begin(&r, p, LOG_LEVEL_INFO, "model_says");
	log_str(&r, "line", str_make(p->line, p->n_line));
	log_end(&r);
	memcpy(p->last_line, p->line, p->n_line);
	p->last_line[p->n_line] = '\0';
	p->n_line = 0;
}

static void
take_output(struct model_process *p, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (text[i] == '\n' || p->n_line + 1 == sizeof(p->line))
			end_line(p);
		if (text[i] != '\n')
			p->line[p->n_line++] = text[i];
	}
}

void
model_process_read(struct model_process *p)
{
	char text[4096];
	ssize_t n;

	while (p->fd >= 0) {
		n = read(p->fd, text, sizeof(text));
		if (n > 0) {
			take_output(p, text, (size_t)n);
			continue;
		}
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		end_line(p);
		(void)close(p->fd); /* it was only read */
		p->fd = -1;
	}
}

/* ---- starting ---- */

static void
put_off(struct model_process *p, int64_t now_ms, int64_t well_ms)
{
	p->pause_ms = model_process_pause_ms(p->pause_ms, well_ms);
	p->start_at_ms = now_ms + p->pause_ms;
}

static enum err
start_in(struct model_process *p, struct arena *a, struct error *e)
{
	const struct recipe *r = &p->now;
	const char *args[ARGS_MAX] = { p->env->program, "--model", NULL,
		"--socket", r->socket, "--model-name", r->upstream_name,
		"--tokenizer-file", NULL };
	char name[TOKENIZERS_NAME_BYTES];
	struct model_folder folder;
	enum err err = model_folder_find(p->env->directory,
	    str_from(r->model_path), a, &folder, e);

	if (err)
		return err;
	if (r->socket[0] != '/')
		return error_set(e, ERR_CONFIG,
		    "its provider's address is no unix:/path");
	if (access(p->env->program, X_OK) != 0)
		return error_errno(e, ERR_CONFIG, "models.server: %s",
		    p->env->program);
	args[2] = folder.full;
	args[8] = arena_printf(a, "%s/%" PRI_STR ".tokens",
	    p->env->tokenizers_dir,
	    STR_ARG(tokenizers_local_name(p->deployment_id, name)))
		      .p;
	if (!args[8])
		return error_arena(e, a);
	if (r->preload)
		args[9] = "--preload";
	(void)unlink(r->socket); /* of one that was killed */
	return model_spawn(args, &p->pid, &p->fd, e);
}

static void
start(struct model_process *p, int64_t now_ms)
{
	struct log_rec r;
	struct arena a;
	struct error e;
	enum err err;

	arena_init(&a, ARENA_BYTES);
	err = start_in(p, &a, &e);
	arena_fini(&a);
	if (err) {
		model_server_why_write(p->env->socket_dir, p->model_id,
		    e.internal);
		put_off(p, now_ms, 0);
		begin(&r, p, LOG_LEVEL_ERROR, "model_not_started");
		log_error_members(&r, &e);
		log_i64(&r, "again_in_ms", p->pause_ms);
		log_end(&r);
		return;
	}
	p->is_outdated = p->is_killed = p->is_hung = false;
	p->started_ms = p->ask_ms = now_ms;
	p->ready_ms = p->term_ms = 0;
	p->n_missed = 0;
	p->n_line = 0;
	p->last_line[0] = '\0';
	say(p, "model_started");
}

/* ---- watching ---- */

static void
answered(struct model_process *p, int64_t now_ms)
{
	struct log_rec r;

	p->n_missed = 0;
	if (p->ready_ms)
		return;
	p->ready_ms = now_ms;
	p->ask_ms = now_ms + MODEL_PROCESS_ASK_MS;
	model_server_why_write(p->env->socket_dir, p->model_id, "");
	begin(&r, p, LOG_LEVEL_INFO, "model_ready");
	log_i64(&r, "after_ms", now_ms - p->started_ms);
	log_end(&r);
}

/* A new one may take its time. */
static void
missed(struct model_process *p, unsigned most)
{
	struct log_rec r;

	model_probe_drop(&p->probe);
	if (!p->ready_ms)
		return;
	p->n_missed++;
	begin(&r, p, LOG_LEVEL_WARN, "model_silent");
	log_u64(&r, "missed", p->n_missed);
	log_end(&r);
	if (p->n_missed < most)
		return;
	/* SIGTERM would not be heard either */
	say(p, "model_killed");
	p->is_hung = p->is_killed = true;
	(void)kill(p->pid, SIGKILL);
}

static void
ask(struct model_process *p, int64_t now_ms)
{
	enum model_probe_news news = model_probe_ask(&p->probe, p->now.socket);

	p->asked_ms = now_ms;
	p->ask_ms = now_ms + (p->ready_ms ? MODEL_PROCESS_ASK_MS : ASK_NEW_MS);
	if (news == MODEL_PROBE_NO_ANSWER)
		missed(p, MODEL_PROCESS_MISSES);
	else if (news == MODEL_PROBE_NOT_HEALTHY)
		missed(p, MODEL_PROCESS_STOP_MS / MODEL_PROCESS_ASK_MS);
}

/* Whatever it says is a sign of life. */
static void
listen_to(struct model_process *p, int64_t now_ms)
{
	switch (model_probe_look(&p->probe)) {
	case MODEL_PROBE_HEALTHY:
		answered(p, now_ms);
		break;
	case MODEL_PROBE_NOT_HEALTHY:
		p->n_missed = 0;
		break;
	case MODEL_PROBE_NO_ANSWER:
		missed(p, MODEL_PROCESS_MISSES);
		break;
	case MODEL_PROBE_NOTHING_YET:
		if (now_ms - p->asked_ms >= MODEL_PROCESS_ANSWER_MS)
			missed(p, MODEL_PROCESS_MISSES);
		break;
	}
}

static void
probe(struct model_process *p, int64_t now_ms)
{
	if (p->probe.fd >= 0)
		listen_to(p, now_ms);
	if (p->probe.fd < 0 && !p->is_killed && now_ms >= p->ask_ms)
		ask(p, now_ms);
}

/* "status 1" or "signal 11", and what it said last, unless somebody else
 * ended it: then that has nothing to do with it. */
static void
describe(const struct model_process *p, int status,
    char ret[MODEL_SERVER_WHY_BYTES])
{
	bool is_signal = WIFSIGNALED(status);
	int number = is_signal ? WTERMSIG(status) : WEXITSTATUS(status);
	bool is_by_others = is_signal &&
			    (number == SIGKILL || number == SIGTERM);
	bool has_words = p->last_line[0] && !is_by_others;

	if (p->is_hung) {
		(void)snprintf(ret, MODEL_SERVER_WHY_BYTES,
		    "its server left %u questions in a row without an answer "
		    "and was killed",
		    p->n_missed);
		return;
	}
	(void)snprintf(ret, MODEL_SERVER_WHY_BYTES,
	    "its server ended with %s %d%s%.300s",
	    is_signal ? "signal" : "status", number, has_words ? ": " : "",
	    has_words ? p->last_line : "");
}

static void
ended(struct model_process *p, int status, int64_t now_ms)
{
	bool is_asked = p->term_ms != 0;
	char why[MODEL_SERVER_WHY_BYTES];
	struct log_rec r;

	model_process_read(p);
	model_probe_drop(&p->probe);
	describe(p, status, why);
	if (is_asked) {
		p->start_at_ms = now_ms;
		p->pause_ms = 0;
	} else {
		put_off(p, now_ms, p->ready_ms ? now_ms - p->ready_ms : 0);
	}
	begin(&r, p, is_asked ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR,
	    is_asked ? "model_stopped" : "model_ended");
	log_cstr(&r, "detail", why);
	log_i64(&r, "lived_ms", now_ms - p->started_ms);
	if (p->is_wanted && !is_asked)
		log_i64(&r, "again_in_ms", p->pause_ms);
	log_end(&r);
	model_server_why_write(p->env->socket_dir, p->model_id,
	    is_asked ? "" : why);
	(void)unlink(p->now.socket); /* it may have done so itself */
	p->pid = 0;
}

static bool
is_reaped(struct model_process *p, int64_t now_ms)
{
	int status;
	pid_t pid;

	do
		pid = waitpid(p->pid, &status, WNOHANG);
	while (pid < 0 && errno == EINTR);
	if (pid == 0)
		return false;
	ended(p, pid < 0 ? 0 : status, now_ms);
	return true;
}

/* ---- stopping ---- */

static void
stop(struct model_process *p, int64_t now_ms)
{
	if (!p->term_ms) {
		say(p, "model_stopping");
		p->term_ms = now_ms;
		model_probe_drop(&p->probe);
		(void)kill(p->pid, SIGTERM);
	} else if (!p->is_killed &&
		   now_ms - p->term_ms >= MODEL_PROCESS_STOP_MS) {
		say(p, "model_killed");
		p->is_killed = true;
		(void)kill(p->pid, SIGKILL);
	}
}

void
model_process_step(struct model_process *p, int64_t now_ms)
{
	if (p->pid && !is_reaped(p, now_ms)) {
		/* once told to end it ends, whatever is wanted by now */
		if (p->term_ms || p->is_outdated || !p->is_wanted)
			stop(p, now_ms);
		else
			probe(p, now_ms);
		return;
	}
	if (p->is_wanted && now_ms >= p->start_at_ms)
		start(p, now_ms);
}

/* ---- the rest ---- */

int64_t
model_process_pause_ms(int64_t pause_ms, int64_t well_ms)
{
	if (pause_ms == 0 || well_ms >= MODEL_PROCESS_WELL_MS)
		return MODEL_PROCESS_PAUSE_MIN_MS;
	return pause_ms > MODEL_PROCESS_PAUSE_MAX_MS / 2
		   ? MODEL_PROCESS_PAUSE_MAX_MS
		   : pause_ms * 2;
}

struct model_process *
model_process_new(const struct model_process_env *env,
    const struct deployment_served *d)
{
	struct model_process *p = calloc(1, sizeof(*p));

	if (!p || !recipe_make(d, &p->now)) {
		free(p);
		return NULL;
	}
	p->env = env;
	p->deployment_id = d->deployment_id;
	p->model_id = d->model_id;
	p->is_wanted = true;
	p->fd = p->probe.fd = -1;
	return p;
}

void
model_process_free(struct model_process *p)
{
	if (!p)
		return;
	ASSERT(p->pid == 0);
	model_server_why_write(p->env->socket_dir, p->model_id, "");
	if (p->fd >= 0)
		(void)close(p->fd); /* it was only read */
	recipe_fini(&p->now);
	free(p);
}

uint64_t
model_process_deployment_id(const struct model_process *p)
{
	return p->deployment_id;
}

void
model_process_want(struct model_process *p, const struct deployment_served *d)
{
	struct recipe wanted;

	p->is_wanted = true;
	if (!recipe_make(d, &wanted))
		return; /* no memory: it stays as it is until the next time */
	if (recipe_is_same(&p->now, &wanted)) {
		recipe_fini(&wanted);
		return;
	}
	if (p->pid) {
		p->is_outdated = true;
		(void)unlink(p->now.socket); /* nobody new comes */
	}
	recipe_fini(&p->now);
	p->now = wanted;
	p->start_at_ms = p->pause_ms = 0;
}

void
model_process_unwant(struct model_process *p)
{
	p->is_wanted = false;
}

int
model_process_fd(const struct model_process *p)
{
	return p->fd;
}

bool
model_process_is_quiet(const struct model_process *p)
{
	return p->pid && p->ready_ms && p->is_wanted && !p->is_outdated &&
	       !p->term_ms && !p->is_killed && p->probe.fd < 0;
}

bool
model_process_is_over(const struct model_process *p)
{
	return p->pid == 0 && !p->is_wanted;
}
