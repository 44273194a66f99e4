/* SPDX-License-Identifier: MIT */
/*
 * Table idempotency_keys: what a request with an Idempotency-Key was
 * answered, so that the same one gets the same answer and does nothing again.
 * Usage is recorded and remembered in one transaction. Inference takes its
 * claim before it is forwarded and keeps the answer in it afterwards;
 * meanwhile it has a deadline. Forgotten after a day.
 */
#ifndef TG_STORE_IDEMPOTENCY_H
#define TG_STORE_IDEMPOTENCY_H

#include "base/uuid7.h"
#include "store/db.h"

#define IDEMPOTENCY_DIGEST_BYTES 32
#define IDEMPOTENCY_KEEP_S       86400

struct idempotency {
	uint8_t claim[IDEMPOTENCY_DIGEST_BYTES]; /* who, and which key */
	uint64_t customer_id;                    /* 0: an operator */
	uint8_t body[IDEMPOTENCY_DIGEST_BYTES];  /* what was sent */
	struct uuid7 request_id;                 /* the first one's */
	uint64_t status;                         /* 0: it still runs */
	struct str answer; /* p == NULL: none, or not kept */
	int64_t cost_pusd; /* DB_MONEY_NULL: not said */
};

/**
 * What the claim was answered; in a transaction kept from others to its end.
 * Errors: ERR_NOT_FOUND nothing yet, or too long ago. Memory: answer in a.
 */
enum err store_idempotency_find(struct db *db,
    const uint8_t claim[IDEMPOTENCY_DIGEST_BYTES], uint64_t customer_id,
    struct arena *a, struct idempotency *ret, struct error *e) ATTR_MUST_CHECK;
/**
 * @keep_s  IDEMPOTENCY_KEEP_S; of one that still runs, up to its deadline
 * Errors: ERR_CONFLICT somebody else has just taken or answered the claim.
 */
enum err store_idempotency_insert(struct db *db, const struct idempotency *i,
    uint64_t keep_s, struct error *e) ATTR_MUST_CHECK;
/** The claim's request is answered: i's status, answer, cost.
 * @ret_is_ours  false: it was past its deadline and taken by another */
enum err store_idempotency_keep(struct db *db, const struct idempotency *i,
    bool *ret_is_ours, struct error *e) ATTR_MUST_CHECK;
/** The request ended without an answer to keep. No claim is no error. */
enum err store_idempotency_release(struct db *db, uint64_t customer_id,
    const struct uuid7 *request_id, struct error *e) ATTR_MUST_CHECK;
/** Remove up to limit answers and claims that are too old.
 * @ret_n  how many went; or NULL */
enum err store_idempotency_purge(struct db *db, uint64_t limit, uint64_t *ret_n,
    struct error *e) ATTR_MUST_CHECK;

#endif
