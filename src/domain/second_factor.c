/* SPDX-License-Identifier: MIT */
#include "domain/second_factor.h"

#include <stdio.h>
#include <string.h>

#include "ext/crypto.h"

#define CODE_CHARS_MAX 32
#define SEALED_BYTES   (TOTP_SECRET_BYTES + CRYPTO_SEAL_OVERHEAD)

/* What the sealed bytes are bound to. */
struct place {
	char text[64];
};

static struct place
place_of(uint64_t user_id)
{
	struct place p;

	(void)snprintf(p.text, sizeof(p.text), "second_factors.secret:%llu",
	    (unsigned long long)user_id); /* fits */
	return p;
}

static enum err
seal_secret(const struct crypto_key *seal, uint64_t user_id,
    const uint8_t secret[TOTP_SECRET_BYTES], uint8_t ret[SEALED_BYTES],
    uint64_t *ret_key_id, struct error *e)
{
	struct place place = place_of(user_id);

	if (!seal)
		return error_set(e, ERR_CONFIG, "seal.key is not set");
	crypto_seal(seal, str_from(place.text),
	    (struct secret){ secret, TOTP_SECRET_BYTES }, ret);
	*ret_key_id = crypto_key_id(seal) ? crypto_key_id(seal) : 1;
	return OK;
}

enum err
factor_load(struct db *db, const struct crypto_key *seal, uint64_t user_id,
    struct arena *a, struct second_factor *ret,
    uint8_t ret_secret[TOTP_SECRET_BYTES], struct error *e)
{
	struct place place = place_of(user_id);
	enum err err = store_factor_by_user(db, user_id, a, ret, e);

	if (err)
		return err;
	if (!seal)
		return error_set(e, ERR_CONFIG, "seal.key is not set");
	if (ret->sealed.n != SEALED_BYTES)
		return error_set(e, ERR_CORRUPT, "sealed second factor");
	return crypto_open(seal, str_from(place.text), ret->sealed, ret_secret,
	    e);
}

enum err
factor_begin(struct db *db, const struct crypto_key *seal, uint64_t user_id,
    struct arena *a, struct error *e)
{
	uint8_t secret[TOTP_SECRET_BYTES], sealed[SEALED_BYTES];
	struct second_factor f = { .is_confirmed = false };
	uint64_t key_id;
	enum err err = store_factor_by_user(db, user_id, a, &f, e);

	if (err && err != ERR_NOT_FOUND)
		return err;
	error_clear(e);
	if (!err && f.is_confirmed)
		return error_public(e, ERR_CONFLICT, NULL,
		    "There is a second factor already.");
	crypto_random(secret, sizeof(secret));
	err = seal_secret(seal, user_id, secret, sealed, &key_id, e);
	secret_wipe(secret, sizeof(secret));
	return err ? err
		   : store_factor_put(db, user_id,
			 str_make((const char *)sealed, sizeof(sealed)), key_id,
			 e);
}

/* ---- codes ---- */

static enum err
wrong_code(struct error *e)
{
	return error_public(e, ERR_BAD_PARAM, "code",
	    "That code is not right, or was used before.");
}

