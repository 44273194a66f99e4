/* SPDX-License-Identifier: MIT */
/*
 * Keys that fail, by client address and minute. What lets a request ask the
 * database is this host's own table, as a question to memcached in front of
 * each would cost every good request; failures alone are counted in
 * memcached too, and what that says is brought into the table.
 */
#include "domain/limit_priv.h"

#include "ext/crypto.h"

#define MINUTE_MS 60000
#define TTL_S     (2 * MINUTE_MS / 1000)
#define SPACE     "l:a-failed"

static uint64_t
minute_of(const struct limit_auth *a)
{
	return (uint64_t)(a->now_ms / MINUTE_MS);
}

static void
id_make(struct limit_auth *a)
{
	if (a->id[0] || a->id[1])
		return;
	crypto_checksum(a->client.bytes, sizeof(a->client.bytes),
	    (uint8_t *)a->id, sizeof(a->id));
}

static uint32_t
max_in_force(struct limiter *l, const struct limit_auth *a)
{
	return a->client.is_known
		   ? atomic_load_explicit(&l->failed_keys, memory_order_relaxed)
		   : 0;
}

bool
limit_auth_enter(struct limiter *l, struct limit_auth *a)
{
	uint32_t max = max_in_force(l, a), count;

	if (max == 0 || a->is_counted)
		return true;
	id_make(a);
	switch (hostmap_local_add(l->map, HOSTMAP_ADDRESSES, a->id[0],
	    minute_of(a), 1, max, &count)) {
	case HOSTMAP_COUNTED:
		a->is_counted = true;
		return true;
	case HOSTMAP_OVER:
		return false;
	case HOSTMAP_FULL: /* memcached still counts */
		break;
	}
	return true;
}

void
limit_auth_passed(struct limiter *l, struct limit_auth *a)
{
	if (a->is_counted)
		hostmap_local_sub(l->map, HOSTMAP_ADDRESSES, a->id[0],
		    minute_of(a), 1);
	a->is_counted = false;
}

/* What all hosts counted, if memcached says so. */
static uint64_t
count_for_all(struct limiter *l, const struct limit_auth *a)
{
	struct hostmap_cache_state state = hostmap_cache_state(l->map);
	struct mcache_key key;
	struct error why;
	uint64_t count;

	if (!state.is_up)
		return 0;
	mcache_key_make(&key, SPACE, a->id, sizeof(a->id), minute_of(a));
	if (mcache_incr(l->cache, &key, 1, TTL_S, &count, &why) == OK)
		return count;
	limit_cache_failed(l, state, a->now_ms, &why);
	return 0;
}

bool
limit_auth_failed(struct limiter *l, struct limit_auth *a,
    int64_t *ret_retry_ms)
{
	uint32_t max = max_in_force(l, a), here;

	*ret_retry_ms = MINUTE_MS - a->now_ms % MINUTE_MS;
	if (max == 0 || (!a->is_counted && !limit_auth_enter(l, a)))
		return max == 0;
	a->is_counted = false; /* it stays counted */
	if (count_for_all(l, a) < max)
		return true;
	here = hostmap_local_get(l->map, HOSTMAP_ADDRESSES, a->id[0],
	    minute_of(a));
	/* Another thread may have done so, or not be done: no harm. */
	if (here < max)
		(void)hostmap_local_add(l->map, HOSTMAP_ADDRESSES, a->id[0],
		    minute_of(a), max - here, max, &here);
	return true;
}
