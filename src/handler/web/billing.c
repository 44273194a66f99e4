/* SPDX-License-Identifier: MIT */
/*
 * The page Billing: what a customer has or owes, and a month of its ledger
 * with the balance after each line. Usage is a line a day, by the rollups,
 * since the ledger itself has a transfer for each flush; that both come to
 * the same is what `tollgate reconcile` checks, and the page compares them.
 */
#include "base/clock.h"
#include "base/money.h"
#include "domain/budget_period.h"
#include "domain/credit.h"
#include "handler/web/page.h"
#include "handler/web/place.h"
#include "handler/web/view.h"
#include "handler/web/web.h"
#include "http/param.h"
#include "store/host.h"
#include "store/ledger.h"
#include "store/report.h"

#define CREDITS_MAX 1000 /* of a month */
#define DAYS_MAX    31

static const struct tmpl_key billing_keys[] = {
	VIEW_TIME_KEYS("as_of"),
	VIEW_TIME_KEYS("delayed"),
	{ "is_owing", TVAL_BOOL },
	VIEW_MONEY_KEYS("balance"),
	VIEW_MONEY_KEYS("spent"),
	{ "spent_href", TVAL_TEXT },
	{ "month_name", TVAL_TEXT },
	{ "this_month_name", TVAL_TEXT },
	VIEW_MONEY_KEYS("used"),
	VIEW_MONEY_KEYS("credited"),
	VIEW_MONEY_KEYS("opening"),
	VIEW_MONEY_KEYS("closing"),
	VIEW_DAY_KEYS("first_day"),
	{ "is_current", TVAL_BOOL },
	{ "is_unequal", TVAL_BOOL },
	{ "is_too_long", TVAL_BOOL },
	{ "credits_max", TVAL_TEXT },
	{ "has_lines", TVAL_BOOL },
	{ "lines", TVAL_LIST },
	VIEW_TIME_KEYS("lines.time"),
	VIEW_DAY_KEYS("lines.day"),
	{ "lines.is_credit", TVAL_BOOL },
	{ "lines.reference", TVAL_TEXT },
	{ "lines.usage_href", TVAL_TEXT },
	{ "lines.requests", TVAL_TEXT },
	VIEW_MONEY_KEYS("lines.amount"),
	VIEW_MONEY_KEYS("lines.balance"),
	{ "earlier_href", TVAL_TEXT },
	{ "later_href", TVAL_TEXT },
};
const struct tmpl_page page_billing = PAGE("dashboard/billing", billing_keys);

static const struct param_spec query_spec[] = {
	{ .name = "month", .type = PARAM_ASCII, .min = 7, .max = 7 },
};

struct billing {
	uint64_t customer_id;
	int64_t now_ms;
	int64_t delayed_since_ms; /* 0: all usage is here */
	int64_t from_ms, to_ms;   /* the month that is shown */
	int64_t balance_pusd;     /* by the ledger; less than 0: owed */
	int64_t this_month_pusd;
	int64_t opening_pusd, used_pusd, credited_pusd, closing_pusd;
	struct report_day *days; /* of the month, in order */
	size_t n_days;
	struct ledger_credit *credits; /* the latest first */
	size_t n_credits;
	struct arena *a;
};

/* ---- what there is ---- */

/* What was credited within the month; before it was given_pusd. Of more
 * credits than the page has room for not all are here. */
static enum err
sum_credits(struct db *db, struct billing *b, int64_t given_pusd,
    struct error *e)
{
	int64_t all_pusd;
	enum err err = OK;

	if (b->n_credits <= CREDITS_MAX) {
		for (size_t i = 0; i < b->n_credits && !err; i++)
			err = money_add(b->credited_pusd,
			    b->credits[i].amount_pusd, &b->credited_pusd, e);
		return err;
	}
	err = store_ledger_credited_before(db, b->customer_id, b->to_ms, b->a,
	    &all_pusd, e);
	return err ? err
		   : money_sub(all_pusd, given_pusd, &b->credited_pusd, e);
}

/* What was used or credited before the month, and what within it. */
static enum err
load_sums(struct db *db, struct billing *b, struct error *e)
{
	int64_t spent_pusd, given_pusd;
	enum err err = store_report_spent_before(db, b->customer_id, b->from_ms,
	    &spent_pusd, e);

	if (!err)
		err = store_ledger_credited_before(db, b->customer_id,
		    b->from_ms, b->a, &given_pusd, e);
	if (!err)
		err = money_sub(given_pusd, spent_pusd, &b->opening_pusd, e);
	b->used_pusd = b->credited_pusd = 0;
	for (size_t i = 0; i < b->n_days && !err; i++)
		err = money_add(b->used_pusd, b->days[i].cost_pusd,
		    &b->used_pusd, e);
	if (!err)
		err = sum_credits(db, b, given_pusd, e);
	if (!err)
		err = money_add(b->opening_pusd, b->credited_pusd,
		    &b->closing_pusd, e);
	return err ? err
		   : money_sub(b->closing_pusd, b->used_pusd, &b->closing_pusd,
			 e);
}