/* In small letters, without what only helps reading. */
static struct str
plain_code(struct str typed, char ret[CODE_CHARS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < typed.n && n < CODE_CHARS_MAX; i++) {
		char c = typed.p[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (c != ' ' && c != '-')
			ret[n++] = c;
	}
	return str_make(ret, n);
}

static void
recovery_digest(const struct crypto_key *pepper, uint64_t user_id,
    struct str code, uint8_t ret[CRYPTO_DIGEST_BYTES])
{
	char text[32 + CODE_CHARS_MAX];
	int n = snprintf(text, sizeof(text),
	    "recovery:%llu:", (unsigned long long)user_id); /* fits */

	memcpy(text + n, code.p, code.n);
	crypto_digest(pepper, text, (size_t)n + code.n, ret);
	secret_wipe(text, sizeof(text));
}

static enum err
take_step(struct db *db, const uint8_t secret[TOTP_SECRET_BYTES],
    uint64_t user_id, struct str code, int64_t now_ms, struct error *e)
{
	uint64_t step;
	enum err err = totp_find(secret, code, now_ms / 1000, &step, e);

	if (!err)
		err = store_factor_take_step(db, user_id, step, e);
	if (err != ERR_NOT_FOUND && err != ERR_CONFLICT)
		return err;
	error_clear(e);
	return wrong_code(e);
}

/* While the pepper rotates it may be by the other one. */
static enum err
take_recovery(struct db *db, const struct crypto_key *pepper, uint64_t user_id,
    struct str plain, struct error *e)
{
	const struct crypto_key *other = crypto_key_other(pepper);
	uint8_t digest[CRYPTO_DIGEST_BYTES];
	enum err err;

	recovery_digest(pepper, user_id, plain, digest);
	err = store_recovery_take(db, user_id, digest, e);
	if (err != ERR_NOT_FOUND || !other)
		return err;
	error_clear(e);
	recovery_digest(other, user_id, plain, digest);
	return store_recovery_take(db, user_id, digest, e);
}

enum err
factor_take(struct db *db, const struct crypto_key *pepper,
    const struct crypto_key *seal, uint64_t user_id, struct str code,
    int64_t now_ms, struct arena *a, struct error *e)
{
	uint8_t secret[TOTP_SECRET_BYTES];
	char text[CODE_CHARS_MAX];
	struct str plain = plain_code(code, text);
	struct second_factor f;
	enum err err = factor_load(db, seal, user_id, a, &f, secret, e);

	if (!err && !f.is_confirmed)
		err = error_set(e, ERR_NOT_FOUND, "not confirmed");
	if (!err && plain.n == TOTP_DIGITS) {
		err = take_step(db, secret, user_id, plain, now_ms, e);
	} else if (!err) {
		err = take_recovery(db, pepper, user_id, plain, e);
	}
	secret_wipe(secret, sizeof(secret));
	if (err != ERR_NOT_FOUND)
		return err;
	error_clear(e);
	return wrong_code(e);
}

/* No letters and digits that look alike; 32 of them, 5 bits each. */
static void
draw_code(char ret[FACTOR_RECOVERY_BYTES])
{
	static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";
	uint8_t bytes[FACTOR_RECOVERY_BYTES - 1];

	crypto_random(bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		ret[i] = i == 5 ? '-' : letters[bytes[i] % 32];
	ret[sizeof(bytes)] = '\0';
	secret_wipe(bytes, sizeof(bytes));
}

static enum err
draw_codes(struct db *db, const struct crypto_key *pepper, uint64_t user_id,
    char ret[FACTOR_RECOVERY_CODES][FACTOR_RECOVERY_BYTES], struct error *e)
{
	enum err err = OK;

	for (size_t i = 0; i < FACTOR_RECOVERY_CODES && !err; i++) {
		uint8_t digest[CRYPTO_DIGEST_BYTES];
		char plain[CODE_CHARS_MAX];

		draw_code(ret[i]);
		recovery_digest(pepper, user_id,
		    plain_code(str_from(ret[i]), plain), digest);
		err = store_recovery_insert(db, user_id, digest, e);
	}
	return err;
}

enum err
factor_confirm(struct db *db, const struct crypto_key *pepper,
    const struct crypto_key *seal, uint64_t user_id, struct str code,
    int64_t now_ms, struct arena *a,
    char ret_codes[FACTOR_RECOVERY_CODES][FACTOR_RECOVERY_BYTES],
    struct error *e)
{
	uint8_t secret[TOTP_SECRET_BYTES];
	char text[CODE_CHARS_MAX];
	struct second_factor f;
	enum err err = store_factor_lock(db, user_id, e);

	if (err == ERR_NOT_FOUND)
		return error_public(e, ERR_CONFLICT, NULL,
		    "Begin to set up a second factor first.");
	if (!err)
		err = factor_load(db, seal, user_id, a, &f, secret, e);
	if (!err)
		err = take_step(db, secret, user_id, plain_code(code, text),
		    now_ms, e);
	secret_wipe(secret, sizeof(secret));
	if (!err)
		err = store_factor_confirm(db, user_id, e);
	return err ? err : draw_codes(db, pepper, user_id, ret_codes, e);
}

/* ---- sealing anew ---- */

struct reseal {
	const struct crypto_key *seal;
	struct arena *a;
	uint64_t user_id;
};

static enum err
reseal_txn(struct db *db, void *arg, struct error *e)
{
	const struct reseal *r = arg;
	uint8_t secret[TOTP_SECRET_BYTES], sealed[SEALED_BYTES];
	struct second_factor f;
	uint64_t key_id;
	enum err err = store_factor_lock(db, r->user_id, e);

	if (!err)
		err = factor_load(db, r->seal, r->user_id, r->a, &f, secret, e);
	if (!err)
		err = seal_secret(r->seal, r->user_id, secret, sealed, &key_id,
		    e);
	secret_wipe(secret, sizeof(secret));
	return err ? err
		   : store_factor_reseal(db, r->user_id,
			 str_make((const char *)sealed, sizeof(sealed)), key_id,
			 e);
}

enum err
factor_reseal(struct db *db, const struct crypto_key *seal, uint64_t user_id,
    struct arena *a, struct error *e)
{
	struct reseal r = { .seal = seal, .a = a, .user_id = user_id };

	return db_txn(db, reseal_txn, &r, e);
}
