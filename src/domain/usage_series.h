/* SPDX-License-Identifier: MIT */
/*
 * Usage by a time and a dimension as a page wants it: the greatest groups, those
 * of them that are series of their own, and the rest as one more, period by
 * period. Of most groups only the number is read that tells which are the
 * greatest.
 */
#ifndef TG_DOMAIN_USAGE_SERIES_H
#define TG_DOMAIN_USAGE_SERIES_H

#include "domain/usage_metric.h"
#include "domain/usage_report.h"

#define USAGE_SERIES_OWN      8  /* most series of their own */
#define USAGE_SERIES_SHOWN    25 /* most groups that are shown */
#define USAGE_PERIODS_MAX     400
/* Sums of everybody's callers that each of its readings looks at at most. */
#define USAGE_SERIES_ROWS_MAX 8000

/* What is asked for. */
struct usage_series_wish {
	struct usage_filter filter;
	enum rollup_period period;
	enum usage_dimension by;
	const struct usage_metric *metric;
};

struct usage_series {
	/* Those with the greatest numbers, of percentiles those with the most
	 * requests; by[1] says which. The greatest is first. Times to first
	 * token and what no page shows are right only if the metric is one of
	 * those times; in rest and in other, too. */
	struct usage_group *groups;
	size_t n_shown;
	size_t n_groups;          /* with those that are not shown, */
	struct usage_group rest;  /* which is this */
	size_t n_own;             /* so many of groups have a series each ... */
	bool has_other;           /* ... and all others one together, */
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

/** When periods are of that dimension. */
enum usage_dimension usage_period_dimension(enum rollup_period period);
/** How many periods there are in [from, to). */
size_t usage_periods(int64_t from_ms, int64_t to_ms, enum rollup_period period);

/**
 * All of it from one snapshot.
 * @ret_all  by period alone
 * Errors: ERR_BAD_PARAM "granularity" more than USAGE_PERIODS_MAX; "group_by"
 *         more than USAGE_GROUPS_MAX groups, or more sums of everybody's
 *         callers than USAGE_SERIES_ROWS_MAX; ERR_MONEY_RANGE; the database's.
 * Memory: in a.
 */
enum err usage_series_load(struct db *db, const struct usage_series_wish *w,
    int64_t now_ms, struct arena *a, struct usage_report *ret_all,
    struct usage_series *ret, struct error *e) ATTR_MUST_CHECK;

/**
 * @all       by the dimension of the period
 * @shown     by nothing, then by group: of those that are shown, the greatest
 *            first
 * @own       by period, then by group: at least of those that have a series;
 *            the metric's number is enough
 * @n_groups  that there are
 * Errors: as usage_series_load(), but for "group_by" and the database's.
 * Memory: in a; groups are those of shown.
 */
enum err usage_series_build(const struct usage_report *all,
    const struct usage_report *shown, const struct usage_report *own,
    size_t n_groups, const struct usage_series_wish *w, struct arena *a,
    struct usage_series *ret, struct error *e) ATTR_MUST_CHECK;
/** Sort what is shown, the greatest first. Memory: in a. */
enum err usage_series_sort(struct usage_report *shown,
    const struct usage_metric *m, struct arena *a,
    struct error *e) ATTR_MUST_CHECK;

#endif
