/* SPDX-License-Identifier: MIT */
/* Customers, as they are managed. */
#include "domain/customer.h"

#include "domain/webhook_url.h"

#define AT(m) offsetof(struct customer_row, m)
/* clang-format off */
static const struct record_member members[] = {
	{ .name = "id", .kind = RECORD_ID, .off = AT(c.customer_id) },
	{ .name = "name", .kind = RECORD_TEXT, .off = AT(c.name),
	  .flags = RECORD_NEW | RECORD_NEEDED | RECORD_SET, .min = 1, .max = CUSTOMER_NAME_BYTES },
	{ .name = "email", .kind = RECORD_TEXT, .off = AT(c.email),
	  .flags = RECORD_NEW | RECORD_NEEDED, .min = 1, .max = CUSTOMER_EMAIL_BYTES },
	{ .name = "company", .kind = RECORD_TEXT, .off = AT(c.company),
	  .flags = RECORD_NEW | RECORD_SET | RECORD_NULL, .max = CUSTOMER_NAME_BYTES },
	{ .name = "state", .kind = RECORD_ENUM, .off = AT(state),
	  .flags = RECORD_SET | RECORD_OPERATOR, .names = customer_state_names, .n_names = CUSTOMER_STATE__N },
	{ .name = "rate_limits", .kind = RECORD_LIMITS, .off = AT(c.limits),
	  .flags = RECORD_SET | RECORD_OPERATOR | RECORD_NULL },
	{ .name = "markup", .kind = RECORD_PPM, .off = AT(c.markup_ppm),
	  .flags = RECORD_SET | RECORD_OPERATOR | RECORD_HIDDEN, .max = CUSTOMER_MARKUP_MAX_PPM },
	{ .name = "webhook_url", .kind = RECORD_TEXT, .off = AT(c.webhook_url),
	  .flags = RECORD_SET | RECORD_NULL, .min = 1, .max = WEBHOOK_URL_BYTES },
	{ .name = "has_webhook_secret", .kind = RECORD_BOOL, .off = AT(c.has_webhook_secret) },
	{ .name = "created_at", .kind = RECORD_TIME, .off = AT(c.created_at_ms) },
	{ .name = "closed_at", .kind = RECORD_TIME, .off = AT(c.archived_at_ms) },
};
/* clang-format on */

static const struct record_type record = { "customer", "customer", "customer",
	members, ARRAY_LEN(members), sizeof(struct customer_row) };

static enum err
lock(const struct resource *r, struct db *db, uint64_t tenant, uint64_t id,
    struct error *e)
{
	(void)r;
	return store_customer_lock(db, tenant, id, e);
}

static enum err
load(const struct resource *r, struct db *db, uint64_t tenant, uint64_t id,
    struct arena *a, void *row, struct error *e)
{
	struct customer_row *c = row;
	enum err err;

	(void)r;
	if (tenant && tenant != id)
		return error_set(e, ERR_NOT_FOUND, "another customer");
	err = store_customer_by_id(db, id, a, &c->c, e);
	if (!err)
		c->state = customer_state(&c->c);
	return err;
}

/* One that stays is not checked again: a setting may have changed. */
static enum err
check_webhook(const struct manager *m, const struct customer *before,
    const struct customer *c, struct error *e)
{
	static const struct cidr_list none = { NULL, 0 };

	if (!c->webhook_url.p ||
	    (before && before->webhook_url.p &&
		str_eq(before->webhook_url, c->webhook_url)))
		return OK;
	return webhook_url_check(c->webhook_url, m->extra ? m->extra : &none,
	    e);
}

static enum err
check(const struct resource *r, const struct manager *m, struct arena *a,
    const void *before, void *row, struct error *e)
{
	struct customer_row *c = row;

	const struct customer_row *was = before;
	enum err err;

	(void)r;
	(void)a;
	if (c->c.company.n == 0)
		c->c.company = (struct str){ NULL, 0 };
	if (before && c->state == CUSTOMER_CLOSED)
		return error_public(e, ERR_BAD_PARAM, "state",
		    "A customer is closed by DELETE.");
	c->c.is_active = !before || c->state == CUSTOMER_ACTIVE;
	err = check_webhook(m, was ? &was->c : NULL, &c->c, e);
	return err ? err : customer_check(&c->c, e);
}

static enum err
insert(const struct resource *r, const struct manager *m, struct arena *a,
    void *row, uint64_t *ret_id, struct error *e)
{
	struct customer_row *c = row;
	uint64_t owner_id;
	enum err err = store_customer_insert(m->db, &c->c, ret_id, &owner_id,
	    e);

	(void)r;
	(void)a;
	return err == ERR_CONFLICT
		   ? error_public(e, err, "email",
			 "There is a customer or user with that e-mail "
			 "already.")
		   : err;
}

static enum err
update(const struct resource *r, const struct manager *m, struct arena *a,
    void *row, struct error *e)
{
	struct customer_row *c = row;

	(void)r;
	(void)a;
	return store_customer_update(m->db, &c->c, e);
}

static enum err
archive(const struct resource *r, const struct manager *m, struct arena *a,
    const void *row, struct error *e)
{
	const struct customer_row *c = row;

	(void)r;
	(void)a;
	return store_customer_archive(m->db, c->c.customer_id, e);
}

const struct resource customer_resource = {
	.record = &record,
	.customer_off = AT(c.customer_id),
	.archived_off = AT(c.archived_at_ms),
	.end_verb = "close",
	.slot = RESOURCE_SLOT_CUSTOMER,
	.lock = lock,
	.load = load,
	.check = check,
	.insert = insert,
	.update = update,
	.archive = archive,
};
