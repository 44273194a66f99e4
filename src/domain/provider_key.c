/* SPDX-License-Identifier: MIT */
#include "domain/provider_key.h"

#include <stdio.h>

#include "ext/crypto.h"
#include "store/provider.h"
#include "upstream/provider.h"

/* What the sealed bytes are bound to. */
struct place {
	char text[64];
};

static struct place
place_of(uint64_t provider_id)
{
	struct place p;

	(void)snprintf(p.text, sizeof(p.text), "providers.api_key:%llu",
	    (unsigned long long)provider_id); /* fits */
	return p;
}

enum err
provider_key_store(struct db *db, const struct crypto_key *seal,
    uint64_t provider_id, struct str key, struct error *e)
{
	uint8_t sealed[PROVIDER_KEY_BYTES + CRYPTO_SEAL_OVERHEAD];
	struct place place = place_of(provider_id);
	enum err err = provider_check_key(key, e);

	if (err)
		return err;
	if (key.n == 0)
		return store_provider_set_key(db, provider_id,
		    (struct str){ NULL, 0 }, 0, e);
	if (!seal)
		return error_set(e, ERR_CONFIG, "seal.key is not set");
	crypto_seal(seal, str_from(place.text),
	    (struct secret){ (const uint8_t *)key.p, key.n }, sealed);
	return store_provider_set_key(db, provider_id,
	    str_make((const char *)sealed, key.n + CRYPTO_SEAL_OVERHEAD),
	    crypto_key_id(seal) ? crypto_key_id(seal) : 1, e);
}

enum err
provider_key_open(struct arena *a, const struct crypto_key *seal,
    uint64_t provider_id, struct str sealed, struct str *ret, struct error *e)
{
	struct place place = place_of(provider_id);
	uint8_t *plain;
	enum err err;

	*ret = (struct str){ NULL, 0 };
	if (!sealed.p)
		return OK;
	if (!seal)
		return error_set(e, ERR_CONFIG, "seal.key is not set");
	if (sealed.n <= CRYPTO_SEAL_OVERHEAD)
		return error_set(e, ERR_CORRUPT, "sealed key is too short");
	plain = arena_alloc(a, sealed.n - CRYPTO_SEAL_OVERHEAD);
	if (!plain)
		return error_arena(e, a);
	err = crypto_open(seal, str_from(place.text), sealed, plain, e);
	if (!err)
		*ret = str_make((const char *)plain,
		    sealed.n - CRYPTO_SEAL_OVERHEAD);
	return err;
}
