/* SPDX-License-Identifier: MIT */
#include "domain/customer_export.h"

#include "base/clock.h"
#include "base/json_out.h"
#include "domain/credit.h"
#include "domain/customer.h"
#include "domain/key_manage.h"
#include "domain/label.h"
#include "domain/usage_text.h"
#include "domain/user.h"
#include "store/audit.h"
#include "store/label.h"
#include "store/ledger.h"

#define AT_ONCE   500
#define LINES_MAX MIB(8)
#define DAY_CHARS 10 /* of a time's text */

/* One page on its way. */
struct page {
	struct customer_export x; /* as it is when the page has succeeded */
	struct db *db;
	struct arena *a;
	struct buf b;
	struct json_out j;
	size_t n; /* lines */
};

enum err
customer_export_check(const struct manager *m, uint64_t customer_id,
    struct arena *a, struct error *e)
{
	struct customer c;
	enum err err = resource_check_customer(m, customer_id, e);

	return err ? err : store_customer_by_id(m->db, customer_id, a, &c, e);
}

enum err
customer_export_begin(struct customer_export *x, const struct manager *m,
    uint64_t customer_id, struct arena *a, struct error *e)
{
	struct audit row = m->audit;
	enum err err = customer_export_check(m, customer_id, a, e);

	if (err)
		return err;
	row.action = S("customer.export");
	row.object = S("customer");
	row.object_id = row.customer_id = customer_id;
	row.is_success = true;
	*x = (struct customer_export){ .customer_id = customer_id,
		.until_ms = m->now_ms + 1 };
	return store_audit_insert(m->db, &row, e);
}

static void
begin_line(struct page *p, const char *object)
{
	json_out_init(&p->j, &p->b);
	json_out_object(&p->j);
	json_out_member_str(&p->j, "object", str_from(object));
}

static void
end_line(struct page *p)
{
	json_out_object_end(&p->j);
	buf_add_char(&p->b, '\n');
	p->n++;
}

static void
add_record(struct page *p, const struct record_type *t, const void *row)
{
	begin_line(p, t->object);
	record_write(t, row, false, &p->j);
	end_line(p);
}

/* The stage goes on behind last_id, or is done. */
static void
go_on(struct page *p, size_t n, uint64_t last_id)
{
	if (n == AT_ONCE) {
		p->x.after_id = last_id;
		return;
	}
	p->x.after_id = 0;
	p->x.stage++;
}

/* ---- the stages ---- */

static enum err
add_customer(struct page *p, struct error *e)
{
	struct customer_row *row = NULL;
	struct customer c;
	enum err err = store_customer_by_id(p->db, p->x.customer_id, p->a, &c,
	    e);

	if (!err)
		err = customer_rows(p->db, &c, 1, p->x.until_ms, p->a, &row, e);
	if (err)
		return err;
	add_record(p, customer_resource.record, row);
	go_on(p, 1, 0);
	return OK;
}

static enum err
add_users(struct page *p, struct error *e)
{
	const struct user_filter f = { .with_archived = true };
	struct user *rows = NULL;
	size_t n = 0;
	enum err err = store_user_page(p->db, p->x.customer_id, &f,
	    p->x.after_id, AT_ONCE, p->a, &rows, &n, e);

	if (err)
		return err;
	for (size_t i = 0; i < n; i++)
		add_record(p, user_resource.record, &rows[i]);
	go_on(p, n, n ? rows[n - 1].user_id : 0);
	return OK;
}

static enum err
add_labels(struct page *p, enum label_kind kind, struct error *e)
{
	const struct label_filter f = { .with_archived = true };
	struct label *labels = NULL;
	struct label_row *rows = NULL;
	size_t n = 0;
	enum err err = store_label_page(p->db, kind, p->x.customer_id, &f,
	    p->x.after_id, AT_ONCE, p->a, &labels, &n, e);

	if (!err && n)
		err = label_rows(p->db, kind, p->x.customer_id, labels, n,
		    p->x.until_ms, p->a, &rows, e);
	if (err)
		return err;
	for (size_t i = 0; i < n; i++)
		add_record(p, label_resources[kind].record, &rows[i]);
	go_on(p, n, n ? labels[n - 1].label_id : 0);
	return OK;
}

