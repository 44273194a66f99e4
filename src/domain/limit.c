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

static const char *const window_texts[LIMIT__WINDOWS] = {
	[LIMIT_MINUTE] = "minute",
	[LIMIT_HOUR] = "hour",
	[LIMIT_DAY] = "day",
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

/* ---- clients ---- */

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

/* ---- one limit ---- */

/* What a call to limit_take() works with. */
struct taking {
	struct limiter *l;
	const struct limit_ask *ask;
	struct limit_take *t;
	bool is_sliding;
	uint64_t refused_max; /* of the limit in t->refuser */
	unsigned n;
	struct limit_count v[LIMIT__COUNTED]; /* of each counter in t->v */
};

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
	int64_t window_ms = limit_window_ms(limit_metrics[c->metric].window);

	v->is_limited = true;
	v->metric = c->metric;
	v->limit = limit;
	v->remaining = remaining;
	v->ends_at_ms = (int64_t)(c->index + 1) * window_ms;
	v->reset_ms = v->ends_at_ms - now_ms;
}

static enum err
refuse(const struct taking *k, struct error *e)
{
	const struct limit_take *t = k->t;
	const struct limit_metric_info *m = &limit_metrics[t->refuser];

	return error_public(e, ERR_RATE_LIMITED, NULL,
	    "The limit of %llu %s per %s %s is reached. Try again in %llu s.",
	    (unsigned long long)k->refused_max, unit_texts[m->unit],
	    window_texts[m->window], scope_texts[m->scope],
	    (unsigned long long)limit_seconds(t->retry_ms));
}

