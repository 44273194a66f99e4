/* SPDX-License-Identifier: MIT */
#include "domain/generation.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "domain/hostmap.h"
#include "domain/limit.h"
#include "store/generation.h"

#define INTERVAL_MS 250 /* well within the promised half second */

struct generation_poller {
	struct generation_params params;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t stopped;
	bool is_stopping; /* under the lock */
};

enum err
generation_poll(struct db *db, struct hostmap *map, struct error *e)
{
	uint64_t now[GENERATION__N];
	enum err err = store_generation_read(db, now, e);

	if (err)
		return err;
	for (unsigned slot = 0; slot < GENERATION__N; slot++)
		hostmap_slot_seen(map, slot, now[slot]);
	return OK;
}

/* Returns false when it is time to stop. */
static bool
pause_between(struct generation_poller *g)
{
	struct timespec until;
	bool is_stopping;
	int rc = 0;

	(void)clock_gettime(CLOCK_MONOTONIC, &until); /* cannot fail */
	until.tv_nsec += (long)g->params.interval_ms * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	(void)pthread_mutex_lock(&g->lock);
	while (!g->is_stopping && rc == 0)
		rc = pthread_cond_timedwait(&g->stopped, &g->lock, &until);
	is_stopping = g->is_stopping;
	(void)pthread_mutex_unlock(&g->lock);
	return !is_stopping;
}

static void *
poller_main(void *arg)
{
	struct generation_poller *g = arg;
	struct db *db = db_new(g->params.db);
	bool was_down = false;

	do {
		struct error e;
		enum err err = OK;

		if (g->params.limiter) {
			limit_probe(g->params.limiter, clock_now_ms());
			limit_renew_leases(g->params.limiter, clock_now_ms());
		}
		if (!db || !hostmap_duty_try(g->params.map, HOSTMAP_POLLER))
			continue;
		err = generation_poll(db, g->params.map, &e);
		if (!err)
			hostmap_duty_beat(g->params.map, HOSTMAP_POLLER,
			    clock_now_ms());
		else if (!was_down)
			log_error("generations.failed", &e);
		was_down = err != OK;
	} while (pause_between(g));
	hostmap_duty_release(g->params.map, HOSTMAP_POLLER);
	db_free(db);
	db_thread_fini();
	return NULL;
}

static enum err
thread_start(struct generation_poller *g, struct error *e)
{
	sigset_t all, old;
	int rc;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&g->thread, NULL, poller_main, g);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc != 0)
		return error_set(e, ERR_INTERNAL,
		    "can't start the poller's thread");
	return OK;
}

enum err
generation_poller_start(const struct generation_params *params,
    struct generation_poller **ret, struct error *e)
{
	struct generation_poller *g = calloc(1, sizeof(*g));
	pthread_condattr_t attr;
	enum err err;

	if (!g)
		return error_set(e, ERR_NO_MEMORY, "no memory");
	g->params = *params;
	if (g->params.interval_ms == 0)
		g->params.interval_ms = INTERVAL_MS;
	/* None of these fails with such arguments. */
	(void)pthread_mutex_init(&g->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&g->stopped, &attr);
	(void)pthread_condattr_destroy(&attr);
	err = thread_start(g, e);
	if (err) {
		(void)pthread_cond_destroy(&g->stopped);
		(void)pthread_mutex_destroy(&g->lock);
		free(g);
		return err;
	}
	*ret = g;
	return OK;
}

void
generation_poller_stop(struct generation_poller *g)
{
	if (!g)
		return;
	(void)pthread_mutex_lock(&g->lock);
	g->is_stopping = true;
	(void)pthread_cond_signal(&g->stopped);
	(void)pthread_mutex_unlock(&g->lock);
	(void)pthread_join(g->thread, NULL);
	(void)pthread_cond_destroy(&g->stopped);
	(void)pthread_mutex_destroy(&g->lock);
	free(g);
}
