/* SPDX-License-Identifier: MIT */
/* Customers, as they are managed. */
#include "domain/customer.h"

#include "base/clock.h"
#include "base/money.h"
#include "domain/balance_notice.h"
#include "domain/webhook_url.h"
#include "store/ledger.h"

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
	{ .name = "billing", .kind = RECORD_ENUM, .off = AT(c.billing),
	  .flags = RECORD_NEW | RECORD_SET | RECORD_OPERATOR,
	  .names = customer_billing_names, .n_names = CUSTOMER_BILLING__N },
	{ .name = "low_balance_usd", .kind = RECORD_PPM, .off = AT(c.low_balance_ppm),
	  .flags = RECORD_NEW | RECORD_SET, .max = CUSTOMER_LOW_BALANCE_MAX_PPM },
	{ .name = "balance_usd", .kind = RECORD_JSON, .off = AT(balance), .flags = RECORD_LIVE },
	BUDGET_MEMBERS(struct customer_row, budget, RECORD_OPERATOR),
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

static struct str
balance_text(struct arena *a, int64_t pusd)
{
	char text[MONEY_TEXT_BYTES];

	money_to_text(pusd, text);
	return arena_strdup(a, str_from(text));
}

static enum err
load_rest(struct db *db, const struct customer *from, int64_t now_ms,
    struct arena *a, struct customer_row *c, struct error *e)
{
	int64_t pusd;
	enum err err = store_ledger_balance(db, from->customer_id, a, &pusd, e);

	if (err)
		return err;
	c->c = *from;
	c->state = customer_state(from);
	c->balance = balance_text(a, pusd);
	return budget_member_load(db, BUDGET_CUSTOMER, from->customer_id,
	    now_ms, a, &c->budget, e);
}

enum err
customer_rows(struct db *db, const struct customer *customers, size_t n,
    int64_t now_ms, struct arena *a, struct customer_row **ret, struct error *e)
{
	struct customer_row *v = arena_array(a, struct customer_row, n);
	const struct budget_rows rows = { v, n, sizeof(*v), AT(c.customer_id),
		AT(budget) };
	struct ledger_account *accounts = NULL;
	size_t n_accounts = 0, k = 0;
	enum err err;

	if (!v)
		return error_arena(e, a);
	*ret = v;
	if (n == 0)
		return OK;
	err = store_ledger_receivables(db, customers[0].customer_id,
	    customers[n - 1].customer_id, a, &accounts, &n_accounts, e);
	for (size_t i = 0; i < n && !err; i++) {
		int64_t pusd = 0;

		while (k < n_accounts &&
		       accounts[k].customer_id < customers[i].customer_id)
			k++;
		if (k < n_accounts &&
		    accounts[k].customer_id == customers[i].customer_id)
			err = money_sub(0, accounts[k].balance_pusd, &pusd, e);
		v[i] = (struct customer_row){ .c = customers[i],
			.state = customer_state(&customers[i]),
			.balance = balance_text(a, pusd) };
	}
	return err ? err
		   : budget_members_load(db, BUDGET_CUSTOMER, 0, now_ms, &rows,
			 a, e);
}

/* A prepaid customer's balance is a budget of what was credited. */
static enum err
sync_balance(const struct manager *m, const struct customer *c, struct arena *a,
    struct error *e)
{
	const struct budget_holder h = { .scope = BUDGET_BALANCE,
		.customer_id = c->customer_id };
	struct budget_terms terms = { .kind = BUDGET_HARD,
		.period = BUDGET_TOTAL,
		.notify = S("") };
	struct ledger_account *accounts = NULL;
	size_t n = 0;
	enum err err = store_ledger_lock(m->db, c->customer_id, e);

	if (!err && c->billing != CUSTOMER_PREPAID)
		return budget_set(m->db, &h, NULL, m->now_ms, a, e);
	if (!err)
		err = store_ledger_accounts(m->db, c->customer_id, a, &accounts,
		    &n, e);
	for (size_t i = 0; i < n && !err; i++)
		if (accounts[i].kind == LEDGER_FUNDS)
			terms.amount_pusd = accounts[i].balance_pusd;
	if (!err)
		err = budget_set(m->db, &h, &terms, m->now_ms, a, e);
	/* The mark may have moved. */
	return err ? err : balance_notice(m->db, c->customer_id, a, e);
}

static enum err
store_rest(const struct manager *m, uint64_t id, struct customer_row *c,
    struct arena *a, struct error *e)
{
	const struct budget_holder h = { .scope = BUDGET_CUSTOMER,
		.customer_id = id };
	enum err err;

	c->c.customer_id = id;
	err = sync_balance(m, &c->c, a, e);
	return err ? err
		   : budget_member_store(m->db, &h, &c->budget, m->now_ms, a,
			 e);
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
		err = load_rest(db, &c->c, clock_now_ms(), a, c, e);
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
	if (!err)
		err = store_rest(m, *ret_id, c, a, e);
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

	enum err err = store_customer_update(m->db, &c->c, e);

	(void)r;
	return err ? err : store_rest(m, c->c.customer_id, c, a, e);
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
