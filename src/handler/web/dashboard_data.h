/* SPDX-License-Identifier: MIT */
/*
 * What the overview of one customer shows, read in one snapshot before
 * anything is formatted: so cards, charts and tables say the same. Sums are
 * from the rollups only.
 */
#ifndef TG_HANDLER_WEB_DASHBOARD_DATA_H
#define TG_HANDLER_WEB_DASHBOARD_DATA_H

#include "handler/handler.h"
#include "store/budget.h"
#include "store/customer.h"
#include "store/key.h"
#include "store/name.h"
#include "store/report.h"
#include "store/usage_page.h"

/* Days of chart and tables, today among them. */
#define DASHBOARD_DAYS     30
#define DASHBOARD_REQUESTS 8  /* the newest */
#define DASHBOARD_KEYS     5  /* that end soon */
#define DASHBOARD_SOON     14 /* days */

enum dashboard_range {
	DASHBOARD_TODAY,
	DASHBOARD_WEEK,  /* 7 days, today among them */
	DASHBOARD_MONTH, /* DASHBOARD_DAYS */
	DASHBOARD__RANGES
};

struct dashboard_data {
	int64_t now_ms;
	int64_t delayed_since_ms; /* 0: all usage is here */
	int64_t first_day_ms;     /* of the chart */
	int64_t month_ms;         /* when this month began */
	struct customer customer;
	const struct budget *budget;  /* of all usage; NULL: none */
	const struct budget *balance; /* prepaid; NULL: it is not */
	int64_t month_pusd;           /* spent this month */
	bool has_forecast;            /* there is enough to go by */
	int64_t forecast_pusd;
	struct report_totals totals[DASHBOARD__RANGES];
	uint64_t limited[DASHBOARD__RANGES];    /* refused by a 429 */
	struct report_day days[DASHBOARD_DAYS]; /* each, in order */
	const struct report_model *models;
	size_t n_models;
	const struct report_refusal *refusals;
	size_t n_refusals;
	const struct usage_view *requests; /* the newest first */
	size_t n_requests;
	const struct name *key_names; /* of those requests */
	size_t n_key_names;
	bool has_key;           /* an active one */
	const struct key *keys; /* active ones that end soon, the next first */
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

/* What a page's tag is made of, besides who looks at it. */
struct dashboard_pulse {
	struct report_pulse numbers;
	int64_t hour_ms; /* the forecast counts full hours */
};
/** Costs one statement, whatever the customer used. */
enum err dashboard_pulse(const struct app *app, uint64_t customer_id,
    int64_t now_ms, struct dashboard_pulse *ret,
    struct error *e) ATTR_MUST_CHECK;

#endif
