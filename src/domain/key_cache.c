/* SPDX-License-Identifier: MIT */
/*
 * Who holds a key, from memory. Shards with a lock of their own; in each, two
 * bounded tables: keys that exist, and digests that the database doesn't
 * know. A digest is asked for by one thread at a time.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "domain/hostmap.h"
#include "domain/key_priv.h"
#include "store/db_pool.h"
#include "store/key.h"

#define N_SHARDS         32
#define UNKNOWN_SHARE    4 /* unknown digests: a quarter of the keys */
#define UNKNOWN_S        30
#define DB_PAUSE_MS      1000 /* between attempts while the database is down */
#define DB_WAIT_MS       2000 /* for a connection */
#define FLIGHT_WAIT_MS   10000
#define LOAD_ARENA_BYTES MIB(1)
#define MINUTE_MS        60000

/* A query under way; lives on the stack of the thread that makes it. */
struct flight {
	struct flight *next;
	const uint8_t *digest;
};

struct shard {
	pthread_mutex_t lock;
	pthread_cond_t landed;
	struct key_table known, unknown;
	struct flight *flights;
};

struct key_cache {
	struct key_cache_params params;
	_Atomic int64_t db_retry_ms; /* monotonic; 0: the database is up */
	_Atomic uint64_t n_hits, n_queries, n_stale, n_negative, n_malformed;
	struct shard shards[N_SHARDS];
};

/* What one authentication works with. */
struct ask {
	struct key_cache *c;
	struct shard *shard;
	enum key_kind kind;
	uint8_t digest[KEY_DIGEST_BYTES];
	struct str text; /* the key; p == NULL: only its digest is known */
	const uint8_t *other_digest; /* then: by the other pepper, or NULL */
	int64_t now_ms;              /* wall clock */
	int64_t mono_ms;
	const struct key_guard *guard;
	struct arena *a;
	struct principal *ret;
	struct error *e;
};

static enum err
shard_init(struct shard *s, size_t n_keys, struct error *e)
{
	pthread_condattr_t attr;
	enum err err = key_table_init(&s->known, n_keys, e);

	if (!err)
		err = key_table_init(&s->unknown, n_keys / UNKNOWN_SHARE + 1,
		    e);
	/* None of these fails with such arguments. */
	(void)pthread_mutex_init(&s->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&s->landed, &attr);
	(void)pthread_condattr_destroy(&attr);
	return err;
}

enum err
key_cache_new(const struct key_cache_params *params, struct key_cache **ret,
    struct error *e)
{
	struct key_cache *c = calloc(1, sizeof(*c));
	size_t n_keys = (size_t)params->n_keys / N_SHARDS + 1;
	enum err err = OK;

	if (!c)
		return error_set(e, ERR_NO_MEMORY, "no memory");
	c->params = *params;
	for (size_t i = 0; i < N_SHARDS; i++) {
		enum err one = shard_init(&c->shards[i], n_keys, e);

		if (one)
			err = one;
	}
	if (err) {
		key_cache_free(c);
		return err;
	}
	*ret = c;
	return OK;
}

void
key_cache_free(struct key_cache *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < N_SHARDS; i++) {
		struct shard *s = &c->shards[i];

		ASSERT(!s->flights);
		key_table_fini(&s->known);
		key_table_fini(&s->unknown);
		(void)pthread_cond_destroy(&s->landed);
		(void)pthread_mutex_destroy(&s->lock);
	}
	free(c);
}

/* Whether the error says that the database can't be asked at present. */
static bool
is_db_down(enum err err)
{
	return err == ERR_DB_DOWN || err == ERR_DB_UNCERTAIN;
}

/*
 * While the pepper rotates a row may still hold, or hold already, the other
 * one's digest. A key that is found so is written anew, so that the other
 * pepper can be given up one day; only upwards, as hosts may disagree for
 * the time of a restart.
 */
static enum err
load_by_other(struct ask *q, struct db *db, struct arena *a,
    struct key_entry *en)
{
	const struct crypto_key *pepper = q->c->params.pepper;
	const struct crypto_key *other = crypto_key_other(pepper);
	struct error ignored;
	enum err err;

