/* SPDX-License-Identifier: MIT */
/*
 * Hard budgets and balances, as a worker process spends them. It leases a
 * slab of a budget's period in the database, under the id of its journal's
 * series, and holds parts of it for requests that run: no SQL, lock or
 * allocation while a slab suffices. What was spent leaves the lease when the
 * flusher books it; what is left when the process ends, however that
 * happens, is given back when its series is closed.
 *
 * Slabs get smaller as what is left does, down to what one request needs, and
 * unused ones go back; so the last cent can be spent by whoever asks for it.
 */
#ifndef TG_DOMAIN_BUDGET_BOOK_H
#define TG_DOMAIN_BUDGET_BOOK_H

#include "domain/principal.h"

struct budget_book;
struct budget_slab;
struct db_pool;

struct budget_book_params {
	struct db_pool *db;
	uint8_t series[16]; /* of this process's journal */
};
/* Memory: malloc; budget_book_free() when no request is under way. */
enum err budget_book_new(const struct budget_book_params *params,
    struct budget_book **ret, struct error *e) ATTR_MUST_CHECK;
void budget_book_free(struct budget_book *b);

/* What one request holds, of each hard budget that it counts for. */
struct budget_hold {
	unsigned n; /* 0: it counts for none */
	int64_t held_pusd;
	/* Private. */
	struct budget_slab *slab[BUDGET_PER_KEY];
};

struct budget_ask {
	const struct principal *who;
	int64_t start_ms; /* wall clock: which periods */
	int64_t min_pusd; /* less is of no use */
	int64_t want_pusd;
};

/**
 * Hold what a request wants in each of its hard budgets, or the most that all
 * of them have, if that is min_pusd at least.
 * Errors: ERR_BALANCE, ERR_QUOTA: with e->quota; the database's when a slab
 *         does not suffice and it can't be asked. Nothing is held then.
 * Waits:  for the database, when a slab does not suffice; one thread asks for
 *         a slab at a time.
 */
enum err budget_hold_take(struct budget_book *b, const struct budget_ask *ask,
    struct budget_hold *ret, struct error *e) ATTR_MUST_CHECK;
/** The request is over: what it does not owe of its hold goes back. Once. */
void budget_hold_settle(struct budget_hold *h, int64_t owed_pusd);

/** Give back to the database what this process has more of than it needs.
 * Called a few times a second by one background thread. */
void budget_book_tidy(struct budget_book *b, int64_t mono_ms);

#endif
