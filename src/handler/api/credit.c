/* SPDX-License-Identifier: MIT */
/* POST /customers/{id}/credits: what a customer paid in, or is given. */
#include "domain/credit.h"

#include "domain/customer.h"
#include "handler/api/api.h"
#include "handler/api/resource.h"

static enum err
read_body(const struct request *rq, struct credit *c, struct error *e)
{
	static const char *const names[] = { "amount_usd", "reference" };
	const struct json *body;
	struct str amount;
	enum err err = json_parse_object(rq->arena, rq->body, 2, &body, e);

	if (!err)
		err = json_only(body, names, ARRAY_LEN(names), e);
	if (!err)
		err = json_get_decimal(body, "amount_usd", &amount, e);
	if (!err)
		err = credit_amount_parse(amount, &c->amount_pusd, e);
	if (!err && json_has(body, "reference"))
		err = json_get_str(body, "reference", 1, CREDIT_REFERENCE_BYTES,
		    &c->reference, e);
	return err;
}

static enum err
respond(struct response *rs, const struct credit *c, struct error *e)
{
	struct json_out j;

	response_header(rs, "cache-control", S("no-store"));
	response_json_begin(rs, &j);
	json_out_object(&j);
	json_out_member_u64(&j, "id", c->transfer_id);
	json_out_member_u64(&j, "customer_id", c->customer_id);
	json_out_member_usd(&j, "amount_usd", c->amount_pusd);
	if (c->reference.n)
		json_out_member_str(&j, "reference", c->reference);
	else
		json_out_member_null(&j, "reference");
	json_out_member_usd(&j, "balance_usd", c->balance_pusd);
	json_out_member_time(&j, "created_at", c->created_at_ms);
	json_out_object_end(&j);
	return response_json(rs, c->is_replay ? 200 : 201, &j, e);
}

enum err
api_credit_create(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	struct credit c = { 0 };
	struct manager m;
	enum err err = resource_id(&customer_resource, rq, &c.customer_id, e);

	if (!err)
		err = read_body(rq, &c, e);
	if (!err)
		err = manager_begin(app, rq, &m, e);
	if (err)
		return err;
	err = credit_add(&m, &c, rq->arena, e);
	manager_end(app, &m);
	return err ? err : respond(rs, &c, e);
}
