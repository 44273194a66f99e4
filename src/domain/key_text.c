/* SPDX-License-Identifier: MIT */
/* The text of keys: drawing, shape, checksum, digest. */
#include <string.h>

#include "base/crc32.h"
#include "base/rng.h"
#include "base/secret.h"
#include "domain/key.h"

static const char base62[] =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static const struct str prefixes[] = {
	[KEY_CUSTOMER] = STR_INIT("tg_"),
	[KEY_OPERATOR] = STR_INIT("tga_"),
};

/* Behind the prefix. */
#define BODY_CHARS \
 (KEY_PUBLIC_ID_BYTES + 1 + KEY_SECRET_CHARS + KEY_CHECKSUM_CHARS)

_Static_assert(KEY_TEXT_BYTES == sizeof("tga_") + BODY_CHARS, "longest key");

static bool
is_base62(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
			(c >= 'a' && c <= 'z')))
			return false;
	}
	return true;
}

static void
checksum_write(struct str s, char ret[KEY_CHECKSUM_CHARS])
{
	uint32_t crc = crc32_ieee(s.p, s.n);

	for (size_t i = KEY_CHECKSUM_CHARS; i-- > 0; crc /= 62)
		ret[i] = base62[crc % 62];
}

void
key_public_id_of(const struct crypto_key *pepper, struct str what,
    char ret[KEY_PUBLIC_ID_BYTES])
{
	uint8_t digest[CRYPTO_DIGEST_BYTES];

	_Static_assert(3 * KEY_PUBLIC_ID_BYTES <= CRYPTO_DIGEST_BYTES, "bytes");
	crypto_digest(pepper, what.p, what.n, digest);
	for (size_t i = 0; i < KEY_PUBLIC_ID_BYTES; i++) {
		const uint8_t *d = digest + 3 * i;

		ret[i] = base62[(d[0] | d[1] << 8 | d[2] << 16) % 62];
	}
}

void
key_text_generate(enum key_kind kind, char ret[KEY_TEXT_BYTES])
{
	key_text_generate_as(kind, (struct str){ NULL, 0 }, ret);
}

void
key_text_generate_as(enum key_kind kind, struct str public_id,
    char ret[KEY_TEXT_BYTES])
{
	struct str prefix = prefixes[kind];
	size_t n = prefix.n;

	ASSERT(!public_id.p || public_id.n == KEY_PUBLIC_ID_BYTES);
	memcpy(ret, prefix.p, prefix.n);
	for (size_t i = 0; i < KEY_PUBLIC_ID_BYTES; i++)
		ret[n++] = public_id.p ? public_id.p[i] : base62[rng_below(62)];
	ret[n++] = '_';
	for (size_t i = 0; i < KEY_SECRET_CHARS; i++)
		ret[n++] = base62[rng_below(62)];
	checksum_write(str_make(ret, n), ret + n);
	ret[n + KEY_CHECKSUM_CHARS] = '\0';
}

bool
key_text_parse(struct str text, enum key_kind *ret_kind,
    struct str *ret_public_id)
{
	enum key_kind kind = str_starts(text, prefixes[KEY_OPERATOR])
				 ? KEY_OPERATOR
				 : KEY_CUSTOMER;
	struct str body = str_skip(text, prefixes[kind].n), public_id;
	char checksum[KEY_CHECKSUM_CHARS];

	if (!str_starts(text, prefixes[kind]) || body.n != BODY_CHARS)
		return false;
	public_id = str_make(body.p, KEY_PUBLIC_ID_BYTES);
	if (!is_base62(public_id) || body.p[KEY_PUBLIC_ID_BYTES] != '_' ||
	    !is_base62(str_skip(body, KEY_PUBLIC_ID_BYTES + 1)))
		return false;
	checksum_write(str_make(text.p, text.n - KEY_CHECKSUM_CHARS), checksum);
	if (!secret_eq(checksum, text.p + text.n - KEY_CHECKSUM_CHARS,
		KEY_CHECKSUM_CHARS))
		return false;
	*ret_kind = kind;
	if (ret_public_id)
		*ret_public_id = public_id;
	return true;
}

void
key_text_digest(const struct crypto_key *pepper, struct str text,
    uint8_t ret[KEY_DIGEST_BYTES])
{
	_Static_assert(KEY_DIGEST_BYTES == CRYPTO_DIGEST_BYTES, "column");
	crypto_digest(pepper, text.p, text.n, ret);
}
