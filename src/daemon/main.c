/* SPDX-License-Identifier: MIT */
/*
 * tollgate.fcgi: one worker process. This file is its life from start to
 * end; what a request goes through is in dispatch.c.
 */
#include <getopt.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/listen.h"
#include "daemon/pool.h"
#include "daemon/routes.h"
#include "daemon/services.h"
#include "daemon/settings.h"
#include "daemon/signals.h"
#include "ext/httpc.h"
#include "http/accept.h"
#include "http/fcgi.h"

/* With one thread the web server is mod_fcgid, which kills 3 s after it
 * asked: draining, cutting and closing fit into two. */
#define SINGLE_DRAIN_MS_MAX 1500
/* Longest service to a web server that keeps connecting to its worker. */
#define QUEUE_MS_MAX        500
/* After the cut: time to settle what is open, then to leave writes. */
#define CUT_SETTLE_MS       200
#define CUT_LEAVE_MS        150

/* After draining: time to end threads and close, with one thread counted
 * from the signal. */
#define SINGLE_END_MS 1900
#define END_MS        8000

/* Free memory on top of a heap that is not given back to the kernel. */
#define HEAP_KEPT_BYTES 1048576

struct deadline {
	int64_t ms;
	int code;
};

struct worker {
	const char *conf_file; /* NULL: the usual place */
	struct settings_holder *settings_holder;
	const struct settings *settings; /* of the start: fixed values */
	struct services *services;
	struct listen listen;
	struct pool *pool;
};

static const char help[] =
    "Usage: tollgate.fcgi [--config FILE]\n"
    "\n"
    "A FastCGI worker of the Tollgate AI gateway. Web servers, spawn-fcgi or\n"
    "systemd start it and hand it a listening socket; with listen.socket set\n"
    "it binds one itself.\n"
    "\n"
    "  --config FILE  settings (default: $TOLLGATE_CONFIG, else\n"
    "                 /etc/tollgate/tollgate.conf)\n"
    "  --routes       print the table of routes and exit\n"
    "  --version      print the version and exit\n"
    "  --help         print this and exit\n"
    "\n"
    "SIGTERM: serve what is open, then exit 0. SIGHUP: read settings and\n"
    "templates again.\n";

/* Returns whether to go on; the exit code otherwise. */
static bool
read_options(int argc, char **argv, struct worker *w, int *ret_exit)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "routes", no_argument, NULL, 'r' },
		{ "version", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	*ret_exit = EXIT_SUCCESS;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			w->conf_file = optarg;
			continue;
		case 'r':
			routes_print(stdout);
			return false;
		case 'v':
			(void)puts("tollgate " PACKAGE_VERSION);
			return false;
		case 'h':
			(void)fputs(help, stdout);
			return false;
		default:
			*ret_exit = EXIT_FAILURE;
			return false;
		}
	}
	if (optind == argc)
		return true;
	(void)fputs("tollgate.fcgi: takes no arguments; see --help\n", stderr);
	*ret_exit = EXIT_FAILURE;
	return false;
}

/*
 * No core files, which would hold keys and prompts; as many descriptors as
 * allowed; nothing for others to read. A thread that wakes up does not
 * interrupt what runs: on a busy host most wake-ups would, several times a
 * request, for an answer that goes out no sooner.
 */
static void
prepare_process(void)
{
	const struct sched_param no_priority = { 0 };
	struct rlimit none = { 0, 0 };
	struct rlimit files;

	(void)setrlimit(RLIMIT_CORE, &none);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files); /* best effort */
	}
	(void)umask(0027);
#ifdef __GLIBC__
	/* What requests allocate and free again and again stays in the heap,
	 * instead of going to the kernel and back. */
	(void)mallopt(M_TRIM_THRESHOLD, HEAP_KEPT_BYTES);
	(void)mallopt(M_MXFAST, 0);
#endif
	(void)sched_setscheduler(0, SCHED_BATCH, &no_priority); /* likewise */
}

static enum err
read_settings(struct worker *w, struct error *e)
{
	enum err code = settings_holder_new(w->conf_file, &w->settings_holder,
	    e);

	if (code)
		return code;
	settings_hold(w->settings_holder, &w->settings);
	if (w->listen.fd < 0 &&
	    !conf_text(w->settings->conf, CONF_LISTEN_SOCKET)[0])
		return listen_none(e);
	return OK;
}

static enum err
start(struct worker *w, struct error *e)
{
	const struct conf *conf;
	enum err code = listen_inherit(&w->listen, e);

	if (code == OK)
		code = read_settings(w, e);
	if (code)
		return code;
	conf = w->settings->conf;
	log_init(conf_enum(conf, CONF_LOG_TARGET) == CONF_LOG_SYSLOG,
	    (enum log_level)conf_enum(conf, CONF_LOG_LEVEL), "tollgate");
	code = services_global_init(e);
	if (code == OK)
		code = services_new(conf, &w->services, e);
	/* Last, so that nobody connects to a worker that cannot start. */
	if (code == OK && w->listen.fd < 0)
		code = listen_bind(conf_text(conf, CONF_LISTEN_SOCKET),
		    &w->listen, e);
	if (code == OK)
		code = fcgi_global_init(w->listen.fd, e);
	if (code == OK)
		code = services_start(w->services, e);
	if (code == OK)
		code = pool_start(services_shared(w->services),
		    w->settings_holder, (unsigned)conf_u64(conf, CONF_THREADS),
		    &w->pool, e);
	return code;
}

