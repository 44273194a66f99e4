/* SPDX-License-Identifier: MIT */
/* The header Idempotency-Key, and what makes two requests the same. */
#ifndef TG_HANDLER_IDEMPOTENCY_H
#define TG_HANDLER_IDEMPOTENCY_H

#include "handler/handler.h"
#include "store/idempotency.h"

/**
 * Read the header: 1 to 255 visible ASCII characters.
 * @space  what the key is for, a word: keys of one never meet another's
 * @ret    claim, customer_id, body, request_id; nothing of an answer. A claim
 *         belongs to one credential; the body's digest covers route, body and
 *         the headers that change what is done, and is salted by the key.
 * @ret_is_given  false: there is no such header, *ret is not set
 * Errors: ERR_BAD_PARAM "idempotency-key".
 */
enum err idempotency_read(const struct principal *who, const struct request *rq,
    const char *space, struct idempotency *ret, bool *ret_is_given,
    struct error *e) ATTR_MUST_CHECK;

/** Mark an answer as that of an earlier request. */
void idempotency_mark(struct response *rs, const struct idempotency *then);

#endif
