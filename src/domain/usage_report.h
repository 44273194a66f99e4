/* SPDX-License-Identifier: MIT */
/*
 * Sums of usage over a time by one or two dimensions. Its cost is that of
 * the rows of the rollups that it reads, so it reads few: whole months and
 * days from the coarser ones, and of a month that is asked for but for a few
 * days the whole less those. The bounds are widened to full hours.
 */
#ifndef TG_DOMAIN_USAGE_REPORT_H
#define TG_DOMAIN_USAGE_REPORT_H

#include "domain/usage_tally.h"

struct usage_report {
	struct usage_group *groups; /* in order of their values */
	size_t n;
	struct usage_group total;
	int64_t from_ms, to_ms; /* at full hours, `to` excluded */
	bool has_refusals;      /* they are known by these dimensions */
};

/**
 * @f       customer_id 0: all customers; origin is not looked at
 * @now_ms  nothing is later, but for clocks that disagree
 * Errors: ERR_BAD_PARAM "group_by" more than USAGE_GROUPS_MAX groups;
 *         ERR_MONEY_RANGE; the database's.
 * Memory: in a.
 */
enum err usage_report(struct db *db,
    const enum usage_dimension by[USAGE_BY_MAX], const struct usage_filter *f,
    int64_t now_ms, struct arena *a, struct usage_report *ret,
    struct error *e) ATTR_MUST_CHECK;
/**
 * The same of some groups, or of a number of each by which they are to be
 * sorted: groups then have that, `requests` and `refusals`, most else is 0.
 * Within a snapshot it is part of that.
 * Errors: also ERR_BAD_PARAM "group_by" more than wish->rows_max.
 */
enum err usage_report_wish(struct db *db, const struct usage_wish *w,
    int64_t now_ms, struct arena *a, struct usage_report *ret,
    struct error *e) ATTR_MUST_CHECK;

#endif