	if (q->text.p && other)
		key_text_digest(other, q->text, en->who.key_other_digest);
	else if (q->other_digest)
		memcpy(en->who.key_other_digest, q->other_digest,
		    KEY_DIGEST_BYTES);
	else
		return ERR_NOT_FOUND;
	memcpy(en->who.key_digest, en->who.key_other_digest, KEY_DIGEST_BYTES);
	err = key_entry_load(db, q->c->params.map, q->kind, a, en, q->e);
	if (!err &&
	    store_key_rehash(db, q->kind == KEY_OPERATOR, en->who.key_digest,
		q->digest, crypto_key_id(pepper), &ignored) != OK)
		error_clear(&ignored); /* the next one tries again */
	memcpy(en->who.key_digest, q->digest, KEY_DIGEST_BYTES);
	return err;
}

static enum err
load(struct ask *q, struct key_entry **ret)
{
	struct key_entry *en = calloc(1, sizeof(*en));
	struct db *db = NULL;
	struct arena a;
	enum err err;

	if (!en)
		return error_set(q->e, ERR_NO_MEMORY, "no memory");
	arena_init(&a, LOAD_ARENA_BYTES);
	en->read_ms = clock_mono_ms();
	memcpy(en->who.key_digest, q->digest, KEY_DIGEST_BYTES);
	atomic_fetch_add(&q->c->n_queries, 1);
	err = db_pool_take(q->c->params.db, DB_WAIT_MS, &db, q->e);
	if (!err)
		err = key_entry_load(db, q->c->params.map, q->kind, &a, en,
		    q->e);
	if (err == ERR_NOT_FOUND)
		err = load_by_other(q, db, &a, en);
	db_pool_give(q->c->params.db, db);
	arena_fini(&a);
	atomic_store(&q->c->db_retry_ms,
	    is_db_down(err) ? clock_mono_ms() + DB_PAUSE_MS : 0);
	if (err && err != ERR_NOT_FOUND) {
		key_entry_free(en);
		return err;
	}
	*ret = en;
	return err;
}

/* While the database is down one thread a second tries it. */
static bool
db_may_be_asked(struct ask *q)
{
	int64_t retry_ms = atomic_load(&q->c->db_retry_ms);

	return retry_ms == 0 ||
	       (q->mono_ms >= retry_ms &&
		   atomic_compare_exchange_strong(&q->c->db_retry_ms, &retry_ms,
		       q->mono_ms + DB_PAUSE_MS));
}

/* The one answer to whatever can't be let in; the log learns why. */
static enum err
refuse(struct ask *q, const char *why)
{
	return error_set(q->e, ERR_UNAUTHORIZED, "%s", why);
}

/* Copy an entry out, under the lock, if the key may be used now. */
static enum err
admit(struct ask *q, struct key_entry *en)
{
	const struct principal *who = &en->who;
	uint64_t *ids = NULL;
	void *ips = NULL;

	if (en->is_refused)
		return refuse(q, "key, user, project or customer is not "
				 "active, or the key has expired");
	if (who->expires_at_ms && q->now_ms >= who->expires_at_ms)
		return refuse(q, "key has expired");
	if (who->n_models) {
		ids = arena_array(q->a, uint64_t, who->n_models);
		if (!ids)
			return error_arena(q->e, q->a);
		memcpy(ids, who->model_ids, who->n_models * sizeof(*ids));
	}
	if (en->ips_bytes) {
		ips = arena_alloc(q->a, en->ips_bytes);
		if (!ips)
			return error_arena(q->e, q->a);
		memcpy(ips, en->ips, en->ips_bytes);
	}
	en->used_ms = q->now_ms;
	*q->ret = *who;
	q->ret->model_ids = ids;
	if (ips)
		key_entry_ips(ips, who->allowed_ips.n, who->allowed_ips_text.n,
		    q->ret);
	return OK;
}

/* How far an entry can be trusted now. */
enum trust {
	TRUST_NOT,   /* the key changed, or the entry is too old */
	TRUST_STALE, /* only while the database can't be asked */
	TRUST_AGED,  /* also while another thread renews it */
	TRUST_FULLY,
};

static enum trust
entry_trust(const struct ask *q, const struct key_entry *en)
{
	const struct key_cache_params *p = &q->c->params;
	int64_t age_ms = q->mono_ms - en->read_ms;
	uint64_t longest_s = p->stale_max_s > p->cache_s ? p->stale_max_s
							 : p->cache_s;

	if (!key_entry_is_current(p->map, &en->who))
		return TRUST_NOT;
	if (age_ms >= (int64_t)longest_s * 1000)
		return TRUST_NOT;
	if (hostmap_slot_read(p->map, GENERATION_CATALOGUE) != en->catalogue)
		return TRUST_STALE;
	return age_ms < (int64_t)p->cache_s * 1000 ? TRUST_FULLY : TRUST_AGED;
}

