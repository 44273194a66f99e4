/* SPDX-License-Identifier: MIT */
#include "domain/limit_priv.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "ext/crypto.h"

#define PROBE_INTERVAL_MS 1000
/* Sets marks of lines that were logged apart from counters. */
#define SHADOW_SALT       UINT64_C(0x5bd1e995a54ff53a)

static const struct {
	int64_t ms;
	const char *text;
} windows[LIMIT__WINDOWS] = {
	[LIMIT_MINUTE] = { 60000, "minute" },
	[LIMIT_HOUR] = { 3600000, "hour" },
	[LIMIT_DAY] = { 86400000, "day" },
};

static const char *const unit_texts[LIMIT__UNITS] = {
	[LIMIT_REQUESTS] = "requests",
	[LIMIT_TOKENS] = "tokens",
};

static const char *const scope_texts[LIMIT__SCOPES] = {
	[LIMIT_KEY_MODEL] = "for this model",
	[LIMIT_KEY] = "of this key",
	[LIMIT_CUSTOMER] = "of all keys together",
	[LIMIT_MODEL] = "of all users of this model",
	[LIMIT_ADDRESS] = "of this client address",
};

/* ---- settings ---- */

enum err
limiter_new(const struct limiter_params *params, struct limiter **ret,
    struct error *e)
{
	struct limiter *l = calloc(1, sizeof(*l));

	if (!l)
		return error_set(e, ERR_NO_MEMORY, "no memory");
	l->cache = params->cache;
	l->map = params->map;
	(void)pthread_mutex_init(&l->lease_lock, NULL); /* default type */
	limiter_set(l, &params->settings);
	*ret = l;
	return OK;
}

void
limiter_free(struct limiter *l)
{
	if (!l)
		return;
	ASSERT(!l->first);
	(void)pthread_mutex_destroy(&l->lease_lock); /* nobody waits */
	free(l);
}

