/* SPDX-License-Identifier: MIT */
#include "handler/web/dashboard_data.h"

#include <string.h>

#include "base/clock.h"
#include "base/money.h"
#include "domain/budget_period.h"
#include "domain/forecast.h"
#include "handler/web/limit_view.h"
#include "store/db_pool.h"
#include "store/host.h"

#define WAIT_MS 2000

/* Days before today that each range begins. */
static const int64_t days_back[DASHBOARD__RANGES] = {
	[DASHBOARD_TODAY] = 0,
	[DASHBOARD_WEEK] = 6,
	[DASHBOARD_MONTH] = DASHBOARD_DAYS - 1,
};

struct loading {
	uint64_t customer_id;
	struct dashboard_data *d;
	struct arena *a;
};

static enum err
load_range(struct db *db, const struct loading *l, enum dashboard_range range,
    struct error *e)
{
	struct dashboard_data *d = l->d;

	return store_report_totals(db, l->customer_id,
	    d->now_ms - days_back[range] * DAY_MS, d->now_ms, &d->totals[range],
	    e);
}

/* A few rows a day: one statement has those of all ranges. */
static enum err
load_refusals(struct db *db, const struct loading *l, struct error *e)
{
	struct dashboard_data *d = l->d;
	int64_t today_ms = d->first_day_ms + (DASHBOARD_DAYS - 1) * DAY_MS;
	struct report_refusal *rows;
	size_t n;
	enum err err = store_report_refusals(db, l->customer_id,
	    d->first_day_ms, d->now_ms, l->a, &rows, &n, e);

	if (err)
		return err;
	memset(d->limited, 0, sizeof(d->limited));
	for (size_t i = 0; i < n; i++) {
		if (!web_limit_refusal_text(rows[i].reason))
			continue;
		for (unsigned r = 0; r < DASHBOARD__RANGES; r++)
			if (rows[i].day_ms >= today_ms - days_back[r] * DAY_MS)
				d->limited[r] += rows[i].refusals;
	}
	d->refusals = rows;
	d->n_refusals = web_refusals_sum_up(rows, n);
	return OK;
}

static enum err
add_to(int64_t *sum_pusd, int64_t more_pusd, struct error *e)
{
	return money_add(*sum_pusd, more_pusd, sum_pusd, e);
}

/* Of a forecast, which is left out where it would be a guess: without a
 * request on or before the first of the days that it goes by. */
static enum err
forecast(struct dashboard_data *d, struct error *e)
{
	int64_t last_pusd = 0;
	bool is_old = false;
	enum err err = OK;

	for (size_t i = 0; i < DASHBOARD_DAYS - 1 && !err; i++) {
		if (i >= DASHBOARD_DAYS - 1 - FORECAST_DAYS)
			err = add_to(&last_pusd, d->days[i].cost_pusd, e);
		if (i <= DASHBOARD_DAYS - 1 - FORECAST_DAYS)
			is_old = is_old || d->days[i].requests > 0;
	}
	d->has_forecast = is_old;
	return err ? err
		   : forecast_month(d->month_pusd, last_pusd, d->now_ms,
			 &d->forecast_pusd, e);
}

/* Days without usage have no row; here they have one. On a 31st the month
 * began before the chart's first day. */
static enum err
load_days(struct db *db, const struct loading *l, struct error *e)
{
	struct dashboard_data *d = l->d;
	int64_t from_ms = d->month_ms < d->first_day_ms ? d->month_ms
							: d->first_day_ms;
	struct report_day *rows;
	size_t n;
	enum err err = store_report_days(db, l->customer_id, from_ms, d->now_ms,
	    l->a, &rows, &n, e);

	if (err)
		return err;
	d->month_pusd = 0;
	for (int i = 0; i < DASHBOARD_DAYS; i++)
		d->days[i] = (struct report_day){
			.day_ms = d->first_day_ms + i * DAY_MS,
		};
	for (size_t i = 0; i < n && !err; i++) {
		int64_t at_ms = rows[i].day_ms - d->first_day_ms;

		if (at_ms >= 0 && at_ms < DASHBOARD_DAYS * DAY_MS)
			d->days[at_ms / DAY_MS] = rows[i];
		if (rows[i].day_ms >= d->month_ms)
			err = add_to(&d->month_pusd, rows[i].cost_pusd, e);
	}
	return err ? err : forecast(d, e);
}

static enum err
load_budget(struct db *db, const struct loading *l, enum budget_scope scope,
    const struct budget **ret, struct error *e)
{
	const struct budget_starts now = budget_starts_of(l->d->now_ms);
	struct budget *rows;
	size_t n;
	enum err err = store_budget_page(db, scope, l->customer_id,
	    l->customer_id, l->customer_id, &now, l->a, &rows, &n, e);

	*ret = !err && n > 0 ? rows : NULL;
	return err;
}

