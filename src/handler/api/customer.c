/* SPDX-License-Identifier: MIT */
/* POST /customers: make a customer with its owner. */
#include "domain/customer.h"

#include "base/clock.h"
#include "base/money.h"
#include "ext/json.h"
#include "handler/api/api.h"
#include "store/customer.h"
#include "store/db_pool.h"

#define JSON_DEPTH      4
#define DB_WAIT_MS      2000
#define MARKUP_NONE_PPM 1000000

static enum err
read_body(const struct request *rq, struct customer *c, struct error *e)
{
	static const char *const names[] = { "name", "email", "company" };
	const struct json *body;
	enum err rc = json_parse_object(rq->arena, rq->body, JSON_DEPTH, &body,
	    e);

	if (!rc)
		rc = json_only(body, names, ARRAY_LEN(names), e);
	if (!rc)
		rc = json_get_str(body, "name", 1, CUSTOMER_NAME_BYTES,
		    &c->name, e);
	if (!rc)
		rc = json_get_str(body, "email", 1, CUSTOMER_EMAIL_BYTES,
		    &c->email, e);
	if (!rc && json_has(body, "company"))
		rc = json_get_str(body, "company", 0, CUSTOMER_NAME_BYTES,
		    &c->company, e);
	if (!rc && c->company.n == 0)
		c->company = (struct str){ NULL, 0 };
	return rc ? rc : customer_check(c, e);
}

/* Insert, then read back what the database made of it. */
static enum err
create(struct app *app, struct arena *a, struct customer *c, struct error *e)
{
	struct db *db;
	uint64_t customer_id, owner_id;
	enum err rc = db_pool_take(app->shared->db, DB_WAIT_MS, &db, e);

	if (rc)
		return rc;
	rc = store_customer_insert(db, c, &customer_id, &owner_id, e);
	if (rc == ERR_CONFLICT)
		rc = error_public(e, ERR_CONFLICT, "email",
		    "There is a customer or user with that e-mail already.");
	if (!rc)
		rc = store_customer_by_id(db, customer_id, a, c, e);
	db_pool_give(app->shared->db, db);
	return rc;
}

enum err
api_customer_create(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	struct customer c = {
		.rate_limit_per_minute = -1,
		.rate_limit_per_hour = -1,
		.markup_ppm = MARKUP_NONE_PPM,
		.is_active = true,
	};
	struct json_out j;
	enum err rc = read_body(rq, &c, e);

	if (!rc)
		rc = create(app, rq->arena, &c, e);
	if (rc)
		return rc;
	response_json_begin(rs, &j);
	json_out_object(&j);
	json_out_member_u64(&j, "id", c.customer_id);
	json_out_member_str(&j, "name", c.name);
	json_out_member_str(&j, "email", c.email);
	json_out_key(&j, "company");
	if (c.company.p)
		json_out_str(&j, c.company);
	else
		json_out_null(&j);
	json_out_member_time(&j, "created_at", c.created_at_ms);
	json_out_object_end(&j);
	return response_json(rs, 201, &j, e);
}
