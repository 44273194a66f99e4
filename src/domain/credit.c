/* SPDX-License-Identifier: MIT */
#include "domain/credit.h"

#include "base/money.h"
#include "base/uuid7.h"
#include "domain/balance_notice.h"
#include "store/budget.h"
#include "store/customer.h"
#include "store/db.h"
#include "store/ledger.h"

enum err
credit_amount_parse(struct str text, int64_t *ret_pusd, struct error *e)
{
	if (money_from_decimal(text, ret_pusd, e) != OK || *ret_pusd == 0 ||
	    *ret_pusd > CREDIT_MAX_PUSD || *ret_pusd < -CREDIT_MAX_PUSD)
		return error_public(e, ERR_BAD_PARAM, "amount_usd",
		    "amount_usd must be from -1000000 to 1000000 and not 0, "
		    "with 12 decimals at most.");
	return OK;
}

struct work {
	struct manager m;
	struct credit *c;
	struct str cause;
	bool is_closed; /* the customer */
	struct arena *a;
};

/* The cause of its transfer: unique by customer and reference. */
static enum err
make_cause(struct work *w, struct error *e)
{
	struct str reference = w->c->reference;
	char id[UUID7_TEXT_BYTES];

	for (size_t i = 0; i < reference.n; i++)
		if (reference.p[i] < 0x21 || reference.p[i] > 0x7e ||
		    reference.n > CREDIT_REFERENCE_BYTES)
			return error_public(e, ERR_BAD_PARAM, "reference",
			    "reference must have up to %d visible ASCII "
			    "characters.",
			    CREDIT_REFERENCE_BYTES);
	if (reference.n == 0) {
		struct uuid7 made = uuid7_new(w->m.now_ms);

		uuid7_format(&made, id);
		reference = arena_strdup(w->a, str_from(id));
		w->c->reference = reference;
	}
	w->cause = arena_printf(w->a, "credit:%llu:%" PRI_STR,
	    (unsigned long long)w->c->customer_id, STR_ARG(reference));
	return w->cause.p ? OK : error_arena(e, w->a);
}

struct str
credit_reference(struct str cause)
{
	struct str rest = str_skip(cause, str_find(cause, ':') + 1);

	return str_skip(rest, str_find(rest, ':') + 1);
}

/* What the same reference was credited with. */
static enum err
look_back(struct work *w, struct error *e)
{
	struct ledger_account *accounts = NULL;
	struct ledger_transfer t;
	uint64_t funds_id = 0;
	size_t n = 0;
	enum err err = store_ledger_by_cause(w->m.db, w->cause, w->a, &t, e);

	if (err)
		return err;
	err = store_ledger_accounts(w->m.db, w->c->customer_id, w->a, &accounts,
	    &n, e);
	for (size_t i = 0; i < n && !err; i++)
		if (accounts[i].kind == LEDGER_FUNDS)
			funds_id = accounts[i].account_id;
	if (err)
		return err;
	if (t.debit_account_id != funds_id)
		t.amount_pusd = -t.amount_pusd;
	if (t.amount_pusd != w->c->amount_pusd)
		return error_public(e, ERR_CONFLICT, "reference",
		    "That reference was credited with another amount.");
	w->c->is_replay = true;
	return OK;
}

static enum err
write_audit(const struct work *w, struct error *e)
{
	struct audit row = w->m.audit;
	char amount[MONEY_TEXT_BYTES];
	struct json_out j;
	struct buf b;
	enum err err;

	money_to_text(w->c->amount_pusd, amount);
	row.action = S("customer.credit");
	row.object = S("customer");
	row.object_id = row.customer_id = w->c->customer_id;
	row.is_success = true;
	buf_init(&b, w->a, KIB(1));
	json_out_init(&j, &b);
	json_out_object(&j);
	if (row.detail.n > 2) { /* {"account":…} of the command line */
		buf_add(&b, str_make(row.detail.p + 1, row.detail.n - 2));
		buf_add_char(&b, ',');
	}
	json_out_member_usd(&j, "amount_usd", w->c->amount_pusd);
	json_out_member_str(&j, "reference", w->c->reference);
	json_out_object_end(&j);
	err = buf_finish(&b, &row.detail, e);
	return err ? err : store_audit_insert(w->m.db, &row, e);
}

static enum err
book(struct work *w, struct error *e)
{
	const struct ledger_change post = { w->c->customer_id,
		w->c->amount_pusd, w->cause };
	enum err err = store_ledger_credit(w->m.db, &post, w->a, e);

	if (!err)
		err = store_budget_credit(w->m.db, w->c->customer_id,
		    w->c->amount_pusd, e);
	if (!err && !w->is_closed) /* it has nothing to top up for */
		err = balance_notice(w->m.db, w->c->customer_id, w->a, e);
	return err ? err : write_audit(w, e);
}

static enum err
run(struct db *db, void *arg, struct error *e)
{
	struct work *w = arg;
	struct ledger_transfer t;
	struct customer c = { 0 };
	enum err err;

	w->m.db = db;
	w->c->is_replay = false;
	/* Also when it is closed: its books go on until they are even. */
	err = resource_find_customer(&w->m, w->a, w->c->customer_id, &c, e);
	w->is_closed = c.archived_at_ms != 0;
	if (!err)
		err = store_ledger_lock(db, w->c->customer_id, e);
	if (err)
		return err;
	err = look_back(w, e);
	if (err == ERR_NOT_FOUND)
		err = book(w, e);
	if (!err)
		err = store_ledger_by_cause(db, w->cause, w->a, &t, e);
	if (!err)
		err = store_ledger_balance(db, w->c->customer_id, w->a,
		    &w->c->balance_pusd, e);
	if (err)
		return err;
	w->c->transfer_id = t.transfer_id;
	w->c->created_at_ms = t.created_at_ms;
	return OK;
}

enum err
credit_add(const struct manager *m, struct credit *c, struct arena *a,
    struct error *e)
{
	struct work w = { .m = *m, .c = c, .a = a };
	enum err err = make_cause(&w, e);

	return err ? err : db_txn(m->db, run, &w, e);
}
