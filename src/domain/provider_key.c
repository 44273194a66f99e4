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

/* Room for any of them; view gives what was sealed. */
struct sealed_key {
	uint8_t bytes[PROVIDER_KEY_BYTES + CRYPTO_SEAL_OVERHEAD];
	struct str view;
	uint64_t key_id;
};

/* key: of 1 to PROVIDER_KEY_BYTES bytes. */
static enum err
seal_for(const struct crypto_key *seal, uint64_t provider_id, struct str key,
    struct sealed_key *ret, struct error *e)
{
	struct place place = place_of(provider_id);

	if (!seal)
		return error_set(e, ERR_CONFIG, "seal.key is not set");
	crypto_seal(seal, str_from(place.text),
	    (struct secret){ (const uint8_t *)key.p, key.n }, ret->bytes);
	ret->view = str_make((const char *)ret->bytes,
	    key.n + CRYPTO_SEAL_OVERHEAD);
	ret->key_id = crypto_key_id(seal) ? crypto_key_id(seal) : 1;
	return OK;
}

enum err
provider_key_store(struct db *db, const struct crypto_key *seal,
    uint64_t provider_id, struct str key, struct error *e)
{
	struct sealed_key sealed = { .key_id = 0 };
	enum err err = provider_check_key(key, e);

	if (!err && key.n)
		err = seal_for(seal, provider_id, key, &sealed, e);
	return err ? err
		   : store_provider_set_key(db, provider_id, sealed.view,
			 sealed.key_id, e);
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

struct reseal {
	const struct crypto_key *seal;
	struct arena *secrets;
	uint64_t provider_id;
	bool is_sealed;
};

/* What is there when it is locked: a change that came first stays. */
static enum err
reseal_txn(struct db *db, void *arg, struct error *e)
{
	struct reseal *r = arg;
	struct sealed_key sealed;
	struct provider p;
	struct str plain;
	enum err err = store_provider_lock(db, r->provider_id, e);

	if (!err)
		err = store_provider_by_id(db, r->provider_id, r->secrets, &p,
		    e);
	if (err)
		return err;
	r->is_sealed = p.api_key_sealed.p != NULL;
	if (!r->is_sealed)
		return OK;
	err = provider_key_open(r->secrets, r->seal, r->provider_id,
	    p.api_key_sealed, &plain, e);
	if (err)
		return error_prefix(e, "provider %" PRI_STR, STR_ARG(p.name));
	err = seal_for(r->seal, r->provider_id, plain, &sealed, e);
	return err ? err
		   : store_provider_reseal(db, r->provider_id, sealed.view,
			 sealed.key_id, e);
}

enum err
provider_key_reseal(struct db *db, const struct crypto_key *seal,
    uint64_t provider_id, struct arena *secrets, bool *ret_is_sealed,
    struct error *e)
{
	struct reseal r = { .seal = seal,
		.secrets = secrets,
		.provider_id = provider_id };
	enum err err = db_txn(db, reseal_txn, &r, e);

	*ret_is_sealed = r.is_sealed;
	return err;
}