static enum err
refuse_for_good(const struct taking *k, struct error *e)
{
	const struct limit_metric_info *m = &limit_metrics[k->t->refuser];

	return error_public(e, ERR_TOKENS_OVER_LIMIT, NULL,
	    "The request may use %llu tokens, the limit %s is %llu per %s. "
	    "Shorten it or ask for less output.",
	    (unsigned long long)k->t->tok, scope_texts[m->scope],
	    (unsigned long long)k->refused_max, window_texts[m->window]);
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
		(uint64_t)(k->ask->now_ms / limit_window_ms(window)), 1, 1,
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

static bool
is_shadow(const struct taking *k)
{
	return atomic_load_explicit(&k->l->is_shadow, memory_order_relaxed);
}

/*
 * A limit refuses. Of several, the one that does so for longest is told.
 * Returns whether the request is refused: with limits.shadow on it passes.
 */
static bool
note_refuser(struct taking *k, enum limit_metric metric, uint64_t max,
    int64_t retry_ms)
{
	struct limit_take *t = k->t;

	if (retry_ms > t->retry_ms) {
		t->refuser = metric;
		t->retry_ms = retry_ms;
		k->refused_max = max;
	}
	if (!is_shadow(k))
		return true;
	log_shadow(k, metric, max);
	t->is_shadowed = true;
	return false;
}

uint64_t
limit_count_share(const struct limit_count *v, int64_t left_ms,
    int64_t window_ms)
{
	return v->previous ? scale_up(v->previous, (uint64_t)left_ms,
				 (uint64_t)window_ms)
			   : 0;
}

/*
 * Whether the limit grants what was counted, or is counted now.
 * Errors: ERR_RATE_LIMITED without words; ERR_LIMITS_DOWN.
 */
static enum err
count_judge(struct taking *k, struct limit_count *v, struct error *e)
{
	struct limit_taken *c = v->c;
	enum limit_unit unit = limit_metrics[c->metric].unit;
	int64_t now_ms = k->ask->now_ms;
	int64_t window_ms = limit_window_ms(limit_metrics[c->metric].window);
	int64_t left_ms = window_ms - now_ms % window_ms, retry_ms = left_ms;
	uint64_t share = limit_count_share(v, left_ms, window_ms), max = v->max;
	struct limit_view *view = &k->t->view[unit];

	if (c->where == LIMIT_NOWHERE) {
		enum err err = limit_count_here(k->l, v,
		    max > share ? max - share : 0, e);

		if (err)
			return is_shadow(k) ? OK : err;
	}
	if (v->count <= max && share <= max - v->count) {
		uint64_t remaining = max - v->count - share;

		if (!view->is_limited || remaining < view->remaining)
			view_set(view, c, max, remaining, now_ms);
		return OK;
	}
	if (!view->is_limited || view->remaining > 0)
		view_set(view, c, max, 0, now_ms);
	if (k->is_sliding && c->by <= max)
		retry_ms = sliding_retry_ms(v->previous, v->count - c->by,
		    max - c->by, window_ms, left_ms);
	return note_refuser(k, c->metric, max, retry_ms) ? ERR_RATE_LIMITED
							 : OK;
}

/* ---- one request ---- */

void
limit_give_back(struct limiter *l, struct limit_take *t)
{
	struct limit_correction v[LIMIT__COUNTED];

	limit_lease_drop(l, &t->lease);
	for (unsigned i = 0; i < t->n; i++)
		v[i] = (struct limit_correction){ &t->v[i], t->v[i].by, true };
	limit_correct(l, t, v, t->n);
	t->n = 0;
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

static enum err
concurrent_take(struct taking *k, struct error *e)
{
	uint64_t max = limit_max(k->l, k->ask->who, LIMIT_CONCURRENT);
	enum err err;

	if (max == 0)
		return OK;
	err = limit_lease_take(k->l, &k->t->lease,
	    limit_scope_id(k->t, k->ask, LIMIT_KEY), max, k->ask->now_ms, e);
	if (err == ERR_LIMITS_DOWN)
		return is_shadow(k) ? OK : err;
	/* When one of them ends nobody knows. */
	if (err && !note_refuser(k, LIMIT_CONCURRENT, max, 1000))
		return OK;
	return err;
}

unsigned
limit_count_list(struct limiter *l, const struct limit_ask *ask,
    struct limit_take *t, struct limit_count v[LIMIT__COUNTED])
{
	uint32_t left = stated_bits(l, ask->who) &
			((UINT32_C(1) << LIMIT__COUNTED) - 1);
	unsigned n = 0;

	for (; left; left &= left - 1) {
		unsigned metric = (unsigned)__builtin_ctz(left);
		const struct limit_metric_info *m = &limit_metrics[metric];
		uint64_t max = limit_max(l, ask->who, metric);
		struct limit_taken *c = &t->v[n];

		if (max == 0 ||
		    (m->scope == LIMIT_ADDRESS && !ask->client.is_known))
			continue;
		(void)limit_scope_id(t, ask, m->scope);
		*c = (struct limit_taken){
			.metric = metric,
			.by = m->unit == LIMIT_TOKENS ? ask->tok : 1,
			.index = (uint64_t)(ask->now_ms /
					    limit_window_ms(m->window)),
		};
		v[n++] = (struct limit_count){ .t = t, .c = c, .max = max };
	}
	t->n = n;
	return n;
}

/* What can't be granted in any window isn't counted anywhere. */
static enum err
check_sizes(struct taking *k, struct error *e)
{
	for (unsigned i = 0; i < k->n; i++) {
		const struct limit_taken *c = k->v[i].c;
		int64_t window_ms = limit_window_ms(
		    limit_metrics[c->metric].window);

		if (c->by > k->v[i].max &&
		    note_refuser(k, c->metric, k->v[i].max,
			window_ms - k->ask->now_ms % window_ms))
			return refuse_for_good(k, e);
	}
	return OK;
}

static enum err
counters_take(struct taking *k, struct error *e)
{
	bool is_refused = false;
	enum err err;

	k->n = limit_count_list(k->l, k->ask, k->t, k->v);
	err = check_sizes(k, e);
	if (err)
		return err;
	limit_count_all(k->l, k->v, k->n, k->is_sliding, k->ask->now_ms);
	/* All of them, as a sliding one may refuse for less long than one
	 * behind it. */
	for (unsigned i = 0; i < k->n; i++) {
		err = count_judge(k, &k->v[i], e);
		if (err == ERR_LIMITS_DOWN)
			return err;
		is_refused = is_refused || err;
	}
	return is_refused ? refuse(k, e) : OK;
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
	struct taking k; /* its list is filled as far as it is used */
	enum err err;

	k.l = l;
	k.ask = ask;
	k.t = ret;
	k.is_sliding = limit_max(l, ask->who, LIMIT_SLIDING) == 1;
	k.refused_max = 0;
	k.n = 0;
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
	struct limit_correction v[LIMIT__COUNTED];
	unsigned n = 0;

	limit_lease_drop(l, &t->lease);
	for (unsigned i = 0; i < t->n; i++) {
		const struct limit_taken *c = &t->v[i];
		bool is_back = used_tok < c->by;

		if (limit_metrics[c->metric].unit != LIMIT_TOKENS ||
		    used_tok == c->by)
			continue;
		v[n++] = (struct limit_correction){ c,
			is_back ? c->by - used_tok : used_tok - c->by,
			is_back };
	}
	limit_correct(l, t, v, n);
	t->n = 0;
}

enum err
limit_cache_stats(const struct limiter *l, struct mcache_stats *ret,
    struct error *e)
{
	return mcache_stats(l->cache, ret, e);
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