static enum err
add_keys(struct page *p, struct error *e)
{
	static const struct key_filter all = { 0 };
	struct key *keys = NULL;
	struct key_row *rows = NULL;
	uint64_t next = 0;
	size_t n = 0;
	enum err err = store_key_page(p->db, p->x.customer_id, &all,
	    p->x.after_id, AT_ONCE, p->a, &keys, &n, &next, e);

	if (!err && n)
		err = key_rows(p->db, p->x.customer_id, keys, n, p->x.until_ms,
		    p->a, &rows, e);
	if (err)
		return err;
	for (size_t i = 0; i < n; i++)
		add_record(p, key_resource.record, &rows[i]);
	go_on(p, n, next);
	return OK;
}

static enum err
add_accounts(struct page *p, struct error *e)
{
	struct ledger_account *rows = NULL;
	size_t n = 0;
	enum err err = store_ledger_accounts(p->db, p->x.customer_id, p->a,
	    &rows, &n, e);

	if (err)
		return err;
	for (size_t i = 0; i < n; i++) {
		begin_line(p, "ledger_account");
		json_out_member_u64(&p->j, "id", rows[i].account_id);
		json_out_member_str(&p->j, "kind",
		    str_from(ledger_kind_names[rows[i].kind]));
		json_out_member_usd(&p->j, "balance_usd", rows[i].balance_pusd);
		end_line(p);
	}
	go_on(p, 0, 0);
	p->x.account_id = n ? rows[0].account_id : 0;
	return OK;
}

/* The account behind this one; 0: it was the last. */
static enum err
next_account(struct page *p, struct error *e)
{
	struct ledger_account *rows = NULL;
	size_t n = 0;
	uint64_t was = p->x.account_id;
	enum err err = store_ledger_accounts(p->db, p->x.customer_id, p->a,
	    &rows, &n, e);

	p->x.account_id = 0;
	for (size_t i = n; i-- > 0 && rows[i].account_id > was;)
		p->x.account_id = rows[i].account_id;
	p->x.after_id = 0;
	if (!err && p->x.account_id == 0)
		p->x.stage++;
	return err;
}

/* Each is found by the account that it debits, one account after the other:
 * an index has them in this order. */
static enum err
add_transfers(struct page *p, struct error *e)
{
	struct ledger_transfer *rows = NULL;
	size_t n = 0;
	enum err err = store_ledger_page(p->db, p->x.account_id, p->x.after_id,
	    AT_ONCE, p->a, &rows, &n, e);

	if (err)
		return err;
	for (size_t i = 0; i < n; i++) {
		begin_line(p, "ledger_transfer");
		json_out_member_u64(&p->j, "id", rows[i].transfer_id);
		json_out_member_u64(&p->j, "debit_account_id",
		    rows[i].debit_account_id);
		json_out_member_u64(&p->j, "credit_account_id",
		    rows[i].credit_account_id);
		json_out_member_usd(&p->j, "amount_usd", rows[i].amount_pusd);
		json_out_member_str(&p->j, "kind", rows[i].kind);
		if (str_eq(rows[i].kind, S("credit")))
			json_out_member_str(&p->j, "reference",
			    credit_reference(rows[i].cause));
		json_out_member_time(&p->j, "created_at",
		    rows[i].created_at_ms);
		end_line(p);
	}
	if (n == AT_ONCE) {
		p->x.after_id = rows[n - 1].transfer_id;
		return OK;
	}
	return next_account(p, e);
}

static void
member_id(struct json_out *j, const char *key, uint64_t id)
{
	if (id)
		json_out_member_u64(j, key, id);
	else
		json_out_member_null(j, key);
}

