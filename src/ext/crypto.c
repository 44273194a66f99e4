/* SPDX-License-Identifier: MIT */
#include "ext/crypto.h"

#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "base/hex.h"

#define KEY_BYTES_MIN crypto_generichash_KEYBYTES
#define KEY_BYTES_MAX crypto_generichash_KEYBYTES_MAX
#define NONCE_BYTES   crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES     crypto_aead_xchacha20poly1305_ietf_ABYTES

#define HASH_OPS crypto_pwhash_OPSLIMIT_INTERACTIVE
#define HASH_MEM crypto_pwhash_MEMLIMIT_INTERACTIVE

#define TURN_WAIT_S 5

_Static_assert(CRYPTO_SEAL_OVERHEAD == NONCE_BYTES + TAG_BYTES, "overhead");
_Static_assert(CRYPTO_PASSWORD_BYTES == crypto_pwhash_STRBYTES, "hash text");
_Static_assert(CRYPTO_SEAL_KEY_BYTES ==
		   crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
    "seal key");

struct crypto_key {
	size_t n;
	uint8_t b[KEY_BYTES_MAX];
	uint64_t id;
	struct crypto_key *other; /* while it rotates; owned */
};

struct crypto_hasher {
	sem_t turns;
	char dummy[CRYPTO_PASSWORD_BYTES]; /* nobody's password */
};

enum err
crypto_init(struct error *e)
{
	if (sodium_init() < 0)
		return error_set(e, ERR_INTERNAL, "libsodium can't start");
	return OK;
}

/* What somebody types to get past a start: no drawn key is that. */
static bool
is_one_byte_repeated(const uint8_t *b, size_t n)
{
	size_t i = 1;

	while (i < n && b[i] == b[0])
		i++;
	return i == n;
}

enum err
crypto_key_from_hex(struct str hex, struct crypto_key **ret, struct error *e)
{
	struct crypto_key *k;
	size_t n = hex.n / 2;

	if (n < KEY_BYTES_MIN || n > KEY_BYTES_MAX)
		return error_set(e, ERR_CONFIG,
		    "a secret key must have 64 to 128 hex digits, not %zu",
		    hex.n);
	k = sodium_malloc(sizeof(*k));
	if (!k)
		return error_set(e, ERR_NO_MEMORY, "no locked memory");
	*k = (struct crypto_key){ .n = n };
	if (!hex_decode(hex, k->b, n)) {
		sodium_free(k);
		return error_set(e, ERR_CONFIG,
		    "a secret key must be of hex digits only");
	}
	if (is_one_byte_repeated(k->b, n)) {
		sodium_free(k);
		return error_set(e, ERR_CONFIG,
		    "a secret key must be drawn at random, not one byte again "
		    "and again");
	}
	if (sodium_mprotect_readonly(k) != 0) {
		sodium_free(k);
		return error_set(e, ERR_NO_MEMORY, "can't protect memory");
	}
	*ret = k;
	return OK;
}

enum err
crypto_key_pair(struct str hex, uint64_t id, struct str other_hex,
    struct crypto_key **ret, struct error *e)
{
	struct crypto_key *k = NULL, *other = NULL;
	enum err err = crypto_key_from_hex(hex, &k, e);

	if (err)
		return err;
	if (other_hex.n)
		err = crypto_key_from_hex(other_hex, &other, e);
	if (!err && sodium_mprotect_readwrite(k) != 0)
		err = error_set(e, ERR_NO_MEMORY, "can't unprotect memory");
	if (err) {
		crypto_key_free(other);
		crypto_key_free(k);
		return err;
	}
	k->id = id;
	k->other = other;
	if (sodium_mprotect_readonly(k) != 0) {
		crypto_key_free(k);
		return error_set(e, ERR_NO_MEMORY, "can't protect memory");
	}
	*ret = k;
	return OK;
}

uint64_t
crypto_key_id(const struct crypto_key *k)
{
	return k->id;
}

const struct crypto_key *
crypto_key_other(const struct crypto_key *k)
{
	return k->other;
}

