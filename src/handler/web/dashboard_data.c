/* SPDX-License-Identifier: MIT */
#include "handler/web/dashboard_data.h"

#include "base/clock.h"
#include "domain/catalogue.h"
#include "domain/limit.h"
#include "store/db_pool.h"
#include "store/key.h"
#include "store/limit.h"
#include "store/user.h"

#define WAIT_MS  2000
#define KEYS_MAX 500

/* Days before today that each range begins. */
static const int64_t days_back[DASHBOARD__RANGES] = {
	[DASHBOARD_TODAY] = 0,
	[DASHBOARD_WEEK] = 6,
	[DASHBOARD_MONTH] = DASHBOARD_DAYS - 1,
};

/* The tables that limits come from. */
struct limit_sources {
	const struct key *keys; /* by id */
	size_t n_keys;
	const struct user *users;
	size_t n_users;
	const struct role_tier *roles;
	size_t n_roles;
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

static struct limit_rates
rates_of(int64_t per_minute, int64_t per_hour)
{
	return (struct limit_rates){ { per_minute, per_hour } };
}

static struct limit_rates
tier_rates(const struct app *app, uint64_t tier_id)
{
	const struct tier *t = NULL;
	if (tier_id != 0 && app->catalogue)
		t = catalogue_tier(app->catalogue, tier_id);
	return t ? rates_of(t->rate_limit_per_minute, t->rate_limit_per_hour)
		 : rates_of(LIMIT_UNSTATED, LIMIT_UNSTATED);
}

static struct limit_rates
role_rates(const struct app *app, const struct limit_sources *from,
    enum user_role role)
{
	for (size_t i = 0; i < from->n_roles; i++)
		if (str_eq(from->roles[i].role,
			str_from(user_role_names[role])))
			return tier_rates(app, from->roles[i].tier_id);
	return rates_of(LIMIT_UNSTATED, LIMIT_UNSTATED);
}

/* The layers that limit_resolve() goes through, nearest first. */
static struct limit_rates
rates_in_force(const struct app *app, const struct customer *c,
    const struct limit_sources *from, uint64_t api_key_id)
{
	struct limit_rates layer[6];
	size_t n = 0;
	for (size_t i = 0; i < from->n_keys; i++) {
		const struct key *k = &from->keys[i];
		if (k->api_key_id != api_key_id)
			continue;
		layer[n++] = rates_of(k->rate_limit_per_minute,
		    k->rate_limit_per_hour);
		layer[n++] = tier_rates(app, k->rate_limit_tier);
		for (size_t j = 0; j < from->n_users; j++) {
			const struct user *u = &from->users[j];
			if (u->user_id != k->user_id)
				continue;
			layer[n++] = tier_rates(app, u->rate_limit_tier);
			layer[n++] = role_rates(app, from, u->role);
			break;
		}
		break;
	}
	layer[n++] = rates_of(c->rate_limit_per_minute, c->rate_limit_per_hour);
	layer[n++] = rates_of((int64_t)conf_u64(app->conf, CONF_LIMITS_RPM),
	    (int64_t)conf_u64(app->conf, CONF_LIMITS_RPH));
	return limit_resolve(layer, n);
}

static enum err
load_keys(const struct app *app, struct db *db, struct arena *a,
    struct dashboard_data *d, struct error *e)
{
	uint64_t customer_id = d->customer.customer_id;
	struct limit_sources from = { .n_keys = 0 };
	struct report_key *rows;
	struct key *keys;
	struct user *users;
	struct role_tier *roles;
	enum err err = store_report_keys(db, customer_id, d->first_day_ms,
	    d->now_ms, a, &rows, &d->n_keys, e);
	if (!err)
		err = store_key_list(db, customer_id, 0, KEYS_MAX, a, &keys,
		    &from.n_keys, e);
	if (!err)
		err = store_user_list(db, customer_id, a, &users, &from.n_users,
		    e);
	if (!err)
		err = store_role_tier_list(db, a, &roles, &from.n_roles, e);
	if (err)
		return err;
	from.keys = keys;
	from.users = users;
	from.roles = roles;
	struct dashboard_key *out = arena_array(a, struct dashboard_key,
	    d->n_keys);
	if (!out)
		return error_arena(e, a);
	for (size_t i = 0; i < d->n_keys; i++) {
		out[i].row = rows[i];
		out[i].state = dashboard_key_state(&rows[i], d->now_ms);
		out[i].rates = rates_in_force(app, &d->customer, &from,
		    rows[i].api_key_id);
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