void
limiter_set(struct limiter *l, const struct limit_settings *settings)
{
	for (unsigned m = 0; m < LIMIT__METRICS; m++)
		atomic_store(&l->default_max[m], settings->defaults.max[m]);
	atomic_store(&l->default_stated, settings->defaults.stated);
	atomic_store(&l->on_failure, (int)settings->on_failure);
	atomic_store(&l->is_shadow, settings->is_shadow);
	atomic_store(&l->failed_keys, settings->failed_keys);
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

/* Bits of what may be in force: it is stated, though perhaps as 0. */
static uint32_t
stated_bits(struct limiter *l, const struct principal *p)
{
	return p->limits.stated |
	       atomic_load_explicit(&l->default_stated, memory_order_relaxed);
}

uint64_t
limit_max(struct limiter *l, const struct principal *p,
    enum limit_metric metric)
{
	uint32_t bit = UINT32_C(1) << metric;
	int64_t max = 0;

	if (p->limits.stated & bit)
		max = p->limits.max[metric];
	else if (atomic_load_explicit(&l->default_stated,
		     memory_order_relaxed) &
		 bit)
		max = atomic_load_explicit(&l->default_max[metric],
		    memory_order_relaxed);
	return max < 0 ? 0 : (uint64_t)max;
}

uint64_t
limit_token_cap(struct limiter *l, const struct principal *p)
{
	uint64_t least = UINT64_MAX;

	for (uint32_t left = stated_bits(l, p); left; left &= left - 1) {
		unsigned m = (unsigned)__builtin_ctz(left);
		uint64_t max;

		if (m >= LIMIT__COUNTED ||
		    limit_metrics[m].unit != LIMIT_TOKENS)
			continue;
		max = limit_max(l, p, m);
		if (max && max < least)
			least = max;
	}
	return least;
}

/* ---- who is counted ---- */

struct limit_client
limit_client_of(const uint8_t addr[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct limit_client c = { .is_known = true };

	memcpy(c.bytes, addr, sizeof(c.bytes));
	if (memcmp(addr, mapped, sizeof(mapped)) != 0)
		memset(c.bytes + 8, 0, 8);
	return c;
}

/* The digest of a scope's ids, made once a request. */
static const uint64_t *
scope_id(struct limit_take *t, const struct limit_ask *ask,
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
	       (int64_t)index * windows[window].ms >= state.since_ms;
}

static uint32_t
ttl_s(enum limit_window window)
{
	return (uint32_t)(2 * windows[window].ms / 1000);
}

/* Returns true when memcached counted; *ret_count may pass the limit then. */
static bool
cache_take(struct limiter *l, const struct limit_take *t,
    const struct limit_taken *c, int64_t now_ms, uint64_t *ret_count)
{
	struct hostmap_cache_state state = hostmap_cache_state(l->map);
	bool is_local = atomic_load(&l->on_failure) == CONF_FAILURE_LOCAL;
	enum limit_window window = limit_metrics[c->metric].window;
	struct mcache_key key;
	struct error why;

	if (!state.is_up ||
	    (is_local && !cache_is_whole(state, window, c->index)))
		return false;
	key_make(t, c->metric, c->index, &key);
	if (mcache_incr(l->cache, &key, c->by, ttl_s(window), ret_count,
		&why) == OK)
		return true;
	limit_cache_failed(l, state, now_ms, &why);
	return false;
}

/* Take by off a counter that holds it. */
static void
counter_sub(struct limiter *l, const struct limit_take *t,
    const struct limit_taken *c, uint64_t by)
{
	struct hostmap_cache_state state = hostmap_cache_state(l->map);
	struct mcache_key key;
	struct error why;
	uint64_t value;

	switch (c->where) {
	case LIMIT_NOWHERE:
		break;
	case LIMIT_CACHE:
		key_make(t, c->metric, c->index, &key);
		/* Too much is left counted: never too much granted. */
		if (state.is_up &&
		    mcache_decr(l->cache, &key, by, &value, &why))
			limit_cache_failed(l, state, clock_now_ms(), &why);
		break;
	case LIMIT_LOCAL:
		hostmap_local_sub(l->map, limit_metrics[c->metric].window,
		    local_id(t, c->metric), c->index, (uint32_t)by);
		break;
	}
}

/* More than was taken turned out to be used. */
static void
counter_add(struct limiter *l, const struct limit_take *t,
    const struct limit_taken *c, uint64_t by)
{
	enum limit_window window = limit_metrics[c->metric].window;
	struct hostmap_cache_state state = hostmap_cache_state(l->map);
	struct mcache_key key;
	struct error why;
	uint64_t value;
	uint32_t count;

	switch (c->where) {
	case LIMIT_NOWHERE:
		break;
	case LIMIT_CACHE:
		key_make(t, c->metric, c->index, &key);
		if (state.is_up && mcache_incr(l->cache, &key, by,
				       ttl_s(window), &value, &why))
			limit_cache_failed(l, state, clock_now_ms(), &why);
		break;
	case LIMIT_LOCAL:
		(void)hostmap_local_add(l->map, window, local_id(t, c->metric),
		    c->index, by > UINT32_MAX ? UINT32_MAX : (uint32_t)by,
		    UINT32_MAX, &count); /* full: it is not counted */
		break;
	}
}

/* ---- one limit ---- */

/* What a call to limit_take() works with. */
struct taking {
	struct limiter *l;
	const struct limit_ask *ask;
	struct limit_take *t;
	bool is_sliding;
};

static uint32_t
clamp_u32(uint64_t v)
{
	return v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
}

/* Count in the host's map, or do what limits.on_failure says instead.
 * *ret_count > max: nothing was counted. */
static enum err
fallback_take(struct taking *k, struct limit_taken *c, uint64_t max,
    uint64_t *ret_count, struct error *e)
{
	struct limiter *l = k->l;
	uint32_t count = 0;

	*ret_count = 0;
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
	    local_id(k->t, c->metric), c->index, clamp_u32(c->by),
	    clamp_u32(max), &count)) {
	case HOSTMAP_COUNTED:
		c->where = LIMIT_LOCAL;
		*ret_count = count;
		return OK;
	case HOSTMAP_OVER:
		*ret_count = (uint64_t)count + c->by;
		return OK;
	case HOSTMAP_FULL:
		break;
	}
	return error_set(e, ERR_LIMITS_DOWN,
	    "the host's table of counters is full");
}

/* What the window before this one counted, wherever that was. */
static uint64_t
previous_count(struct taking *k, const struct limit_taken *c)
{
	struct limiter *l = k->l;
	struct hostmap_cache_state state = hostmap_cache_state(l->map);
	uint64_t count = hostmap_local_get(l->map,
	    limit_metrics[c->metric].window, local_id(k->t, c->metric),
	    c->index - 1);
	struct mcache_key key;
	struct error why;
	uint64_t value;
	enum err err;

	if (!state.is_up)
		return count;
	key_make(k->t, c->metric, c->index - 1, &key);
	err = mcache_get(l->cache, &key, &value, &why);
	if (!err)
		return count + value;
	if (err != ERR_NOT_FOUND)
		limit_cache_failed(l, state, k->ask->now_ms, &why);
	return count;
}

/* a * b / c, rounded up; a * (b % c) fits as amounts are bounded. */
static uint64_t
scale_up(uint64_t a, uint64_t b, uint64_t c)
{
	return a / c * b + (a % c * b + c - 1) / c;
}

