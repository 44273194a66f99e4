/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include <pthread.h>
#include <sys/resource.h>

#include "base/hex.h"
#include "ext/crypto.h"

#define HEX_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define HEX_B "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static struct secret
secret_of(const char *text)
{
	return (struct secret){ (const uint8_t *)text, strlen(text) };
}

static void
crypto_digest__known_vector__is_keyed_blake2b(void **state)
{
	/* Computed by Python's hashlib.blake2b(b"abc", digest_size=32,
	 * key=bytes(range(32))). */
	static const char want[] = "d63a32d3e44738d7907f964316c241ad"
				   "aba0abfeabc32349677578a15a203f7f";
	struct crypto_key *k;
	uint8_t digest[CRYPTO_DIGEST_BYTES];
	char hex[2 * CRYPTO_DIGEST_BYTES + 1];
	struct error e;

	(void)state;
	assert_ok(crypto_key_from_hex(S(HEX_A), &k, &e));

	crypto_digest(k, "abc", 3, digest);

	hex_encode(digest, sizeof(digest), hex);
	assert_string_equal(hex, want);
	crypto_key_free(k);
}

static void
crypto_hmac_sha256__known_vector__is_that_of_the_convention(void **state)
{
	/* The example of the Standard Webhooks specification; the key is what
	 * whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw stands for. */
	const struct str parts[] = { S("msg_p5jXN8AQM9LWM0D4loKWxJek"), S("."),
		S("1614265330"), S("."), S("{\"test\": 2432232314}") };
	uint8_t key[24], mac[CRYPTO_DIGEST_BYTES];
	char text[CRYPTO_BASE64_BYTES(sizeof(mac))];

	(void)state;
	assert_true(
	    hex_decode(S("31f290f6bf06298aab4f08d43c3f082cf648a362da2da4b0"),
		key, sizeof(key)));
	crypto_base64(key, sizeof(key), text);
	assert_string_equal(text, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");

	crypto_hmac_sha256((struct secret){ key, sizeof(key) }, parts,
	    ARRAY_LEN(parts), mac);

	crypto_base64(mac, sizeof(mac), text);
	assert_string_equal(text,
	    "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

static void
crypto_checksum__known_vector__is_blake2b(void **state)
{
	/* RFC 7693, appendix A. */
	static const char want[] =
	    "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
	    "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923";
	uint8_t digest[64];
	char hex[129];

	(void)state;
	crypto_checksum("abc", 3, digest, sizeof(digest));

	hex_encode(digest, sizeof(digest), hex);
	assert_string_equal(hex, want);
}

static void
crypto_key_from_hex__short_or_typed_or_not_hex__is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"00",
		"000102030405060708090a0b0c0d0e0f",
		"zz0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d"
		"1e1f",
		HEX_A "0",
		HEX_A HEX_A HEX_A,
		"0000000000000000000000000000000000000000000000000000000000000"
		"000",
		"a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"
		"5a5",
	};
	struct crypto_key *k = NULL;
	struct error e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(crypto_key_from_hex(str_from(bad[i]), &k, &e),
		    ERR_CONFIG);
	assert_null(k);
}

/* CHECKLIST S13: nothing starts without its secrets. */
static void
crypto_keys_load__a_secret_is_missing__is_refused(void **state)
{
	struct crypto_keys keys;
	struct conf *c;
	struct error e;

	(void)state;
	assert_ok(conf_defaults(&c, &e));
	assert_int_equal(crypto_keys_load(c, &keys, &e), ERR_CONFIG);
	assert_ok(conf_set(c, S("auth.pepper"), S(HEX_A), &e));
	assert_int_equal(crypto_keys_load(c, &keys, &e), ERR_CONFIG);
	assert_ok(conf_set(c, S("seal.key"), S(HEX_B), &e));

	assert_ok(crypto_keys_load(c, &keys, &e));

	crypto_keys_free(&keys);
	conf_free(c);
}

static void
crypto_open__what_was_sealed__gives_the_same_bytes(void **state)
{
	uint8_t sealed[6 + CRYPTO_SEAL_OVERHEAD], again[sizeof(sealed)];
	uint8_t plain[6];
	struct crypto_key *k;
	struct error e;

	(void)state;
	assert_ok(crypto_key_from_hex(S(HEX_A), &k, &e));
	crypto_seal(k, S("row:1"), secret_of("secret"), sealed);
	crypto_seal(k, S("row:1"), secret_of("secret"), again);

	assert_ok(crypto_open(k, S("row:1"),
	    str_make((char *)sealed, sizeof(sealed)), plain, &e));

	assert_memory_equal(plain, "secret", 6);
	assert_memory_not_equal(sealed, again, sizeof(sealed)); /* the nonce */
	crypto_key_free(k);
}

static void
crypto_open__other_row_key_or_bytes__is_corrupt(void **state)
{
	uint8_t sealed[6 + CRYPTO_SEAL_OVERHEAD], plain[sizeof(sealed)];
	struct str s = { (char *)sealed, sizeof(sealed) };
	struct crypto_key *k, *other;
	struct error e;

	(void)state;
	assert_ok(crypto_key_from_hex(S(HEX_A), &k, &e));
	assert_ok(crypto_key_from_hex(S(HEX_B), &other, &e));
	crypto_seal(k, S("row:1"), secret_of("secret"), sealed);

	assert_int_equal(crypto_open(k, S("row:2"), s, plain, &e), ERR_CORRUPT);
	assert_int_equal(crypto_open(other, S("row:1"), s, plain, &e),
	    ERR_CORRUPT);
	for (size_t n = 0; n < s.n; n++)
		assert_int_equal(crypto_open(k, S("row:1"), str_make(s.p, n),
				     plain, &e),
		    ERR_CORRUPT);
	for (size_t i = 0; i < s.n * 8; i++) {
		sealed[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(crypto_open(k, S("row:1"), s, plain, &e),
		    ERR_CORRUPT);
		sealed[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	assert_ok(crypto_open(k, S("row:1"), s, plain, &e));
	crypto_key_free(other);
	crypto_key_free(k);
}

/* S28: at least m = 19 MiB, t = 2, p = 1; long passwords count to the end: of
 * 64 and of a thousand characters, of four bytes each. */
static void
crypto_password_verify__long_password__is_checked_to_its_end(void **state)
{
	static const size_t lengths[] = { 64, 1000 };
	struct crypto_hasher *h;
	char password[4001], hash[CRYPTO_PASSWORD_BYTES];
	bool ok, stale;
	struct error e;

	(void)state;
	assert_ok(crypto_hasher_new(1, &h, &e));
	for (size_t k = 0; k < ARRAY_LEN(lengths); k++) {
		size_t n = 4 * lengths[k];

		for (size_t i = 0; i < n; i += 4)
			memcpy(password + i, "\xf0\x9f\x94\x91", 4);
		password[n] = '\0';
		assert_ok(
		    crypto_password_hash(h, secret_of(password), hash, &e));
		assert_non_null(
		    strstr(hash, "$argon2id$v=19$m=65536,t=2,p=1$"));

		assert_ok(crypto_password_verify(h, str_from(hash),
		    secret_of(password), &ok, &stale, &e));
		assert_true(ok);
		assert_false(stale);
		password[n - 1] = '\x92';
		assert_ok(crypto_password_verify(h, str_from(hash),
		    secret_of(password), &ok, &stale, &e));
		assert_false(ok);
	}
	crypto_hasher_free(h);
}

static void
crypto_password_verify__older_parameters__are_stale(void **state)
{
	/* crypto_pwhash_argon2id_str() with 8 MiB and one pass. */
	static const char old[] =
	    "$argon2id$v=19$m=8192,t=1,p=1$mxjhQ12KTGB/nzprjkbJdw$"
	    "lNnA1Bx+wxYdOJLPXhmrHUw/zJFGo65nDT5RlZGxqYM";
	struct crypto_hasher *h;
	bool ok, stale = false;
	struct error e;

	(void)state;
	assert_ok(crypto_hasher_new(1, &h, &e));
	assert_ok(crypto_password_verify(h, str_from(old),
	    secret_of("password"), &ok, &stale, &e));
	assert_true(ok);
	assert_true(stale);
	crypto_hasher_free(h);
}

static void
crypto_password_verify__nobody__is_false_and_no_error(void **state)
{
	struct crypto_hasher *h;
	struct error e;
	bool ok = true;

	(void)state;
	assert_ok(crypto_hasher_new(1, &h, &e));
	assert_ok(crypto_password_verify(h, (struct str){ NULL, 0 },
	    secret_of("x"), &ok, NULL, &e));
	assert_false(ok);
	ok = true;
	assert_ok(crypto_password_verify(h, S("not a hash"), secret_of("x"),
	    &ok, NULL, &e));
	assert_false(ok);
	crypto_hasher_free(h);
}

/* More threads than turns: each must come through, and no more of them have
 * their 64 MiB at once than there are turns (S28). */
static void *
hash_thread(void *arg)
{
	char hash[CRYPTO_PASSWORD_BYTES];
	struct error e;

	return crypto_password_hash(arg, secret_of("pw"), hash, &e) == OK
		   ? arg
		   : NULL;
}

static long
most_kib(void)
{
	struct rusage u;

	assert_ok(getrusage(RUSAGE_SELF, &u));
	return u.ru_maxrss;
}

static void
crypto_password_hash__more_threads_than_turns__wait_without_its_memory(
    void **state)
{
	struct crypto_hasher *h;
	pthread_t t[8];
	struct error e;
	void *ret;
	long before_kib;

	(void)state;
	assert_ok(crypto_hasher_new(1, &h, &e));
	/* What one needs is there. */
	assert_ptr_equal(hash_thread(h), h);
	before_kib = most_kib();
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		assert_ok(pthread_create(&t[i], NULL, hash_thread, h));
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		assert_ok(pthread_join(t[i], &ret));
		assert_non_null(ret);
	}
	assert_true(most_kib() - before_kib < 32L * 1024);
	crypto_hasher_free(h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crypto_digest__known_vector__is_keyed_blake2b),
		cmocka_unit_test(
		    crypto_hmac_sha256__known_vector__is_that_of_the_convention),
		cmocka_unit_test(crypto_checksum__known_vector__is_blake2b),
		cmocka_unit_test(
		    crypto_key_from_hex__short_or_typed_or_not_hex__is_refused),
		cmocka_unit_test(
		    crypto_keys_load__a_secret_is_missing__is_refused),
		cmocka_unit_test(
		    crypto_open__what_was_sealed__gives_the_same_bytes),
		cmocka_unit_test(
		    crypto_open__other_row_key_or_bytes__is_corrupt),
		cmocka_unit_test(
		    crypto_password_verify__long_password__is_checked_to_its_end),
		cmocka_unit_test(
		    crypto_password_verify__older_parameters__are_stale),
		cmocka_unit_test(
		    crypto_password_verify__nobody__is_false_and_no_error),
		cmocka_unit_test(
		    crypto_password_hash__more_threads_than_turns__wait_without_its_memory),
	};
	struct error e;

	if (crypto_init(&e))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
