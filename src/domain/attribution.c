/* SPDX-License-Identifier: MIT */
/*
 * Sets of a few entries, found by a hash of kind, customer and id; a new
 * entry takes the place of the oldest of its set. The size is fixed, so no
 * client can make it grow.
 */
#include "domain/attribution.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "domain/hostmap.h"
#include "store/db_pool.h"
#include "store/label.h"
#include "store/user.h"

#define N_SETS      2048 /* a power of two */
#define N_WAYS      4
#define N_LOCKS     32
#define UNKNOWN_MS  2000 /* for so long an id stays unknown */
#define DB_WAIT_MS  2000
#define DB_PAUSE_MS 1000 /* between attempts while the database is down */

struct entry {
	uint64_t customer_id; /* 0: empty */
	uint64_t id;
	enum attribution_kind kind;
	bool is_there;
	int64_t read_ms;   /* monotonic, before the query */
	uint64_t slot;     /* generations before the query */
	uint64_t customer; /* a user's rights change with it */
};

struct attribution_cache {
	struct attribution_params params;
	_Atomic uint64_t n_queries;
	_Atomic int64_t db_retry_ms; /* monotonic; 0: the database is up */
	pthread_mutex_t locks[N_LOCKS];
	struct entry sets[N_SETS][N_WAYS];
};

enum err
attribution_cache_new(const struct attribution_params *params,
    struct attribution_cache **ret, struct error *e)
{
	struct attribution_cache *c = calloc(1, sizeof(*c));

	if (!c)
		return error_set(e, ERR_NO_MEMORY, "attributions");
	c->params = *params;
	for (size_t i = 0; i < N_LOCKS; i++)
		(void)pthread_mutex_init(&c->locks[i], NULL); /* can't fail */
	*ret = c;
	return OK;
}

void
attribution_cache_free(struct attribution_cache *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < N_LOCKS; i++)
		(void)pthread_mutex_destroy(&c->locks[i]);
	free(c);
}

uint64_t
attribution_n_queries(const struct attribution_cache *c)
{
	return atomic_load(&c->n_queries);
}

/* Ids are dense, so neighbours must not share a set. */
static size_t
set_of(enum attribution_kind kind, uint64_t customer_id, uint64_t id)
{
	uint64_t h = (customer_id * ATTRIBUTION__N + (uint64_t)kind) *
			 UINT64_C(0x9e3779b97f4a7c15) +
		     id;

	h *= UINT64_C(0xff51afd7ed558ccd); /* wraps on purpose */
	return (size_t)(h >> 32) & (N_SETS - 1);
}

static void
read_generations(const struct attribution_cache *c, struct entry *en)
{
	en->slot = hostmap_slot_read(c->params.map,
	    generation_key_slot(en->id));
	en->customer = hostmap_slot_read(c->params.map,
	    generation_customer_slot(en->customer_id));
}

/* What is known of it; false when nothing is. */
static bool
find(struct attribution_cache *c, size_t set, struct entry *want)
{
	pthread_mutex_t *lock = &c->locks[set % N_LOCKS];
	bool is_found = false;

	(void)pthread_mutex_lock(lock);
	for (size_t i = 0; i < N_WAYS && !is_found; i++) {
		const struct entry *en = &c->sets[set][i];

		is_found = en->customer_id == want->customer_id &&
			   en->id == want->id && en->kind == want->kind;
		if (is_found)
			*want = *en;
	}
	(void)pthread_mutex_unlock(lock);
	return is_found;
}

static void
put(struct attribution_cache *c, size_t set, const struct entry *en)
{
	pthread_mutex_t *lock = &c->locks[set % N_LOCKS];
	struct entry *at;

	(void)pthread_mutex_lock(lock);
	at = &c->sets[set][0];
	for (size_t i = 0; i < N_WAYS; i++) {
		struct entry *one = &c->sets[set][i];

		if (one->customer_id == en->customer_id && one->id == en->id &&
		    one->kind == en->kind) {
			at = one;
			break;
		}
		if (one->read_ms < at->read_ms)
			at = one;
	}
	*at = *en;
	(void)pthread_mutex_unlock(lock);
}

static bool
is_current(const struct attribution_cache *c, const struct entry *en)
{
	struct entry now = { .customer_id = en->customer_id, .id = en->id };

	read_generations(c, &now);
	return now.slot == en->slot && now.customer == en->customer;
}

static enum err
check_user(struct db *db, uint64_t customer_id, uint64_t id, struct error *e)
{
	struct user u;
	struct arena a;
	enum err err;

	arena_init(&a, KIB(16));
	err = store_user_by_id(db, id, &a, &u, e);
	if (!err &&
	    (u.customer_id != customer_id || !u.is_active || u.archived_at_ms))
		err = error_set(e, ERR_NOT_FOUND, "not a user in use");
	arena_fini(&a);
	return err;
}

static enum err
query(struct attribution_cache *c, struct entry *en, struct error *e)
{
	struct db *db = NULL;
	enum err err;

	atomic_fetch_add(&c->n_queries, 1);
	en->read_ms = clock_mono_ms();
	read_generations(c, en);
	err = db_pool_take(c->params.db, DB_WAIT_MS, &db, e);
	if (err == OK && en->kind == ATTRIBUTION_USER)
		err = check_user(db, en->customer_id, en->id, e);
	else if (err == OK)
		err = store_label_check(db,
		    en->kind == ATTRIBUTION_AGENT ? LABEL_AGENT
						  : LABEL_CONNECTOR,
		    en->customer_id, en->id, e);
	db_pool_give(c->params.db, db);
	atomic_store(&c->db_retry_ms,
	    err && err != ERR_NOT_FOUND ? clock_mono_ms() + DB_PAUSE_MS : 0);
	en->is_there = err == OK;
	return err == ERR_NOT_FOUND ? OK : err;
}

/* While the database is down one thread a second tries it. */
static bool
db_may_be_asked(struct attribution_cache *c, int64_t now_ms)
{
	int64_t retry_ms = atomic_load(&c->db_retry_ms);

	return retry_ms == 0 ||
	       (now_ms >= retry_ms &&
		   atomic_compare_exchange_strong(&c->db_retry_ms, &retry_ms,
		       now_ms + DB_PAUSE_MS));
}

static enum err
answer(const struct entry *en, struct error *e)
{
	return en->is_there ? OK : error_set(e, ERR_NOT_FOUND, "no such id");
}

enum err
attribution_check(struct attribution_cache *c, enum attribution_kind kind,
    uint64_t customer_id, uint64_t id, struct error *e)
{
	size_t set = set_of(kind, customer_id, id);
	struct entry known = { .kind = kind,
		.customer_id = customer_id,
		.id = id };
	struct entry fresh = known;
	int64_t now_ms = clock_mono_ms();
	bool is_known = find(c, set, &known);
	int64_t age_ms = now_ms - known.read_ms;
	int64_t good_ms = known.is_there ? (int64_t)c->params.cache_s * 1000
					 : UNKNOWN_MS;
	enum err err;

	if (is_known && !is_current(c, &known))
		is_known = false;
	if (is_known && age_ms < good_ms)
		return answer(&known, e);
	if (db_may_be_asked(c, now_ms))
		err = query(c, &fresh, e);
	else
		err = error_set(e, ERR_DB_DOWN, "the database is down");
	if (err == OK) {
		put(c, set, &fresh);
		return answer(&fresh, e);
	}
	/* What was there is believed as long as a key is. */
	if (is_known && known.is_there &&
	    age_ms < (int64_t)c->params.stale_max_s * 1000)
		return OK;
	return err;
}
