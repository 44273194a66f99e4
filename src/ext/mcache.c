/* SPDX-License-Identifier: MIT */
#include "ext/mcache.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libmemcached/memcached.h>

#include "base/buf.h"
#include "base/hex.h"
#include "base/str.h"

#define POOL_MAX         128
#define DEFAULT_PORT     11211
#define INCR_ROUNDS      3 /* incr, add lost to another, incr, … */
#define DIGEST_BYTES_MAX 20
#define HOST_BYTES       256

struct mcache {
	memcached_st *root; /* cloned, never used itself */
	unsigned timeout_ms;
	unsigned n_max;
	pthread_mutex_t lock;
	pthread_cond_t given_back;
	/* Under the lock: */
	unsigned n_made;
	unsigned n_idle;
	memcached_st *idle[POOL_MAX]; /* the last one given back is on top */
};

static enum err
add_server(memcached_st *st, struct str item, struct error *e)
{
	char host[HOST_BYTES];
	size_t colon = item.n;
	uint64_t port = DEFAULT_PORT;
	memcached_return_t rc;

	if (item.n == 0 || item.n >= sizeof(host))
		return error_set(e, ERR_CONFIG,
		    "memcached.servers has an empty or too long entry");
	memcpy(host, item.p, item.n);
	host[item.n] = '\0';
	if (host[0] == '/') {
		rc = memcached_server_add_unix_socket(st, host);
	} else {
		for (size_t i = 0; i < item.n; i++)
			if (item.p[i] == ':')
				colon = i;
		if (colon < item.n &&
		    !str_to_u64(str_skip(item, colon + 1), 1, 65535, &port))
			return error_set(e, ERR_CONFIG,
			    "memcached.servers: no port in %s", host);
		host[colon] = '\0';
		rc = memcached_server_add(st, host, (in_port_t)port);
	}
	if (rc != MEMCACHED_SUCCESS)
		return error_set(e, ERR_CONFIG, "memcached.servers: %s: %s",
		    host, memcached_strerror(st, rc));
	return OK;
}

static enum err
add_servers(memcached_st *st, const char *servers, struct error *e)
{
	struct str rest = str_from(servers), item;

	if (rest.n == 0)
		return error_set(e, ERR_CONFIG, "memcached.servers is empty");
	while (str_split(&rest, ',', &item)) {
		enum err err = add_server(st, str_trim(item), e);

		if (err)
			return err;
	}
	return OK;
}

