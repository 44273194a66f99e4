/* SPDX-License-Identifier: MIT */
#include "ext/httpc_priv.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define IDLE_AGE_S 30

enum err
httpc_global_init(struct error *e)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return error_set(e, ERR_INTERNAL, "libcurl does not start");
	return OK;
}

void
httpc_global_fini(void)
{
	curl_global_cleanup();
}

static void
share_lock(CURL *easy, curl_lock_data data, curl_lock_access access, void *ctx)
{
	struct httpc_pool *pool = ctx;

	(void)easy;
	(void)access;
	(void)pthread_mutex_lock(&pool->share_locks[data]);
}

static void
share_unlock(CURL *easy, curl_lock_data data, void *ctx)
{
	struct httpc_pool *pool = ctx;

	(void)easy;
	(void)pthread_mutex_unlock(&pool->share_locks[data]);
}

static bool
share_init(struct httpc_pool *pool)
{
	for (size_t i = 0; i < ARRAY_LEN(pool->share_locks); i++)
		(void)pthread_mutex_init(&pool->share_locks[i], NULL);
	pool->share = curl_share_init();
	return pool->share &&
	       !curl_share_setopt(pool->share, CURLSHOPT_LOCKFUNC,
		   share_lock) &&
	       !curl_share_setopt(pool->share, CURLSHOPT_UNLOCKFUNC,
		   share_unlock) &&
	       !curl_share_setopt(pool->share, CURLSHOPT_USERDATA, pool) &&
	       !curl_share_setopt(pool->share, CURLSHOPT_SHARE,
		   CURL_LOCK_DATA_DNS) &&
	       !curl_share_setopt(pool->share, CURLSHOPT_SHARE,
		   CURL_LOCK_DATA_SSL_SESSION);
}

/* A certificate's name in a folder that TLS looks into: hash, dot, number. */
static bool
is_hash_name(const char *name)
{
	return strspn(name, "0123456789abcdef") == 8 && name[8] == '.' &&
	       name[9] >= '0' && name[9] <= '9';
}

/* Whether curl knows a folder of the system's authorities, by their hashes. */
static bool
has_ca_folder(void)
{
	CURL *easy = curl_easy_init();
	const struct dirent *entry;
	const char *path = NULL;
	bool is_found = false;
	DIR *dir = NULL;

	if (easy && !curl_easy_getinfo(easy, CURLINFO_CAPATH, &path) && path)
		dir = opendir(path);
	while (dir && !is_found && (entry = readdir(dir)) != NULL)
		is_found = is_hash_name(entry->d_name);
	if (dir)
		(void)closedir(dir);
	curl_easy_cleanup(easy);
	return is_found;
}

/* Copy of a text that may be absent; false when out of memory. */
static bool
copy_text(const char *text, char **ret)
{
	*ret = NULL;
	if (!text || !*text)
		return true;
	*ret = strdup(text);
	return *ret != NULL;
}

enum err
httpc_pool_new(const struct httpc_pool_conf *conf, struct httpc_pool **ret,
    struct error *e)
{
	struct httpc_pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return error_set(e, ERR_NO_MEMORY, "no memory for a pool");
	(void)pthread_mutex_init(&pool->lock, NULL);
	(void)pthread_cond_init(&pool->none_left, NULL);
	pool->idle_max = conf->idle_max;
	pool->idle_age_us = (int64_t)(conf->idle_age_s ? conf->idle_age_s
						       : IDLE_AGE_S) *
			    1000000;
	pool->allow_peer = conf->allow_peer;
	pool->allow_ctx = conf->allow_ctx;
	if (!share_init(pool) || !copy_text(conf->ca_file, &pool->ca_file) ||
	    !copy_text(conf->user_agent, &pool->user_agent)) {
		httpc_pool_free(pool);
		return error_set(e, ERR_NO_MEMORY, "no memory for a pool");
	}
	pool->has_ca_folder = has_ca_folder();
	if (conf->has_pump && httpc_pump_new(&pool->pump, e)) {
		httpc_pool_free(pool);
		return e->code;
	}
	*ret = pool;
	return OK;
}

/* A list of connections, as it was cut off the idle ones. */
static void
free_list(struct httpc_conn *conn)
{
	while (conn) {
		struct httpc_conn *next = conn->next;

		httpc_conn_free(conn);
		conn = next;
	}
}

void
httpc_pool_free(struct httpc_pool *pool)
{
	if (!pool)
		return;
	httpc_pump_free(pool->pump);
	httpc_reap_wait(pool);
	free_list(pool->idle);
	if (pool->share)
		(void)curl_share_cleanup(pool->share); /* nobody uses it */
	for (size_t i = 0; i < ARRAY_LEN(pool->share_locks); i++)
		(void)pthread_mutex_destroy(&pool->share_locks[i]);
	(void)pthread_cond_destroy(&pool->none_left);
	(void)pthread_mutex_destroy(&pool->lock);
	free(pool->ca_file);
	free(pool->user_agent);
	free(pool);
}

void
httpc_pool_abort(struct httpc_pool *pool)
{
	atomic_store(&pool->is_aborted, true);
}

/*
 * Unlink the latest idle connection to `origin`. The list goes from the last
 * used to the longest idle, so behind one that is too old all are: they are
 * cut off as *ret_old.
 */
static struct httpc_conn *
unlink_idle(struct httpc_pool *pool, uint64_t origin,
    struct httpc_conn **ret_old)
{
	int64_t oldest_us = clock_mono_us() - pool->idle_age_us;
	struct httpc_conn **at = &pool->idle;
	struct httpc_conn *conn;
	size_t n = 0;

	for (; (conn = *at) != NULL; at = &conn->next, n++) {
		if (conn->idle_us < oldest_us) {
			*ret_old = conn;
			*at = NULL;
			pool->n_idle = n;
			return NULL;
		}
		if (conn->origin == origin) {
			*at = conn->next;
			pool->n_idle--;
			return conn;
		}
	}
	return NULL;
}

struct httpc_conn *
httpc_pool_take(struct httpc_pool *pool, uint64_t origin)
{
	struct httpc_conn *conn, *old = NULL;

	do {
		(void)pthread_mutex_lock(&pool->lock);
		conn = unlink_idle(pool, origin, &old);
		(void)pthread_mutex_unlock(&pool->lock);
		if (!conn || httpc_conn_is_alive(conn))
			break;
		httpc_conn_free(conn);
	} while (true);
	free_list(old);
	return conn;
}

void
httpc_pool_keep(struct httpc_conn *conn)
{
	struct httpc_pool *pool = conn->pool;
	struct httpc_conn **at = &pool->idle, *last = NULL;

	conn->idle_us = clock_mono_us();
	(void)pthread_mutex_lock(&pool->lock);
	conn->next = pool->idle;
	pool->idle = conn;
	if (pool->n_idle++ == pool->idle_max) {
		while ((*at)->next)
			at = &(*at)->next;
		last = *at;
		*at = NULL;
		pool->n_idle--;
	}
	(void)pthread_mutex_unlock(&pool->lock);
	httpc_conn_free(last);
}
