/* SPDX-License-Identifier: MIT */
/* Slabs, for holding (budget_book.c) and giving back (budget_tidy.c). */
#ifndef TG_DOMAIN_BUDGET_BOOK_PRIV_H
#define TG_DOMAIN_BUDGET_BOOK_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "domain/budget_book.h"
#include "store/budget.h"

#define N_SLABS 16384 /* a power of two: budgets in use at once */
#define N_LOCKS 64

/* A lease. What is free is only changed by exchanges, so threads need no
 * lock; the lock of its place is held while the database is asked. */
struct budget_slab {
	_Atomic uint64_t id;        /* budget << 32 | day; 0: vacant */
	_Atomic int64_t free_pusd;  /* leased and not held */
	_Atomic int32_t users;      /* requests that refer to it */
	_Atomic int64_t used_ms;    /* monotonic */
	_Atomic int64_t need_pusd;  /* of the request it was leased for */
	_Atomic int64_t share_pusd; /* so much may stay here unused, */
	_Atomic int64_t idle_ms;    /* and so long */
	/* Under the lock: a change of the lease that may have been made
	 * (budget_doubt.c). No other is made until that is known. */
	_Atomic uint64_t doubt_no; /* 0: none */
	int64_t doubt_pusd;        /* leased; less than 0: given back */
	/* Under the lock: what the database said no to. */
	int64_t denied_until_ms; /* monotonic */
	int64_t denied_pusd;     /* less than this may be had */
	int64_t amount_pusd, spent_pusd;
	bool is_told; /* so was the customer; until it grants something */
	/* Under the lock: that it said nothing. Whoever waits for the lock
	 * must not wait for the database, too, one after the other. */
	int64_t down_until_ms; /* monotonic */
	enum err down;
};

struct budget_book {
	struct budget_book_params p;
	pthread_mutex_t claim;
	pthread_mutex_t locks[N_LOCKS];
	_Atomic uint64_t n_changes; /* of leases: gives their numbers */
	int64_t look_ms;            /* budget_book_tidy()'s: monotonic */
	_Atomic uint32_t n_used;    /* places below were used at some time */
	uint32_t used[N_SLABS];
	struct budget_slab slabs[N_SLABS];
};

static inline uint64_t
budget_slab_id(uint64_t budget_id, int64_t start_ms)
{
	return budget_id << 32 | (uint64_t)(start_ms / DAY_MS);
}

static inline struct budget_span
budget_slab_span(const struct budget_slab *s)
{
	uint64_t id = atomic_load(&s->id);

	return (struct budget_span){ .budget_id = id >> 32,
		.start_ms = (int64_t)(id & UINT32_MAX) * DAY_MS };
}

static inline pthread_mutex_t *
budget_slab_lock(struct budget_book *b, const struct budget_slab *s)
{
	return &b->locks[(size_t)(s - b->slabs) % N_LOCKS];
}

/** Refer to the slab if it is that budget's; then budget_slab_unrefer(). */
bool budget_slab_refer(struct budget_slab *s, uint64_t id);
void budget_slab_unrefer(struct budget_slab *s);
/** The same for the budget's slab; NULL: it has none. */
struct budget_slab *budget_slab_find(struct budget_book *b, uint64_t id);

/** Take want, or nothing. */
bool budget_slab_take(struct budget_slab *s, int64_t want_pusd);
void budget_slab_give(struct budget_slab *s, int64_t pusd);
/** Say what may stay unused here, when so much is neither spent nor leased. */
void budget_slab_share(struct budget_slab *s, int64_t left_pusd);

/* With the slab's lock held: */
/** That change was uncertain. */
void budget_slab_doubt(struct budget_slab *s, uint64_t change_no, int64_t pusd);
/** Find out about it, if there is one; what is ours becomes free.
 * Errors: the database's; it is still in doubt then. */
enum err budget_slab_resolve(struct budget_book *b, struct db *db,
    struct budget_slab *s, struct error *e) ATTR_MUST_CHECK;

#endif
