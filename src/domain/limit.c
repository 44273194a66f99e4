/* SPDX-License-Identifier: MIT */
#include "domain/limit.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "domain/hostmap.h"
#include "ext/crypto.h"

#define PROBE_INTERVAL_MS 1000

static const struct {
	int64_t ms;
	const char *space; /* of the counters' keys */
	const char *text;
} windows[LIMIT__WINDOWS] = {
	[LIMIT_MINUTE] = { 60000, "l:km-minute", "minute" },
	[LIMIT_HOUR] = { 3600000, "l:km-hour", "hour" },
};

struct limiter {
	struct mcache *cache;
	struct hostmap *map;
	_Atomic int64_t default_requests[LIMIT__WINDOWS];
	_Atomic int on_failure; /* enum conf_on_failure */
};

enum err
limiter_new(const struct limiter_params *params, struct limiter **ret,
    struct error *e)
{
	struct limiter *l = calloc(1, sizeof(*l));

	if (!l)
		return error_set(e, ERR_NO_MEMORY, "no memory");
	l->cache = params->cache;
	l->map = params->map;
	limiter_set_defaults(l, params->default_rates, params->on_failure);
	*ret = l;
	return OK;
}

void
limiter_free(struct limiter *l)
{
	free(l);
}

void
limiter_set_defaults(struct limiter *l, struct limit_rates rates,
    enum conf_on_failure on_failure)
{
	for (size_t w = 0; w < LIMIT__WINDOWS; w++)
		atomic_store(&l->default_requests[w], rates.requests[w]);
	atomic_store(&l->on_failure, (int)on_failure);
}

struct limit_rates
limit_resolve(const struct limit_rates *layers, size_t n_layers)
{
	struct limit_rates found;

	for (size_t w = 0; w < LIMIT__WINDOWS; w++) {
		found.requests[w] = LIMIT_UNSTATED;
		for (size_t i = 0; i < n_layers; i++) {
			if (layers[i].requests[w] == LIMIT_UNSTATED)
				continue;
			found.requests[w] = layers[i].requests[w];
			break;
		}
	}
	return found;
}

/* Most requests of a window; 0: nothing is enforced. */
static uint32_t
max_in_force(struct limiter *l, const struct principal *p,
    enum limit_window window)
{
	int64_t max = p->rates.requests[window];

	if (max == LIMIT_UNSTATED)
		max = atomic_load_explicit(&l->default_requests[window],
		    memory_order_relaxed);
	return max > UINT32_MAX ? UINT32_MAX : (uint32_t)(max < 0 ? 0 : max);
}

static void
id_make(const struct principal *p, uint64_t model_id, uint64_t ret[2])
{
	const uint64_t ids[] = { p->api_key_id, model_id };

	crypto_checksum(ids, sizeof(ids), (uint8_t *)ret, 2 * sizeof(*ret));
}

static void
key_make(const struct limit_take *t, enum limit_window window,
    struct mcache_key *ret)
{
	mcache_key_make(ret, windows[window].space, t->id, sizeof(t->id),
	    t->index[window]);
}

/* A window that memcached may have forgotten is not counted there again. */
static bool
cache_is_whole(struct hostmap_cache_state state, enum limit_window window,
    uint64_t index)
{
	return state.is_up &&
	       (int64_t)index * windows[window].ms >= state.since_ms;
}

static void
cache_failed(struct limiter *l, struct hostmap_cache_state seen, int64_t now_ms,
    const struct error *why)
{
	hostmap_total_add(l->map, HOSTMAP_CACHE_FAILURES, 1);
	if (hostmap_cache_switch(l->map, seen, false, now_ms))
		log_error("limits.memcached_down", why);
}

/* Returns true when memcached counted; *ret_count may pass max then. */
static bool
cache_take(struct limiter *l, const struct limit_take *t,
    enum limit_window window, int64_t now_ms, uint64_t *ret_count)
{
	struct hostmap_cache_state state = hostmap_cache_state(l->map);
	bool is_local = atomic_load(&l->on_failure) == CONF_FAILURE_LOCAL;
	struct mcache_key key;
	struct error why;

	if (!state.is_up ||
	    (is_local && !cache_is_whole(state, window, t->index[window])))
		return false;
	key_make(t, window, &key);
	if (mcache_incr(l->cache, &key, 1,
		(uint32_t)(2 * windows[window].ms / 1000), ret_count,
		&why) == OK)
		return true;
	cache_failed(l, state, now_ms, &why);
	return false;
}

static void
window_give_back(struct limiter *l, struct limit_take *t,
    enum limit_window window)
{
	struct hostmap_cache_state state = hostmap_cache_state(l->map);
	struct mcache_key key;
	struct error why;
	uint64_t value;

