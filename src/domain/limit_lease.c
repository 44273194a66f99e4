/* SPDX-License-Identifier: MIT */
/*
 * Requests of a key that run at once, over all hosts. Time is cut into
 * periods. A request counts in the counter of the period in which it was
 * last seen alive, and its process moves it on in each period; what runs is
 * the sum of this period's counter and the last one's. What a dead process
 * counted is in neither two periods later.
 *
 * The order of the steps keeps the sum from ever being too small: the last
 * period is read before this one is counted up, and a request is counted in
 * this period before it is taken off the last. Where two processes may
 * disagree about the period, because one is about to end or just began, each
 * counts itself first and then reads both neighbours, the older ones first:
 * of two that come at once, one at least sees the other.
 */
#include "domain/limit_priv.h"

#define PERIOD_MS    30000
#define PERIOD_TTL_S (2 * PERIOD_MS / 1000)
#define EDGE_MS      2000 /* more than clocks and slow threads differ */
#define SPACE        "l:k-running"

static uint64_t
period_of(int64_t now_ms)
{
	return (uint64_t)(now_ms / PERIOD_MS);
}

static void
key_make(const struct limit_lease *lease, uint64_t index,
    struct mcache_key *ret)
{
	mcache_key_make(ret, SPACE, lease->id, sizeof(lease->id), index);
}

static bool
cache_get(struct limiter *l, const struct limit_lease *lease, uint64_t index,
    uint64_t *ret, struct error *why)
{
	struct mcache_key key;
	enum err err;

	key_make(lease, index, &key);
	err = mcache_get(l->cache, &key, ret, why);
	if (err == ERR_NOT_FOUND)
		*ret = 0;
	return err == OK || err == ERR_NOT_FOUND;
}

static bool
cache_add(struct limiter *l, const struct limit_lease *lease, uint64_t index,
    uint64_t *ret, struct error *why)
{
	struct mcache_key key;

	key_make(lease, index, &key);
	return mcache_incr(l->cache, &key, 1, PERIOD_TTL_S, ret, why) == OK;
}

/* One too many stays counted for a while if it fails. */
static void
cache_sub(struct limiter *l, const struct limit_lease *lease, uint64_t index)
{
	struct mcache_key key;
	struct error why;
	uint64_t value;

	key_make(lease, index, &key);
	if (mcache_decr(l->cache, &key, 1, &value, &why))
		return;
}

/* Requests that are counted on this host, from times without memcached. */
static uint64_t
local_sum(struct limiter *l, const struct limit_lease *lease, uint64_t index)
{
	return (uint64_t)hostmap_local_get(l->map, HOSTMAP_LEASES, lease->id[0],
		   index - 1) +
	       hostmap_local_get(l->map, HOSTMAP_LEASES, lease->id[0], index);
}

/* Under way from now on. */
static void
lease_link(struct limiter *l, struct limit_lease *lease)
{
	(void)pthread_mutex_lock(&l->lease_lock); /* cannot fail */
	lease->next = NULL;
	lease->previous = l->last;
	*(l->last ? &l->last->next : &l->first) = lease;
	l->last = lease;
	(void)pthread_mutex_unlock(&l->lease_lock);
}

/* Under the lock. */
static void
lease_unlink(struct limiter *l, struct limit_lease *lease)
{
	*(lease->previous ? &lease->previous->next : &l->first) = lease->next;
	*(lease->next ? &lease->next->previous : &l->last) = lease->previous;
}

static enum err
refuse(uint64_t max, struct error *e)
{
	return error_public(e, ERR_RATE_LIMITED, NULL,
	    "%llu requests of this key are running, which is its limit. Wait "
	    "for one to end.",
	    (unsigned long long)max);
}

static bool
is_at_edge(int64_t now_ms)
{
	int64_t in_ms = now_ms % PERIOD_MS;

	return in_ms < EDGE_MS || in_ms >= PERIOD_MS - EDGE_MS;
}

/* All that run, with this one, which is counted if nothing fails. */
static bool
cache_sum(struct limiter *l, const struct limit_lease *lease, bool is_at_edge,
    uint64_t *ret_sum, struct error *why)
{
	uint64_t i = lease->index, before, now, after = 0;

	if (!is_at_edge) {
		if (!cache_get(l, lease, i - 1, &before, why) ||
		    !cache_add(l, lease, i, &now, why))
			return false;
	} else if (!cache_add(l, lease, i, &now, why) ||
		   !cache_get(l, lease, i - 1, &before, why) ||
		   !cache_get(l, lease, i, &now, why) ||
		   !cache_get(l, lease, i + 1, &after, why)) {
		return false;
	}
	*ret_sum = before + now + after + local_sum(l, lease, i);
	return true;
}

