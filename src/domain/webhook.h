/* SPDX-License-Identifier: MIT */
/*
 * What a customer's webhook is signed with: secrets of 32 random bytes, shown
 * once, sealed in the database. Signatures are those of the Standard Webhooks
 * convention (standardwebhooks.com), so receivers can use its libraries.
 */
#ifndef TG_DOMAIN_WEBHOOK_H
#define TG_DOMAIN_WEBHOOK_H

#include "domain/customer.h"
#include "ext/crypto.h"
#include "store/webhook.h"

#define WEBHOOK_KEY_BYTES         32
#define WEBHOOK_SECRET_TEXT_BYTES (6 + CRYPTO_BASE64_BYTES(WEBHOOK_KEY_BYTES))
#define WEBHOOK_GRACE_MAX_S       2592000

/**
 * Give a customer another secret; the one before is valid for grace_s more.
 * @m         extra is not read
 * @ret_text  "whsec_…", to be shown once and wiped
 * Errors: resource_act()'s.
 */
enum err webhook_rotate(const struct manager *m, const struct crypto_key *seal,
    uint64_t customer_id, uint64_t grace_s,
    char ret_text[WEBHOOK_SECRET_TEXT_BYTES], struct arena *a,
    struct customer_row *ret, struct error *e) ATTR_MUST_CHECK;

/** Seal all anew with the key in force. @ret_n  how many */
enum err webhook_reseal(struct db *db, const struct crypto_key *seal,
    uint64_t *ret_n, struct error *e) ATTR_MUST_CHECK;

/* "webhook-signature: v1,<base64>", one more for each secret in force. */
#define WEBHOOK_SIGNATURE_BYTES \
 (20 + WEBHOOK_SECRETS_MAX * (4 + CRYPTO_BASE64_BYTES(CRYPTO_DIGEST_BYTES)))

/**
 * The header line that signs a message.
 * @secrets  of the customer, sealed; at least one
 * @id       as in webhook-id
 * @time_s   as in webhook-timestamp
 * Errors: ERR_CORRUPT a secret does not open.
 */
enum err webhook_sign(const struct crypto_key *seal,
    const struct webhook_secret *secrets, size_t n, struct str id,
    int64_t time_s, struct str body, char ret[WEBHOOK_SIGNATURE_BYTES],
    struct error *e) ATTR_MUST_CHECK;

#endif