void
crypto_key_check(const struct crypto_key *k, uint8_t ret[CRYPTO_CHECK_BYTES])
{
	static const char purpose[] = "tollgate: are these two keys the same?";
	uint8_t digest[CRYPTO_DIGEST_BYTES];

	crypto_digest(k, purpose, sizeof(purpose), digest);
	memcpy(ret, digest, CRYPTO_CHECK_BYTES);
}

void
crypto_key_free(struct crypto_key *k)
{
	if (k)
		sodium_free(k->other);
	sodium_free(k); /* makes it writable and wipes it */
}

enum err
crypto_keys_load(const struct conf *c, struct crypto_keys *ret, struct error *e)
{
	struct crypto_keys keys = {
		.pepper_id = conf_u64(c, CONF_AUTH_PEPPER_ID),
	};
	enum err err = crypto_key_pair(str_from(conf_text(c, CONF_AUTH_PEPPER)),
	    keys.pepper_id, str_from(conf_text(c, CONF_AUTH_OTHER_PEPPER)),
	    &keys.pepper, e);

	if (err)
		return error_prefix(e,
		    "TOLLGATE_AUTH_PEPPER (see `tollgate config "
		    "--new-secrets`)");
	err = crypto_key_pair(str_from(conf_text(c, CONF_SEAL_KEY)),
	    conf_u64(c, CONF_SEAL_KEY_ID),
	    str_from(conf_text(c, CONF_SEAL_OTHER_KEY)), &keys.seal, e);
	if (err) {
		crypto_key_free(keys.pepper);
		return error_prefix(e,
		    "TOLLGATE_SEAL_KEY (see `tollgate config "
		    "--new-secrets`)");
	}
	*ret = keys;
	return OK;
}

void
crypto_keys_free(struct crypto_keys *keys)
{
	crypto_key_free(keys->pepper);
	crypto_key_free(keys->seal);
	*keys = (struct crypto_keys){ 0 };
}

void
crypto_digest(const struct crypto_key *k, const void *p, size_t n,
    uint8_t ret[CRYPTO_DIGEST_BYTES])
{
	int rc = crypto_generichash(ret, CRYPTO_DIGEST_BYTES, p, n, k->b, k->n);

	ASSERT(rc == 0);
}

void
crypto_checksum(const void *p, size_t n, uint8_t *ret, size_t ret_n)
{
	int rc = crypto_generichash(ret, ret_n, p, n, NULL, 0);

	ASSERT(rc == 0);
}

void
crypto_random(void *p, size_t n)
{
	randombytes_buf(p, n);
}

void
crypto_hmac_sha256(struct secret key, const struct str *parts, size_t n_parts,
    uint8_t ret[CRYPTO_DIGEST_BYTES])
{
	crypto_auth_hmacsha256_state st;

	(void)crypto_auth_hmacsha256_init(&st, key.p, key.n); /* always 0 */
	for (size_t i = 0; i < n_parts; i++)
		(void)crypto_auth_hmacsha256_update(&st,
		    (const uint8_t *)parts[i].p, parts[i].n);
	(void)crypto_auth_hmacsha256_final(&st, ret);
	sodium_memzero(&st, sizeof(st));
}

void
crypto_base64(const void *p, size_t n, char *ret)
{
	const char *text = sodium_bin2base64(ret, CRYPTO_BASE64_BYTES(n), p, n,
	    sodium_base64_VARIANT_ORIGINAL);

	ASSERT(text); /* it fits */
}

void
crypto_seal(const struct crypto_key *k, struct str ad, struct secret plain,
    uint8_t *ret)
{
	unsigned long long n_out = 0;
	int rc;

	ASSERT(k->n == CRYPTO_SEAL_KEY_BYTES);
	randombytes_buf(ret, NONCE_BYTES);
	rc = crypto_aead_xchacha20poly1305_ietf_encrypt(ret + NONCE_BYTES,
	    &n_out, plain.p, plain.n, (const uint8_t *)ad.p, ad.n, NULL, ret,
	    k->b);
	ASSERT(rc == 0 && n_out == plain.n + TAG_BYTES);
}

