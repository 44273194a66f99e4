/* SPDX-License-Identifier: MIT */
#include "handler/web/dashboard_data.h"

#include "base/clock.h"
#include "domain/key.h"
#include "domain/limit.h"
#include "store/db_pool.h"
#include "store/key.h"

#define WAIT_MS  2000
#define KEYS_MAX 500

/* Days before today that each range begins. */
static const int64_t days_back[DASHBOARD__RANGES] = {
	[DASHBOARD_TODAY] = 0,
	[DASHBOARD_WEEK] = 6,
	[DASHBOARD_MONTH] = DASHBOARD_DAYS - 1,
};

enum dashboard_key_state
dashboard_key_state(const struct report_key *k, int64_t now_ms)
{
	if (k->revoked_at_ms != 0)
		return DASHBOARD_KEY_REVOKED;
	if (k->expires_at_ms != 0 && k->expires_at_ms <= now_ms)
		return DASHBOARD_KEY_EXPIRED;
	return k->is_active ? DASHBOARD_KEY_ACTIVE : DASHBOARD_KEY_OFF;
}

static enum err
load_totals(struct db *db, struct dashboard_data *d, struct error *e)
{
	for (unsigned i = 0; i < DASHBOARD__RANGES; i++) {
		enum err err = store_report_totals(db, d->customer.customer_id,
		    d->now_ms - days_back[i] * DAY_MS, d->now_ms, &d->totals[i],
		    e);
		if (err)
			return err;
	}
	return OK;
}

/* Days without usage have no row; here they have one. */
static enum err
load_days(struct db *db, struct arena *a, struct dashboard_data *d,
    struct error *e)
{
	struct report_day *rows;
	size_t n;
	enum err err = store_report_days(db, d->customer.customer_id,
	    d->first_day_ms, d->now_ms, a, &rows, &n, e);
	if (err)
		return err;
	for (int i = 0; i < DASHBOARD_DAYS; i++)
		d->days[i].day_ms = d->first_day_ms + i * DAY_MS;
	for (size_t i = 0; i < n; i++) {
		int64_t at = (rows[i].day_ms - d->first_day_ms) / DAY_MS;
		if (at >= 0 && at < DASHBOARD_DAYS)
			d->days[at] = rows[i];
	}
	return OK;
}

/* Beyond the first keys, what is configured is what is known. */
static struct limit_set
limits_of(const struct key_limits *rows, size_t n, uint64_t api_key_id,
    const struct limit_set *defaults)
{
	struct limit_set set = *defaults;

	for (size_t i = 0; i < n; i++)
		if (rows[i].api_key_id == api_key_id)
			key_limits_resolve(rows[i].layers, defaults, &set);
	return set;
}

static enum err
load_keys(const struct app *app, struct db *db, struct arena *a,
    struct dashboard_data *d, struct error *e)
{
	uint64_t customer_id = d->customer.customer_id;
	struct limit_settings settings;
	struct report_key *rows;
	struct key_limits *limits;
	struct dashboard_key *out;
	size_t n_limits;
	enum err err = store_report_keys(db, customer_id, d->first_day_ms,
	    d->now_ms, a, &rows, &d->n_keys, e);
	if (!err)
		err = store_key_limits(db, customer_id, 0, KEYS_MAX, a, &limits,
		    &n_limits, e);
	if (!err)
		err = limit_settings_read(app->conf, &settings, e);
	if (err)
		return err;
	out = arena_array(a, struct dashboard_key, d->n_keys);
	if (!out)
		return error_arena(e, a);
	for (size_t i = 0; i < d->n_keys; i++) {
		out[i].row = rows[i];
		out[i].state = dashboard_key_state(&rows[i], d->now_ms);
		out[i].limits = limits_of(limits, n_limits, rows[i].api_key_id,
		    &settings.defaults);
	}
	d->keys = out;
	return OK;
}

static enum err
load_tables(struct db *db, struct arena *a, struct dashboard_data *d,
    struct error *e)
{
	struct report_model *models;
	struct report_refusal *refusals;
	enum err err = store_report_models(db, d->customer.customer_id,
	    d->first_day_ms, d->now_ms, a, &models, &d->n_models, e);
	if (!err)
		err = store_report_refusals(db, d->customer.customer_id,
		    d->first_day_ms, d->now_ms, a, &refusals, &d->n_refusals,
		    e);
	if (err)
		return err;
	d->models = models;
	d->refusals = refusals;
	return OK;
}

static enum err
load_all(const struct app *app, struct db *db, uint64_t customer_id,
    struct arena *a, struct dashboard_data *d, struct error *e)
{
	enum err err = store_customer_by_id(db, customer_id, a, &d->customer,
	    e);
	if (!err)
		err = load_totals(db, d, e);
	if (!err)
		err = load_days(db, a, d, e);
	if (!err)
		err = load_tables(db, a, d, e);
	if (!err)
		err = load_keys(app, db, a, d, e);
	return err;
}

enum err
dashboard_load(const struct app *app, uint64_t customer_id, int64_t now_ms,
    struct arena *a, struct dashboard_data *ret, struct error *e)
{
	struct db *db;
	ret->now_ms = now_ms;
	ret->first_day_ms = now_ms - now_ms % DAY_MS -
			    (DASHBOARD_DAYS - 1) * DAY_MS;
	enum err err = db_pool_take(app->shared->db, WAIT_MS, &db, e);
	if (err)
		return err;
	err = load_all(app, db, customer_id, a, ret, e);
	db_pool_give(app->shared->db, db);
	return err;
}