static enum err
load_this_month(struct db *db, struct billing *b, struct error *e)
{
	int64_t before_pusd, all_pusd;
	enum err err = store_report_spent_before(db, b->customer_id, b->now_ms,
	    &before_pusd, e);

	if (!err)
		err = store_report_spent_before(db, b->customer_id,
		    budget_resets_ms(BUDGET_MONTH, b->now_ms), &all_pusd, e);
	return err ? err
		   : money_sub(all_pusd, before_pusd, &b->this_month_pusd, e);
}

/* db_txn_fn: one snapshot, so that lines come to the balance. */
static enum err
load(struct db *db, void *arg, struct error *e)
{
	struct billing *b = arg;
	enum err err = store_ledger_balance(db, b->customer_id, b->a,
	    &b->balance_pusd, e);

	if (!err)
		err = store_report_days(db, b->customer_id, b->from_ms,
		    b->to_ms - 1, b->a, &b->days, &b->n_days, e);
	if (!err)
		err = store_ledger_credits_during(db, b->customer_id,
		    b->from_ms, b->to_ms, CREDITS_MAX + 1, b->a, &b->credits,
		    &b->n_credits, e);
	if (!err)
		err = load_sums(db, b, e);
	if (!err)
		err = store_host_delayed_since(db, &b->delayed_since_ms, e);
	return err ? err : load_this_month(db, b, e);
}

/* "2026-11" */
static enum err
read_month(const struct param_value *v, struct billing *b, struct error *e)
{
	uint64_t year = 0, month = 0;
	struct clock_parts p = { .day = 1 };
	int64_t this_ms = budget_span_of(0, BUDGET_MONTH, b->now_ms).start_ms;

	b->from_ms = this_ms;
	if (v->is_set) {
		if (v->text.p[4] != '-' ||
		    !str_to_u64(str_make(v->text.p, 4), 2000, 9998, &year) ||
		    !str_to_u64(str_skip(v->text, 5), 1, 12, &month))
			return error_public(e, ERR_BAD_PARAM, "month",
			    "month must be a year and a month, as 2026-11.");
		p.year = (int)year;
		p.month = (int)month;
		b->from_ms = clock_join(&p);
	}
	if (b->from_ms > this_ms)
		return error_public(e, ERR_BAD_PARAM, "month",
		    "month must not be in the future.");
	b->to_ms = budget_resets_ms(BUDGET_MONTH, b->from_ms);
	return OK;
}

/* ---- how it looks ---- */

struct line {
	int64_t time_ms;
	int64_t amount_pusd; /* less than 0: used */
	const struct report_day *day;
	const struct ledger_credit *credit;
};

static void
add_line(struct tval *list, const struct app *app, const struct billing *b,
    const struct line *l, int64_t balance_pusd)
{
	struct tval *o = tval_push_object(list);

	if (!o)
		return;
	tval_set_bool(o, "is_credit", l->credit != NULL);
	view_time(o, "time", l->credit ? l->credit->created_at_ms : 0);
	view_day(o, "day", l->time_ms);
	view_money(o, "amount", l->amount_pusd);
	view_money(o, "balance", balance_pusd);
	tval_set_text(o, "reference",
	    l->credit ? credit_reference(l->credit->cause) : S(""));
	view_count(o, "requests", l->day ? l->day->requests : 0);
	if (l->day) {
		char iso[CLOCK_TEXT_BYTES];

		clock_format(l->time_ms, iso);
		tval_set_textf(o, "usage_href",
		    "%" PRI_STR "/usage?range=custom&from=%.10s&to=%.10s",
		    STR_ARG(web_href(app, o->a, "/dashboard", b->customer_id)),
		    iso, iso);
	}
}

/* The next line before those that were taken, from the latest back: a day's
 * usage stands at its end. */
static bool
take_line(const struct billing *b, size_t *n_days, size_t *i_credit,
    struct line *ret)
{
	const struct report_day *day = *n_days ? &b->days[*n_days - 1] : NULL;
	const struct ledger_credit *c = *i_credit < b->n_credits
					    ? &b->credits[*i_credit]
					    : NULL;