static enum err
open_by(const struct crypto_key *k, struct str ad, struct str sealed,
    uint8_t *ret, struct error *e)
{
	const uint8_t *p = (const uint8_t *)sealed.p;
	int rc;

	ASSERT(k->n == CRYPTO_SEAL_KEY_BYTES);
	if (sealed.n < CRYPTO_SEAL_OVERHEAD)
		return error_set(e, ERR_CORRUPT, "sealed text is too short");
	rc = crypto_aead_xchacha20poly1305_ietf_decrypt(ret, NULL, NULL,
	    p + NONCE_BYTES, sealed.n - NONCE_BYTES, (const uint8_t *)ad.p,
	    ad.n, p, k->b);
	if (rc != 0)
		return error_set(e, ERR_CORRUPT,
		    "sealed text does not open: another key, another row, or "
		    "damage");
	return OK;
}

enum err
crypto_open(const struct crypto_key *k, struct str ad, struct str sealed,
    uint8_t *ret, struct error *e)
{
	enum err err = open_by(k, ad, sealed, ret, e);

	return err && k->other ? open_by(k->other, ad, sealed, ret, e) : err;
}

static enum err
hash_now(struct secret password, char ret[CRYPTO_PASSWORD_BYTES],
    struct error *e)
{
	char text[CRYPTO_PASSWORD_BYTES];

	if (crypto_pwhash_str(text, (const char *)password.p, password.n,
		HASH_OPS, HASH_MEM) != 0)
		return error_set(e, ERR_NO_MEMORY,
		    "no memory to hash a password");
	memcpy(ret, text, sizeof(text));
	return OK;
}

enum err
crypto_hasher_new(unsigned concurrent, struct crypto_hasher **ret,
    struct error *e)
{
	struct crypto_hasher *h = calloc(1, sizeof(*h));
	uint8_t nobodys[32];
	enum err err;

	if (!h)
		return error_set(e, ERR_NO_MEMORY, "no memory");
	randombytes_buf(nobodys, sizeof(nobodys));
	err = hash_now((struct secret){ nobodys, sizeof(nobodys) }, h->dummy,
	    e);
	if (err) {
		free(h);
		return err;
	}
	(void)sem_init(&h->turns, 0, concurrent); /* fails on bad values only */
	*ret = h;
	return OK;
}

void
crypto_hasher_free(struct crypto_hasher *h)
{
	if (!h)
		return;
	(void)sem_destroy(&h->turns);
	free(h);
}

static enum err
turn_take(struct crypto_hasher *h, struct error *e)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_REALTIME, &until); /* cannot fail */
	until.tv_sec += TURN_WAIT_S;
	while (sem_timedwait(&h->turns, &until) != 0) {
		if (errno != EINTR)
			return error_set(e, ERR_OVERLOADED,
			    "too many password checks at once");
	}
	return OK;
}

enum err
crypto_password_hash(struct crypto_hasher *h, struct secret password,
    char ret[CRYPTO_PASSWORD_BYTES], struct error *e)
{
	enum err err = turn_take(h, e);

	if (err)
		return err;
	err = hash_now(password, ret, e);
	(void)sem_post(&h->turns); /* fails on overflow only */
	return err;
}

enum err
crypto_password_verify(struct crypto_hasher *h, struct str hash,
    struct secret password, bool *ret_ok, bool *ret_stale, struct error *e)
{
	/* The library reads the whole field, so it must be zero behind. */
	char text[CRYPTO_PASSWORD_BYTES] = "";
	bool is_known = hash.p && hash.n > 0 && hash.n < sizeof(text);
	enum err err = turn_take(h, e);
	bool is_right;
	int saved;

	if (err)
		return err;
	if (is_known)
		memcpy(text, hash.p, hash.n);
	else
		memcpy(text, h->dummy, sizeof(text));
	errno = 0;
	is_right = crypto_pwhash_str_verify(text, (const char *)password.p,
		       password.n) == 0;
	saved = errno;
	(void)sem_post(&h->turns); /* fails on overflow only */
	/* EINVAL is a mismatch; anything else says nothing about it. */
	if (!is_right && saved != EINVAL)
		return error_set(e, ERR_INTERNAL,
		    "a password can't be checked: no memory, or no hash");
	*ret_ok = is_right && is_known;
	if (ret_stale)
		*ret_stale = *ret_ok && crypto_pwhash_str_needs_rehash(text,
					    HASH_OPS, HASH_MEM) != 0;
	return OK;
}
