/* SPDX-License-Identifier: MIT */
/* /customers/{id}/credits: what a customer paid in, or is given. */
#include "domain/credit.h"

#include "domain/customer.h"
#include "handler/api/api.h"
#include "handler/api/resource.h"
#include "store/ledger.h"

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

/* Between the caller's braces. */
static void
write_credit(const struct credit *c, struct json_out *j)
{
	json_out_member_u64(j, "id", c->transfer_id);
	json_out_member_u64(j, "customer_id", c->customer_id);
	json_out_member_usd(j, "amount_usd", c->amount_pusd);
	json_out_member_str(j, "reference", c->reference);
	json_out_member_time(j, "created_at", c->created_at_ms);
}

static enum err
respond(struct response *rs, const struct credit *c, struct error *e)
{
	struct json_out j;

	response_header(rs, "cache-control", S("no-store"));
	response_json_begin(rs, &j);
	json_out_object(&j);
	write_credit(c, &j);
	json_out_member_usd(&j, "balance_usd", c->balance_pusd);
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

/* ---- list ---- */

static const struct param_spec params[] = { LIST_PARAMS };

static enum err
respond_list(struct response *rs, const struct list_page *page,
    uint64_t customer_id, const struct ledger_credit *v, size_t n,
    struct error *e)
{
	size_t n_shown = n > page->limit ? (size_t)page->limit : n;
	struct json_out j;

	list_begin(rs, &j);
	for (size_t i = 0; i < n_shown; i++) {
		const struct credit c = { .customer_id = customer_id,
			.transfer_id = v[i].transfer_id,
			.amount_pusd = v[i].amount_pusd,
			.reference = credit_reference(v[i].cause),
			.created_at_ms = v[i].created_at_ms };

		json_out_object(&j);
		write_credit(&c, &j);
		json_out_object_end(&j);
	}
	json_out_array_end(&j);
	list_page_end(page, n > n_shown ? v[n_shown - 1].transfer_id : 0, &j);
	json_out_object_end(&j);
	return response_json(rs, 200, &j, e);
}

enum err
api_credit_list(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct param_value v[ARRAY_LEN(params)];
	struct ledger_credit *credits = NULL;
	struct customer_row customer;
	struct list_page page;
	struct manager m;
	uint64_t id;
	size_t n = 0;
	enum err err = resource_id(&customer_resource, rq, &id, e);

	if (!err)
		err = param_parse(rq->arena, params, ARRAY_LEN(params),
		    rq->query, v, e);
	if (!err)
		err = list_page_read(rq, params, v, ARRAY_LEN(params), &page,
		    e);
	if (!err)
		err = manager_begin(app, rq, &m, e);
	if (err)
		return err;
	/* Somebody else's is not there. */
	err = resource_load(&customer_resource, &m, id, rq->arena, &customer,
	    e);
	/* One more tells whether there is a next page. */
	if (!err)
		err = store_ledger_credits(m.db, id, page.after, page.limit + 1,
		    rq->arena, &credits, &n, e);
	manager_end(app, &m);
	return err ? err : respond_list(rs, &page, id, credits, n, e);
}
