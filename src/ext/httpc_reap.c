/* SPDX-License-Identifier: MIT */
/*
 * Closing connections that were given up while they were being opened. A
 * thread of curl's looks names up, and closing waits for it until the resolver
 * gives up: 10 s with one name server that is silent, whatever connect_ms, the
 * client and the shutdown say. So another thread waits. (With
 * CURLOPT_QUICK_EXIT nobody waits, but libcurl 7.88 then reads memory that its
 * resolver thread may just have freed.)
 */
#include "ext/httpc_priv.h"

#define THREAD_STACK_BYTES KIB(256)

static void
count(struct httpc_pool *pool, int by)
{
	(void)pthread_mutex_lock(&pool->lock);
	pool->n_reaped += (unsigned)by;
	if (pool->n_reaped == 0)
		(void)pthread_cond_broadcast(&pool->none_left);
	(void)pthread_mutex_unlock(&pool->lock);
}

static void *
close_one(void *arg)
{
	struct httpc_conn *conn = arg;
	struct httpc_pool *pool = conn->pool;

	httpc_conn_free(conn);
	count(pool, -1);
	return NULL;
}

static bool
start_thread(struct httpc_conn *conn)
{
	pthread_attr_t attr;
	pthread_t thread;
	bool has_started;

	if (pthread_attr_init(&attr) != 0)
		return false;
	(void)pthread_attr_setstacksize(&attr, THREAD_STACK_BYTES);
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	has_started = pthread_create(&thread, &attr, close_one, conn) == 0;
	(void)pthread_attr_destroy(&attr);
	return has_started;
}

static bool
has_room(struct httpc_pool *pool)
{
	bool has;

	(void)pthread_mutex_lock(&pool->lock);
	has = pool->n_reaped < HTTPC_REAPED_MAX;
	if (has)
		pool->n_reaped++;
	(void)pthread_mutex_unlock(&pool->lock);
	return has;
}

void
httpc_reap(struct httpc_conn *conn)
{
	if (conn && conn->is_opening && has_room(conn->pool)) {
		struct httpc_pool *pool = conn->pool;

		if (start_thread(conn))
			return;
		count(pool, -1);
	}
	httpc_conn_free(conn);
}

void
httpc_reap_wait(struct httpc_pool *pool)
{
	(void)pthread_mutex_lock(&pool->lock);
	while (pool->n_reaped)
		(void)pthread_cond_wait(&pool->none_left, &pool->lock);
	(void)pthread_mutex_unlock(&pool->lock);
}