static bool
is_in_flight(const struct ask *q)
{
	const struct flight *f = q->shard->flights;

	while (f && memcmp(f->digest, q->digest, KEY_DIGEST_BYTES) != 0)
		f = f->next;
	return f != NULL;
}

/* Under the lock, which is given up meanwhile. */
static enum err
query(struct ask *q)
{
	struct shard *s = q->shard;
	struct flight f = { .next = s->flights, .digest = q->digest };
	struct flight **at = &s->flights;
	struct key_entry *en = NULL;
	enum err err;

	s->flights = &f;
	(void)pthread_mutex_unlock(&s->lock);
	err = load(q, &en);
	(void)pthread_mutex_lock(&s->lock);
	while (*at != &f)
		at = &(*at)->next;
	*at = f.next;
	(void)pthread_cond_broadcast(&s->landed);
	if (err == ERR_NOT_FOUND) {
		key_table_put(&s->unknown, en);
		return refuse(q, "no such key");
	}
	if (err)
		return err;
	key_table_put(&s->known, en);
	return admit(q, en);
}

static bool
wait_for_flight(struct ask *q, int64_t until_ms)
{
	struct timespec until = {
		.tv_sec = (time_t)(until_ms / 1000),
		.tv_nsec = (long)(until_ms % 1000) * 1000000,
	};

	return pthread_cond_timedwait(&q->shard->landed, &q->shard->lock,
		   &until) != ETIMEDOUT;
}

static bool
is_known_to_be_unknown(struct ask *q)
{
	struct key_entry *en = key_table_find(&q->shard->unknown, q->digest);

	if (!en || q->mono_ms - en->read_ms >= UNKNOWN_S * 1000)
		return false;
	en->is_recent = true;
	atomic_fetch_add_explicit(&q->c->n_negative, 1, memory_order_relaxed);
	return true;
}

/* The database is down, or its answer did not come. */
static enum err
use_stale(struct ask *q, enum err otherwise)
{
	struct key_entry *en = key_table_find(&q->shard->known, q->digest);

	if (!en)
		return otherwise;
	if (entry_trust(q, en) == TRUST_NOT)
		return error_prefix(q->e, "what is known of the key is out of "
					  "date");
	atomic_fetch_add_explicit(&q->c->n_stale, 1, memory_order_relaxed);
	return admit(q, en);
}

/* Under the shard's lock. */
static enum err
answer(struct ask *q)
{
	int64_t give_up_ms = q->mono_ms + FLIGHT_WAIT_MS;

	for (;;) {
		struct key_entry *en = key_table_find(&q->shard->known,
		    q->digest);
		enum trust trust = en ? entry_trust(q, en) : TRUST_NOT;
		enum err err;

		if (trust == TRUST_FULLY ||
		    (trust == TRUST_AGED && is_in_flight(q))) {
			en->is_recent = true;
			atomic_fetch_add_explicit(&q->c->n_hits, 1,
			    memory_order_relaxed);
			return admit(q, en);
		}
		if (!en && is_known_to_be_unknown(q))
			return refuse(q, "no such key");
		if (is_in_flight(q)) {
			if (!wait_for_flight(q, give_up_ms))
				return error_set(q->e, ERR_OVERLOADED,
				    "another thread's look-up takes too long");
			q->mono_ms = clock_mono_ms();
			continue;
		}
		/* Known keys are renewed whoever else fails at the address. */
		if (!en && q->guard && !q->guard->may_ask(q->guard->ctx))
			return error_set(q->e, ERR_RATE_LIMITED,
			    "too many wrong keys of this client address");
		if (!db_may_be_asked(q))
			return use_stale(q,
			    error_set(q->e, ERR_DB_DOWN,
				"the key is not known here and the database "
				"is down"));
		err = query(q);
		if (err == OK || err == ERR_UNAUTHORIZED)
			return err;
		return use_stale(q, err);
	}
}

static enum err
ask_run(struct ask *q)
{
	enum err err;

	q->shard = &q->c->shards[q->digest[0] % N_SHARDS];
	q->mono_ms = clock_mono_ms();
	(void)pthread_mutex_lock(&q->shard->lock);
	err = answer(q);
	(void)pthread_mutex_unlock(&q->shard->lock);
	return err;
}

