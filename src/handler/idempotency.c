/* SPDX-License-Identifier: MIT */
#include "handler/idempotency.h"

#include "base/money.h"
#include "domain/idempotency_claim.h"
#include "domain/principal.h"

/* Headers that say on whom a request is booked, or what is forwarded. */
static const char *const part_headers[] = { "x-tollgate-user-id",
	"x-tollgate-agent-id", "x-tollgate-connector-id", "anthropic-version",
	"anthropic-beta" };

enum err
idempotency_read(const struct principal *who, const struct request *rq,
    const char *space, struct idempotency *ret, bool *ret_is_given,
    struct error *e)
{
	struct str key = request_header(rq, "idempotency-key");
	char text[IDEMPOTENCY_WHO_BYTES_MAX];
	struct buf b;
	enum err err;

	*ret_is_given = key.p != NULL;
	if (!key.p)
		return OK;
	buf_init_fixed(&b, text, sizeof(text));
	buf_addf(&b, "%u %llu %llu %s", who->kind,
	    (unsigned long long)who->operator_key_id,
	    (unsigned long long)who->api_key_id, space);
	ASSERT(!b.sticky);
	err = idempotency_claim(buf_str(&b), key, ret, e);
	if (err)
		return err;
	ret->customer_id = who->customer_id;
	ret->request_id = rq->id;
	idempotency_fold(ret, rq->route);
	idempotency_fold(ret, rq->body);
	for (size_t i = 0; i < ARRAY_LEN(part_headers); i++)
		idempotency_fold(ret, request_header(rq, part_headers[i]));
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