static void
reload(struct worker *w)
{
	const struct settings *now = NULL;
	struct error e;

	if (settings_reload(w->settings_holder, &e) != OK) {
		log_error("reload_failed", &e);
		return;
	}
	settings_hold(w->settings_holder, &now);
	services_reload(w->services, now->conf);
	settings_release(w->settings_holder, &now);
	log_event(LOG_LEVEL_INFO, "reloaded", "settings and templates");
}

static int64_t
drain_ms(struct worker *w)
{
	const struct settings *now = NULL;
	int64_t ms;

	settings_hold(w->settings_holder, &now);
	ms = (int64_t)conf_u64(now->conf, CONF_SHUTDOWN_DRAIN_MS);
	if (conf_u64(now->conf, CONF_THREADS) == 1 && ms > SINGLE_DRAIN_MS_MAX)
		ms = SINGLE_DRAIN_MS_MAX;
	settings_release(w->settings_holder, &now);
	return ms;
}

/*
 * What waits in our socket when we are told to end would be lost with it.
 * Once its file is removed nothing comes in after that; a web server that
 * spawned us may go on connecting, so that needs an end.
 */
static int64_t
queue_ms(const struct worker *w, int64_t drain)
{
	if (w->listen.file.path)
		return drain;
	if (w->listen.is_ours)
		return drain < QUEUE_MS_MAX ? drain : QUEUE_MS_MAX;
	return 0;
}

/*
 * Nothing new is accepted; what is open gets time to finish, then streams
 * are cut and settled, then connections are broken. Returns whether every
 * thread came back.
 */
static bool
drain(struct worker *w)
{
	struct shared *shared = services_shared(w->services);
	int64_t wait_ms = drain_ms(w);

	atomic_store(&shared->shutdown, APP_DRAINING);
	accept_stop(queue_ms(w, wait_ms));
	listen_unlink(&w->listen);
	if (pool_wait(w->pool, wait_ms))
		return true;
	log_event(LOG_LEVEL_WARN, "drain_cut",
	    "%zu requests were still open and are cut", pool_n_alive(w->pool));
	atomic_store(&shared->shutdown, APP_CUT);
	httpc_pool_abort(shared->httpc);
	if (pool_wait(w->pool, CUT_SETTLE_MS))
		return true;
	pool_cut(w->pool);
	return pool_wait(w->pool, CUT_LEAVE_MS);
}

/* Everything but the request threads, in reverse order of start(). */
static void
release(struct worker *w)
{
	listen_unlink(&w->listen);
	services_free(w->services);
	if (w->settings_holder)
		settings_release(w->settings_holder, &w->settings);
	settings_holder_free(w->settings_holder);
	httpc_global_fini();
}

static void *
end_anyway(void *arg)
{
	const struct deadline *d = arg;
	struct timespec t = { d->ms / 1000, d->ms % 1000 * 1000000 };

	(void)nanosleep(&t, NULL); /* signals are blocked here */
	_exit(d->code);
}

/*
 * Stopping the background threads may wait for a database that hangs. All
 * that matters is in the journal by then, so that the end need not wait.
 */
static void
set_deadline(struct deadline *d)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, end_anyway, d) == 0)
		(void)pthread_detach(thread); /* it ends with the process */
}

/* Returns the exit code. */
static int
stop(struct worker *w)
{
	static struct deadline deadline;
	int64_t start_ms = clock_mono_ms();
	bool is_single = conf_u64(w->settings->conf, CONF_THREADS) == 1;

	deadline.code = pool_has_failed(w->pool) ? EXIT_FAILURE : EXIT_SUCCESS;
	deadline.ms = is_single ? SINGLE_END_MS : END_MS;
	log_event(LOG_LEVEL_INFO, "stopping", "open requests may finish");
	if (is_single)
		set_deadline(&deadline); /* draining counts as well */
	if (!drain(w)) {
		/* A thread hangs. What it has open in the journal becomes
		 * `interrupted` once our lock is gone. */
		log_event(LOG_LEVEL_ERROR, "stopped", "%zu threads did not end",
		    pool_n_alive(w->pool));
		_exit(deadline.code);
	}
	if (!is_single)
		set_deadline(&deadline);
	pool_free(w->pool);
	release(w);
	log_event(LOG_LEVEL_INFO, "stopped", "after %lld ms",
	    (long long)(clock_mono_ms() - start_ms));
	return deadline.code;
}

int
main(int argc, char **argv)
{
	struct worker w = { .listen = { .fd = -1 } };
	struct error e;
	int code;

	if (!read_options(argc, argv, &w, &code))
		return code;
	signals_init();
	prepare_process();
	if (start(&w, &e) != OK) {
		(void)fprintf(stderr, "tollgate.fcgi: %s\n", e.internal);
		release(&w);
		return EXIT_FAILURE;
	}
	log_event(LOG_LEVEL_INFO, "started", "version %s, %llu threads",
	    PACKAGE_VERSION,
	    (unsigned long long)conf_u64(w.settings->conf, CONF_THREADS));
	while (signals_wait() == SIGNALS_RELOAD)
		reload(&w);
	return stop(&w);
}
