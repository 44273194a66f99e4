/* SPDX-License-Identifier: MIT */
/*
 * Usage that happened elsewhere, recorded at once: rows, rollups, ledger, one
 * row of the audit log and what an Idempotency-Key was answered in one
 * transaction. Cost is that of
 * the price in force when it happened; without one it is unknown, never 0.
 */
#ifndef TG_DOMAIN_USAGE_ADD_H
#define TG_DOMAIN_USAGE_ADD_H

#include "domain/resource.h"
#include "domain/usage_event.h"
#include "store/idempotency.h"
#include "store/usage_page.h"

#define USAGE_ADD_MAX 1000 /* events at once */

struct usage_add {
	const struct usage_event *events;
	size_t n; /* 1..USAGE_ADD_MAX */
	/* Writes the answer, inside the transaction. */
	enum err (*render)(const struct usage_view *rows, size_t n, void *arg,
	    struct arena *a, struct str *ret, struct error *e);
	void *arg;
	/* All but the answer of what an Idempotency-Key is; NULL: there is
	 * none. */
	const struct idempotency *idempotency;
	bool is_replay; /* out: nothing was done, the answer is the first one */
	struct idempotency first; /* out: of that */
	struct str answer;        /* out; in the arena */
};

/**
 * Record the events as the manager's: its tenant's, or anybody's.
 * Errors: ERR_NOT_FOUND naming an id that is not there, or is another
 *         customer's; ERR_BAD_PARAM; ERR_IDEMPOTENCY_KEY it was used with
 *         another body; ERR_MONEY_RANGE; the database's.
 */
enum err usage_add(const struct manager *m, struct usage_add *u,
    struct arena *a, struct error *e) ATTR_MUST_CHECK;

#endif
