/* SPDX-License-Identifier: MIT */
/* Keys that are about to expire: their customers are told once. */
#ifndef TG_DOMAIN_KEY_NOTICE_H
#define TG_DOMAIN_KEY_NOTICE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct db;

/**
 * Write a notice for each key that expires within that time and was not told
 * of before; whichever worker of whichever host comes first does it.
 * @tell   called for each that was written now, after its transaction; or
 *         NULL
 * @ret_n  how many
 */
typedef void key_notice_fn(uint64_t api_key_id, uint64_t customer_id,
    int64_t expires_at_ms);
enum err key_notice_expiring(struct db *db, uint64_t within_s,
    key_notice_fn *tell, size_t *ret_n, struct error *e) ATTR_MUST_CHECK;

#endif
