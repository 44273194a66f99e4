/* SPDX-License-Identifier: MIT */
#include "ext/totp.h"

#include <liboath/oath.h>

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/* RFC 4648, 6: five bits a letter; 20 bytes are 32 letters without padding. */
void
totp_text(const uint8_t secret[TOTP_SECRET_BYTES], char ret[TOTP_TEXT_BYTES])
{
	for (size_t i = 0; i < TOTP_TEXT_BYTES - 1; i++) {
		size_t bit = 5 * i, at = bit / 8;
		unsigned two = (unsigned)secret[at] << 8;

		if (at + 1 < TOTP_SECRET_BYTES)
			two |= secret[at + 1];
		ret[i] = letters[two >> (11 - bit % 8) & 31];
	}
	ret[TOTP_TEXT_BYTES - 1] = '\0';
}

enum err
totp_code(const uint8_t secret[TOTP_SECRET_BYTES], uint64_t step,
    char ret[TOTP_DIGITS + 1], struct error *e)
{
	/* A copy: liboath takes what it may write to, and writes nothing. */
	char key[TOTP_SECRET_BYTES];
	int rc;

	for (size_t i = 0; i < TOTP_SECRET_BYTES; i++)
		key[i] = (char)secret[i];
	rc = oath_hotp_generate(key, sizeof(key), step, TOTP_DIGITS, false,
	    OATH_HOTP_DYNAMIC_TRUNCATION, ret);
	secret_wipe(key, sizeof(key));
	return rc == OATH_OK ? OK
			     : error_set(e, ERR_NO_MEMORY, "liboath: %s",
				   oath_strerror_name(rc));
}

enum err
totp_find(const uint8_t secret[TOTP_SECRET_BYTES], struct str code,
    int64_t now_s, uint64_t *ret_step, struct error *e)
{
	uint64_t now = (uint64_t)now_s / TOTP_STEP_S, found = 0;
	char right[TOTP_DIGITS + 1];

	if (code.n != TOTP_DIGITS)
		return error_set(e, ERR_NOT_FOUND, "no code by its length");
	for (uint64_t step = now ? now - 1 : 0; step <= now + 1; step++) {
		enum err err = totp_code(secret, step, right, e);

		if (err)
			return err;
		if (secret_eq(right, code.p, TOTP_DIGITS))
			found = step;
	}
	secret_wipe(right, sizeof(right));
	if (!found)
		return error_set(e, ERR_NOT_FOUND, "no code of this time");
	*ret_step = found;
	return OK;
}