/* False: memcached can't say. */
static bool
cache_take(struct limiter *l, struct limit_lease *lease, int64_t now_ms,
    uint64_t *ret_sum)
{
	struct hostmap_cache_state state = hostmap_cache_state(l->map);
	struct error why;

	if (!state.is_up)
		return false;
	if (cache_sum(l, lease, is_at_edge(now_ms), ret_sum, &why))
		return true;
	limit_cache_failed(l, state, now_ms, &why);
	return false;
}

static enum err
local_take(struct limiter *l, struct limit_lease *lease, uint64_t max,
    struct error *e)
{
	uint32_t count, before;

	switch ((enum conf_on_failure)atomic_load(&l->on_failure)) {
	case CONF_FAILURE_OPEN:
		return OK;
	case CONF_FAILURE_CLOSED:
		return error_set(e, ERR_LIMITS_DOWN,
		    "memcached is down and limits.on_failure is closed");
	case CONF_FAILURE_LOCAL:
		break;
	}
	before = hostmap_local_get(l->map, HOSTMAP_LEASES, lease->id[0],
	    lease->index - 1);
	if (before >= max)
		return refuse(max, e);
	max = max - before > UINT32_MAX ? UINT32_MAX : max - before;
	switch (hostmap_local_add(l->map, HOSTMAP_LEASES, lease->id[0],
	    lease->index, 1, (uint32_t)max, &count)) {
	case HOSTMAP_COUNTED:
		lease->where = LIMIT_LOCAL;
		return OK;
	case HOSTMAP_OVER:
		return refuse(max + before, e);
	case HOSTMAP_FULL:
		break;
	}
	return error_set(e, ERR_LIMITS_DOWN,
	    "the host's table of running requests is full");
}

enum err
limit_lease_take(struct limiter *l, struct limit_lease *lease,
    const uint64_t id[2], uint64_t max, int64_t now_ms, struct error *e)
{
	uint64_t sum = 0;
	enum err err;

	*lease = (struct limit_lease){
		.id = { id[0], id[1] },
		.index = period_of(now_ms),
	};
	if (cache_take(l, lease, now_ms, &sum)) {
		if (sum > max) {
			cache_sub(l, lease, lease->index);
			return refuse(max, e);
		}
		lease->where = LIMIT_CACHE;
	} else {
		err = local_take(l, lease, max, e);
		if (err)
			return err;
	}
	lease->is_held = lease->where != LIMIT_NOWHERE;
	if (lease->is_held)
		lease_link(l, lease);
	return OK;
}

static void
uncount(struct limiter *l, const struct limit_lease *lease)
{
	if (lease->where == LIMIT_LOCAL)
		hostmap_local_sub(l->map, HOSTMAP_LEASES, lease->id[0],
		    lease->index, 1);
	else if (hostmap_cache_state(l->map).is_up)
		cache_sub(l, lease, lease->index);
}

void
limit_lease_drop(struct limiter *l, struct limit_lease *lease)
{
	if (!lease->is_held)
		return;
	(void)pthread_mutex_lock(&l->lease_lock); /* cannot fail */
	lease_unlink(l, lease);
	(void)pthread_mutex_unlock(&l->lease_lock);
	uncount(l, lease);
	lease->is_held = false;
}

/* Count it in this period, then no longer in its last one. */
static void
renew(struct limiter *l, struct limit_lease *lease, uint64_t index,
    int64_t now_ms)
{
	struct hostmap_cache_state state = hostmap_cache_state(l->map);
	struct limit_lease old = *lease;
	struct error why;
	uint64_t value;
	uint32_t count;

	lease->index = index;
	if (state.is_up) {
		lease->where = LIMIT_CACHE;
		if (cache_add(l, lease, index, &value, &why)) {
			uncount(l, &old);
			return;
		}
		limit_cache_failed(l, state, now_ms, &why);
	}
	/* Full: it runs uncounted, and is dropped as if it were counted. */
	lease->where = LIMIT_LOCAL;
	(void)hostmap_local_add(l->map, HOSTMAP_LEASES, lease->id[0], index, 1,
	    UINT32_MAX, &count);
	uncount(l, &old);
}

void
limit_renew_leases(struct limiter *l, int64_t now_ms)
{
	uint64_t index = period_of(now_ms);

	/* One at a time under the lock, so that requests of limited keys wait
	 * for one renewal at most. */
	for (;;) {
		struct limit_lease *lease;

		(void)pthread_mutex_lock(&l->lease_lock); /* cannot fail */
		lease = l->first;
		if (!lease || lease->index >= index) {
			(void)pthread_mutex_unlock(&l->lease_lock);
			return;
		}
		renew(l, lease, index, now_ms);
		lease_unlink(l, lease);
		lease->next = NULL;
		lease->previous = l->last;
		*(l->last ? &l->last->next : &l->first) = lease;
		l->last = lease;
		(void)pthread_mutex_unlock(&l->lease_lock);
	}
}
