/* SPDX-License-Identifier: MIT */
/* What makes two requests with an Idempotency-Key the same, for API and command
 * line. */
#ifndef TG_DOMAIN_IDEMPOTENCY_CLAIM_H
#define TG_DOMAIN_IDEMPOTENCY_CLAIM_H

#include "store/idempotency.h"

#define IDEMPOTENCY_WHO_BYTES_MAX 64

/**
 * Begin a claim; its body is folded in afterwards.
 * @who  credential and what the key is for, at most
 *       IDEMPOTENCY_WHO_BYTES_MAX: keys of another never meet these
 * @key  1 to 255 visible ASCII characters
 * @ret  claim and body; nothing else
 * Errors: ERR_BAD_PARAM "idempotency-key".
 */
enum err idempotency_claim(struct str who, struct str key,
    struct idempotency *ret, struct error *e) ATTR_MUST_CHECK;

/** Add a part of what is asked for, in the same order each time; p == NULL is
 * as an empty one. */
void idempotency_fold(struct idempotency *i, struct str part);

#endif
