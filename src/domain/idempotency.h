/* SPDX-License-Identifier: MIT */
/*
 * Idempotency-Key on inference. A claim is looked for before a request is
 * admitted, taken before it is forwarded, and then holds the answer for a
 * day, sealed, or goes when there is none. A claim that is neither kept nor
 * released ends at its deadline; the flusher releases those of killed
 * workers before.
 */
#ifndef TG_DOMAIN_IDEMPOTENCY_H
#define TG_DOMAIN_IDEMPOTENCY_H

#include "store/idempotency.h"

struct app;

/* Longer answers are not kept: whoever asks again learns that he was charged,
 * and is not charged again. */
#define IDEMPOTENCY_ANSWER_MAX KIB(256)

/**
 * What the claim's request was answered.
 * @now  claim, customer_id and body of the request at hand
 * @ret  the first one, its answer opened in a
 * Errors: ERR_NOT_FOUND nothing, go on; ERR_IDEMPOTENCY_KEY it was another
 *         request's; ERR_IDEMPOTENCY_BUSY it still runs; ERR_IDEMPOTENCY_GONE
 *         it is not kept; ERR_DB_DOWN it can't be known: nothing may be done.
 */
enum err idempotency_find(struct app *app, const struct idempotency *now,
    struct arena *a, struct idempotency *ret, struct error *e) ATTR_MUST_CHECK;
/**
 * Take the claim for the request that is about to be forwarded.
 * @now  with request_id; status 0, no answer
 * Errors: as idempotency_find(), when another was faster.
 */
enum err idempotency_take(struct app *app, const struct idempotency *now,
    struct arena *a, struct error *e) ATTR_MUST_CHECK;
/**
 * The request was answered and charged: keep that. What fails is logged, and
 * leaves the claim to its deadline.
 * @now  with status, answer (plain) and cost
 */
void idempotency_keep(struct app *app, const struct idempotency *now);
/** It was not answered: a retry is a new request. */
void idempotency_release(struct app *app, const struct idempotency *now);

/** Delete what is older than a day, and claims past their deadline, of all
 * customers. Errors: the database's. */
enum err idempotency_purge(struct db *db, struct error *e) ATTR_MUST_CHECK;

#endif