static enum err
set_behaviours(memcached_st *st, unsigned timeout_ms, struct error *e)
{
	unsigned connect_ms = timeout_ms / 2 ? timeout_ms / 2 : 1;
	const struct {
		memcached_behavior_t what;
		uint64_t value;
	} wanted[] = {
		{ MEMCACHED_BEHAVIOR_TCP_NODELAY, 1 },
		{ MEMCACHED_BEHAVIOR_CONNECT_TIMEOUT, connect_ms },
		{ MEMCACHED_BEHAVIOR_POLL_TIMEOUT, timeout_ms },
		{ MEMCACHED_BEHAVIOR_RETRY_TIMEOUT, 1 },
		{ MEMCACHED_BEHAVIOR_DEAD_TIMEOUT, 2 },
		{ MEMCACHED_BEHAVIOR_DISTRIBUTION,
		    MEMCACHED_DISTRIBUTION_CONSISTENT_KETAMA },
		/* mcache_key_make() admits nothing that could need it. */
		{ MEMCACHED_BEHAVIOR_VERIFY_KEY, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		memcached_return_t rc = memcached_behavior_set(st,
		    wanted[i].what, wanted[i].value);

		if (rc != MEMCACHED_SUCCESS)
			return error_set(e, ERR_INTERNAL,
			    "libmemcached refuses behaviour %u: %s",
			    (unsigned)wanted[i].what,
			    memcached_strerror(st, rc));
	}
	return OK;
}

static void
pool_init(struct mcache *m)
{
	pthread_condattr_t attr;

	/* None of these fails with such arguments. */
	(void)pthread_mutex_init(&m->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&m->given_back, &attr);
	(void)pthread_condattr_destroy(&attr);
}

enum err
mcache_new(const struct mcache_params *params, struct mcache **ret,
    struct error *e)
{
	struct mcache *m = calloc(1, sizeof(*m));
	enum err err;

	if (!m)
		return error_set(e, ERR_NO_MEMORY, "no memory");
	pool_init(m);
	m->timeout_ms = params->timeout_ms;
	m->n_max = params->pool > POOL_MAX ? POOL_MAX : params->pool;
	m->root = memcached_create(NULL);
	err = m->root ? set_behaviours(m->root, m->timeout_ms, e)
		      : error_set(e, ERR_NO_MEMORY, "no memory");
	if (!err)
		err = add_servers(m->root, params->servers, e);
	if (err) {
		mcache_free(m);
		return err;
	}
	*ret = m;
	return OK;
}

void
mcache_free(struct mcache *m)
{
	if (!m)
		return;
	ASSERT(m->n_idle == m->n_made);
	while (m->n_idle)
		memcached_free(m->idle[--m->n_idle]);
	if (m->root)
		memcached_free(m->root);
	(void)pthread_cond_destroy(&m->given_back);
	(void)pthread_mutex_destroy(&m->lock);
	free(m);
}

static enum err
connection_new(struct mcache *m, memcached_st **ret, struct error *e)
{
	/* memcached_clone() only reads the root, so no lock is needed. */
	*ret = memcached_clone(NULL, m->root);
	if (!*ret)
		return error_set(e, ERR_NO_MEMORY, "no memory");
	return OK;
}

/* Wait for a connection or for the right to make one. *ret is NULL then. */
static bool
pool_wait(struct mcache *m, memcached_st **ret)
{
	struct timespec until;
	bool got = true;

	(void)clock_gettime(CLOCK_MONOTONIC, &until); /* cannot fail */
	until.tv_nsec += (long)m->timeout_ms * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	(void)pthread_mutex_lock(&m->lock);
	while (m->n_idle == 0 && m->n_made == m->n_max && got)
		got = pthread_cond_timedwait(&m->given_back, &m->lock,
			  &until) == 0;
	*ret = NULL;
	if (m->n_idle) {
		*ret = m->idle[--m->n_idle];
		got = true;
	} else if (m->n_made < m->n_max) {
		m->n_made++;
		got = true;
	}
	(void)pthread_mutex_unlock(&m->lock);
	return got;
}

/* st NULL: the connection is lost, another may be made. */
static void
pool_give(struct mcache *m, memcached_st *st)
{
	(void)pthread_mutex_lock(&m->lock);
	if (st)
		m->idle[m->n_idle++] = st;
	else
		m->n_made--;
	(void)pthread_cond_signal(&m->given_back);
	(void)pthread_mutex_unlock(&m->lock);
}

/* What one attempt came to. */
enum outcome {
	DONE,
	MISSING, /* no such counter */
	BROKEN,  /* the connection's state is unknown: throw it away */
	REFUSED, /* an answer, but not one that can be used */
};

struct call {
	struct mcache *m;
	const struct mcache_key *key;
	uint64_t by;
	uint32_t ttl_s;
	uint64_t value;
	struct mcache_stats stats;
	struct mcache_move *moves;
	size_t n_moves;
	struct error *e;
};

typedef enum outcome call_fn(struct call *c, memcached_st *st);

static enum outcome
outcome_of(struct call *c, memcached_st *st, memcached_return_t rc)
{
	if (rc == MEMCACHED_SUCCESS || rc == MEMCACHED_STORED)
		return DONE;
	if (rc == MEMCACHED_NOTFOUND || rc == MEMCACHED_NOTSTORED)
		return MISSING;
	(void)error_set(c->e, ERR_LIMITS_DOWN, "memcached: %s",
	    memcached_last_error_message(st));
	return memcached_fatal(rc) ? BROKEN : REFUSED;
}

/* A failed call may leave an answer under way that the next call would take
 * for its own, so a broken connection is never used again. */
static enum err
call_run(struct call *c, call_fn *fn)
{
	enum outcome outcome = BROKEN;
	memcached_st *st;

	if (!pool_wait(c->m, &st))
		return error_set(c->e, ERR_LIMITS_DOWN,
		    "memcached: no connection came free");
	for (int attempt = 0; attempt < 2 && outcome == BROKEN; attempt++) {
		if (!st && connection_new(c->m, &st, c->e)) {
			pool_give(c->m, NULL);
			return c->e->code;
		}
		outcome = fn(c, st);
		if (outcome == BROKEN) {
			memcached_free(st);
			st = NULL;
		}
	}
	pool_give(c->m, st);
	if (outcome == DONE)
		return OK;
	if (outcome == MISSING)
		return error_set(c->e, ERR_NOT_FOUND, "no such counter");
	return c->e->code;
}

void
mcache_key_make(struct mcache_key *ret, const char *space, const void *digest,
    size_t n_digest, uint64_t number)
{
	char hex[2 * DIGEST_BYTES_MAX + 1];
	struct buf b;

	ASSERT(n_digest <= DIGEST_BYTES_MAX);
	for (const char *p = space; *p; p++)
		ASSERT((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') ||
		       *p == '-' || *p == ':');
	hex_encode(digest, n_digest, hex);
	buf_init_fixed(&b, ret->text, sizeof(ret->text) - 1);
	buf_add(&b, S("tg:"));
	buf_add(&b, str_from(space));
	buf_add_char(&b, ':');
	buf_add(&b, str_make(hex, 2 * n_digest));
	buf_add_char(&b, ':');
	buf_add_u64(&b, number);
	ASSERT(!b.sticky);
	ret->text[b.n] = '\0';
	ret->n = b.n;
}

static enum outcome
incr_once(struct call *c, memcached_st *st)
{
	const struct mcache_key *k = c->key;
	enum outcome outcome = MISSING;

	for (int i = 0; i < INCR_ROUNDS && outcome == MISSING; i++) {
		char text[24];
		int n;

		outcome = outcome_of(c, st,
		    memcached_increment_by_key(st, k->text, k->n, k->text, k->n,
			c->by, &c->value));
		if (outcome != MISSING)
			return outcome;
		n = snprintf(text, sizeof(text), "%llu",
		    (unsigned long long)c->by);
		outcome = outcome_of(c, st,
		    memcached_add(st, k->text, k->n, text, (size_t)n,
			(time_t)c->ttl_s, 0));
		if (outcome == DONE)
			c->value = c->by;
	}
	if (outcome == MISSING) {
		(void)error_set(c->e, ERR_LIMITS_DOWN,
		    "memcached: a counter vanishes as soon as it is made");
		return REFUSED;
	}
	return outcome;
}

enum err
mcache_incr(struct mcache *m, const struct mcache_key *key, uint64_t by,
    uint32_t ttl_s, uint64_t *ret_value, struct error *e)
{
	struct call c = {
		.m = m,
		.key = key,
		.by = by,
		.ttl_s = ttl_s,
		.e = e,
	};
	enum err err = call_run(&c, incr_once);

	if (!err)
		*ret_value = c.value;
	return err;
}

static enum outcome
decr_once(struct call *c, memcached_st *st)
{
	const struct mcache_key *k = c->key;

	return outcome_of(c, st,
	    memcached_decrement_by_key(st, k->text, k->n, k->text, k->n, c->by,
		&c->value));
}

enum err
mcache_decr(struct mcache *m, const struct mcache_key *key, uint64_t by,
    uint64_t *ret_value, struct error *e)
{
	struct error missing;
	struct call c = { .m = m, .key = key, .by = by, .e = &missing };
	enum err err = call_run(&c, decr_once);

	if (err == ERR_NOT_FOUND) {
		*ret_value = 0;
		return OK;
	}
	if (err) {
		*e = missing;
		return err;
	}
	*ret_value = c.value;
	return OK;
}

static enum outcome
get_once(struct call *c, memcached_st *st)
{
	memcached_return_t rc;
	uint32_t flags;
	size_t n = 0;
	char *text = memcached_get(st, c->key->text, c->key->n, &n, &flags,
	    &rc);
	enum outcome outcome = outcome_of(c, st, rc);

	/* decr leaves spaces behind a number that lost a digit. */
	if (outcome == DONE &&
	    (!text || !str_to_u64(str_trim(str_make(text, n)), 0, UINT64_MAX,
			  &c->value))) {
		(void)error_set(c->e, ERR_LIMITS_DOWN,
		    "memcached: a counter holds no number");
		outcome = REFUSED;
	}
	free(text);
	return outcome;
}

enum err
mcache_get(struct mcache *m, const struct mcache_key *key, uint64_t *ret_value,
    struct error *e)
{
	struct call c = { .m = m, .key = key, .e = e };
	enum err err = call_run(&c, get_once);

	if (!err)
		*ret_value = c.value;
	return err;
}

/* Ask for the moves without waiting for their answers. */
static enum outcome
moves_send(struct call *c, memcached_st *st)
{
	enum outcome outcome = DONE;

	(void)memcached_behavior_set(st, MEMCACHED_BEHAVIOR_NOREPLY, 1);
	for (size_t i = 0; i < c->n_moves && outcome == DONE; i++) {
		const struct mcache_move *v = &c->moves[i];
		const struct mcache_key *k = &v->key;
		memcached_return_t rc = MEMCACHED_SUCCESS;
		uint64_t ignored; /* there is no answer */

		if (v->by == 0)
			continue;
		rc = (v->is_back ? memcached_decrement_by_key
				 : memcached_increment_by_key)(st, k->text,
		    k->n, k->text, k->n, v->by, &ignored);
		outcome = outcome_of(c, st, rc);
	}
	(void)memcached_behavior_set(st, MEMCACHED_BEHAVIOR_NOREPLY, 0);
	/* Without an answer there is no telling what was missing. */
	return outcome == DONE ? DONE : BROKEN;
}

static struct mcache_move *
move_find(struct call *c, struct str key)
{
	for (size_t i = 0; i < c->n_moves; i++)
		if (str_eq(key,
			str_make(c->moves[i].key.text, c->moves[i].key.n)))
			return &c->moves[i];
	return NULL;
}

/* Read all of them: that is also how the moves are known to be done. */
static enum outcome
moves_read(struct call *c, memcached_st *st, bool is_there[MCACHE_MOVES_MAX])
{
	const char *keys[MCACHE_MOVES_MAX];
	size_t n_bytes[MCACHE_MOVES_MAX];
	memcached_return_t rc;
	memcached_result_st r;
	enum outcome outcome;

	for (size_t i = 0; i < c->n_moves; i++) {
		keys[i] = c->moves[i].key.text;
		n_bytes[i] = c->moves[i].key.n;
	}
	outcome = outcome_of(c, st,
	    memcached_mget(st, keys, n_bytes, c->n_moves));
	if (outcome != DONE)
		return BROKEN;
	(void)memcached_result_create(st, &r);
	while (memcached_fetch_result(st, &r, &rc)) {
		struct mcache_move *v = move_find(c,
		    str_make(memcached_result_key_value(&r),
			memcached_result_key_length(&r)));
		struct str text = str_make(memcached_result_value(&r),
		    memcached_result_length(&r));

		if (!v || !str_to_u64(str_trim(text), 0, UINT64_MAX, &v->value))
			continue; /* as if it were not there */
		is_there[v - c->moves] = true;
	}
	memcached_result_free(&r);
	if (rc == MEMCACHED_END || rc == MEMCACHED_NOTFOUND ||
	    rc == MEMCACHED_SUCCESS)
		return DONE;
	(void)outcome_of(c, st, rc);
	return BROKEN;
}

static enum outcome
move_many_once(struct call *c, memcached_st *st)
{
	bool is_there[MCACHE_MOVES_MAX] = { false };
	enum outcome outcome = moves_send(c, st);

	if (outcome == DONE)
		outcome = moves_read(c, st, is_there);
	for (size_t i = 0; i < c->n_moves && outcome == DONE; i++) {
		struct mcache_move *v = &c->moves[i];
		struct call one = { .key = &v->key,
			.by = v->by,
			.ttl_s = v->ttl_s,
			.e = c->e };

		if (is_there[i])
			continue;
		v->value = 0;
		if (v->by == 0 || v->is_back)
			continue;
		outcome = incr_once(&one, st); /* the window's first */
		v->value = one.value;
	}
	return outcome;
}

enum err
mcache_move_many(struct mcache *m, struct mcache_move *moves, size_t n,
    struct error *e)
{
	struct call c = { .m = m, .moves = moves, .n_moves = n, .e = e };

	ASSERT(n <= MCACHE_MOVES_MAX);
	return n ? call_run(&c, move_many_once) : OK;
}

static enum outcome
stats_once(struct call *c, memcached_st *st)
{
	memcached_return_t rc;
	memcached_stat_st *all = memcached_stat(st, NULL, &rc);
	uint32_t n = memcached_server_count(st);

	if (!all)
		return outcome_of(c, st, rc);
	c->stats = (struct mcache_stats){ .n_servers = n };
	for (uint32_t i = 0; i < n; i++) {
		const memcached_stat_st *s = &all[i];

		if (s->pid <= 0)
			continue; /* gave no answer: -1 */
		if (c->stats.n_servers_up++ == 0 ||
		    s->uptime < c->stats.uptime_s)
			c->stats.uptime_s = s->uptime;
		c->stats.n_evictions += s->evictions;
		c->stats.used_bytes += s->bytes;
		c->stats.max_bytes += s->limit_maxbytes;
		c->stats.n_items += s->curr_items;
	}
	memcached_stat_free(st, all);
	if (c->stats.n_servers_up == n)
		return DONE;
	(void)error_set(c->e, ERR_LIMITS_DOWN,
	    "memcached: %llu of %u servers answer",
	    (unsigned long long)c->stats.n_servers_up, (unsigned)n);
	return BROKEN;
}

enum err
mcache_stats(struct mcache *m, struct mcache_stats *ret, struct error *e)
{
	struct call c = { .m = m, .e = e };
	enum err err = call_run(&c, stats_once);

	*ret = c.stats;
	return err;
}

enum err
mcache_ping(struct mcache *m, struct error *e)
{
	struct mcache_stats stats;

	return mcache_stats(m, &stats, e);
}
