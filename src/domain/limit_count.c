/* SPDX-License-Identifier: MIT */
/*
 * The counters of one request: in memcached, or in the host's map. What they
 * mean is limit.c's business.
 */
#include "domain/limit_priv.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "ext/crypto.h"

/* ---- who is counted ---- */

const uint64_t *
limit_scope_id(struct limit_take *t, const struct limit_ask *ask,
    enum limit_scope scope)
{
	const struct principal *p = ask->who;
	uint64_t ids[2] = { 0, 0 };

	if (t->has_id & 1u << scope)
		return t->id[scope];
	switch (scope) {
	case LIMIT_KEY_MODEL:
		ids[0] = p->api_key_id;
		ids[1] = ask->model_id;
		break;
	case LIMIT_KEY:
		ids[0] = p->api_key_id;
		break;
	case LIMIT_CUSTOMER:
		ids[0] = p->customer_id;
		break;
	case LIMIT_MODEL:
		ids[0] = ask->model_id;
		break;
	case LIMIT_ADDRESS:
		memcpy(ids, ask->client.bytes, sizeof(ids));
		break;
	case LIMIT__SCOPES:
		break;
	}
	crypto_checksum(ids, sizeof(ids), (uint8_t *)t->id[scope],
	    sizeof(t->id[scope]));
	t->has_id |= 1u << scope;
	return t->id[scope];
}

static void
key_make(const struct limit_take *t, enum limit_metric metric, uint64_t index,
    struct mcache_key *ret)
{
	const struct limit_metric_info *m = &limit_metrics[metric];

	mcache_key_make(ret, m->space, t->id[m->scope], sizeof(t->id[m->scope]),
	    index);
}

/* The host's tables are one a window: other scopes and units of the same
 * window have to have other ids. */
static uint64_t
local_id(const struct limit_take *t, enum limit_metric metric)
{
	const struct limit_metric_info *m = &limit_metrics[metric];

	return t->id[m->scope][0] ^ UINT64_C(0x9e3779b97f4a7c15) *
					((unsigned)m->scope * 2 + m->unit);
}

/* ---- counting in memcached ---- */

void
limit_cache_failed(struct limiter *l, struct hostmap_cache_state seen,
    int64_t now_ms, const struct error *why)
{
	hostmap_total_add(l->map, HOSTMAP_CACHE_FAILURES, 1);
	if (hostmap_cache_switch(l->map, seen, false, now_ms))
		log_error("limits.memcached_down", why);
}

/* A window that memcached may have forgotten is not counted there again. */
static bool
cache_is_whole(struct hostmap_cache_state state, enum limit_window window,
    uint64_t index)
{
	return state.is_up &&
	       (int64_t)index * limit_window_ms(window) >= state.since_ms;
}

static uint32_t
ttl_s(enum limit_window window)
{
	return (uint32_t)(2 * limit_window_ms(window) / 1000);
}

/* ---- taking ---- */

static void
count_one(struct limiter *l, struct limit_count *v,
    struct hostmap_cache_state state, int64_t now_ms)
{
	struct mcache_key key;
	struct error why;

	key_make(v->t, v->c->metric, v->c->index, &key);
	if (mcache_incr(l->cache, &key, v->c->by,
		ttl_s(limit_metrics[v->c->metric].window), &v->count,
		&why) == OK)
		v->c->where = LIMIT_CACHE;
	else
		limit_cache_failed(l, state, now_ms, &why);
}

/* The counter, and that of the window before to read. */
static void
moves_add(const struct limit_count *v, bool is_sliding,
    struct mcache_move *moves, size_t *n)
{
	const struct limit_taken *c = v->c;

	moves[*n] = (struct mcache_move){
		.by = c->by,
		.ttl_s = ttl_s(limit_metrics[c->metric].window),
	};
	key_make(v->t, c->metric, c->index, &moves[(*n)++].key);
	if (!is_sliding)
		return;
	moves[*n] = (struct mcache_move){ .by = 0 };
	key_make(v->t, c->metric, c->index - 1, &moves[(*n)++].key);
}

static void
count_many(struct limiter *l, struct limit_count *const *v, size_t n,
    bool is_sliding, struct hostmap_cache_state state, int64_t now_ms)
{
	struct mcache_move moves[2 * LIMIT_COUNTS_MAX];
	const struct mcache_move *at = moves;
	struct error why;
	size_t n_moves = 0;

	_Static_assert(LIMIT__COUNTED <= LIMIT_COUNTS_MAX, "fit one call");
	for (size_t i = 0; i < n; i++)
		moves_add(v[i], is_sliding, moves, &n_moves);
	if (mcache_move_many(l->cache, moves, n_moves, &why)) {
		limit_cache_failed(l, state, now_ms, &why);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		v[i]->c->where = LIMIT_CACHE;
		v[i]->count = at++->value;
		if (is_sliding)
			v[i]->previous += at++->value;
	}
}

/*
 * Start with what this host counted of the windows before; the rest is with
 * memcached, for those that it may be asked for.
 * Returns how many those are.
 */
static size_t
count_begin(struct limiter *l, struct limit_count *v, unsigned n,
    bool is_sliding, struct hostmap_cache_state state,
    struct limit_count *ret_in_cache[LIMIT_COUNTS_MAX])
{
	bool is_local = atomic_load(&l->on_failure) == CONF_FAILURE_LOCAL;
	size_t n_in_cache = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct limit_taken *c = v[i].c;
		enum limit_window window = limit_metrics[c->metric].window;