/* Sums by month of what was pruned, named as in rows of usage. */
static void
add_closing(struct page *p, const struct closing *c)
{
	char month[CLOCK_TEXT_BYTES];

	clock_format(c->month_ms, month);
	begin_line(p, "usage_closing");
	json_out_member_str(&p->j, "month", str_make(month, DAY_CHARS));
	member_id(&p->j, "project_id", c->project_id);
	member_id(&p->j, "user_id", c->user_id);
	member_id(&p->j, "api_key_id", c->api_key_id);
	member_id(&p->j, "model_id", c->model_id);
	member_id(&p->j, "provider_id", c->provider_id);
	member_id(&p->j, "agent_id", c->agent_id);
	member_id(&p->j, "connector_id", c->connector_id);
	json_out_member_str(&p->j, "request_status",
	    str_from(usage_status_names[c->status]));
	json_out_member_u64(&p->j, "requests", c->requests);
	json_out_member_u64(&p->j, "unpriced_requests", c->unpriced_requests);
	for (int x = 0; x < TOK_CONTEXT__MAX; x++)
		for (int i = 0; i < TOK_CLASS__MAX; i++)
			json_out_member_u64(&p->j, usage_token_names[x][i],
			    c->tok[x][i]);
	json_out_member_usd(&p->j, "cost_in_usd", c->cost_pusd);
	end_line(p);
}

static enum err
add_closings(struct page *p, struct error *e)
{
	struct closing *rows = NULL;
	size_t n = 0;
	enum err err = store_closing_page(p->db, p->x.customer_id,
	    p->x.has_closing ? &p->x.closing : NULL, AT_ONCE, p->a, &rows, &n,
	    e);

	if (err)
		return err;
	for (size_t i = 0; i < n; i++)
		add_closing(p, &rows[i]);
	p->x.has_closing = n > 0;
	if (n)
		p->x.closing = rows[n - 1];
	go_on(p, n, 0);
	return OK;
}

static enum err
add_usage(struct page *p, struct error *e)
{
	const struct usage_filter f = { .from_ms = 1, .to_ms = p->x.until_ms };
	struct usage_view *rows = NULL;
	size_t n = 0;
	enum err err = store_usage_page(p->db, p->x.customer_id, &f,
	    p->x.cursor, AT_ONCE, p->a, &rows, &n, &p->x.cursor, e);

	if (err)
		return err;
	for (size_t i = 0; i < n; i++) {
		begin_line(p, "usage");
		usage_row_json(&rows[i], USAGE_FOR_CUSTOMER, &p->j);
		end_line(p);
	}
	go_on(p, p->x.cursor.usage_id ? AT_ONCE : 0, 0);
	return OK;
}

static enum err
add_stage(struct page *p, struct error *e)
{
	switch (p->x.stage) {
	case EXPORT_CUSTOMER:
		return add_customer(p, e);
	case EXPORT_USERS:
		return add_users(p, e);
	case EXPORT_PROJECTS:
		return add_labels(p, LABEL_PROJECT, e);
	case EXPORT_AGENTS:
		return add_labels(p, LABEL_AGENT, e);
	case EXPORT_CONNECTORS:
		return add_labels(p, LABEL_CONNECTOR, e);
	case EXPORT_KEYS:
		return add_keys(p, e);
	case EXPORT_ACCOUNTS:
		return add_accounts(p, e);
	case EXPORT_TRANSFERS:
		return add_transfers(p, e);
	case EXPORT_CLOSINGS:
		return add_closings(p, e);
	case EXPORT_USAGE:
		return add_usage(p, e);
	case EXPORT_END:
		begin_line(p, "end");
		json_out_member_u64(&p->j, "lines", p->x.n_lines);
		end_line(p);
		p->x.stage = EXPORT_OVER;
		return OK;
	case EXPORT_OVER:
		return OK;
	}
	return OK;
}

enum err
customer_export_next(struct customer_export *x, struct db *db, struct arena *a,
    struct str *ret, struct error *e)
{
	struct page p = { .x = *x, .db = db, .a = a };
	enum err err = OK;

	*ret = (struct str){ NULL, 0 };
	buf_init(&p.b, a, LINES_MAX);
	while (!err && p.n == 0 && p.x.stage != EXPORT_OVER)
		err = add_stage(&p, e);
	if (!err && p.n)
		err = buf_finish(&p.b, ret, e);
	if (err)
		return err;
	p.x.n_lines += p.n;
	*x = p.x;
	return OK;
}
