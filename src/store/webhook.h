/* SPDX-License-Identifier: MIT */
/* Table webhook_secrets: what signs a customer's webhook, sealed. */
#ifndef TG_STORE_WEBHOOK_H
#define TG_STORE_WEBHOOK_H

#include "store/db.h"

#define WEBHOOK_SECRETS_MAX 2 /* of one customer at a time */

struct webhook_secret {
	uint64_t webhook_secret_id; /* read only */
	uint64_t customer_id;
	struct str sealed;
	int64_t expires_at_ms; /* 0: in force until it is replaced */
};

/** Those in force, the newest first; at most WEBHOOK_SECRETS_MAX. */
enum err store_webhook_secrets(struct db *db, uint64_t customer_id,
    struct arena *a, struct webhook_secret **ret, size_t *ret_n,
    struct error *e) ATTR_MUST_CHECK;
/**
 * Another one; the one before is in force for grace_s more, and what was
 * before that one is forgotten. In a transaction.
 */
enum err store_webhook_secret_rotate(struct db *db, uint64_t customer_id,
    struct str sealed, uint64_t seal_key_id, uint64_t grace_s,
    struct error *e) ATTR_MUST_CHECK;
/** All of all customers, for sealing them anew: up to limit above after_id. */
enum err store_webhook_secret_list(struct db *db, uint64_t after_id,
    uint64_t limit, struct arena *a, struct webhook_secret **ret, size_t *ret_n,
    struct error *e) ATTR_MUST_CHECK;
enum err store_webhook_secret_reseal(struct db *db, uint64_t webhook_secret_id,
    struct str sealed, uint64_t seal_key_id, struct error *e) ATTR_MUST_CHECK;

#endif