	switch (t->where[window]) {
	case LIMIT_NOWHERE:
		break;
	case LIMIT_CACHE:
		key_make(t, window, &key);
		/* One too many is left counted: never too much granted. */
		if (state.is_up && mcache_decr(l->cache, &key, 1, &value, &why))
			cache_failed(l, state, t->ends_at_ms - t->reset_ms,
			    &why);
		break;
	case LIMIT_LOCAL:
		hostmap_local_sub(l->map, window, t->id[0], t->index[window],
		    1);
		break;
	}
	t->where[window] = LIMIT_NOWHERE;
}

void
limit_give_back(struct limiter *l, struct limit_take *t)
{
	for (enum limit_window w = 0; w < LIMIT__WINDOWS; w++)
		window_give_back(l, t, w);
	t->is_granted = false;
}

/* Count in the host's map, or do what limits.on_failure says instead. */
static enum err
fallback_take(struct limiter *l, struct limit_take *t, enum limit_window window,
    uint32_t max, uint64_t *ret_count, struct error *e)
{
	uint32_t count = 0;

	switch ((enum conf_on_failure)atomic_load(&l->on_failure)) {
	case CONF_FAILURE_OPEN:
		*ret_count = 0;
		return OK;
	case CONF_FAILURE_CLOSED:
		return error_set(e, ERR_LIMITS_DOWN,
		    "memcached is down and limits.on_failure is closed");
	case CONF_FAILURE_LOCAL:
		break;
	}
	switch (hostmap_local_add(l->map, window, t->id[0], t->index[window], 1,
	    max, &count)) {
	case HOSTMAP_COUNTED:
		t->where[window] = LIMIT_LOCAL;
		*ret_count = count;
		return OK;
	case HOSTMAP_OVER:
		*ret_count = (uint64_t)max + 1;
		return OK;
	case HOSTMAP_FULL:
		break;
	}
	return error_set(e, ERR_LIMITS_DOWN,
	    "the host's table of counters is full");
}

/* What the headers say, of one window. */
static void
take_describe(struct limit_take *t, enum limit_window window, uint64_t limit,
    uint64_t remaining, int64_t now_ms)
{
	t->window = window;
	t->limit = limit;
	t->remaining = remaining;
	t->ends_at_ms = (int64_t)(t->index[window] + 1) * windows[window].ms;
	t->reset_ms = t->ends_at_ms - now_ms;
}

static enum err
window_take(struct limiter *l, struct limit_take *t, enum limit_window window,
    uint32_t max, int64_t now_ms, struct error *e)
{
	uint64_t count = 0;

	t->index[window] = (uint64_t)(now_ms / windows[window].ms);
	if (cache_take(l, t, window, now_ms, &count)) {
		t->where[window] = LIMIT_CACHE;
	} else {
		enum err err = fallback_take(l, t, window, max, &count, e);

		if (err)
			return err;
	}
	if (count <= max) {
		if (!t->is_limited || max - count < t->remaining)
			take_describe(t, window, max, max - count, now_ms);
		t->is_limited = true;
		return OK;
	}
	t->is_limited = true;
	take_describe(t, window, max, 0, now_ms);
	return error_public(e, ERR_RATE_LIMITED, NULL,
	    "The limit of %llu requests per %s for this model is reached. "
	    "Try again in %llu s.",
	    (unsigned long long)max, windows[window].text,
	    (unsigned long long)limit_retry_after_s(t));
}

enum err
limit_take(struct limiter *l, const struct principal *p, uint64_t model_id,
    int64_t now_ms, struct limit_take *ret, struct error *e)
{
	*ret = (struct limit_take){ 0 };
	id_make(p, model_id, ret->id);
	for (unsigned i = LIMIT__WINDOWS; i-- > 0;) {
		enum limit_window window = (enum limit_window)i;
		uint32_t max = max_in_force(l, p, window);
		enum err err;

		if (max == 0)
			continue;
		err = window_take(l, ret, window, max, now_ms, e);
		if (err) {
			limit_give_back(l, ret);
			return err;
		}
	}
	ret->is_granted = true;
	return OK;
}

void
limit_probe(struct limiter *l, int64_t now_ms)
{
	struct hostmap_cache_state state = hostmap_cache_state(l->map);
	struct error why;

	if (state.is_up ||
	    !hostmap_cache_probe(l->map, now_ms, PROBE_INTERVAL_MS))
		return;
	if (mcache_ping(l->cache, &why))
		return; /* still down; the switch was logged */
	if (hostmap_cache_switch(l->map, state, true, now_ms))
		log_event(LOG_LEVEL_WARN, "limits.memcached_up",
		    "memcached answers again");
}
