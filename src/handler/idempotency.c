/* SPDX-License-Identifier: MIT */
#include "handler/idempotency.h"

#include <string.h>

#include "base/money.h"
#include "domain/principal.h"
#include "ext/crypto.h"

#define KEY_BYTES_MAX   255
#define CLAIM_BYTES_MAX 320

/* Headers that say on whom a request is booked, or what is forwarded. */
static const char *const part_headers[] = { "x-tollgate-user-id",
	"x-tollgate-agent-id", "x-tollgate-connector-id", "anthropic-version",
	"anthropic-beta" };

/* digest := digest of itself and the part's digest. */
static void
fold(uint8_t digest[IDEMPOTENCY_DIGEST_BYTES], struct str part)
{
	uint8_t both[2 * IDEMPOTENCY_DIGEST_BYTES];

	if (!part.p)
		part = S("");
	memcpy(both, digest, IDEMPOTENCY_DIGEST_BYTES);
	crypto_checksum(part.p, part.n, both + IDEMPOTENCY_DIGEST_BYTES,
	    IDEMPOTENCY_DIGEST_BYTES);
	crypto_checksum(both, sizeof(both), digest, IDEMPOTENCY_DIGEST_BYTES);
}

enum err
idempotency_read(const struct principal *who, const struct request *rq,
    const char *space, struct idempotency *ret, bool *ret_is_given,
    struct error *e)
{
	struct str key = request_header(rq, "idempotency-key");
	char text[CLAIM_BYTES_MAX];
	struct buf b;

	*ret_is_given = key.p != NULL;
	if (!key.p)
		return OK;
	for (size_t i = 0; i < key.n; i++)
		if (key.p[i] <= 0x20 || key.p[i] > 0x7e)
			key.n = 0;
	if (key.n == 0 || key.n > KEY_BYTES_MAX)
		return error_public(e, ERR_BAD_PARAM, "idempotency-key",
		    "Idempotency-Key must be 1 to %d visible ASCII characters.",
		    KEY_BYTES_MAX);
	*ret = (struct idempotency){
		.customer_id = who->customer_id,
		.request_id = rq->id,
		.cost_pusd = DB_MONEY_NULL,
	};
	buf_init_fixed(&b, text, sizeof(text));
	buf_addf(&b, "%u %llu %llu %s ", who->kind,
	    (unsigned long long)who->operator_key_id,
	    (unsigned long long)who->api_key_id, space);
	buf_add(&b, key);
	ASSERT(!b.sticky);
	crypto_checksum(b.p, b.n, ret->claim, sizeof(ret->claim));
	/* From the key's text on, which is kept nowhere: who has the database
	 * can't find out a body by trying. */
	crypto_checksum(key.p, key.n, ret->body, sizeof(ret->body));
	fold(ret->body, rq->route);
	fold(ret->body, rq->body);
	for (size_t i = 0; i < ARRAY_LEN(part_headers); i++)
		fold(ret->body, request_header(rq, part_headers[i]));
	return OK;
}

void
idempotency_mark(struct response *rs, const struct idempotency *then)
{
	char id[UUID7_TEXT_BYTES], cost[MONEY_TEXT_BYTES];

	uuid7_format(&then->request_id, id);
	response_header(rs, "idempotency-replayed", S("true"));
	response_header(rs, "x-tollgate-original-request-id", str_from(id));
	if (then->cost_pusd == DB_MONEY_NULL)
		return;
	money_to_text(then->cost_pusd, cost);
	response_header(rs, "x-tollgate-cost", str_from(cost));
}
