/* SPDX-License-Identifier: MIT */
/*
 * Cryptography, by libsodium: digests, password hashes, sealing. The only
 * module that knows <sodium.h>. It decides algorithms and parameters; what is
 * sealed and hashed is the caller's business.
 */
#ifndef TG_EXT_CRYPTO_H
#define TG_EXT_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/conf.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/str.h"

#define CRYPTO_DIGEST_BYTES   32
#define CRYPTO_PASSWORD_BYTES 128 /* text of a hash, NUL included */
#define CRYPTO_SEAL_KEY_BYTES 32
/* What sealing adds: a random nonce of 24 bytes and a tag of 16. */
#define CRYPTO_SEAL_OVERHEAD  40

/** Once per process, before any thread. */
enum err crypto_init(struct error *e) ATTR_MUST_CHECK;

/* A secret key on guarded, locked, read-only pages. */
struct crypto_key;

/**
 * @hex  32..64 bytes as hexadecimal digits
 * Errors: ERR_CONFIG not that; ERR_NO_MEMORY.
 * Memory: sodium_malloc; crypto_key_free().
 */
enum err crypto_key_from_hex(struct str hex, struct crypto_key **ret,
    struct error *e) ATTR_MUST_CHECK;
/**
 * A key that may be rotating: crypto_open() also tries the other one.
 * @other_hex  empty: it is not
 * Errors, memory: as crypto_key_from_hex().
 */
enum err crypto_key_pair(struct str hex, uint64_t id, struct str other_hex,
    struct crypto_key **ret, struct error *e) ATTR_MUST_CHECK;
/** 0: it was made without. */
uint64_t crypto_key_id(const struct crypto_key *k);
/** NULL: there is none. */
const struct crypto_key *crypto_key_other(const struct crypto_key *k);
#define CRYPTO_CHECK_BYTES 16
/** Tells equal keys from different ones, and nothing else. */
void crypto_key_check(const struct crypto_key *k,
    uint8_t ret[CRYPTO_CHECK_BYTES]);
/** Wipes it. NULL is fine. */
void crypto_key_free(struct crypto_key *k);

/* The secrets of the configuration, made once per process. */
struct crypto_keys {
	struct crypto_key *pepper; /* of the digests of API keys */
	struct crypto_key *seal;   /* of what is sealed in the database */
	uint64_t pepper_id;
};

/** Errors: ERR_CONFIG one is missing or short: nothing starts without. */
enum err crypto_keys_load(const struct conf *c, struct crypto_keys *ret,
    struct error *e) ATTR_MUST_CHECK;
void crypto_keys_free(struct crypto_keys *keys);

/** BLAKE2b-256 under a key. */
void crypto_digest(const struct crypto_key *k, const void *p, size_t n,
    uint8_t ret[CRYPTO_DIGEST_BYTES]);
/** BLAKE2b without a key: for checksums and for keys of counters.
 * @ret_n  16..64 */
void crypto_checksum(const void *p, size_t n, uint8_t *ret, size_t ret_n);
void crypto_random(void *p, size_t n);
/** HMAC-SHA256 of the parts one behind the other. */
void crypto_hmac_sha256(struct secret key, const struct str *parts,
    size_t n_parts, uint8_t ret[CRYPTO_DIGEST_BYTES]);

/* Bytes of crypto_base64()'s text of n bytes, its NUL included. */
#define CRYPTO_BASE64_BYTES(n) (((n) + 2) / 3 * 4 + 1)
/** Base64 with padding (RFC 4648, 4). @ret  CRYPTO_BASE64_BYTES(n) bytes */
void crypto_base64(const void *p, size_t n, char *ret);

/**
 * Encrypt and authenticate (XChaCha20-Poly1305).
 * @k    32 bytes
 * @ad   bound to the result, not stored in it: say "providers.api_key:" and
 *       the row's id, so that no row's ciphertext opens in another
 * @ret  plain.n + CRYPTO_SEAL_OVERHEAD bytes
 */
void crypto_seal(const struct crypto_key *k, struct str ad, struct secret plain,
    uint8_t *ret);
/**
 * @ret  sealed.n - CRYPTO_SEAL_OVERHEAD bytes
 * Errors: ERR_CORRUPT another key, another ad, or changed bytes.
 */
enum err crypto_open(const struct crypto_key *k, struct str ad,
    struct str sealed, uint8_t *ret, struct error *e) ATTR_MUST_CHECK;

/* Argon2id, at most so many at once, as each holds 64 MiB. */
struct crypto_hasher;

/* Memory: malloc; crypto_hasher_free(). Hashes one dummy password. */
enum err crypto_hasher_new(unsigned concurrent, struct crypto_hasher **ret,
    struct error *e) ATTR_MUST_CHECK;
void crypto_hasher_free(struct crypto_hasher *h);

/** Errors: ERR_NO_MEMORY; ERR_OVERLOADED no turn within 5 s. */
enum err crypto_password_hash(struct crypto_hasher *h, struct secret password,
    char ret[CRYPTO_PASSWORD_BYTES], struct error *e) ATTR_MUST_CHECK;
/**
 * Check a password, all of it.
 * @hash       as crypto_password_hash() made it; p == NULL: nobody has it,
 *             the same work is done and *ret_ok is false
 * @ret_stale  it is right, but hashed with parameters of the past: hash it
 *             anew; or NULL
 */
enum err crypto_password_verify(struct crypto_hasher *h, struct str hash,
    struct secret password, bool *ret_ok, bool *ret_stale,
    struct error *e) ATTR_MUST_CHECK;

#endif
