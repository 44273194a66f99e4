/* SPDX-License-Identifier: MIT */
/* tollgate model serve: one model server for each local model, kept running
 * (model_process.c) as the database says (model_table.c). */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/admin.h"
#include "admin/model_process.h"
#include "admin/model_table.h"
#include "base/clock.h"
#include "base/log.h"
#include "domain/model_server.h"

#define STEP_MS         50   /* while a server starts, ends or waits */
#define QUIET_MS        1000 /* else a signal or a change wakes us */
#define PROCESSES_MAX   256  /* more would not fit any host's memory */
#define DIR_MODE        0750
#define TOKENIZERS_MODE 0755

const struct admin_option admin_model_serve_options[] = {
	ADMIN_OPTIONS_END,
};

struct serve {
	struct model_process_env env;
	struct model_table *table;
	int signal_fd;
	struct model_process *processes[PROCESSES_MAX];
	size_t n;
	bool is_stopping;
	bool is_full; /* it was said that there are too many */
};

/* ---- what should run ---- */

static struct model_process *
find(const struct serve *s, uint64_t deployment_id)
{
	for (size_t i = 0; i < s->n; i++)
		if (model_process_deployment_id(s->processes[i]) ==
		    deployment_id)
			return s->processes[i];
	return NULL;
}

static void
add(struct serve *s, const struct deployment_served *d)
{
	struct model_process *p = NULL;

	if (s->n < PROCESSES_MAX)
		p = model_process_new(&s->env, d);
	if (p)
		s->processes[s->n++] = p;
	else if (!s->is_full)
		log_event(LOG_LEVEL_ERROR, "models_too_many",
		    "more than %d local models, or no memory", PROCESSES_MAX);
	s->is_full = !p;
}

static bool
is_in(const struct model_rows *r, uint64_t deployment_id)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->rows[i].deployment_id == deployment_id)
			return true;
	return false;
}

static void
apply(struct serve *s, const struct model_rows *r)
{
	for (size_t i = 0; i < s->n; i++)
		if (!is_in(r, model_process_deployment_id(s->processes[i])))
			model_process_unwant(s->processes[i]);
	for (size_t i = 0; i < r->n; i++) {
		struct model_process *p = find(s, r->rows[i].deployment_id);

		if (p)
			model_process_want(p, &r->rows[i]);
		else
			add(s, &r->rows[i]);
	}
}

static void
take_table(struct serve *s)
{
	struct model_rows *r = model_table_take(s->table);

	if (r && !s->is_stopping)
		apply(s, r);
	model_rows_free(r);
}

/* ---- the loop ---- */

static void
take_signals(struct serve *s)
{
	struct signalfd_siginfo info;

	while (
	    read(s->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		/* SIGCHLD only wakes; SIGHUP changes nothing here. */
		if (info.ssi_signo != SIGTERM && info.ssi_signo != SIGINT)
			continue;
		if (!s->is_stopping)
			log_event(LOG_LEVEL_INFO, "models_stopping",
			    "told to end; the model servers finish first");
		s->is_stopping = true;
		for (size_t i = 0; i < s->n; i++)
			model_process_unwant(s->processes[i]);
	}
}

/* Each does what is due; those that are over and not wanted go. */
static void
step(struct serve *s)
{
	int64_t now_ms = clock_mono_ms();
	size_t kept = 0;

	for (size_t i = 0; i < s->n; i++) {
		struct model_process *p = s->processes[i];

		model_process_step(p, now_ms);
		if (model_process_is_over(p))
			model_process_free(p);
		else
			s->processes[kept++] = p;
	}
	s->n = kept;
}

static void
wait_for_news(const struct serve *s)
{
	struct pollfd fds[2 + PROCESSES_MAX];
	int timeout_ms = QUIET_MS;
	nfds_t n = 2;

	fds[0] = (struct pollfd){ s->signal_fd, POLLIN, 0 };
	fds[1] = (struct pollfd){ model_table_fd(s->table), POLLIN, 0 };
	for (size_t i = 0; i < s->n; i++) {
		int fd = model_process_fd(s->processes[i]);

		if (fd >= 0)
			fds[n++] = (struct pollfd){ fd, POLLIN, 0 };
		if (!model_process_is_quiet(s->processes[i]))
			timeout_ms = STEP_MS;
	}
	(void)poll(fds, n, timeout_ms); /* whoever has news is asked anyway */
}

static void
loop(struct serve *s)
{
	while (!s->is_stopping || s->n) {
		take_signals(s);
		take_table(s);
		for (size_t i = 0; i < s->n; i++)
			model_process_read(s->processes[i]);
		step(s);
		if (!s->is_stopping || s->n)
			wait_for_news(s);
	}
}

/* ---- the command ---- */

static enum err
open_signals(int *ret_fd, struct error *e)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &set, NULL); /* one thread as yet */
	*ret_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return *ret_fd < 0 ? error_errno(e, ERR_IO, "signalfd") : OK;
}

static enum err
prepare(struct serve *s, int *ret_lock, struct error *e)
{
	const char *dir = s->env.socket_dir;
	enum err err;

	if (mkdir(dir, DIR_MODE) != 0 && errno != EEXIST)
		return error_errno(e, ERR_IO, "models.socket_dir: %s", dir);
	/* without it servers say so, and interrupted answers are estimated */
	(void)mkdir(s->env.tokenizers_dir, TOKENIZERS_MODE);
	err = model_server_lock(dir, ret_lock, e);
	if (err)
		return err;
	model_server_why_forget(dir);
	return open_signals(&s->signal_fd, e);
}

enum err
admin_model_serve(struct admin *ad, struct error *e)
{
	const struct conf *c = admin_conf(ad);
	struct serve s = {
		.env = { .program = conf_text(c, CONF_MODELS_SERVER),
		    .directory = conf_text(c, CONF_MODELS_DIR),
		    .socket_dir = conf_text(c, CONF_MODELS_SOCKET_DIR),
		    .tokenizers_dir = conf_text(c, CONF_TOKENIZERS_DIR) },
	};
	struct db_options db;
	int lock = -1;
	enum err err;

	log_init(conf_enum(c, CONF_LOG_TARGET) == CONF_LOG_SYSLOG,
	    (enum log_level)conf_enum(c, CONF_LOG_LEVEL), "tollgate-models");
	admin_db_options(ad, &db);
	err = prepare(&s, &lock, e);
	if (!err)
		err = model_table_start(&db, &s.table, e);
	if (err)
		return err;
	log_event(LOG_LEVEL_INFO, "models_supervised", "program %s, folders %s",
	    s.env.program, s.env.directory);
	loop(&s);
	log_event(LOG_LEVEL_INFO, "models_stopped", "no model server runs");
	if (!model_table_stop(s.table))
		_exit(EXIT_SUCCESS); /* its thread still uses the library */
	(void)close(s.signal_fd);    /* nobody reads it any more */
	(void)close(lock);           /* which unlocks */
	return OK;
}