	if (!day && !c)
		return false;
	if (day && (!c || day->day_ms + DAY_MS > c->created_at_ms)) {
		(*n_days)--;
		*ret = (struct line){ day->day_ms, -day->cost_pusd, day, NULL };
	} else {
		(*i_credit)++;
		*ret = (struct line){ c->created_at_ms, c->amount_pusd, NULL,
			c };
	}
	return true;
}

static void
add_lines(struct tval *o, const struct app *app, const struct billing *b)
{
	struct tval *list = tval_set_list(o, "lines");
	size_t n_days = b->n_days, i_credit = 0;
	int64_t balance_pusd = b->closing_pusd;
	struct error ignored;
	struct line l;

	/* Sums between opening and closing, which are within the range. */
	while (take_line(b, &n_days, &i_credit, &l)) {
		add_line(list, app, b, &l, balance_pusd);
		if (money_sub(balance_pusd, l.amount_pusd, &balance_pusd,
			&ignored))
			break;
	}
	tval_set_bool(o, "has_lines", list && list->first);
}

static struct str
month_href(const struct app *app, struct arena *a,
    const struct web_place *place, int64_t month_ms)
{
	char iso[CLOCK_TEXT_BYTES];

	clock_format(month_ms, iso);
	return arena_printf(a, "%" PRI_STR "?month=%.7s",
	    STR_ARG(web_place_href(app, a, place, "billing", 0, NULL)), iso);
}

static void
add_month(struct tval *o, const struct app *app, const struct web_place *place,
    const struct billing *b)
{
	struct arena *a = b->a;
	bool is_current = b->to_ms > b->now_ms;
	bool is_first = b->from_ms <= place->customer.created_at_ms;

	tval_set_text(o, "month_name", view_month_text(a, b->from_ms));
	view_day(o, "first_day", b->from_ms);
	tval_set_bool(o, "is_current", is_current);
	view_money(o, "used", b->used_pusd);
	view_money(o, "credited", b->credited_pusd);
	view_money(o, "opening", b->opening_pusd);
	view_money(o, "closing", b->closing_pusd);
	tval_set_bool(o, "is_unequal",
	    is_current && b->closing_pusd != b->balance_pusd);
	tval_set_bool(o, "is_too_long", b->n_credits > CREDITS_MAX);
	view_count(o, "credits_max", CREDITS_MAX);
	if (b->n_credits <= CREDITS_MAX)
		add_lines(o, app, b);
	/* Usage may have been recorded for a time before the customer was
	 * made: as long as there is a balance, there is an earlier month. */
	tval_set_text(o, "earlier_href",
	    is_first && !b->opening_pusd
		? S("")
		: month_href(app, a, place, b->from_ms - 1));
	tval_set_text(o, "later_href",
	    is_current ? S("") : month_href(app, a, place, b->to_ms));
}

static struct tval *
view(const struct app *app, const struct request *rq,
    const struct web_place *place, const struct billing *b)
{
	struct tval *o = web_place_page(app, rq, place, &page_billing,
	    S("Billing"));
	bool is_owing = b->balance_pusd < 0;

	view_second(o, "as_of", b->now_ms);
	view_time(o, "delayed",
	    b->delayed_since_ms < b->to_ms ? b->delayed_since_ms : 0);
	tval_set_bool(o, "is_owing", is_owing);
	/* -INT64_MIN is no balance that a column can hold. */
	view_money(o, "balance", is_owing ? -b->balance_pusd : b->balance_pusd);
	view_money(o, "spent", b->this_month_pusd);
	tval_set_text(o, "spent_href",
	    arena_printf(rq->arena, "%" PRI_STR "?range=month",
		STR_ARG(
		    web_place_href(app, rq->arena, place, "usage", 0, NULL))));
	tval_set_text(o, "this_month_name",
	    view_month_text(rq->arena, b->now_ms));
	add_month(o, app, place, b);
	return o;
}

enum err
web_billing_show(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct param_value v[ARRAY_LEN(query_spec)];
	struct billing b = { .now_ms = rq->start_ms, .a = rq->arena };
	struct web_place place;
	struct manager m;
	enum err err = param_parse(rq->arena, query_spec, ARRAY_LEN(query_spec),
	    rq->query, v, e);

	if (!err)
		err = read_month(&v[0], &b, e);
	if (!err)
		err = web_place_begin(app, rq, &place, &m, e);
	if (err)
		return err;
	b.customer_id = place.customer.customer_id;
	err = db_snapshot(m.db, load, &b, e);
	manager_end(app, &m);
	return err ? err
		   : web_page_send(app, rq, rs, 200, &page_billing,
			 view(app, rq, &place, &b), e);
}
