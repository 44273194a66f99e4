/* SPDX-License-Identifier: MIT */
/* tollgate customer add, list, show, set, suspend, resume, close,
 * webhook-secret */
#include "domain/customer.h"

#include "admin/limits.h"
#include "admin/lookup.h"
#include "base/cidr.h"
#include "base/money.h"
#include "base/secret.h"
#include "domain/webhook.h"
#include "domain/webhook_url.h"

#define MARKUP_ONCE 1000000

/* pico-USD in a millionth of a dollar: millionths are read as decimals. */
#define PUSD_PER_PPM 1000000

#define SETTING_OPTIONS                                                    \
 { "webhook-url", "URL",                                                   \
	 "Where its notices are sent, beginning with https://; an empty "  \
	 "one for nowhere.",                                               \
	 false },                                                          \
     { "billing", "KIND", "postpaid, or prepaid: uses what was credited.", \
	     false },                                                      \
 {                                                                         \
  "low-balance", "USD",                                                    \
      "Its owners are told when a prepaid balance falls below (1); 0: "    \
      "never.",                                                            \
      false                                                                \
 }

const struct admin_option admin_customer_add_options[] = {
	{ "name", "NAME", "Name of the customer.", true },
	{ "email", "ADDRESS", "E-mail of the customer and its owner.", true },
	{ "company", "NAME", "Company.", false },
	{ "markup", "FACTOR", "What is charged, as a multiple of prices (1).",
	    false },
	{ "per-minute", "N", "Requests a minute of each key and model.",
	    false },
	{ "per-hour", "N", "The same per hour.", false },
	LIMITS_OPTION,
	SETTING_OPTIONS,
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_customer_set_options[] = {
	{ "name", "NAME", "Name of the customer.", false },
	{ "company", "NAME", "Company.", false },
	{ "markup", "FACTOR", "What is charged, as a multiple of prices.",
	    false },
	{ "per-minute", "N",
	    "Requests a minute of each key and model, or none "
	    "to leave it to the default.",
	    false },
	{ "per-hour", "N", "The same per hour.", false },
	LIMITS_OPTION,
	SETTING_OPTIONS,
	{ "suspend", NULL, "Its keys and users stop working.", false },
	{ "resume", NULL, "They work again.", false },
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_customer_close_options[] = {
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_customer_suspend_options[] = {
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_customer_resume_options[] = {
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_webhook_rotate_options[] = {
	{ "grace", "SECONDS", "How long the secret before signs, too (0).",
	    false },
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_customer_list_options[] = {
	{ "email", "ADDRESS", "Of that e-mail.", false },
	{ "name", "NAME", "Of that name.", false },
	{ "company", "NAME", "Of that company.", false },
	{ "state", "STATE", "active, suspended or closed.", false },
	{ "created-from", "TIME", "Made at or after.", false },
	{ "created-before", "TIME", "Made before.", false },
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_customer_show_options[] = {
	ADMIN_OPTIONS_END,
};

static void
customer_rec(struct admin *ad, const struct customer *c)
{
	char markup[MONEY_TEXT_BYTES], mark[MONEY_TEXT_BYTES];

	money_to_text((int64_t)c->markup_ppm * PUSD_PER_PPM, markup);
	money_to_text((int64_t)c->low_balance_ppm * PUSD_PER_PPM, mark);
	admin_rec(ad);
	admin_u64(ad, "id", c->customer_id);
	admin_str(ad, "name", c->name);
	admin_str(ad, "email", c->email);
	admin_str(ad, "company", c->company);
	admin_str(ad, "state",
	    str_from(customer_state_names[customer_state(c)]));
	admin_bool(ad, "is_active", c->is_active && !c->archived_at_ms);
	limits_show(ad, &c->limits);
	admin_str(ad, "markup", str_from(markup));
	admin_str(ad, "billing", str_from(customer_billing_names[c->billing]));
	admin_str(ad, "low_balance_usd", str_from(mark));
	admin_str(ad, "webhook_url", c->webhook_url);
	admin_bool(ad, "has_webhook_secret", c->has_webhook_secret);
	admin_time(ad, "created_at", c->created_at_ms);
	admin_time(ad, "closed_at", c->archived_at_ms);
}

/* A decimal of at most six places. */
static bool
read_ppm(struct str text, uint64_t max_ppm, uint64_t *ret)
{
	struct error ignored;
	int64_t pusd;

	if (!text.p)
		return true;
	if (money_from_decimal(text, &pusd, &ignored) || pusd < 0 ||
	    pusd % PUSD_PER_PPM || (uint64_t)(pusd / PUSD_PER_PPM) > max_ppm)
		return false;
	*ret = (uint64_t)(pusd / PUSD_PER_PPM);
	return true;
}

/* What both add and set read; the resource checks it. */
static enum err
read_settings(struct admin *ad, struct customer *c, struct error *e)
{
	struct str url = admin_opt(ad, "webhook-url");
	unsigned billing = c->billing;
	enum err err;

	if (url.p)
		c->webhook_url = url.n ? url : (struct str){ NULL, 0 };
	if (admin_has(ad, "name"))
		c->name = admin_opt(ad, "name");
	if (admin_has(ad, "company"))
		c->company = admin_opt(ad, "company");
	if (!read_ppm(admin_opt(ad, "markup"), CUSTOMER_MARKUP_MAX_PPM,
		&c->markup_ppm))
		return admin_usage(e,
		    "--markup must be a number below 1000 with up to "
		    "6 decimals");
	if (!read_ppm(admin_opt(ad, "low-balance"),
		CUSTOMER_LOW_BALANCE_MAX_PPM, &c->low_balance_ppm))
		return admin_usage(e,
		    "--low-balance must be from 0 to 1000000 with up to "
		    "6 decimals");
	err = admin_opt_enum(ad, "billing", customer_billing_names,
	    CUSTOMER_BILLING__N, &billing, e);
	c->billing = (enum customer_billing)billing;
	return err ? err : limits_read(ad, &c->limits, e);
}

/* @networks  where webhooks may point to besides; must live as long as *m */
static enum err
manager_of_customers(struct admin *ad, struct cidr_list *networks,
    struct manager *m, struct error *e)
{
	enum err err = cidr_list_parse(admin_arena(ad),
	    str_from(conf_text(admin_conf(ad), CONF_WEBHOOKS_NETWORKS)),
	    networks, e);

	if (!err)
		err = admin_manager(ad, m, e);
	m->extra = networks;
	return err;
}

enum err
admin_customer_add(struct admin *ad, struct error *e)
{
	struct customer_row row = {
		.c = { .email = admin_opt(ad, "email"),
		    .markup_ppm = MARKUP_ONCE,
		    .low_balance_ppm = CUSTOMER_LOW_BALANCE_PPM },
	};
	struct cidr_list networks;
	uint64_t owner_id = 0;
	struct manager m;
	enum err err = read_settings(ad, &row.c, e);

	if (!err)
		err = manager_of_customers(ad, &networks, &m, e);
	if (!err)
		err = resource_create(&customer_resource, &m, admin_arena(ad),
		    &row, e);
	if (!err)
		err = store_user_owner_id(m.db, row.c.customer_id, &owner_id,
		    e);
	if (err)
		return err;
	customer_rec(ad, &row.c);
	admin_u64(ad, "owner_user_id", owner_id);
	admin_note(ad,
	    "\nIts owner signs in after `tollgate user password %" PRI_STR "`.",
	    STR_ARG(row.c.email));
	return OK;
}

/* filter: a struct customer_filter. */
static enum err
list_page(struct admin *ad, struct db *db, const void *filter,
    struct admin_page *p, struct error *e)
{
	struct customer *customers = NULL;
	enum err err = store_customer_page(db, 0, filter, p->after, p->limit,
	    admin_arena(ad), &customers, &p->n, e);

	for (size_t i = 0; i < p->n && !err; i++) {
		customer_rec(ad, &customers[i]);
		admin_page_end(p, customers[i].customer_id);
	}
	return err;
}

enum err
admin_customer_list(struct admin *ad, struct error *e)
{
	struct customer_filter f = { .email = admin_opt(ad, "email"),
		.name = admin_opt(ad, "name"),
		.company = admin_opt(ad, "company") };
	unsigned state = 0;
	enum err err = admin_opt_enum(ad, "state", customer_state_names,
	    CUSTOMER_STATE__N, &state, e);

	if (admin_has(ad, "state"))
		f.state = state + 1;
	if (!err)
		err = admin_opt_time(ad, "created-from", &f.created_from_ms, e);
	if (!err)
		err = admin_opt_time(ad, "created-before", &f.created_to_ms, e);
	return err ? err : admin_list_all(ad, list_page, &f, e);
}

enum err
admin_customer_show(struct admin *ad, struct error *e)
{
	struct customer_row row;
	struct customer c;
	enum err err = lookup_customer(ad, admin_arg(ad, 0), &c, e);

	return err ? err
		   : admin_show(ad, &customer_resource, c.customer_id, &row, e);
}

/* arg: the struct admin. */
static enum err
change(const struct resource *r, struct arena *a, void *row, void *arg,
    struct error *e)
{
	struct admin *ad = arg;
	struct customer_row *c = row;

	(void)r;
	(void)a;
	if (admin_has(ad, "suspend"))
		c->state = CUSTOMER_SUSPENDED;
	if (admin_has(ad, "resume"))
		c->state = CUSTOMER_ACTIVE;
	return read_settings(ad, &c->c, e);
}

enum err
admin_customer_set(struct admin *ad, struct error *e)
{
	struct cidr_list networks;
	struct customer_row row;
	struct customer c;
	struct manager m;
	enum err err = lookup_customer(ad, admin_arg(ad, 0), &c, e);

	if (!err && admin_has(ad, "suspend") && admin_has(ad, "resume"))
		return admin_usage(e, "--suspend and --resume exclude another");
	if (!err)
		err = manager_of_customers(ad, &networks, &m, e);
	if (!err)
		err = resource_change(&customer_resource, &m, c.customer_id,
		    change, ad, admin_arena(ad), &row, e);
	if (!err)
		customer_rec(ad, &row.c);
	return err;
}

enum err
admin_customer_close(struct admin *ad, struct error *e)
{
	struct customer_row row;
	struct customer c;
	struct manager m;
	enum err err = lookup_customer(ad, admin_arg(ad, 0), &c, e);

	if (!err)
		err = admin_manager(ad, &m, e);
	if (!err)
		err = resource_archive(&customer_resource, &m, c.customer_id,
		    admin_arena(ad), &row, e);
	if (!err)
		admin_record(ad, customer_resource.record, &row);
	return err;
}

static enum err
set_state(const struct resource *r, struct arena *a, void *row, void *arg,
    struct error *e)
{
	struct customer_row *c = row;

	(void)r;
	(void)a;
	(void)e;
	c->state = *(const enum customer_state *)arg;
	return OK;
}

static enum err
change_state(struct admin *ad, enum customer_state state, struct error *e)
{
	struct customer_row row;
	struct customer c;
	struct manager m;
	enum err err = lookup_customer(ad, admin_arg(ad, 0), &c, e);

	if (!err)
		err = admin_manager(ad, &m, e);
	if (!err)
		err = resource_change(&customer_resource, &m, c.customer_id,
		    set_state, &state, admin_arena(ad), &row, e);
	if (!err)
		admin_record(ad, customer_resource.record, &row);
	return err;
}

enum err
admin_customer_suspend(struct admin *ad, struct error *e)
{
	return change_state(ad, CUSTOMER_SUSPENDED, e);
}

enum err
admin_customer_resume(struct admin *ad, struct error *e)
{
	return change_state(ad, CUSTOMER_ACTIVE, e);
}

enum err
admin_webhook_rotate(struct admin *ad, struct error *e)
{
	char text[WEBHOOK_SECRET_TEXT_BYTES] = "";
	const struct crypto_keys *keys;
	struct customer_row row;
	uint64_t grace_s = 0;
	struct customer c;
	struct manager m;
	enum err err = lookup_customer(ad, admin_arg(ad, 0), &c, e);

	if (!err)
		err = admin_opt_u64(ad, "grace", 0, WEBHOOK_GRACE_MAX_S,
		    &grace_s, e);
	if (!err)
		err = admin_keys(ad, &keys, e);
	if (!err)
		err = admin_manager(ad, &m, e);
	if (!err)
		err = webhook_rotate(&m, keys->seal, c.customer_id, grace_s,
		    text, admin_arena(ad), &row, e);
	if (err)
		return err;
	admin_rec(ad);
	admin_u64(ad, "id", c.customer_id);
	admin_str(ad, "webhook_secret", str_from(text));
	admin_note(ad, "\nIt is not shown again.");
	secret_wipe(text, sizeof(text));
	return OK;
}
