/* SPDX-License-Identifier: MIT */
#include "store/db_pool.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"

#define BACK_OFF_MIN_MS 50
#define BACK_OFF_MAX_MS 2000

struct db_pool {
	struct db_options opt;
	unsigned size;
	pthread_mutex_t lock;
	pthread_cond_t given_back;
	struct db **idle; /* the last one given back on top */
	unsigned n_idle;
	unsigned n_lent;
	bool is_down;          /* the last attempt to connect failed */
	bool is_probing;       /* while down: somebody tries again */
	int64_t next_probe_ms; /* monotonic */
	int64_t back_off_ms;
	char why[256]; /* words of the last failure */
};

struct db_pool *
db_pool_new(const struct db_options *opt, unsigned size)
{
	struct db_pool *pool = calloc(1, sizeof(*pool));
	pthread_condattr_t attr;

	ASSERT(pool);
	ASSERT(size > 0);
	pool->idle = calloc(size, sizeof(struct db *));
	ASSERT(pool->idle);
	pool->opt = *opt;
	pool->size = size;
	ASSERT(pthread_mutex_init(&pool->lock, NULL) == 0);
	ASSERT(pthread_condattr_init(&attr) == 0);
	ASSERT(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
	ASSERT(pthread_cond_init(&pool->given_back, &attr) == 0);
	pthread_condattr_destroy(&attr);
	return pool;
}

void
db_pool_free(struct db_pool *pool)
{
	if (!pool)
		return;
	ASSERT(pool->n_lent == 0);
	for (unsigned i = 0; i < pool->n_idle; i++)
		db_free(pool->idle[i]);
	pthread_cond_destroy(&pool->given_back);
	pthread_mutex_destroy(&pool->lock);
	free(pool->idle);
	free(pool);
}

/* The caller holds the lock. Whether there is no point in asking now. */
static bool
must_not_try(const struct db_pool *pool)
{
	return pool->is_down &&
	       (pool->is_probing || clock_mono_ms() < pool->next_probe_ms);
}

static enum err
down(const struct db_pool *pool, struct error *e)
{
	return error_set(e, ERR_DB_DOWN, "database is down: %s", pool->why);
}

/* Wait until a connection may be lent; the caller holds the lock. */
static enum err
wait_for_slot(struct db_pool *pool, int64_t wait_ms, struct error *e)
{
	int64_t until_ms = clock_mono_ms() + wait_ms;
	struct timespec until = { .tv_sec = (time_t)(until_ms / 1000),
		.tv_nsec = (long)(until_ms % 1000) * 1000000L };

	while (pool->n_lent == pool->size) {
		if (must_not_try(pool))
			return down(pool, e);
		if (pthread_cond_timedwait(&pool->given_back, &pool->lock,
			&until) != 0 &&
		    pool->n_lent == pool->size)
			return error_set(e, ERR_OVERLOADED,
			    "database pool: all %u connections are in use",
			    pool->size);
	}
	return OK;
}

/* The outcome of an attempt to connect; the caller holds the lock. */
static void
note_attempt(struct db_pool *pool, bool is_connected, const struct error *e)
{
	pool->is_probing = false;
	pool->is_down = !is_connected;
	if (is_connected) {
		pool->back_off_ms = 0;
		return;
	}
	pool->back_off_ms *= 2;
	if (pool->back_off_ms < BACK_OFF_MIN_MS)
		pool->back_off_ms = BACK_OFF_MIN_MS;
	if (pool->back_off_ms > BACK_OFF_MAX_MS)
		pool->back_off_ms = BACK_OFF_MAX_MS;
	pool->next_probe_ms = clock_mono_ms() + pool->back_off_ms;
	(void)snprintf(pool->why, sizeof(pool->why), "%s", e->internal);
}

/* Connect what was borrowed; the caller does not hold the lock. */
static enum err
connect_borrowed(struct db_pool *pool, struct db *db, struct error *e)
{
	enum err err;

	pthread_mutex_lock(&pool->lock);
	if (must_not_try(pool)) {
		err = down(pool, e);
		pthread_mutex_unlock(&pool->lock);
		return err;
	}
	pool->is_probing = pool->is_down;
	pthread_mutex_unlock(&pool->lock);

	err = db_connect(db, e);

	pthread_mutex_lock(&pool->lock);
	note_attempt(pool, err == OK, e);
	if (err != OK)
		err = down(pool, e);
	pthread_mutex_unlock(&pool->lock);
	return err;
}

enum err
db_pool_take(struct db_pool *pool, int64_t wait_ms, struct db **ret_db,
    struct error *e)
{
	struct db *db = NULL;
	enum err err;

	pthread_mutex_lock(&pool->lock);
	err = wait_for_slot(pool, wait_ms, e);
	if (err == OK) {
		pool->n_lent++;
		if (pool->n_idle > 0)
			db = pool->idle[--pool->n_idle];
	}
	pthread_mutex_unlock(&pool->lock);
	if (err != OK)
		return err;

	if (!db)
		db = db_new(&pool->opt);
	if (!db_is_alive(db)) {
		err = connect_borrowed(pool, db, e);
		if (err != OK) {
			db_pool_give(pool, db);
			return err;
		}
	}
	*ret_db = db;
	return OK;
}

void
db_pool_give(struct db_pool *pool, struct db *db)
{
	if (!db)
		return;
	ASSERT(!db_in_txn(db));
	if (!db_is_alive(db)) {
		db_free(db);
		db = NULL;
	}
	pthread_mutex_lock(&pool->lock);
	if (db)
		pool->idle[pool->n_idle++] = db;
	pool->n_lent--;
	pthread_cond_signal(&pool->given_back);
	pthread_mutex_unlock(&pool->lock);
}

bool
db_pool_is_down(struct db_pool *pool)
{
	bool is_down;

	pthread_mutex_lock(&pool->lock);
	is_down = pool->is_down;
	pthread_mutex_unlock(&pool->lock);
	return is_down;
}
