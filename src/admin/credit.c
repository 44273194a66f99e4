/* SPDX-License-Identifier: MIT */
/* tollgate customer credit, credits */
#include "domain/credit.h"

#include "admin/lookup.h"
#include "store/ledger.h"

#define CREDITS_ROWS 100 /* unless more are asked for */

const struct admin_option admin_customer_credit_options[] = {
	{ "amount", "USD", "How much; less than 0 takes back.", true },
	{ "reference", "TEXT", "Counts once: the same again changes nothing.",
	    false },
	ADMIN_OPTIONS_END,
};

const struct admin_option admin_customer_credits_options[] = {
	{ "limit", "N", "The newest so many (100).", false },
	ADMIN_OPTIONS_END,
};

enum err
admin_customer_credit(struct admin *ad, struct error *e)
{
	struct credit credit = { .reference = admin_opt(ad, "reference") };
	struct customer c;
	struct manager m;
	enum err err = lookup_customer(ad, admin_arg(ad, 0), &c, e);

	if (!err && credit_amount_parse(admin_opt(ad, "amount"),
			&credit.amount_pusd, e))
		return admin_usage(e,
		    "--amount must be a number of dollars up to 1000000 and "
		    "not 0");
	if (!err)
		err = admin_manager(ad, &m, e);
	credit.customer_id = c.customer_id;
	if (!err)
		err = credit_add(&m, &credit, admin_arena(ad), e);
	if (err)
		return err;
	admin_rec(ad);
	admin_u64(ad, "id", credit.transfer_id);
	admin_u64(ad, "customer_id", credit.customer_id);
	admin_usd(ad, "amount_usd", credit.amount_pusd);
	admin_str(ad, "reference", credit.reference);
	admin_usd(ad, "balance_usd", credit.balance_pusd);
	admin_time(ad, "created_at", credit.created_at_ms);
	return OK;
}

/* filter: the customer's id. */
static enum err
list_page(struct admin *ad, struct db *db, const void *filter,
    struct admin_page *p, struct error *e)
{
	struct ledger_credit *v = NULL;
	enum err err = store_ledger_credits(db, *(const uint64_t *)filter,
	    p->after, p->limit, admin_arena(ad), &v, &p->n, e);

	for (size_t i = 0; i < p->n && !err; i++) {
		admin_rec(ad);
		admin_u64(ad, "id", v[i].transfer_id);
		admin_usd(ad, "amount_usd", v[i].amount_pusd);
		admin_str(ad, "reference", credit_reference(v[i].cause));
		admin_time(ad, "created_at", v[i].created_at_ms);
		admin_page_end(p, v[i].transfer_id);
	}
	return err;
}

enum err
admin_customer_credits(struct admin *ad, struct error *e)
{
	uint64_t limit = CREDITS_ROWS;
	struct customer c;
	enum err err = lookup_customer(ad, admin_arg(ad, 0), &c, e);

	if (!err)
		err = admin_opt_u64(ad, "limit", 1, INT64_MAX, &limit, e);
	return err ? err
		   : admin_list_first(ad, list_page, &c.customer_id, limit, e);
}