/*
 * When a sliding window that refused would let the request in, if nobody
 * else came: when the share of the previous window has become small enough,
 * or else in the next window, when this one's share has.
 */
static int64_t
sliding_retry_ms(uint64_t previous, uint64_t others, uint64_t room,
    int64_t window_ms, int64_t left_ms)
{
	uint64_t w = (uint64_t)window_ms;
	int64_t at;

	if (others <= room && previous > 0)
		/* left x previous / window <= room - others */
		at = left_ms - (int64_t)((room - others) * w / previous);
	else
		at = left_ms + window_ms -
		     (others ? (int64_t)(room * w / others) : 0);
	return at < 1 ? 1 : at;
}

/* What the headers say, of one limit. */
static void
view_set(struct limit_view *v, const struct limit_taken *c, uint64_t limit,
    uint64_t remaining, int64_t now_ms)
{
	int64_t window_ms = windows[limit_metrics[c->metric].window].ms;

	v->is_limited = true;
	v->metric = c->metric;
	v->limit = limit;
	v->remaining = remaining;
	v->ends_at_ms = (int64_t)(c->index + 1) * window_ms;
	v->reset_ms = v->ends_at_ms - now_ms;
}

static enum err
refuse(const struct limit_take *t, uint64_t max, struct error *e)
{
	const struct limit_metric_info *m = &limit_metrics[t->refuser];

	return error_public(e, ERR_RATE_LIMITED, NULL,
	    "The limit of %llu %s per %s %s is reached. Try again in %llu s.",
	    (unsigned long long)max, unit_texts[m->unit],
	    windows[m->window].text, scope_texts[m->scope],
	    (unsigned long long)limit_seconds(t->retry_ms));
}

static enum err
refuse_for_good(const struct limit_take *t, uint64_t by, uint64_t max,
    struct error *e)
{
	const struct limit_metric_info *m = &limit_metrics[t->refuser];

	return error_public(e, ERR_TOKENS_OVER_LIMIT, NULL,
	    "The request may use %llu tokens, the limit %s is %llu per %s. "
	    "Shorten it or ask for less output.",
	    (unsigned long long)by, scope_texts[m->scope],
	    (unsigned long long)max, windows[m->window].text);
}

/* Remember the first limit that refused. */
static void
note_refuser(struct limit_take *t, enum limit_metric metric, int64_t retry_ms)
{
	if (t->is_shadowed)
		return;
	t->refuser = metric;
	t->retry_ms = retry_ms;
}

static enum err
metric_take(struct taking *k, enum limit_metric metric, uint64_t max,
    struct error *e)
{
	const struct limit_metric_info *m = &limit_metrics[metric];
	int64_t now_ms = k->ask->now_ms, window_ms = windows[m->window].ms;
	struct limit_take *t = k->t;
	struct limit_view *view = &t->view[m->unit];
	struct limit_taken *c = &t->v[t->n];
	int64_t left_ms = window_ms - now_ms % window_ms;
	uint64_t count = 0, share = 0, previous = 0;

	*c = (struct limit_taken){
		.metric = metric,
		.by = m->unit == LIMIT_TOKENS ? k->ask->tok : 1,
		.index = (uint64_t)(now_ms / window_ms),
	};
	(void)scope_id(t, k->ask, m->scope);
	if (c->by > max) {
		note_refuser(t, metric, left_ms);
		return refuse_for_good(t, c->by, max, e);
	}
	if (k->is_sliding) {
		previous = previous_count(k, c);
		share = scale_up(previous, (uint64_t)left_ms,
		    (uint64_t)window_ms);
	}
	if (cache_take(k->l, t, c, now_ms, &count)) {
		c->where = LIMIT_CACHE;
	} else {
		enum err err = fallback_take(k, c,
		    max > share ? max - share : 0, &count, e);

		if (err)
			return err;
	}
	if (c->where != LIMIT_NOWHERE)
		t->n++;
	if (count <= max && share <= max - count) {
		uint64_t remaining = max - count - share;

		if (!view->is_limited || remaining < view->remaining)
			view_set(view, c, max, remaining, now_ms);
		return OK;
	}
	view_set(view, c, max, 0, now_ms);
	note_refuser(t, metric,
	    k->is_sliding ? sliding_retry_ms(previous, count - c->by,
				max - c->by, window_ms, left_ms)
			  : left_ms);
	return refuse(t, max, e);
}

/* ---- one request ---- */

void
limit_give_back(struct limiter *l, struct limit_take *t)
{
	limit_lease_drop(l, &t->lease);
	while (t->n) {
		const struct limit_taken *c = &t->v[--t->n];

		counter_sub(l, t, c, c->by);
	}
	t->is_granted = false;
}

