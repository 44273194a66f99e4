/* SPDX-License-Identifier: MIT */
#include "ext/httpc_priv.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

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
	pool->idle_max = conf->idle_max;
	pool->idle_age_s = conf->idle_age_s ? (long)conf->idle_age_s
					    : IDLE_AGE_S;
	pool->allow_peer = conf->allow_peer;
	pool->allow_ctx = conf->allow_ctx;
	pool->abort_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!share_init(pool) || pool->abort_fd < 0 ||
	    !copy_text(conf->ca_file, &pool->ca_file) ||
	    !copy_text(conf->user_agent, &pool->user_agent)) {
		httpc_pool_free(pool);
		return error_set(e, ERR_NO_MEMORY,
		    "no memory or descriptor for a pool");
	}
	*ret = pool;
	return OK;
}

static void
handle_free(struct httpc *h)
{
	if (!h)
		return;
	if (h->easy)
		curl_easy_cleanup(h->easy);
	if (h->multi)
		(void)curl_multi_cleanup(h->multi); /* h->easy is out */
	free(h);
}

void
httpc_pool_free(struct httpc_pool *pool)
{
	if (!pool)
		return;
	while (pool->idle) {
		struct httpc *h = pool->idle;

		pool->idle = h->next;
		handle_free(h);
	}
	if (pool->share)
		(void)curl_share_cleanup(pool->share); /* nobody uses it */
	for (size_t i = 0; i < ARRAY_LEN(pool->share_locks); i++)
		(void)pthread_mutex_destroy(&pool->share_locks[i]);
	(void)pthread_mutex_destroy(&pool->lock);
	if (pool->abort_fd >= 0)
		(void)close(pool->abort_fd);
	free(pool->ca_file);
	free(pool->user_agent);
	free(pool);
}

void
httpc_pool_abort(struct httpc_pool *pool)
{
	uint64_t one = 1;

	atomic_store(&pool->is_aborted, true);
	/* Stays readable for good: nobody reads it. */
	if (write(pool->abort_fd, &one, sizeof(one)) < 0)
		return; /* it is readable already */
}

/* The one place where sockets are made: none may leak into a child, and an
 * address can be refused after its name was looked up. */
static curl_socket_t
open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *addr)
{
	struct httpc_pool *pool = ctx;

	(void)purpose;
	if (pool->allow_peer &&
	    !pool->allow_peer(pool->allow_ctx, &addr->addr, addr->addrlen))
		return CURL_SOCKET_BAD;
	return socket(addr->family, addr->socktype | SOCK_CLOEXEC,
	    addr->protocol);
}

static bool
set_constant_options(struct httpc *h)
{
	struct httpc_pool *pool = h->pool;
	CURL *c = h->easy;

	return !curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, 1L) &&
	       !curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION,
		   httpc_on_socket) &&
	       !curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h) &&
	       !curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION,
		   httpc_on_timer) &&
	       !curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h) &&
	       !curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) &&
	       !curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https") &&
	       !curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L) &&
	       !curl_easy_setopt(c, CURLOPT_PROXY, "") &&
	       !curl_easy_setopt(c, CURLOPT_HTTP_VERSION,
		   (long)CURL_HTTP_VERSION_1_1) &&
	       !curl_easy_setopt(c, CURLOPT_MAXAGE_CONN, pool->idle_age_s) &&
	       !curl_easy_setopt(c, CURLOPT_SHARE, pool->share) &&
	       !curl_easy_setopt(c, CURLOPT_ERRORBUFFER, h->why) &&
	       !curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket) &&
	       !curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, pool) &&
	       (!pool->ca_file ||
		   !curl_easy_setopt(c, CURLOPT_CAINFO, pool->ca_file)) &&
	       (!pool->user_agent ||
		   !curl_easy_setopt(c, CURLOPT_USERAGENT, pool->user_agent));
}

static struct httpc *
handle_new(struct httpc_pool *pool)
{
	struct httpc *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->pool = pool;
	h->multi = curl_multi_init();
	h->easy = curl_easy_init();
	if (!h->multi || !h->easy || !set_constant_options(h)) {
		handle_free(h);
		return NULL;
	}
	return h;
}

/*
 * The idle handle that was at the same place last, the latest first. Without
 * one, and if no more may be idle anyway, the one unused for longest, whose
 * connection then makes room.
 */
static struct httpc *
take_idle(struct httpc_pool *pool, uint64_t origin)
{
	struct httpc **at = &pool->idle, **last = NULL;
	struct httpc *h;

	while (*at && (*at)->origin != origin) {
		last = at;
		at = &(*at)->next;
	}
	if (!*at && last && pool->n_idle >= pool->idle_max)
		at = last;
	h = *at;
	if (h) {
		*at = h->next;
		pool->n_idle--;
	}
	return h;
}

struct httpc *
httpc_borrow(struct httpc_pool *pool, uint64_t origin)
{
	struct httpc *h;

	(void)pthread_mutex_lock(&pool->lock);
	h = take_idle(pool, origin);
	(void)pthread_mutex_unlock(&pool->lock);
	if (!h)
		h = handle_new(pool);
	if (h)
		h->origin = origin;
	return h;
}

void
httpc_return(struct httpc *h)
{
	struct httpc_pool *pool = h->pool;
	bool is_kept = false;

	(void)pthread_mutex_lock(&pool->lock);
	if (pool->n_idle < pool->idle_max) {
		h->next = pool->idle;
		pool->idle = h;
		pool->n_idle++;
		is_kept = true;
	}
	(void)pthread_mutex_unlock(&pool->lock);
	if (!is_kept)
		handle_free(h);
}
