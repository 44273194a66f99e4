/* SPDX-License-Identifier: MIT */
/* The page Usage: what is asked for, what was found, and how it reads. */
#ifndef TG_HANDLER_WEB_USAGE_H
#define TG_HANDLER_WEB_USAGE_H

#include "domain/usage_series.h"
#include "handler/web/usage_filter.h"

struct usage_choice {
	const char *word; /* of group_by */
	const char *name; /* of a column */
	enum usage_dimension by;
	int kind; /* enum name_kind; -1: it has no names */
};

struct usage_question {
	const struct usage_metric *metric;
	const struct usage_choice *asked; /* what to group by ... */
	const struct usage_choice *group; /* ... and what it is */
	enum rollup_period period;
	bool is_auto;      /* the period follows from the time */
	bool is_coarser;   /* it is longer than what was asked for */
	bool is_ungrouped; /* because it was too much to be told apart */
	/* Groups of each period may be, or are, too many for the file, which then
	 * has each group over the whole time, or each period. */
	bool is_file_long, is_together;
	bool is_csv;
	struct web_usage_filter f;
};

struct usage_found {
	/* By the period; of the file by the period, the group, or both. */
	struct usage_report report;
	struct usage_series series; /* of the page */
	int64_t now_ms;
	int64_t delayed_since_ms; /* 0: all usage is here */
};

/** How a period is called: "22 Nov 2026, 14:00", "22 Nov 2026", "Nov 2026". */
struct str usage_period_text(struct arena *a, enum rollup_period period,
    int64_t start_ms);
extern const char *const usage_period_names[ROLLUP_PERIOD__N];
/** The name of a group's value. Memory: in a. */
struct str usage_group_text(const struct usage_question *q, uint64_t value,
    struct arena *a);
/** A number in its unit; -1 is a dash, but of money. */
struct str usage_number_text(struct arena *a, enum usage_unit unit, int64_t v);

/** The name of a series, the others' included. Memory: in a. */
struct str usage_series_text(const struct usage_question *q,
    const struct usage_series *s, size_t i, struct arena *a);
/** NULL: there is no such. */
const struct usage_metric *usage_metric_of(const char *word);
/** Set `exact` and `text`. */
void usage_number_set(struct tval *o, enum usage_unit unit, int64_t v);
/** The page's file. Memory: in a. */
struct str usage_csv_href(const struct app *app, struct arena *a,
    const struct web_place *place, const struct usage_question *q);
/** The page of one of its periods alone, by shorter ones; "" of hours. Memory:
 * in a. */
struct str usage_period_href(const struct app *app, struct arena *a,
    const struct web_place *place, const struct usage_question *q,
    int64_t start_ms);
/** Add `columns`, `groups` and `total`. */
void usage_groups_add(struct tval *o, const struct app *app,
    const struct web_place *place, const struct usage_question *q,
    const struct usage_found *found);
/** Add `chart`. */
void usage_chart_add(struct tval *o, const struct usage_question *q,
    const struct usage_found *found);

/** The values of the page. */
struct tval *usage_view(const struct app *app, const struct request *rq,
    const struct web_place *place, const struct usage_question *q,
    const struct usage_found *found);

#endif
