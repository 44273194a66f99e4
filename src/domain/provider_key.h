/* SPDX-License-Identifier: MIT */
/* A provider's credential in the database: sealed, and bound to its row. */
#ifndef TG_DOMAIN_PROVIDER_KEY_H
#define TG_DOMAIN_PROVIDER_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct crypto_key;
struct db;

/**
 * Seal key and store it in the provider's row, which exists.
 * @key  empty: the row has none from now on
 * Errors: ERR_BAD_PARAM "api_key"; the database's.
 */
enum err provider_key_store(struct db *db, const struct crypto_key *seal,
    uint64_t provider_id, struct str key, struct error *e) ATTR_MUST_CHECK;

/**
 * Open what a row holds.
 * @ret  in a, which is to be wiped; p == NULL: the row has none
 * Errors: ERR_CONFIG there is no key to open it with; ERR_CORRUPT;
 *         ERR_NO_MEMORY.
 */
enum err provider_key_open(struct arena *a, const struct crypto_key *seal,
    uint64_t provider_id, struct str sealed, struct str *ret,
    struct error *e) ATTR_MUST_CHECK;

/**
 * Seal what a row holds anew, whichever of the two keys sealed it: in a
 * transaction of its own, of what is there when the row is locked.
 * @secrets        to be wiped
 * @ret_is_sealed  false: the row has none
 * Errors: ERR_NOT_FOUND; provider_key_open()'s; the database's.
 */
enum err provider_key_reseal(struct db *db, const struct crypto_key *seal,
    uint64_t provider_id, struct arena *secrets, bool *ret_is_sealed,
    struct error *e) ATTR_MUST_CHECK;

#endif
