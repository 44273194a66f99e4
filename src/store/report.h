/* SPDX-License-Identifier: MIT */
/*
 * Numbers for dashboards, from the rollups only, always within one customer.
 * Ranges are days in UTC, both ends included, given as any instant of them.
 */
#ifndef TG_STORE_REPORT_H
#define TG_STORE_REPORT_H

#include "base/histogram.h"
#include "store/db.h"

struct report_totals {
	uint64_t requests;
	uint64_t failed_requests;
	uint64_t unpriced_requests;  /* whose cost is not in cost_pusd */
	uint64_t estimated_requests; /* whose tokens are estimates */
	uint64_t in_tok;
	uint64_t out_tok;
	int64_t cost_pusd;
	struct histogram latency; /* histogram_percentile_ms() */
	struct histogram ttft;
};

struct report_day {
	int64_t day_ms;
	uint64_t requests;
	uint64_t failed_requests;
	uint64_t unpriced_requests;
	uint64_t in_tok;
	uint64_t out_tok;
	int64_t cost_pusd;
};

struct report_model {
	uint64_t model_id;
	struct str name;
	uint64_t requests;
	uint64_t failed_requests;
	uint64_t unpriced_requests;
	uint64_t in_tok;
	uint64_t out_tok;
	int64_t cost_pusd;
	uint64_t latency_ms; /* sum */
};

struct report_refusal {
	int64_t day_ms;
	struct str reason;
	uint64_t refusals;
};

/* Numbers of which one at least differs once anything in a report does. */
struct report_pulse {
	uint64_t requests;
	uint64_t unpriced_requests;
	int64_t cost_pusd;
	uint64_t refusals;
	int64_t credited_pusd;
	int64_t budgets_at_ms; /* last change of the customer's own; 0: none */
	int64_t delayed_since_ms; /* as store_host_delayed_since() */
};
/**
 * A few rows by primary keys, and of hosts and workers: fit to be asked every
 * other second.
 * @from_ms     usage from its month on
 * @refused_ms  refusals from its hour on
 */
enum err store_report_pulse(struct db *db, uint64_t customer_id,
    int64_t from_ms, int64_t refused_ms, struct report_pulse *ret,
    struct error *e) ATTR_MUST_CHECK;

/** What usage before the month of an instant cost. */
enum err store_report_spent_before(struct db *db, uint64_t customer_id,
    int64_t month_ms, int64_t *ret_pusd, struct error *e) ATTR_MUST_CHECK;

enum err store_report_totals(struct db *db, uint64_t customer_id,
    int64_t from_ms, int64_t to_ms, struct report_totals *ret,
    struct error *e) ATTR_MUST_CHECK;
/** Days with usage, in order; the reader fills the gaps. */
enum err store_report_days(struct db *db, uint64_t customer_id, int64_t from_ms,
    int64_t to_ms, struct arena *a, struct report_day **ret, size_t *ret_n,
    struct error *e) ATTR_MUST_CHECK;
/** By cost, then requests, the greatest first. */
enum err store_report_models(struct db *db, uint64_t customer_id,
    int64_t from_ms, int64_t to_ms, struct arena *a, struct report_model **ret,
    size_t *ret_n, struct error *e) ATTR_MUST_CHECK;
/** By day, then reason. */
enum err store_report_refusals(struct db *db, uint64_t customer_id,
    int64_t from_ms, int64_t to_ms, struct arena *a,
    struct report_refusal **ret, size_t *ret_n,
    struct error *e) ATTR_MUST_CHECK;

#endif