enum err
key_authenticate(struct key_cache *c, struct str text,
    const struct key_guard *guard, int64_t now_ms, struct arena *a,
    struct principal *ret, struct error *e)
{
	struct ask q = {
		.c = c,
		.text = text,
		.guard = guard,
		.now_ms = now_ms,
		.a = a,
		.ret = ret,
		.e = e,
	};

	if (!key_text_parse(text, &q.kind, NULL)) {
		atomic_fetch_add_explicit(&c->n_malformed, 1,
		    memory_order_relaxed);
		return refuse(&q, "not the text of a key");
	}
	key_text_digest(c->params.pepper, text, q.digest);
	return ask_run(&q);
}

enum err
key_by_digest(struct key_cache *c, const uint8_t digest[KEY_DIGEST_BYTES],
    int64_t now_ms, struct arena *a, struct principal *ret, struct error *e)
{
	struct ask q = {
		.c = c,
		.kind = KEY_CUSTOMER,
		.now_ms = now_ms,
		.a = a,
		.ret = ret,
		.e = e,
	};

	memcpy(q.digest, digest, KEY_DIGEST_BYTES);
	return ask_run(&q);
}

enum err
key_check_again(struct key_cache *c, struct principal *p, int64_t now_ms,
    struct arena *a, struct error *e)
{
	static const uint8_t none[KEY_DIGEST_BYTES];
	uint8_t other_digest[KEY_DIGEST_BYTES]; /* *p is written to */
	struct ask q = {
		.c = c,
		.now_ms = now_ms,
		.a = a,
		.ret = p,
		.e = e,
		.kind = p->kind == PRINCIPAL_OPERATOR ? KEY_OPERATOR
						      : KEY_CUSTOMER,
		.other_digest = other_digest,
	};

	if (p->kind != PRINCIPAL_KEY && p->kind != PRINCIPAL_OPERATOR)
		return OK;
	if (p->expires_at_ms && now_ms >= p->expires_at_ms)
		return refuse(&q, "key has expired");
	if (key_entry_is_current(c->params.map, p))
		return OK;
	memcpy(q.digest, p->key_digest, KEY_DIGEST_BYTES);
	memcpy(other_digest, p->key_other_digest, KEY_DIGEST_BYTES);
	if (memcmp(other_digest, none, KEY_DIGEST_BYTES) == 0)
		q.other_digest = NULL;
	return ask_run(&q);
}

/* Uses within one minute are one use. */
static bool
take_use(struct key_entry *en, enum key_kind kind, struct key_use *ret)
{
	const struct principal *who = &en->who;

	if (en->used_ms / MINUTE_MS == en->taken_ms / MINUTE_MS ||
	    (who->kind == PRINCIPAL_OPERATOR) != (kind == KEY_OPERATOR))
		return false;
	en->taken_ms = en->used_ms;
	*ret = (struct key_use){ kind == KEY_OPERATOR ? who->operator_key_id
						      : who->api_key_id,
		en->used_ms };
	return true;
}

size_t
key_cache_take_uses(struct key_cache *c, enum key_kind kind,
    struct key_use *ret, size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i < N_SHARDS; i++) {
		struct shard *s = &c->shards[i];

		(void)pthread_mutex_lock(&s->lock);
		for (size_t k = 0; k < s->known.n && n < cap; k++)
			n += take_use(s->known.ring[k], kind, &ret[n]);
		(void)pthread_mutex_unlock(&s->lock);
	}
	return n;
}

void
key_cache_settle_uses(struct key_cache *c, bool is_written)
{
	for (size_t i = 0; i < N_SHARDS; i++) {
		struct shard *s = &c->shards[i];

		(void)pthread_mutex_lock(&s->lock);
		for (size_t k = 0; k < s->known.n; k++) {
			struct key_entry *en = s->known.ring[k];

			if (is_written)
				en->told_ms = en->taken_ms;
			else
				en->taken_ms = en->told_ms;
		}
		(void)pthread_mutex_unlock(&s->lock);
	}
}

void
key_cache_stats(const struct key_cache *c, struct key_cache_stats *ret)
{
	*ret = (struct key_cache_stats){
		.n_hits = atomic_load(&c->n_hits),
		.n_queries = atomic_load(&c->n_queries),
		.n_stale = atomic_load(&c->n_stale),
		.n_negative_hits = atomic_load(&c->n_negative),
		.n_malformed = atomic_load(&c->n_malformed),
	};
}
