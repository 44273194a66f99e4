/* SPDX-License-Identifier: MIT */
/*
 * Codes by time (RFC 6238) as phones show them: SHA-1, six digits, a new one
 * every 30 s. By liboath; the only module that knows it.
 */
#ifndef TG_EXT_TOTP_H
#define TG_EXT_TOTP_H

#include "base/err.h"
#include "base/secret.h"
#include "base/str.h"

#define TOTP_SECRET_BYTES 20 /* as RFC 4226, 4 recommends */
#define TOTP_DIGITS       6
#define TOTP_STEP_S       30
#define TOTP_TEXT_BYTES   33 /* the secret in base32, NUL included */

/** The secret as people type it, in base32. */
void totp_text(const uint8_t secret[TOTP_SECRET_BYTES],
    char ret[TOTP_TEXT_BYTES]);
/**
 * The step whose code it is: now's, the one before or the one after.
 * Compares in time that does not depend on where they differ.
 * @code  as it was typed, spaces left out
 * Errors: ERR_NOT_FOUND none of theirs; ERR_NO_MEMORY.
 */
enum err totp_find(const uint8_t secret[TOTP_SECRET_BYTES], struct str code,
    int64_t now_s, uint64_t *ret_step, struct error *e) ATTR_MUST_CHECK;
/** The code of one step. Errors: ERR_NO_MEMORY. */
enum err totp_code(const uint8_t secret[TOTP_SECRET_BYTES], uint64_t step,
    char ret[TOTP_DIGITS + 1], struct error *e) ATTR_MUST_CHECK;

#endif
