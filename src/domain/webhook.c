/* SPDX-License-Identifier: MIT */
#include "domain/webhook.h"

#include <stdio.h>

#include "base/secret.h"
#include "store/db.h"

#define SEALED_BYTES (WEBHOOK_KEY_BYTES + CRYPTO_SEAL_OVERHEAD)
#define AT_ONCE      500

/* What the sealed bytes are bound to. */
struct place {
	char text[64];
};

static struct place
place_of(uint64_t customer_id)
{
	struct place p;

	(void)snprintf(p.text, sizeof(p.text), "webhook_secrets.secret:%llu",
	    (unsigned long long)customer_id); /* fits */
	return p;
}

static void
seal_key(const struct crypto_key *seal, uint64_t customer_id,
    const uint8_t key[WEBHOOK_KEY_BYTES], uint8_t ret[SEALED_BYTES])
{
	struct place place = place_of(customer_id);

	crypto_seal(seal, str_from(place.text),
	    (struct secret){ key, WEBHOOK_KEY_BYTES }, ret);
}

static enum err
open_key(const struct crypto_key *seal, const struct webhook_secret *s,
    uint8_t ret[WEBHOOK_KEY_BYTES], struct error *e)
{
	struct place place = place_of(s->customer_id);

	if (s->sealed.n != SEALED_BYTES)
		return error_set(e, ERR_CORRUPT, "a webhook's secret");
	return crypto_open(seal, str_from(place.text), s->sealed, ret, e);
}

static uint64_t
number_of(const struct crypto_key *seal)
{
	return crypto_key_id(seal) ? crypto_key_id(seal) : 1;
}

/* ---- rotating ---- */

struct rotation {
	const struct crypto_key *seal;
	uint64_t grace_s;
	char *text;
};

static enum err
rotate(const struct resource *r, const struct manager *m, struct arena *a,
    const void *row, void *arg, struct error *e)
{
	const struct customer_row *c = row;
	const struct rotation *rot = arg;
	uint8_t key[WEBHOOK_KEY_BYTES], sealed[SEALED_BYTES];

	(void)r;
	(void)a;
	if (c->state == CUSTOMER_CLOSED)
		return error_public(e, ERR_CONFLICT, NULL,
		    "That customer is closed.");
	crypto_random(key, sizeof(key));
	memcpy(rot->text, "whsec_", 6);
	crypto_base64(key, sizeof(key), rot->text + 6);
	seal_key(rot->seal, c->c.customer_id, key, sealed);
	secret_wipe(key, sizeof(key));
	return store_webhook_secret_rotate(m->db, c->c.customer_id,
	    str_make((const char *)sealed, sizeof(sealed)),
	    number_of(rot->seal), rot->grace_s, e);
}

enum err
webhook_rotate(const struct manager *m, const struct crypto_key *seal,
    uint64_t customer_id, uint64_t grace_s,
    char ret_text[WEBHOOK_SECRET_TEXT_BYTES], struct arena *a,
    struct customer_row *ret, struct error *e)
{
	static const struct resource_act act = { "rotate_webhook_secret",
		rotate, true };
	struct rotation arg = { seal, grace_s, ret_text };

	return resource_act(&customer_resource, m, customer_id, &act, &arg, a,
	    ret, e);
}

static enum err
reseal_one(struct db *db, const struct crypto_key *seal,
    const struct webhook_secret *s, struct error *e)
{
	uint8_t key[WEBHOOK_KEY_BYTES], sealed[SEALED_BYTES];
	enum err err = open_key(seal, s, key, e);

	if (err)
		return error_prefix(e, "webhook of customer %llu",
		    (unsigned long long)s->customer_id);
	seal_key(seal, s->customer_id, key, sealed);
	secret_wipe(key, sizeof(key));
	return store_webhook_secret_reseal(db, s->webhook_secret_id,
	    str_make((const char *)sealed, sizeof(sealed)), number_of(seal), e);
}

enum err
webhook_reseal(struct db *db, const struct crypto_key *seal, uint64_t *ret_n,
    struct error *e)
{
	uint64_t after = 0;
	size_t n = AT_ONCE;
	enum err err = OK;

	*ret_n = 0;
	while (!err && n == AT_ONCE) {
		struct webhook_secret *all = NULL;
		struct arena a;

		arena_init(&a, MIB(1));
		err = store_webhook_secret_list(db, after, AT_ONCE, &a, &all,
		    &n, e);
		for (size_t i = 0; i < n && !err; i++) {
			err = reseal_one(db, seal, &all[i], e);
			after = all[i].webhook_secret_id;
			++*ret_n;
		}
		arena_fini(&a);
	}
	return err;
}

/* ---- signing ---- */

enum err
webhook_sign(const struct crypto_key *seal,
    const struct webhook_secret *secrets, size_t n, struct str id,
    int64_t time_s, struct str body, char ret[WEBHOOK_SIGNATURE_BYTES],
    struct error *e)
{
	uint8_t key[WEBHOOK_KEY_BYTES], mac[CRYPTO_DIGEST_BYTES];
	char text[CRYPTO_BASE64_BYTES(CRYPTO_DIGEST_BYTES)], when[24];
	struct str parts[] = { id, S("."), { when, 0 }, S("."), body };
	struct buf b;

	buf_init_fixed(&b, ret, WEBHOOK_SIGNATURE_BYTES - 1);
	buf_add(&b, S("webhook-signature:"));
	parts[2].n = (size_t)snprintf(when, sizeof(when), "%lld",
	    (long long)time_s);
	for (size_t i = 0; i < n; i++) {
		enum err err = open_key(seal, &secrets[i], key, e);

		if (err)
			return err;
		crypto_hmac_sha256((struct secret){ key, sizeof(key) }, parts,
		    ARRAY_LEN(parts), mac);
		secret_wipe(key, sizeof(key));
		crypto_base64(mac, sizeof(mac), text);
		buf_add(&b, S(" v1,"));
		buf_add(&b, str_from(text));
	}
	ret[b.n] = '\0';
	return OK;
}
