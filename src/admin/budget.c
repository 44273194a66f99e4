/* SPDX-License-Identifier: MIT */
/* tollgate budget set, remove, list, release */
#include "domain/budget.h"

#include "admin/lookup.h"
#include "base/clock.h"
#include "domain/budget_period.h"
#include "domain/customer.h"
#include "domain/key_manage.h"
#include "domain/label.h"
#include "domain/resource.h"
#include "journal/reader.h"
#include "journal/writer.h"

#define HOLDER_OPTIONS                                                      \
 { "customer", "ID|EMAIL", "Of this customer, over all its keys.", false }, \
     { "project", "ID", "Of this project.", false },                        \
 {                                                                          \
  "key", "ID|PUBLIC_ID", "Of this key.", false                              \
 }

const struct admin_option admin_budget_set_options[] = {
	HOLDER_OPTIONS,
	{ "amount", "USD", "What may be spent.", true },
	{ "period", "PERIOD", "day, week, month (UTC) or total (month).",
	    false },
	{ "kind", "KIND", "hard refuses beyond it, soft tells (hard).", false },
	{ "notify", "PERCENT,…", "When to tell (50,80,100); none.", false },
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_budget_remove_options[] = {
	HOLDER_OPTIONS,
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_budget_list_options[] = {
	{ "customer", "ID|EMAIL", "Whose (everybody's).", false },
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_budget_release_options[] = {
	ADMIN_OPTIONS_END,
};
/* ---- set and remove: a change of the key, project or customer ---- */

/* What a change is told: the member to put in. */
struct change {
	const struct resource *r;
	size_t off; /* of the member in a row */
	uint64_t id;
	struct budget_member m;
};

static enum err
put(const struct resource *r, struct arena *a, void *row, void *arg,
    struct error *e)
{
	const struct change *c = arg;
	struct budget_member *m = (void *)((char *)row + c->off);

	(void)r;
	(void)a;
	(void)e;
	m->is_given = true;
	m->has_terms = c->m.has_terms;
	m->terms = c->m.terms;
	return OK;
}

static enum err
find_holder(struct admin *ad, struct change *ret, struct error *e)
{
	struct customer c;
	struct key k;
	enum err err;

	if (admin_has(ad, "customer") + admin_has(ad, "project") +
		admin_has(ad, "key") !=
	    1)
		return admin_usage(e,
		    "say whose: --customer, --project or --key");
	if (admin_has(ad, "project")) {
		ret->r = &label_resources[LABEL_PROJECT];
		ret->off = offsetof(struct label_row, budget);
		return admin_opt_u64(ad, "project", 1, UINT32_MAX, &ret->id, e);
	}
	if (admin_has(ad, "key")) {
		ret->r = &key_resource;
		ret->off = offsetof(struct key_row, budget);
		err = lookup_key(ad, admin_opt(ad, "key"), &k, e);
		ret->id = err ? 0 : k.api_key_id;
		return err;
	}
	ret->r = &customer_resource;
	ret->off = offsetof(struct customer_row, budget);
	err = lookup_customer(ad, admin_opt(ad, "customer"), &c, e);
	ret->id = err ? 0 : c.customer_id;
	return err;
}

static enum err
run_change(struct admin *ad, struct change *c, struct error *e)
{
	struct key_manager km = { 0 };
	struct manager m;
	void *row = NULL;
	enum err err = find_holder(ad, c, e);

	if (!err)
		err = admin_manager(ad, &m, e);
	if (err)
		return err;
	m.extra = &km;
	row = arena_alloc(admin_arena(ad), c->r->record->row_bytes);
	if (!row)
		return error_arena(e, admin_arena(ad));
	err = resource_change(c->r, &m, c->id, put, c, admin_arena(ad), row, e);
	if (!err)
		admin_record(ad, c->r->record, row);
	return err;
}

static enum err
read_terms(struct admin *ad, struct budget_terms *t, struct error *e)
{
	unsigned period = BUDGET_MONTH, kind = BUDGET_HARD;
	struct str notify = admin_opt(ad, "notify");
	enum err err;

	if (budget_amount_parse(admin_opt(ad, "amount"), &t->amount_pusd, e))
		return admin_usage(e,
		    "--amount must be a number of dollars from 0 to 1000000 "
		    "with 12 decimals at most");
	err = admin_opt_enum(ad, "period", budget_period_names,
	    BUDGET_PERIOD__N, &period, e);
	if (!err)
		err = admin_opt_enum(ad, "kind", budget_kind_names,
		    BUDGET_KIND__N, &kind, e);
	if (err)
		return err;
	t->period = (enum budget_period)period;
	t->kind = (enum budget_kind)kind;
	t->notify = S(BUDGET_NOTIFY_DEFAULT);
	if (!notify.p)
		return OK;
	if (str_eq(notify, S("none")))
		notify = S("");
	if (budget_notify_parse(admin_arena(ad), notify, &t->notify, e))
		return admin_usage(e,
		    "--notify must list up to %d percentages from 1 to %d",
		    BUDGET_NOTIFY_MAX, BUDGET_PERCENT_MAX);
	return OK;
}

enum err
admin_budget_set(struct admin *ad, struct error *e)
{
	struct change c = { .m.has_terms = true };
	enum err err = read_terms(ad, &c.m.terms, e);

	return err ? err : run_change(ad, &c, e);
}

enum err
admin_budget_remove(struct admin *ad, struct error *e)
{
	struct change c = { .m.has_terms = false };

	return run_change(ad, &c, e);
}

/* ---- list ---- */

static void
list_rec(struct admin *ad, const struct budget *b, int64_t now_ms)
{
	int64_t left_pusd = b->terms.amount_pusd > b->spent_pusd
				? b->terms.amount_pusd - b->spent_pusd
				: 0;

	admin_rec(ad);
	admin_u64(ad, "budget_id", b->budget_id);
	admin_u64(ad, "customer_id", b->customer_id);
	admin_str(ad, "scope", str_from(budget_scope_names[b->scope]));
	admin_u64(ad, "id", b->scope_id);
	admin_usd(ad, "amount_usd", b->terms.amount_pusd);
	admin_str(ad, "period", str_from(budget_period_names[b->terms.period]));
	admin_str(ad, "kind", str_from(budget_kind_names[b->terms.kind]));
	admin_str(ad, "notify_at_percent", b->terms.notify);
	admin_usd(ad, "spent_usd", b->spent_pusd);
	admin_usd(ad, "remaining_usd", left_pusd);
	admin_time(ad, "resets_at", budget_resets_ms(b->terms.period, now_ms));
}

enum err
admin_budget_list(struct admin *ad, struct error *e)
{
	int64_t now_ms = clock_now_ms();
	const struct budget_starts starts = budget_starts_of(now_ms);
	struct customer c = { 0 };
	struct db *db;
	enum err err = admin_has(ad, "customer")
			   ? lookup_customer(ad, admin_opt(ad, "customer"), &c,
				 e)
			   : OK;

	if (!err)
		err = admin_db(ad, &db, e);
	admin_list(ad);
	for (unsigned scope = 0; scope < BUDGET_SCOPE__N && !err; scope++) {
		struct budget *v = NULL;
		size_t n = 0;

		err = store_budget_page(db, (enum budget_scope)scope,
		    c.customer_id, 0, UINT32_MAX, &starts, admin_arena(ad), &v,
		    &n, e);
		for (size_t i = 0; i < n && !err; i++)
			list_rec(ad, &v[i], now_ms);
	}
	return err;
}

/* ---- release ---- */

struct release {
	struct journal_series series;
	struct manager m;
	struct arena *a;
	uint64_t n;
};

/* db_txn_fn */
static enum err
release(struct db *db, void *arg, struct error *e)
{
	struct release *r = arg;
	struct audit row = r->m.audit;
	char text[JOURNAL_SERIES_TEXT_BYTES];
	struct str what;
	enum err err = store_budget_end_series(db, r->series.b, &r->n, e);

	if (err)
		return err;
	journal_series_format(&r->series, text);
	what = arena_printf(r->a, "{\"series\":\"%s\",\"released\":%llu}", text,
	    (unsigned long long)r->n);
	row.action = S("budget.release");
	row.object = S("journal");
	row.is_success = true;
	row.detail = store_audit_detail(&row, what, r->a);
	return row.detail.p ? store_audit_insert(db, &row, e)
			    : error_arena(e, r->a);
}

/* What a worker that runs still holds it goes on spending: given back, it
 * would be spent twice. Those of other hosts can't be seen from here. */
enum err
admin_budget_release(struct admin *ad, struct error *e)
{
	struct release r = { .a = admin_arena(ad) };
	bool is_live = false;
	enum err err;

	if (!journal_series_parse(admin_arg(ad, 0), &r.series))
		return admin_usage(e, "SERIES must be 32 hex digits");
	err = journal_is_live(conf_journal_dir(admin_conf(ad)), &r.series,
	    &is_live, e);
	if (!err && is_live)
		return error_set(e, ERR_CONFLICT,
		    "a worker of this host holds that series");
	if (!err)
		err = admin_manager(ad, &r.m, e);
	if (!err)
		err = db_txn(r.m.db, release, &r, e);
	if (err)
		return err;
	admin_rec(ad);
	admin_u64(ad, "released", r.n);
	return OK;
}
