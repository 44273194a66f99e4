/* SPDX-License-Identifier: MIT */
/*
 * Table idempotency_keys: what a request was answered, so that the same one
 * gets the same answer and does nothing again. Written in the transaction of
 * what the request did; forgotten after a day.
 */
#ifndef TG_STORE_IDEMPOTENCY_H
#define TG_STORE_IDEMPOTENCY_H

#include "store/db.h"

#define IDEMPOTENCY_DIGEST_BYTES 32
#define IDEMPOTENCY_KEEP_S       86400

struct idempotency {
	uint8_t claim[IDEMPOTENCY_DIGEST_BYTES]; /* who, where, which key */
	uint8_t body[IDEMPOTENCY_DIGEST_BYTES];  /* what was sent */
	uint64_t status;
	struct str answer;
};

/**
 * What the claim was answered; kept from others until the transaction ends.
 * Errors: ERR_NOT_FOUND nothing yet, or too long ago. Memory: answer in a.
 */
enum err store_idempotency_find(struct db *db,
    const uint8_t claim[IDEMPOTENCY_DIGEST_BYTES], struct arena *a,
    struct idempotency *ret, struct error *e) ATTR_MUST_CHECK;
/** Errors: ERR_CONFLICT another transaction has just answered the claim. */
enum err store_idempotency_insert(struct db *db, const struct idempotency *i,
    struct error *e) ATTR_MUST_CHECK;
/** Remove up to limit answers that are too old. */
enum err store_idempotency_purge(struct db *db, uint64_t limit,
    struct error *e) ATTR_MUST_CHECK;

#endif
