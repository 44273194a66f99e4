/* SPDX-License-Identifier: MIT */
/*
 * What the dashboard of one customer shows, read from the rollups and the
 * key tables in one go, before anything is formatted.
 */
#ifndef TG_HANDLER_WEB_DASHBOARD_DATA_H
#define TG_HANDLER_WEB_DASHBOARD_DATA_H

#include "domain/principal.h"
#include "handler/handler.h"
#include "store/customer.h"
#include "store/report.h"

/* Days of chart and tables, today among them. */
#define DASHBOARD_DAYS 30

enum dashboard_range {
	DASHBOARD_TODAY,
	DASHBOARD_WEEK,  /* 7 days, today among them */
	DASHBOARD_MONTH, /* DASHBOARD_DAYS */
	DASHBOARD__RANGES
};

enum dashboard_key_state {
	DASHBOARD_KEY_ACTIVE,
	DASHBOARD_KEY_OFF,
	DASHBOARD_KEY_EXPIRED,
	DASHBOARD_KEY_REVOKED,
};

struct dashboard_key {
	struct report_key row;
	enum dashboard_key_state state;
	struct limit_set limits; /* in force */
};

struct dashboard_data {
	int64_t now_ms;
	int64_t first_day_ms;
	struct customer customer;
	struct report_totals totals[DASHBOARD__RANGES];
	struct report_day days[DASHBOARD_DAYS]; /* each, in order */
	const struct report_model *models;
	size_t n_models;
	const struct report_refusal *refusals;
	size_t n_refusals;
	const struct dashboard_key *keys;
	size_t n_keys;
};

/**
 * @ret  zeroed by the caller
 * Errors: ERR_NOT_FOUND no such customer; the database's.
 * Memory: in a.
 */
enum err dashboard_load(const struct app *app, uint64_t customer_id,
    int64_t now_ms, struct arena *a, struct dashboard_data *ret,
    struct error *e) ATTR_MUST_CHECK;

/** The state of a key at a time. */
enum dashboard_key_state dashboard_key_state(const struct report_key *k,
    int64_t now_ms);

#endif
