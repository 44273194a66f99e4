/* SPDX-License-Identifier: MIT */
#include "domain/idempotency_claim.h"

#include <string.h>

#include "base/buf.h"
#include "ext/crypto.h"

#define KEY_BYTES_MAX   255
#define CLAIM_BYTES_MAX (IDEMPOTENCY_WHO_BYTES_MAX + 1 + KEY_BYTES_MAX)

enum err
idempotency_claim(struct str who, struct str key, struct idempotency *ret,
    struct error *e)
{
	char text[CLAIM_BYTES_MAX];
	struct buf b;

	for (size_t i = 0; i < key.n; i++)
		if (key.p[i] <= 0x20 || key.p[i] > 0x7e)
			key.n = 0;
	if (key.n == 0 || key.n > KEY_BYTES_MAX)
		return error_public(e, ERR_BAD_PARAM, "idempotency-key",
		    "Idempotency-Key must be 1 to %d visible ASCII characters.",
		    KEY_BYTES_MAX);
	*ret = (struct idempotency){ .cost_pusd = DB_MONEY_NULL };
	buf_init_fixed(&b, text, sizeof(text));
	buf_add(&b, who);
	buf_add_char(&b, ' ');
	buf_add(&b, key);
	ASSERT(!b.sticky);
	crypto_checksum(b.p, b.n, ret->claim, sizeof(ret->claim));
	/* From the key's text on, which is kept nowhere: who has the database
	 * can't find out a body by trying. */
	crypto_checksum(key.p, key.n, ret->body, sizeof(ret->body));
	return OK;
}

/* The digest becomes that of itself and the part's digest. */
void
idempotency_fold(struct idempotency *i, struct str part)
{
	uint8_t both[2 * IDEMPOTENCY_DIGEST_BYTES];

	if (!part.p)
		part = S("");
	memcpy(both, i->body, IDEMPOTENCY_DIGEST_BYTES);
	crypto_checksum(part.p, part.n, both + IDEMPOTENCY_DIGEST_BYTES,
	    IDEMPOTENCY_DIGEST_BYTES);
	crypto_checksum(both, sizeof(both), i->body, IDEMPOTENCY_DIGEST_BYTES);
}
