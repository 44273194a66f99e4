/* SPDX-License-Identifier: MIT */
/*
 * A report by a time and a dimension as a drawing wants it: the greatest
 * groups as series of their own, the rest as one more, period by period; and
 * the groups over the whole time.
 */
#ifndef TG_DOMAIN_USAGE_SERIES_H
#define TG_DOMAIN_USAGE_SERIES_H

#include "domain/usage_metric.h"
#include "domain/usage_report.h"

#define USAGE_SERIES_OWN  8 /* most series of their own */
#define USAGE_PERIODS_MAX 400

struct usage_series {
	/* By the dimension alone, which by[0] has; the greatest first. */
	struct usage_group *groups;
	size_t n_groups;
	size_t n_own;             /* the first of them have a series each ... */
	bool has_other;           /* ... and the others one together, */
	struct usage_group other; /* which is this */
	int64_t *starts_ms;       /* of the periods */
	size_t n_periods;
	/* Of each period: own series, the others', all. What is unknown is -1;
	 * of additive metrics all is the sum of the series. */
	int64_t *values;
};

/** Numbers of one period in `values`. */
static inline size_t
usage_series_width(const struct usage_series *s)
{
	return s->n_own + s->has_other + 1;
}

/** How many periods there are in [from, to). */
size_t usage_periods(int64_t from_ms, int64_t to_ms, enum rollup_period period);

/**
 * @r       made by the dimension of `period`, then another or none
 * Errors: ERR_BAD_PARAM "granularity" more than USAGE_PERIODS_MAX;
 *         ERR_MONEY_RANGE.
 * Memory: in a.
 */
enum err usage_series_build(const struct usage_report *r,
    enum rollup_period period, const struct usage_metric *m, struct arena *a,
    struct usage_series *ret, struct error *e) ATTR_MUST_CHECK;

#endif