/* What was taken of other limits than the one that refused is back. */
static void
views_after_refusal(struct limit_take *t)
{
	for (unsigned u = 0; u < LIMIT__UNITS; u++) {
		struct limit_view *v = &t->view[u];

		if (v->is_limited && v->metric != t->refuser)
			v->remaining += u == LIMIT_TOKENS ? t->tok : 1;
	}
}

/* One line a window for each key and limit, whichever worker meets it. */
static void
log_shadow(struct taking *k, enum limit_metric metric, uint64_t max)
{
	enum limit_window window = limit_metrics[metric].window;
	const struct principal *p = k->ask->who;
	uint64_t ids[2] = { p->api_key_id, metric }, id[2];
	uint32_t count;
	struct log_rec r;

	crypto_checksum(ids, sizeof(ids), (uint8_t *)id, sizeof(id));
	if (hostmap_local_add(k->l->map, window, id[0] ^ SHADOW_SALT,
		(uint64_t)(k->ask->now_ms / windows[window].ms), 1, 1,
		&count) != HOSTMAP_COUNTED)
		return;
	log_begin(&r, LOG_LEVEL_WARN, "limits.shadow");
	log_cstr(&r, "limit", limit_metric_names[metric]);
	log_u64(&r, "max", max);
	log_cstr(&r, "key", p->public_id);
	log_u64(&r, "customer_id", p->customer_id);
	log_u64(&r, "model_id", k->ask->model_id);
	log_end(&r);
}

/* With limits.shadow on, what refuses is noted and passes. */
static enum err
shadow(struct taking *k, enum limit_metric metric, uint64_t max, enum err err)
{
	if (!err ||
	    !atomic_load_explicit(&k->l->is_shadow, memory_order_relaxed))
		return err;
	if (err != ERR_LIMITS_DOWN) {
		log_shadow(k, metric, max);
		k->t->is_shadowed = true;
	}
	return OK;
}

static enum err
concurrent_take(struct taking *k, struct error *e)
{
	uint64_t max = limit_max(k->l, k->ask->who, LIMIT_CONCURRENT);
	enum err err;

	if (max == 0)
		return OK;
	err = limit_lease_take(k->l, &k->t->lease,
	    scope_id(k->t, k->ask, LIMIT_KEY), max, k->ask->now_ms, e);
	if (err == ERR_RATE_LIMITED)
		/* When one of them ends nobody knows. */
		note_refuser(k->t, LIMIT_CONCURRENT, 1000);
	return shadow(k, LIMIT_CONCURRENT, max, err);
}

static enum err
counters_take(struct taking *k, struct error *e)
{
	const struct principal *p = k->ask->who;
	uint32_t left = stated_bits(k->l, p) &
			((UINT32_C(1) << LIMIT__COUNTED) - 1);

	for (; left; left &= left - 1) {
		unsigned metric = (unsigned)__builtin_ctz(left);
		uint64_t max = limit_max(k->l, p, metric);
		enum err err;

		if (max == 0 || (limit_metrics[metric].scope == LIMIT_ADDRESS &&
				    !k->ask->client.is_known))
			continue;
		err = shadow(k, metric, max, metric_take(k, metric, max, e));
		if (err)
			return err;
	}
	return OK;
}

void
limit_take_clear(struct limit_take *t)
{
	memset(t, 0, offsetof(struct limit_take, v));
}

enum err
limit_take(struct limiter *l, const struct limit_ask *ask,
    struct limit_take *ret, struct error *e)
{
	struct taking k = {
		.l = l,
		.ask = ask,
		.t = ret,
		.is_sliding = limit_max(l, ask->who, LIMIT_SLIDING) == 1,
	};
	enum err err;

	limit_take_clear(ret);
	ret->tok = ask->tok;
	err = counters_take(&k, e);
	if (!err)
		err = concurrent_take(&k, e);
	if (err) {
		limit_give_back(l, ret);
		views_after_refusal(ret);
		return err;
	}
	ret->is_granted = true;
	return OK;
}

void
limit_finish(struct limiter *l, struct limit_take *t, uint64_t used_tok)
{
	limit_lease_drop(l, &t->lease);
	for (unsigned i = 0; i < t->n; i++) {
		const struct limit_taken *c = &t->v[i];

		if (limit_metrics[c->metric].unit != LIMIT_TOKENS)
			continue;
		if (used_tok < c->by)
			counter_sub(l, t, c, c->by - used_tok);
		else if (used_tok > c->by)
			counter_add(l, t, c, used_tok - c->by);
	}
	t->n = 0;
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
