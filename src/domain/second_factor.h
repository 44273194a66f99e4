/* SPDX-License-Identifier: MIT */
/*
 * A second factor: codes by time from a phone, and ten codes on paper for
 * when it is lost. Setting one up shows a secret, which counts once a code of
 * it was typed back. Every code is good once.
 */
#ifndef TG_DOMAIN_SECOND_FACTOR_H
#define TG_DOMAIN_SECOND_FACTOR_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "ext/totp.h"
#include "store/second_factor.h"

struct crypto_key;
struct db;

#define FACTOR_RECOVERY_CODES 10
/* Two groups of five letters, a hyphen between, a NUL: 50 bits. */
#define FACTOR_RECOVERY_BYTES 12

/*
 * All but factor_load() belong in the transaction of their audit row.
 */

/**
 * Begin: a new secret, which asks for nothing until it is confirmed.
 * Errors: ERR_CONFLICT there is one that is; ERR_CONFIG no seal.key.
 */
enum err factor_begin(struct db *db, const struct crypto_key *seal,
    uint64_t user_id, struct arena *a, struct error *e) ATTR_MUST_CHECK;
/**
 * Its secret, to be shown while it is set up.
 * @ret_secret  to be wiped
 * Errors: ERR_NOT_FOUND; ERR_CORRUPT, ERR_CONFIG it can't be opened.
 */
enum err factor_load(struct db *db, const struct crypto_key *seal,
    uint64_t user_id, struct arena *a, struct second_factor *ret,
    uint8_t ret_secret[TOTP_SECRET_BYTES], struct error *e) ATTR_MUST_CHECK;
/**
 * Confirm it by its first code.
 * @ret_codes  the recovery codes, of which only digests are kept
 * Errors: ERR_BAD_PARAM "code" wrong; ERR_CONFLICT it is confirmed, or was
 *         never begun.
 */
enum err factor_confirm(struct db *db, const struct crypto_key *pepper,
    const struct crypto_key *seal, uint64_t user_id, struct str code,
    int64_t now_ms, struct arena *a,
    char ret_codes[FACTOR_RECOVERY_CODES][FACTOR_RECOVERY_BYTES],
    struct error *e) ATTR_MUST_CHECK;
/**
 * Use a code up, of either kind, spaces and hyphens left out.
 * Errors: ERR_BAD_PARAM "code" wrong, or used before.
 */
enum err factor_take(struct db *db, const struct crypto_key *pepper,
    const struct crypto_key *seal, uint64_t user_id, struct str code,
    int64_t now_ms, struct arena *a, struct error *e) ATTR_MUST_CHECK;
/**
 * Seal a secret anew, in a transaction of its own.
 * Errors: ERR_NOT_FOUND; as factor_load().
 */
enum err factor_reseal(struct db *db, const struct crypto_key *seal,
    uint64_t user_id, struct arena *a, struct error *e) ATTR_MUST_CHECK;

#endif