		v[i].count = v[i].previous = 0;
		if (is_sliding)
			v[i].previous = hostmap_local_get(l->map, window,
			    local_id(v[i].t, c->metric), c->index - 1);
		if (state.is_up &&
		    (!is_local || cache_is_whole(state, window, c->index)))
			ret_in_cache[n_in_cache++] = &v[i];
	}
	return n_in_cache;
}

void
limit_count_all(struct limiter *l, struct limit_count *v, unsigned n,
    bool is_sliding, int64_t now_ms)
{
	struct hostmap_cache_state state = hostmap_cache_state(l->map);
	struct limit_count *in_cache[LIMIT_COUNTS_MAX];
	size_t n_in_cache = count_begin(l, v, n, is_sliding, state, in_cache);

	/* With one limit its counter's own answer decides, so that exactly the
	 * limit is granted; with two that is no slower. */
	if (n_in_cache <= 2 && !is_sliding)
		for (size_t i = 0; i < n_in_cache; i++)
			count_one(l, in_cache[i], state, now_ms);
	else
		count_many(l, in_cache, n_in_cache, is_sliding, state, now_ms);
}

/* Up to LIMIT_COUNTS_MAX of them. */
static void
read_some(struct limiter *l, struct limit_count *v, unsigned n, bool is_sliding,
    struct hostmap_cache_state state, int64_t now_ms)
{
	struct limit_count *in_cache[LIMIT_COUNTS_MAX];
	size_t n_in_cache = count_begin(l, v, n, is_sliding, state, in_cache);

	if (n_in_cache)
		count_many(l, in_cache, n_in_cache, is_sliding, state, now_ms);
}

void
limit_count_read(struct limiter *l, struct limit_count *v, unsigned n,
    bool is_sliding, int64_t now_ms)
{
	struct hostmap_cache_state state = hostmap_cache_state(l->map);

	for (unsigned i = 0; i < n; i++)
		v[i].c->by = 0;
	for (unsigned i = 0; i < n; i += LIMIT_COUNTS_MAX)
		read_some(l, v + i,
		    n - i < LIMIT_COUNTS_MAX ? n - i : LIMIT_COUNTS_MAX,
		    is_sliding, state, now_ms);
	if (atomic_load(&l->on_failure) != CONF_FAILURE_LOCAL)
		return;
	for (unsigned i = 0; i < n; i++) {
		struct limit_taken *c = v[i].c;

		if (c->where == LIMIT_CACHE)
			continue;
		c->where = LIMIT_LOCAL;
		v[i].count = hostmap_local_get(l->map,
		    limit_metrics[c->metric].window,
		    local_id(v[i].t, c->metric), c->index);
	}
}

static uint32_t
clamp_u32(uint64_t v)
{
	return v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
}

enum err
limit_count_here(struct limiter *l, struct limit_count *v, uint64_t max,
    struct error *e)
{
	struct limit_taken *c = v->c;
	uint32_t count = 0;

	v->count = 0;
	switch ((enum conf_on_failure)atomic_load(&l->on_failure)) {
	case CONF_FAILURE_OPEN:
		return OK;
	case CONF_FAILURE_CLOSED:
		return error_set(e, ERR_LIMITS_DOWN,
		    "memcached is down and limits.on_failure is closed");
	case CONF_FAILURE_LOCAL:
		break;
	}
	switch (hostmap_local_add(l->map, limit_metrics[c->metric].window,
	    local_id(v->t, c->metric), c->index, clamp_u32(c->by),
	    clamp_u32(max), &count)) {
	case HOSTMAP_COUNTED:
		c->where = LIMIT_LOCAL;
		v->count = count;
		return OK;
	case HOSTMAP_OVER:
		v->count = (uint64_t)count + c->by;
		return OK;
	case HOSTMAP_FULL:
		break;
	}
	return error_set(e, ERR_LIMITS_DOWN,
	    "the host's table of counters is full");
}

/* ---- correcting ---- */

static void
correct_here(struct limiter *l, const struct limit_take *t,
    const struct limit_correction *v)
{
	enum limit_window window = limit_metrics[v->c->metric].window;
	uint64_t id = local_id(t, v->c->metric);
	uint32_t count;

	if (v->is_back)
		hostmap_local_sub(l->map, window, id, v->c->index,
		    clamp_u32(v->by));
	else /* full: it is not counted */
		(void)hostmap_local_add(l->map, window, id, v->c->index,
		    clamp_u32(v->by), UINT32_MAX, &count);
}

void
limit_correct(struct limiter *l, const struct limit_take *t,
    const struct limit_correction *v, unsigned n)
{
	struct hostmap_cache_state state = hostmap_cache_state(l->map);
	struct mcache_move moves[LIMIT__COUNTED];
	struct error why;
	size_t n_moves = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct limit_taken *c = v[i].c;

		if (c->where == LIMIT_LOCAL)
			correct_here(l, t, &v[i]);
		if (c->where != LIMIT_CACHE)
			continue;
		moves[n_moves] = (struct mcache_move){
			.by = v[i].by,
			.is_back = v[i].is_back,
			.ttl_s = ttl_s(limit_metrics[c->metric].window),
		};
		key_make(t, c->metric, c->index, &moves[n_moves++].key);
	}
	/* Without memcached too much stays counted: never too much granted. */
	if (n_moves && state.is_up &&
	    mcache_move_many(l->cache, moves, n_moves, &why))
		limit_cache_failed(l, state, clock_now_ms(), &why);
}