static enum err
load_requests(struct db *db, const struct loading *l, struct error *e)
{
	static const struct usage_cursor newest = { 0 };
	struct usage_cursor next;
	struct dashboard_data *d = l->d;
	const struct usage_filter f = {
		.customer_id = l->customer_id,
		.from_ms = d->first_day_ms,
		.to_ms = d->now_ms + DAY_MS, /* clocks of hosts disagree */
	};
	uint64_t ids[DASHBOARD_REQUESTS];
	struct usage_view *rows;
	struct name *names;
	size_t n;
	enum err err = store_usage_page(db, l->customer_id, &f, newest,
	    DASHBOARD_REQUESTS, l->a, &rows, &n, &next, e);

	if (err)
		return err;
	d->requests = rows;
	d->n_requests = n;
	d->n_key_names = 0;
	for (size_t i = 0; i < n; i++)
		ids[i] = rows[i].row.api_key_id;
	if (n == 0)
		return OK;
	err = store_name_find(db, NAME_KEY, l->customer_id, ids, n, l->a,
	    &names, &d->n_key_names, e);
	d->key_names = names;
	return err;
}

static enum err
load_keys(struct db *db, const struct loading *l, struct error *e)
{
	struct dashboard_data *d = l->d;
	static const struct key_filter active = { .state = KEY_ACTIVE + 1 };
	struct key *keys;
	uint64_t next;
	size_t n;
	enum err err = store_key_first(db, l->customer_id, &active, 1, l->a,
	    &keys, &n, &next, e);

	d->has_key = !err && n > 0;
	if (!err)
		err = store_key_ending(db, l->customer_id,
		    d->now_ms + DASHBOARD_SOON * DAY_MS, DASHBOARD_KEYS, l->a,
		    &keys, &n, e);
	if (err)
		return err;
	d->keys = keys;
	d->n_keys = n;
	return OK;
}

/* db_txn_fn */
static enum err
load_all(struct db *db, void *arg, struct error *e)
{
	const struct loading *l = arg;
	struct dashboard_data *d = l->d;
	struct report_model *models;
	enum err err = store_customer_by_id(db, l->customer_id, l->a,
	    &d->customer, e);

	for (unsigned i = 0; i < DASHBOARD__RANGES && !err; i++)
		err = load_range(db, l, (enum dashboard_range)i, e);
	if (!err)
		err = load_refusals(db, l, e);
	if (!err)
		err = load_days(db, l, e);
	if (!err)
		err = load_budget(db, l, BUDGET_CUSTOMER, &d->budget, e);
	if (!err)
		err = load_budget(db, l, BUDGET_BALANCE, &d->balance, e);
	if (!err)
		err = load_requests(db, l, e);
	if (!err)
		err = load_keys(db, l, e);
	if (!err)
		err = store_host_delayed_since(db, &d->delayed_since_ms, e);
	if (!err)
		err = store_report_models(db, l->customer_id, d->first_day_ms,
		    d->now_ms, l->a, &models, &d->n_models, e);
	if (!err)
		d->models = models;
	return err;
}

static int64_t
first_day_of(int64_t now_ms)
{
	return now_ms - now_ms % DAY_MS - (DASHBOARD_DAYS - 1) * DAY_MS;
}

enum err
dashboard_load(const struct app *app, uint64_t customer_id, int64_t now_ms,
    struct arena *a, struct dashboard_data *ret, struct error *e)
{
	struct loading l = { customer_id, ret, a };
	struct db *db;
	enum err err = db_pool_take(app->shared->db, WAIT_MS, &db, e);

	if (err)
		return err;
	ret->now_ms = now_ms;
	ret->first_day_ms = first_day_of(now_ms);
	ret->month_ms = budget_span_of(0, BUDGET_MONTH, now_ms).start_ms;
	err = db_snapshot(db, load_all, &l, e);
	db_pool_give(app->shared->db, db);
	return err;
}

enum err
dashboard_pulse(const struct app *app, uint64_t customer_id, int64_t now_ms,
    struct dashboard_pulse *ret, struct error *e)
{
	struct db *db;
	enum err err = db_pool_take(app->shared->db, WAIT_MS, &db, e);

	if (err)
		return err;
	ret->hour_ms = now_ms - now_ms % HOUR_MS;
	/* Refusals of the last hour may come in this one. */
	err = store_report_pulse(db, customer_id, first_day_of(now_ms),
	    ret->hour_ms - HOUR_MS, &ret->numbers, e);
	db_pool_give(app->shared->db, db);
	return err;
}
