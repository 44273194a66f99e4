/* SPDX-License-Identifier: MIT */
#include "daemon/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/dispatch.h"
#include "daemon/settings.h"
#include "domain/app.h"
#include "domain/catalogue.h"
#include "http/accept.h"
#include "http/fcgi.h"
#include "store/db.h"

/* Touched of it: 28 KiB by inference, 64 KiB by a TLS handshake (glibc 2.36,
 * OpenSSL 3.0, x86-64). Untouched pages of a stack cost no memory. */
#define THREAD_STACK_BYTES KIB(256)
/* Between two rounds of wake-up signals. */
#define WAKE_INTERVAL_MS   5

struct thread {
	struct pool *pool;
	pthread_t id;
	struct fcgi *fcgi;
	struct app app;
	const struct settings *settings;
	struct arena arena;
	atomic_bool is_done;
};

struct pool {
	struct shared *shared;
	struct settings_holder *settings;
	size_t n;
	struct thread *threads;
	atomic_bool has_failed;
};

static void
end_connection(void *arg)
{
	fcgi_finish(arg);
}

static void
serve(struct thread *t, struct conn *conn, const char *const *cgi)
{
	struct dispatch_job job = {
		.app = &t->app,
		.arena = &t->arena,
		.conn = conn,
		.cgi = cgi,
		.end = end_connection,
		.end_arg = t->fcgi,
	};

	settings_hold(t->pool->settings, &t->settings);
	catalogue_hold(t->pool->shared->catalogue, &t->app.catalogue);
	job.settings = t->settings;
	t->arena.max_bytes = t->settings->arena_max_bytes;
	dispatch_serve(&job);
	arena_reset(&t->arena);
}

static void *
thread_main(void *arg)
{
	struct thread *t = arg;
	enum fcgi_accept got;
	const char *const *cgi;
	struct conn *conn;

	for (;;) {
		got = fcgi_accept(t->fcgi, &conn, &cgi);
		if (got != FCGI_ACCEPT_REQUEST)
			break;
		serve(t, conn, cgi);
	}
	if (got == FCGI_ACCEPT_FAILED &&
	    !atomic_exchange(&t->pool->has_failed, true)) {
		log_event(LOG_LEVEL_ERROR, "accept_failed",
		    "the listening socket is unusable; the worker ends");
		(void)kill(getpid(), SIGTERM); /* main drains the others */
	}
	arena_fini(&t->arena);
	settings_release(t->pool->settings, &t->settings);
	catalogue_release(t->pool->shared->catalogue, &t->app.catalogue);
	db_thread_fini();
	atomic_store(&t->is_done, true);
	return NULL;
}

static enum err
thread_start(struct thread *t, struct pool *p, struct error *e)
{
	pthread_attr_t attr;
	enum err code;
	int rc;

	t->pool = p;
	t->app.shared = p->shared;
	arena_init(&t->arena, 0);
	code = fcgi_new(&t->fcgi, e);
	if (code)
		return code;
	if (pthread_attr_init(&attr) != 0)
		return error_set(e, ERR_NO_MEMORY, "thread attributes");
	(void)pthread_attr_setstacksize(&attr, THREAD_STACK_BYTES);
	rc = pthread_create(&t->id, &attr, thread_main, t);
	(void)pthread_attr_destroy(&attr);
	if (rc != 0)
		return error_set(e, ERR_NO_MEMORY, "pthread_create: error %d",
		    rc);
	return OK;
}

enum err
pool_start(struct shared *shared, struct settings_holder *settings, unsigned n,
    struct pool **ret, struct error *e)
{
	struct pool *p = calloc(1, sizeof(*p));

	if (!p)
		return error_set(e, ERR_NO_MEMORY, "threads");
	p->threads = calloc(n, sizeof(*p->threads));
	if (!p->threads) {
		free(p);
		return error_set(e, ERR_NO_MEMORY, "threads");
	}
	p->shared = shared;
	p->settings = settings;
	for (; p->n < n; p->n++) {
		enum err code = thread_start(&p->threads[p->n], p, e);

		if (code == OK)
			continue;
		fcgi_free(p->threads[p->n].fcgi);
		if (p->n == 0) {
			pool_free(p);
			return code;
		}
		log_error("thread_not_started", e);
		break;
	}
	*ret = p;
	return OK;
}

size_t
pool_n_alive(const struct pool *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		n += !atomic_load(&p->threads[i].is_done);
	return n;
}

bool
pool_has_failed(const struct pool *p)
{
	return atomic_load(&p->has_failed);
}

bool
pool_wait(struct pool *p, int64_t wait_ms)
{
	const struct timespec pause = { 0, WAKE_INTERVAL_MS * 1000000 };
	int64_t until_ms = clock_mono_ms() + wait_ms;

	for (;;) {
		if (pool_n_alive(p) == 0)
			return true;
		accept_wake();
		if (clock_mono_ms() >= until_ms)
			return false;
		(void)nanosleep(&pause, NULL); /* shorter is fine */
	}
}

void
pool_cut(struct pool *p)
{
	for (size_t i = 0; i < p->n; i++)
		fcgi_cut(p->threads[i].fcgi);
}

void
pool_free(struct pool *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n; i++) {
		(void)pthread_join(p->threads[i].id, NULL); /* it has ended */
		fcgi_free(p->threads[i].fcgi);
	}
	free(p->threads);
	free(p);
}
