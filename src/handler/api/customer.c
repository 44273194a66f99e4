/* SPDX-License-Identifier: MIT */
/* /customers: operators manage all of them, owners look at their own and
 * name it. */
#include "domain/customer.h"

#include "domain/webhook.h"

#include "base/cidr.h"
#include "base/secret.h"
#include "handler/api/api.h"
#include "handler/api/resource.h"

static const struct param_spec params[] = { LIST_PARAMS,
	FILTER_ASCII("email", CUSTOMER_EMAIL_BYTES),
	FILTER_TEXT("name", CUSTOMER_NAME_BYTES),
	FILTER_TEXT("company", CUSTOMER_NAME_BYTES),
	FILTER_ENUM("state", "active|suspended|closed"),
	FILTER_TIME("created_from"), FILTER_TIME("created_to") };

static enum err
page(const struct manager *m, const struct param_value *v, uint64_t after,
    uint64_t limit, struct arena *a, void **ret_rows, size_t *ret_n,
    struct error *e)
{
	const struct customer_filter f = {
		.email = v[0].text,
		.name = v[1].text,
		.company = v[2].text,
		.state = v[3].is_set ? v[3].u64 + 1 : 0,
		.created_from_ms = v[4].time_ms,
		.created_to_ms = v[5].time_ms,
	};
	struct customer *customers = NULL;
	struct customer_row *rows = NULL;
	enum err err = store_customer_page(m->db, m->tenant, &f, after, limit,
	    a, &customers, ret_n, e);

	if (!err)
		err = customer_rows(m->db, customers, *ret_n, m->now_ms, a,
		    &rows, e);
	*ret_rows = rows;
	return err;
}

static const struct listing listing = { .params = params,
	.n_params = ARRAY_LEN(params),
	.page = page,
	.id_off = offsetof(struct customer_row, c.customer_id) };

enum err
api_customer_list(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	return resource_list(app, rq, rs, customer_resource.record, &listing,
	    e);
}

enum err
api_customer_show(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	return resource_show(app, rq, rs, &customer_resource, e);
}

/* These members and no others: whoever makes a customer compares. */
static enum err
respond_created(const struct customer *c, struct response *rs, struct error *e)
{
	struct json_out j;

	response_json_begin(rs, &j);
	json_out_object(&j);
	json_out_member_u64(&j, "id", c->customer_id);
	json_out_member_str(&j, "name", c->name);
	json_out_member_str(&j, "email", c->email);
	if (c->company.p)
		json_out_member_str(&j, "company", c->company);
	else
		json_out_member_null(&j, "company");
	json_out_member_time(&j, "created_at", c->created_at_ms);
	json_out_object_end(&j);
	return response_json(rs, 201, &j, e);
}

enum err
api_customer_create(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	struct customer_row row = { .c = {
					.markup_ppm = MARKUP_NONE_PPM,
					.low_balance_ppm =
					    CUSTOMER_LOW_BALANCE_PPM,
					.is_active = true,
				    } };
	enum err err = resource_make(app, rq, &customer_resource, &row, e);

	return err ? err : respond_created(&row.c, rs, e);
}

enum err
api_customer_change(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	struct cidr_list networks;
	struct resource_body body;
	struct customer_row row;
	struct manager m;
	uint64_t id;
	enum err err = resource_id(&customer_resource, rq, &id, e);

	if (!err)
		err = cidr_list_parse(rq->arena,
		    str_from(conf_text(app->conf, CONF_WEBHOOKS_NETWORKS)),
		    &networks, e);
	if (!err)
		err = manager_begin(app, rq, &m, e);
	if (err)
		return err;
	m.extra = &networks;
	err = resource_body_parse(rq, &m, RECORD_SET, &body, e);
	if (!err)
		err = resource_change(&customer_resource, &m, id,
		    resource_body_read, &body, rq->arena, &row, e);
	manager_end(app, &m);
	return err ? err
		   : resource_respond(&customer_resource, &m, &row, rs, 200, e);
}

/* ---- the webhook's secret ---- */

static enum err
respond_secret(const struct customer_row *row, const char *text,
    struct response *rs, struct error *e)
{
	struct json_out j;

	response_header(rs, "cache-control", S("no-store"));
	response_json_begin(rs, &j);
	json_out_object(&j);
	json_out_member_u64(&j, "id", row->c.customer_id);
	json_out_member_str(&j, "webhook_secret", str_from(text));
	json_out_object_end(&j);
	return response_json(rs, 200, &j, e);
}

enum err
api_webhook_rotate(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	char text[WEBHOOK_SECRET_TEXT_BYTES] = "";
	struct customer_row row;
	uint64_t id, grace_s;
	struct manager m;
	enum err err = resource_id(&customer_resource, rq, &id, e);

	if (!err)
		err = resource_read_grace(rq, WEBHOOK_GRACE_MAX_S, &grace_s, e);
	if (!err)
		err = manager_begin(app, rq, &m, e);
	if (err)
		return err;
	err = webhook_rotate(&m, app->shared->seal, id, grace_s, text,
	    rq->arena, &row, e);
	manager_end(app, &m);
	if (!err)
		err = respond_secret(&row, text, rs, e);
	secret_wipe(text, sizeof(text));
	return err;
}

enum err
api_customer_archive(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	return resource_delete(app, rq, rs, &customer_resource, e);
}
